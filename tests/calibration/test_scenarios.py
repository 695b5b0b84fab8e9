"""Each scenario turns the dials of its kind and no others, and the documents show them all."""

from __future__ import annotations

import re
from pathlib import Path

from battery.calibration.scenarios import DEPLOYMENTS, HARM, NULLS, SCENARIOS

DOCUMENT = (Path(__file__).parents[2] / "docs/explanation/calibration.md").read_text("utf-8")


def test_scenarios_have_names_of_their_own_and_say_what_they_are() -> None:
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    assert all(scenario.about.endswith(".") for scenario in SCENARIOS)


def test_nothing_is_learned_or_broken_in_a_null() -> None:
    assert {s.name for s in SCENARIOS if s.null} == {s.name for s in NULLS}
    for scenario in NULLS:
        dials = scenario.dials
        assert dials.arms == 2
        assert (dials.drop, dials.saved_once, dials.bloat, dials.bluff) == (0, 0, 0, 0)
        assert (dials.unlike_start, dials.offset, dials.own_shock, dials.pace) == (0, 0, 0, 1)
        assert (dials.forget_from, dials.missing) == (None, 0)


def test_nothing_is_learned_where_deployments_differ() -> None:
    for scenario in DEPLOYMENTS:
        dials = scenario.dials
        assert dials.arms == 2
        assert (dials.drop, dials.saved_once, dials.forget_from) == (0, 0, None)
        assert (dials.offset, dials.own_shock, dials.pace) != (0, 0, 1)


def test_every_kind_of_harm_has_a_bound_of_its_own() -> None:
    for scenario in HARM:
        assert scenario.catch or scenario.dials.bluff


def test_the_documented_table_has_the_scenarios_in_their_order_and_all_bounds_hold() -> None:
    table = DOCUMENT.split("```text\n")[1].split("\n```")[0].splitlines()
    names = [line.split("  ")[0] for line in table[1 : len(SCENARIOS) + 1]]
    assert names == [scenario.name for scenario in SCENARIOS]
    assert re.fullmatch(r"(\d+) of \1 bounds hold \(preset full, seed 1, .*", table[-1])


def test_the_documented_power_is_what_the_bounds_ask_for() -> None:
    rows = re.findall(r"^\| (\d+)% \| (\d) \| (\d+)% \| (\d+)% \|$", DOCUMENT, re.MULTILINE)
    documented = [tuple(map(int, row)) for row in rows]
    asked = [
        (round(100 * s.dials.drop), s.dials.iterations, *(round(100 * share) for share in s.power))
        for s in SCENARIOS
        if s.power
    ]
    assert documented == asked
