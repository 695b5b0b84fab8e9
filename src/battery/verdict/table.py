"""From calls, one tidy row each, to a grid of cells: task by iteration by arm.

Repeats are averaged inside their cell, so a task that was asked five times is still one task. A
cell that no call fills is NaN, never 0; and a call that reports no tokens or turns has not measured
them and is no part of any mean. A reported 0 is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from battery.records.metric import METRICS, OVERSEER, TABLE, Metric
from battery.records.models import LEARN, Arm, Phase, RunResult
from battery.verdict.signflip import Floats


class Call(NamedTuple):
    """One respond call and what came of it."""

    arm: Arm
    #: Counted from 1.
    iteration: int
    #: Place of the task in the tasks file, over all phases.
    position: int
    phase: Phase
    #: What identifies the task.
    task: str
    #: What people call it.
    label: str
    #: Counted from 1.
    repeat: int
    result: RunResult


class TaskRow(NamedTuple):
    """A task of the grid."""

    task: str
    label: str
    phase: Phase


@dataclass(frozen=True, eq=False)
class Table:
    """The cells of one or two sides; `values[metric]` has the shape (sides, tasks, iterations).

    Of two sides the first is the one in question and the second its base.
    """

    tasks: tuple[TaskRow, ...]
    iterations: tuple[int, ...]
    #: Most calls that any cell holds.
    repeats: int
    #: Fewest calls that any cell with a call holds.
    fewest: int
    #: By metric; of those that the verdict does not count, only the ones that some call measured.
    values: Mapping[str, Floats]

    @property
    def metrics(self) -> list[Metric]:
        """List the metrics of the grid, in the order of the table of metrics."""
        return [METRICS[key] for key in self.values]

    def over(self, columns: slice) -> Self:
        """Keep some of the iterations; `repeats` and `fewest` stay those of the whole."""
        values = {metric: cells[:, :, columns] for metric, cells in self.values.items()}
        return replace(self, iterations=self.iterations[columns], values=values)

    def rows(self, phase: Phase) -> list[int]:
        """Return the rows of the tasks of one phase."""
        return [row for row, task in enumerate(self.tasks) if task.phase is phase]

    @property
    def cells(self) -> int:
        """How many cells a whole battery of this size has."""
        return self.values[OVERSEER].size

    def missing(self) -> int:
        """Count the cells that no call fills."""
        # Every call tells whether the overseer stepped in: here a cell is NaN only without a call.
        return int(np.isnan(self.values[OVERSEER]).sum())


@dataclass(frozen=True, eq=False)
class Grid(Table):
    """All cells of a battery, an arm a side: learn first."""

    arms: tuple[Arm, ...]

    def of(self, arm: Arm, metric: str) -> Floats:
        """Return one metric in one arm: tasks by iterations."""
        cells: Floats = self.values[metric][self.arms.index(arm)]
        return cells


def grid(calls: Sequence[Call]) -> Grid:
    """Average the repeats of every cell of a battery; raise `ValueError` without a call."""
    # Effects are learn over frozen: the order of the sides is part of their meaning.
    arms = sorted({call.arm for call in calls}, key=lambda arm: arm != LEARN)
    table = table_of(*([call for call in calls if call.arm == arm] for arm in arms))
    return Grid(**vars(table), arms=tuple(arms))


def table_of(*sides: Sequence[Call]) -> Table:
    """Average the repeats of every cell; the order of the calls of a side does not matter.

    Tasks are in the order of their position, iterations ascend. Raises `ValueError` without a call.
    """
    calls = [call for own in sides for call in own]
    if not calls:
        raise ValueError("no call, no table")
    # Two batteries may have the same task at different places of their files; the first place wins.
    seen = {call.task: call for call in sorted(calls, key=lambda call: -call.position)}
    tasks = sorted(seen.values(), key=lambda call: (call.position, call.task))
    iterations = sorted({call.iteration for call in calls})
    shape = (len(sides), len(tasks), len(iterations))
    cells = _cells(sides, [call.task for call in tasks], iterations)
    # Repeats are averaged into one cell: they share the task and are no further witnesses.
    counts = np.bincount(cells, minlength=int(np.prod(shape))).astype(np.float64)
    values = {
        metric: _means(cells, each, counts.size).reshape(shape)
        for metric, each in _measured(calls).items()
    }
    return Table(
        tasks=tuple(TaskRow(call.task, call.label, call.phase) for call in tasks),
        iterations=tuple(iterations),
        repeats=int(counts.max()),
        fewest=int(counts[counts > 0].min()),
        values=values,
    )


def log_ratio(over: Floats, under: Floats) -> Floats:
    """Return log(over / under); NaN where either was not measured or is 0.

    Many gateways report 0 where they did not count: calling it an infinite saving would make a
    broken one look perfect. The cautions say how many there are.
    """
    usable = (over > 0) & (under > 0)
    result = np.full(over.shape, np.nan)
    result[usable] = np.log(over[usable] / under[usable])
    return result


def row_means(table: Floats) -> Floats:
    """Average each row over what is not NaN; NaN for a row without any."""
    there = ~np.isnan(table)
    counts = there.sum(axis=1)
    sums = np.where(there, table, 0.0).sum(axis=1)
    means = np.full(len(table), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def mean(cells: Floats) -> float | None:
    """Average what is not NaN; None where nothing was measured."""
    measured = cells[~np.isnan(cells)]
    return float(measured.mean()) if measured.size else None


def _means(cells: NDArray[np.intp], each: Floats, size: int) -> Floats:
    """Average the calls of every cell over those that measured something."""
    # A call that measured nothing must not pull the mean toward 0.
    there = ~np.isnan(each)
    counts = np.bincount(cells[there], minlength=size)
    sums = np.bincount(cells[there], each[there], size)
    means = np.full(size, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _cells(
    sides: Sequence[Sequence[Call]], tasks: Sequence[str], iterations: Sequence[int]
) -> NDArray[np.intp]:
    """Give each call the index of its cell, in row-major order."""
    task_at = {task: index for index, task in enumerate(tasks)}
    iteration_at = {number: index for index, number in enumerate(iterations)}
    width = len(iterations)
    # Flat indices, so that the means of 20,000 calls are a few bincounts and no loop over cells.
    return np.array(
        [
            (side * len(tasks) + task_at[call.task]) * width + iteration_at[call.iteration]
            for side, calls in enumerate(sides)
            for call in calls
        ],
        dtype=np.intp,
    )


def _measured(calls: Sequence[Call]) -> dict[str, Floats]:
    results = [call.result for call in calls]
    found = {metric: np.array([metric.value(result) for result in results]) for metric in TABLE}
    return {
        # A metric that is only shown has no table where nobody reports it. A counted one keeps its
        # empty table: that tokens were never reported has to be said.
        metric.key: each
        for metric, each in found.items()
        if metric.counted or not np.isnan(each).all()
    }
