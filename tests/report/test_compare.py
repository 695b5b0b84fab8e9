"""What terminal, Markdown and page of a comparison have in common."""

from __future__ import annotations

from battery.report import compare as cells
from battery.report.evidence import amount
from tests.report.comparisons import CASES, comparison
from tests.verdict.batteries import PHASES, Cell, calls


def test_the_largest_changes_are_named_both_ways_and_no_more_than_five_each() -> None:
    def changed(cell: Cell) -> dict[str, int]:
        return {"tokens": 1000 + 50 * (cell.task - 11)}

    found = comparison(calls(changed, phases=PHASES * 3), calls(phases=PHASES * 3))
    tasks = [pair.task for pair in cells.biggest(found)]
    grew, fell = [f"id{n}" for n in range(23, 18, -1)], [f"id{n}" for n in range(5)]
    assert tasks == [*grew, *fell]


def test_sides_name_gaps_repeats_and_a_single_iteration() -> None:
    gap = CASES["worse"].before.model_copy(update={"iterations": [1, 3], "repeats": 2})
    assert cells.side(gap) == "no verdict: 8 tasks, iterations 1, 3, learn and frozen, 2 repeats"
    far = gap.model_copy(update={"iterations": [1, 10**20]})
    assert "iterations 1, 100000000000000000000, learn" in cells.side(far)
    none = gap.model_copy(update={"iterations": [], "arms": [], "repeats": 1})
    assert cells.side(none) == "no verdict: 8 tasks, no complete iteration, no arm"
    assert "iteration 1:" not in cells.side(gap.model_copy(update={"iterations": [1]}))


def test_huge_changes_lose_their_digits_and_unknown_ones_are_dashes() -> None:
    assert amount("ratio", 11.0) == ">+900%"
    assert amount("ratio", None) == "-"
    assert amount("difference", -0.5) == "-50.0 pts"
