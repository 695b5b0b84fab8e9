"""The list of systems: enough of each role, each with its story in one line."""

from __future__ import annotations

from collections import Counter

import pytest

from battery.gauntlet.agent import Agent
from battery.gauntlet.registry import Contestant, false
from battery.gauntlet.systems import SYSTEMS


def test_there_are_many_false_learners_and_some_honest_ones() -> None:
    roles = Counter(system.role for system in SYSTEMS)
    assert roles["false"] >= 40
    assert roles["honest"] >= 12


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_every_system_has_a_story_of_its_own(system: Contestant) -> None:
    assert system.story.endswith(".")
    assert len(system.story) <= 100
    assert Counter(other.story for other in SYSTEMS)[system.story] == 1


def test_only_what_nothing_can_tell_says_what_would() -> None:
    for system in SYSTEMS:
        assert bool(system.unmasked_by) is (system.role == "unseen"), system.name


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="are called 'hollow answers'"):
        false("hollow answers")(Agent)
