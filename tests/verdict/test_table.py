"""Calls become cells: repeats are averaged, and what was not measured is no number."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from battery.records.metric import COUNTED, TOKENS, TURNS
from battery.records.models import FROZEN, LEARN, Phase
from battery.verdict.table import grid, mean, means, table_of
from tests.verdict.batteries import Cell, calls

NAN = np.nan


def by_place(cell: Cell) -> dict[str, Any]:
    """Give each repeat of a cell tokens that name its task and iteration."""
    return {"tokens": 1000 * cell.task + 100 * cell.iteration + cell.repeat}


def test_the_repeats_of_a_cell_are_averaged() -> None:
    made = grid(calls(by_place, repeats=3))
    assert (made.repeats, made.fewest, made.cells) == (3, 3, 2 * 8 * 3)
    expected = 1000 * np.arange(8)[:, None] + np.array([102, 202, 302])
    assert made.of(LEARN, TOKENS) == pytest.approx(expected)


def test_a_repeat_that_reports_nothing_is_no_part_of_its_cell() -> None:
    made = grid(calls(lambda cell: {"tokens": 500 if cell.repeat == 2 else None}, repeats=2))
    assert (made.of(FROZEN, TOKENS) == 500).all()
    unmeasured = grid(calls(lambda cell: {"turns": None if cell.task == 0 else 4}))
    assert np.isnan(unmeasured.of(LEARN, TURNS)[0]).all()
    # The calls were made: only their turns are not known.
    assert unmeasured.missing() == 0


def test_a_repeat_that_reports_0_is_a_part_of_its_cell_and_0_has_no_ratio() -> None:
    made = grid(calls(lambda cell: {"tokens": 500 * (cell.repeat == 2)}, repeats=2))
    assert (made.of(FROZEN, TOKENS) == 250).all()
    free = grid(calls(lambda cell: {"tokens": 0 if cell.task == 0 else 4}))
    assert (free.of(LEARN, TOKENS)[0] == 0).all()


def test_a_cell_without_a_call_is_missing_and_not_nought() -> None:
    made = grid(calls()[:-2])
    assert made.missing() == 2
    assert np.isnan(made.of(LEARN, TOKENS)[-1, -1])
    assert np.isnan(made.of(FROZEN, TOKENS)[-1, -1])


def test_tasks_and_iterations_are_in_their_order_whatever_the_order_of_the_calls() -> None:
    made = calls(by_place, repeats=2)
    mixed = random.Random(1).sample(made, len(made))
    one, other = grid(made), grid(mixed)
    assert other.iterations == (1, 2, 3)
    assert other.tasks == one.tasks
    assert [task.task for task in other.tasks] == [f"id{number}" for number in range(8)]
    for metric in one.values:
        np.testing.assert_array_equal(other.values[metric], one.values[metric])


def test_the_learn_arm_comes_first_and_sides_as_they_are_given() -> None:
    made = calls(lambda cell: {"tokens": 7 if cell.arm == LEARN else 9})
    assert grid(made[::-1]).arms == (LEARN, FROZEN)
    frozen, learn = ([call for call in made if call.arm == arm] for arm in (FROZEN, LEARN))
    assert table_of(frozen, learn).values[TOKENS][:, 0, 0].tolist() == [9, 7]


def test_a_part_of_the_iterations_keeps_tasks_and_repeats() -> None:
    whole = grid(calls(by_place, repeats=2))
    later = whole.over(slice(1, None))
    assert (later.iterations, later.tasks, later.repeats) == ((2, 3), whole.tasks, 2)
    assert later.of(LEARN, TOKENS).tolist() == whole.of(LEARN, TOKENS)[:, 1:].tolist()
    assert later.rows(Phase.BETA) == [3, 4, 5]


def test_the_metrics_that_count_are_there_even_where_no_call_measured_them() -> None:
    made = grid(calls(lambda _: {"tokens": None}))
    assert tuple(made.metrics) == COUNTED
    assert np.isnan(made.values[TOKENS]).all()


def test_without_a_call_there_is_no_table() -> None:
    with pytest.raises(ValueError, match="no call"):
        grid([])


def test_means_leave_out_what_was_not_measured() -> None:
    table = np.array([[1.0, 3.0], [NAN, 4.0], [NAN, NAN]])
    assert means(table) == pytest.approx([2, 4, NAN], nan_ok=True)
    assert mean(table) == pytest.approx(8 / 3)
    assert mean(table[2]) is None
