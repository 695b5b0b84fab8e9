"""What counts as forgotten: confirmed, lasting, not the twin's own, and no luck."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from battery.records.models import FROZEN, LEARN
from battery.verdict.facts import Forgotten, Reruns
from battery.verdict.forgetting import forgotten
from tests.verdict.batteries import Cell, Changes, observed


def fails(task: int, *iterations: int, arms: tuple[str, ...] = (LEARN,)) -> Changes:
    def changes(cell: Cell) -> dict[str, Any]:
        hit = cell.task == task and cell.iteration in iterations and cell.arm in arms
        return {"status": "failed"} if hit else {}

    return changes


def lost(
    changes: Changes,
    reruns: dict[tuple[int, int], int] | None = None,
    *,
    alike: bool = False,
    **shape: Any,
) -> list[Forgotten]:
    """List the losses; of five reruns each, so many fail."""
    again = {
        place: Reruns([repeat >= failed for repeat in range(5)], alike)
        for place, failed in (reruns or {}).items()
    }
    return forgotten(observed(changes, **shape)._replace(reruns=again))


@pytest.mark.parametrize("row", [1, 4])
@pytest.mark.parametrize(("failed", "counts"), [(5, True), (4, True), (3, False)])
def test_a_task_that_passed_and_fails_is_lost_once_four_of_five_reruns_fail(
    row: int, failed: int, counts: bool
) -> None:
    (loss,) = lost(fails(row, 3), {(row, 3): failed}, iterations=3)
    assert (loss.iteration, loss.failed, loss.asked, loss.counts) == (3, failed, 5, counts)


def test_an_impossible_task_cannot_be_forgotten() -> None:
    assert lost(lambda cell: {"status": "ok" if cell.iteration == 1 else "failed"})[-1:]
    assert all("gamma" not in loss.label for loss in lost(fails(7, 2, 3)))


def test_reruns_of_another_task_or_iteration_confirm_nothing() -> None:
    (loss,) = lost(fails(1, 3), {(0, 3): 5, (1, 2): 5})
    assert (loss.asked, loss.counts) == (0, False)


def test_what_the_twin_fails_from_then_on_as_well_is_not_forgotten() -> None:
    (loss,) = lost(fails(1, 3, arms=(LEARN, FROZEN)), {(1, 3): 5})
    assert (loss.frozen_too, loss.frozen_never) == (True, True)
    assert (loss.suspected, loss.counts) == (False, False)


def test_what_the_twin_still_does_now_and_then_stays_under_suspicion() -> None:
    def mostly(cell: Cell) -> dict[str, Any]:
        lucky = cell.iteration == 4 and cell.arm == FROZEN
        return {} if lucky else fails(1, 2, 3, 4, arms=(LEARN, FROZEN))(cell)

    loss = lost(mostly, {(1, 2): 5}, iterations=4)[0]
    assert (loss.frozen_too, loss.frozen_never) == (True, False)
    assert (loss.suspected, loss.counts) == (True, False)


def test_what_came_back_is_no_longer_lost() -> None:
    (loss,) = lost(fails(1, 2), {(1, 2): 5})
    assert loss.came_back
    assert not loss.counts


def test_a_loss_that_counts_is_listed_once() -> None:
    (loss,) = lost(fails(1, 2, 3, 4), {(1, 2): 5}, iterations=4)
    assert (loss.iteration, loss.counts) == (2, True)


def test_a_task_that_never_passed_is_lost_where_the_twin_does_it_and_reruns_say_so() -> None:
    never = fails(1, 1, 2, 3)
    assert lost(never) == []
    (loss,) = lost(never, {(1, 2): 5})
    assert loss.iteration == 2
    # It failed in iteration 1 as well, so that all this may be luck.
    assert loss.chance == pytest.approx(scipy.stats.hypergeom.cdf(0, 10, 3, 6))


def test_a_task_that_fails_now_and_then_in_both_arms_is_flaky_and_not_lost() -> None:
    def flaky(cell: Cell) -> dict[str, Any]:
        lucky = cell.iteration == 1 or (cell.arm == FROZEN and cell.iteration > 4)
        return {} if cell.task != 1 or lucky else {"status": "failed"}

    (loss,) = [each for each in lost(flaky, {(1, 5): 4}, iterations=6) if each.asked]
    assert not loss.frozen_too
    assert not loss.counts


def test_equal_answers_are_one_observation_unless_the_system_always_answers_alike() -> None:
    def noisy(cell: Cell) -> dict[str, Any]:
        return fails(1, 3)(cell) | {"tokens": 1000 + 10 * cell.iteration}

    (loss,) = lost(noisy, {(1, 3): 5}, alike=True)
    assert (loss.asked, loss.counts) == (1, False)
    (sure,) = lost(fails(1, 3), {(1, 3): 5}, alike=True)
    assert (sure.asked, sure.chance, sure.counts) == (5, 0.0, True)


def test_without_a_twin_reruns_alone_decide() -> None:
    (loss,) = lost(fails(1, 3), {(1, 3): 4}, arms=(LEARN,))
    assert (loss.chance, loss.counts) == (None, True)


@given(st.integers(1, 3), st.integers(0, 5), st.integers(2, 5))
def test_the_chance_is_fishers(repeats: int, failed: int, iterations: int) -> None:
    (loss,) = lost(
        fails(1, iterations), {(1, iterations): failed}, iterations=iterations, repeats=repeats
    )
    # Everything before passed, in both arms.
    before = repeats * (2 * iterations - 1)
    table = np.array([[5 - failed, repeats + failed], [before, 0]])
    fisher = scipy.stats.fisher_exact(table, alternative="less").pvalue
    assert loss.chance == pytest.approx(fisher)
