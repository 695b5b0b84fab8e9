"""Each scenario turns the dials of its kind and no others, and the documents show them all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pytest

from battery.calibration.campaigns import CAMPAIGNS
from battery.calibration.dials import Dials
from battery.calibration.nulls import NULLS, UNPROMISED
from battery.calibration.scenario import Scenario
from battery.calibration.scenarios import BATTERIES, HARM, LEARNING, SCENARIOS

DOCUMENT = (Path(__file__).parents[2] / "docs/explanation/calibration.md").read_text("utf-8")
PLAIN = Dials()

#: What is learned, or done to the tasks, by the learner.
OF_LEARNING = {
    "drop", "saved", "niche_only", "solves", "carries", "bloat", "forget_from", "gives_up", "bluff",
}  # fmt: skip
#: What an arm has for itself, all its tasks together, or what makes its numbers worthless.
OF_ONE_ARM = {
    "own_shock", "wander", "regime", "playbook", "walk", "unlike_start", "alike", "cached",
    "missing", "hopeless",
}  # fmt: skip


def turned(dials: Dials) -> set[str]:
    """Return the dials that are not as they are by default."""
    names = (field.name for field in fields(dials))
    return {name for name in names if getattr(dials, name) != getattr(PLAIN, name)}


def test_scenarios_have_names_of_their_own_and_say_what_they_are() -> None:
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    assert all(scenario.about.endswith(".") for scenario in SCENARIOS)
    assert all(len(scenario.name) <= 25 for scenario in SCENARIOS)


def test_nothing_is_learned_or_broken_in_a_null() -> None:
    assert {s.name for s in BATTERIES if s.null} == {s.name for s in NULLS}
    for scenario in NULLS:
        assert not turned(scenario.dials) & (OF_LEARNING | OF_ONE_ARM)
        assert scenario.dials.arms == 2


def test_every_scenario_without_learning_has_its_bound_or_the_reason_why_not() -> None:
    for scenario in SCENARIOS:
        nothing = scenario.dials.arms == 2 and not turned(scenario.dials) & OF_LEARNING
        if nothing and not scenario.caught:
            assert scenario.null or scenario.unpromised
    assert all(scenario.unpromised for scenario in UNPROMISED)


def test_something_is_learned_where_power_is_documented() -> None:
    for scenario in LEARNING:
        assert turned(scenario.dials) & OF_LEARNING
        assert not turned(scenario.dials) & OF_ONE_ARM
    assert {s.name for s in BATTERIES if s.power is not None} <= {s.name for s in LEARNING}


def test_every_kind_of_harm_has_a_bound_of_its_own() -> None:
    for scenario in HARM:
        assert scenario.caught or scenario.rare or scenario.unpromised


@pytest.mark.parametrize(("place", "scenarios"), [(0, BATTERIES), (1, CAMPAIGNS)])
def test_the_documented_tables_have_the_scenarios_in_their_order_and_all_bounds_hold(
    place: int, scenarios: Sequence[Scenario]
) -> None:
    table = DOCUMENT.split("```text\n")[1 + place].split("\n```")[0].splitlines()
    names = [line.split("  ")[0] for line in table[1 : len(scenarios) + 1]]
    assert names == [scenario.name for scenario in scenarios]
    assert re.fullmatch(r"(\d+) of \1 bounds hold \(preset full, seed 1, .*", table[-1])


def test_the_documented_power_is_what_the_bounds_ask_for() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (\d+)% \|$", DOCUMENT, re.MULTILINE)
    asked = [(s.name, str(round(100 * s.power))) for s in SCENARIOS if s.power is not None]
    assert rows == asked


def test_what_is_not_promised_is_listed_in_the_document_with_its_reason() -> None:
    section = DOCUMENT.split("## Not promised\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE) == [
        s.name for s in SCENARIOS if s.unpromised
    ]
