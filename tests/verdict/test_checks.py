"""A check that passes everything or nothing in both arms is told."""

from __future__ import annotations

from typing import Any

from battery.records.models import LEARN, SOLVABLE
from battery.verdict.assess import assess
from battery.verdict.checks import refuting_all, untried
from battery.verdict.table import grid
from tests.verdict.batteries import PASSES, REFUTED, Cell, calls, observed


def graded(cell: Cell) -> dict[str, Any]:
    return PASSES if cell.phase in SOLVABLE else {}


def test_checks_that_refuted_nothing_are_taken_for_granted() -> None:
    said = "they refuted none of 36 claims, of learner or twin."
    assert (untried(grid(calls(graded))) or "").endswith(said)
    assert any(text.endswith(said) for text in assess(observed(graded)).assumptions)

    def once(cell: Cell) -> dict[str, Any]:
        return REFUTED if cell == (LEARN, 1, 0, cell.phase, 1) else graded(cell)

    assert untried(grid(calls(once))) is None


def test_without_checks_nothing_is_taken_for_granted_of_them() -> None:
    assert (untried(grid(calls())), refuting_all(grid(calls()))) == (None, None)


def test_a_check_that_refutes_every_claim_in_both_arms_is_told() -> None:
    def always(cell: Cell) -> dict[str, Any]:
        return REFUTED if cell.task == 4 else graded(cell)

    said = (
        'all 6 answers to "beta 4" that claim ok fail the same check, `checks[0]`: see whether '
        "the check itself is wrong"
    )
    assert refuting_all(grid(calls(always))) == said
    assert said in assess(observed(always)).cautions


def test_of_several_such_checks_the_first_is_named_and_the_others_are_counted() -> None:
    def several(most: int) -> str:
        made = calls(lambda cell: REFUTED if cell.task < most else graded(cell))
        return refuting_all(grid(made)) or ""

    assert "fail the same check, `checks[0]` (so it is with 1 more check):" in several(2)
    assert "(so it is with 2 more checks):" in several(3)


def test_a_check_that_passes_once_in_either_arm_is_not_suspected() -> None:
    def but_one(cell: Cell) -> dict[str, Any]:
        passes = cell.arm != LEARN and cell.iteration == 3
        return PASSES if cell.task != 4 or passes else REFUTED

    assert refuting_all(grid(calls(but_one))) is None

    def in_one_arm(cell: Cell) -> dict[str, Any]:
        return REFUTED if cell.task == 4 and cell.arm == LEARN else graded(cell)

    assert refuting_all(grid(calls(in_one_arm))) is None
