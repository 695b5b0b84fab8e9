"""What the direction count is worth."""

from __future__ import annotations

from typing import Any

from battery.verdict.luck import luck
from tests.verdict.batteries import Cell, observed


def test_a_single_iteration_counts_nothing() -> None:
    assert luck(observed(iterations=1).grid) is None


def test_where_nothing_changed_there_is_no_luck() -> None:
    assert luck(observed(lambda _: {"overseer_called": False}).grid) is None


def test_metrics_that_move_together_validate_half_of_all_batteries() -> None:
    """One task becomes cheaper in tokens, turns and time: so it does in half of all exchanges."""

    def changes(cell: Cell) -> dict[str, Any]:
        last = cell.iteration == 3 and cell.task == 0
        cheap = {"tokens": 500, "turns": 2, "elapsed_ms": 1000} if last else {}
        return {"overseer_called": False} | cheap

    found = luck(observed(changes).grid)
    assert found
    assert (found.improved, found.as_many, found.validated) == (3, 0.5, 0.5)


def test_all_tasks_that_improve_are_rarely_luck() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        return {"tokens": 1000 - 100 * cell.iteration, "overseer_called": False}

    found = luck(observed(changes).grid)
    assert found
    assert (found.improved, found.as_many, found.validated) == (1, 93 / 256, 0.0)
