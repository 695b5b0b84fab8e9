"""How much was done is counted in calls, and a loss is tested with its reruns."""

from __future__ import annotations

from math import comb
from typing import Any

import pytest

from battery.records.models import FROZEN, LEARN, Phase
from battery.verdict import policy, work
from battery.verdict.facts import Loss, Reruns
from battery.verdict.table import Grid
from battery.verdict.work import Counts
from tests.verdict.batteries import Cell, observed


def failing(task: int) -> Any:
    def changes(cell: Cell) -> dict[str, Any]:
        lost = cell.task == task and cell.arm == LEARN and cell.iteration > 1
        return {"status": "failed"} if lost else {}

    return changes


def later(task: int = 3) -> Any:
    return observed(failing(task)).grid.over(slice(1, None))


def test_calls_that_ended_ok_are_counted() -> None:
    done = work.done(later(), [3, 4])
    assert done == Counts(learn=2, learn_calls=4, frozen=4, frozen_calls=4)
    assert done.gain == -0.5
    assert Counts(0, 0, 3, 4).gain == 0.0


def test_a_task_that_can_be_done_is_a_stratum() -> None:
    strata = work.by_task(later())
    assert len(strata) == 6
    assert strata[3] == (0, 2, 2, 2)


def test_reruns_belong_to_the_learn_arm_of_their_iteration() -> None:
    again = {(3, 2): Reruns([False] * 5, False), (3, 1): Reruns([True] * 5, False)}
    assert work.by_task(later(), again)[3] == (0, 7, 2, 2)


def loss_p(grid: Grid, reruns: dict[tuple[int, int], Reruns]) -> float | None:
    return work.losses(grid, reruns)[0].p


def test_a_loss_is_the_surer_the_more_reruns_fail() -> None:
    alone = loss_p(later(), {})
    confirmed = loss_p(later(), {(3, 2): Reruns([False] * 5, False)})
    refuted = loss_p(later(), {(3, 2): Reruns([True] * 5, False)})
    assert alone == pytest.approx(1 / 6)
    assert confirmed == pytest.approx(1 / comb(9, 2))
    assert refuted
    assert refuted > 0.5
    assert loss_p(observed().grid.over(slice(1, None)), {}) is None


def test_an_impossible_task_is_no_work() -> None:
    assert loss_p(later(7), {}) is None
    assert FROZEN in later(7).arms


def test_a_loss_is_tested_by_kind_so_that_no_gain_of_others_hides_it() -> None:
    """Easy tasks lose what niche tasks gain."""

    def changes(cell: Cell) -> dict[str, Any]:
        fails = {Phase.ALPHA: cell.arm == LEARN, Phase.BETA: cell.arm == FROZEN}
        return {"status": "failed"} if cell.iteration > 1 and fails.get(cell.phase) else {}

    every, niche, easy = work.losses(observed(changes).grid.over(slice(1, None)), {})
    assert [every.kind, niche.kind, easy.kind] == ["all", "niche", "easy"]
    assert [every.amount, niche.amount, easy.amount] == [0, -1, 1]
    assert niche.p == 1
    assert easy.p == pytest.approx(1 / comb(4, 2) ** 3)
    assert not every.counts(0.1, policy.LOSS)
    assert not niche.counts(0.1, policy.LOSS)
    assert easy.counts(0.1, policy.LOSS)


def test_reruns_count_with_the_kind_of_their_task() -> None:
    again = {(3, 2): Reruns([False] * 5, False)}
    every, niche, easy = work.losses(later(), again)
    assert every.p == niche.p == pytest.approx(1 / comb(9, 2))
    assert easy.p is None


@pytest.mark.parametrize(
    ("kind", "p", "amount", "counts"),
    [
        ("all", 0.1, 0.1, True),
        ("all", 0.101, 0.1, False),
        ("all", 0.1, 0.09, False),
        # Niche and easy tasks share the level.
        ("niche", 0.05, 0.1, True),
        ("niche", 0.051, 0.1, False),
        ("easy", 0.05, 0.09, False),
        ("easy", None, 0.5, False),
    ],
)
def test_what_makes_a_loss_count(kind: Any, p: float | None, amount: float, counts: bool) -> None:
    assert Loss(kind, p, amount).counts(0.1, 0.1) is counts
