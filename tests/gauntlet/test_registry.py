"""A contestant says what battery its system is put through."""

from __future__ import annotations

from battery.gauntlet.agent import Agent
from battery.gauntlet.registry import Contestant
from battery.gauntlet.world import Layout


class Told(Agent):
    """Does one thing.

    And more of it.
    """


def test_the_story_is_the_first_line_of_the_docstring() -> None:
    assert Contestant("name", "false", Told).story == "Does one thing."


def test_there_are_as_many_siblings_as_iterations_or_none() -> None:
    system = Contestant("name", "false", Told, iterations=4, counts=(1, 2, 3), prices=True)
    assert system.layout == Layout((1, 2, 3), 4, "exact", prices=True)
    assert Contestant("name", "false", Told, siblings=False).layout.siblings == 0
