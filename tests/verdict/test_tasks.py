"""Which tasks learned: by name, with both arms' numbers, and the largest gain first."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records.expectations import Expectations, Relevant
from battery.records.findings import TaskEffect
from battery.records.metric import TOKENS
from battery.records.models import LEARN, Phase
from battery.verdict.tasks import by_task
from tests.verdict.batteries import Cell, Changes, observed


def listed(changes: Changes, **expectations: Any) -> list[TaskEffect]:
    battery = observed(changes)._replace(expectations=Expectations(**expectations))
    return by_task(battery, TOKENS, battery.grid.over(slice(1, None)))


def later(cell: Cell) -> bool:
    return cell.arm == LEARN and cell.iteration > 1


def of(task: int, **result: Any) -> Changes:
    return lambda cell: result if cell.task == task and later(cell) else {}


@pytest.mark.parametrize(
    ("changes", "change"),
    [
        (of(0, tokens=900), "better"),
        (of(0, tokens=901), "same"),
        (of(0, tokens=1100), "worse"),
        (of(0, status="failed"), "worse"),
        (of(0, status="failed", tokens=500), "mixed"),
        (of(0, tokens=None), "same"),
    ],
)
def test_a_task_is_better_or_worse_by_what_counts(changes: Changes, change: str) -> None:
    row = next(task for task in listed(changes) if task.task == "id0")
    assert row.change == change


def test_an_impossible_task_that_ends_ok_is_no_gain() -> None:
    rows = {task.task: task for task in listed(of(7, status="ok", error=None))}
    assert (rows["id7"].learn_done, rows["id7"].change) == (2, "worse")


def test_an_impossible_task_that_is_claimed_for_less_is_no_gain_with_the_twin_bluffing_too() -> (
    None
):
    def changes(cell: Cell) -> dict[str, Any]:
        bluff = {"status": "ok", "error": None} if cell.task == 7 else {}
        return bluff | ({"tokens": 500} if later(cell) else {})

    rows = {task.task: task for task in listed(changes)}
    assert (rows["id6"].change, rows["id7"].change) == ("better", "same")


def test_what_counts_is_in_the_tasks_file() -> None:
    relevant = Relevant(cost=0.02, success=0.6)
    rows = {task.task: task for task in listed(of(0, tokens=970), relevant=relevant)}
    assert rows["id0"].change == "better"


def test_the_largest_gain_comes_first_and_a_loss_last() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        return {"tokens": [1000, 500, 700, 1300][cell.task % 4]} if later(cell) else {}

    found = listed(changes)
    assert [task.change for task in found] == ["better"] * 4 + ["same"] * 2 + ["worse"] * 2
    assert [task.ratio for task in found] == sorted(task.ratio or 0 for task in found)
    assert {task.phase for task in found} == set(Phase)


def test_numbers_of_both_arms_rest_on_the_same_cells() -> None:
    rows = listed(
        lambda c: (
            {"tokens": None} if later(c) and c.iteration == 3 else {"tokens": 100 * c.iteration}
        )
    )
    assert {(task.learn, task.frozen) for task in rows} == {(200.0, 200.0)}
    assert {(task.learn_calls, task.frozen_calls) for task in rows} == {(2, 2)}
