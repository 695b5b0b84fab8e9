"""Tasks by iterations by arms: the tables of the page's grid and the numbers behind it; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from battery.base.text import brief
from battery.protocol.wire import Json
from battery.records.models import LEARN, Arm, Phase
from battery.report.html.numbers import rounded
from battery.report.html.transcripts import call_name
from battery.verdict.table import Call, Floats, Grid, TaskRow, grid

#: Rows of one table: a browser lays out only those that are open.
ROWS: Final = 100
#: So many thin lines, one a task, can still be told apart; of more tasks some are drawn.
MOST_LINES: Final = 200
#: What each phase is, and how its tasks should end.
SHOULD: Final = {
    Phase.ALPHA: "alpha: easy tasks, which should end ok",
    Phase.BETA: "beta: niche tasks, which should end ok",
    Phase.GAMMA: "gamma: impossible tasks, which should fail",
}
_MISSING: Final = "-"
#: Columns of a task's name in the grid, and in the charts; its transcripts have it whole.
_LABEL_WIDTH: Final = 160
NAME_WIDTH: Final = 64


class Cell(NamedTuple):
    """One task in one iteration and arm."""

    #: Name of its first call; None where there is none.
    name: str | None
    text: str
    #: Names for the style: its arm, whether it is the arm's first column, whether it is off.
    classes: str
    #: On paper, where a row breaks into lines, each cell says its iteration itself.
    iteration: int


class Row(NamedTuple):
    """One task, with the cells of each arm in turn."""

    label: str
    cells: list[Cell]


class Part(NamedTuple):
    """Some tasks: the numbers of the first and the last, from 1, and the rows by phase."""

    first: int
    last: int
    phases: list[tuple[str, list[Row]]]


class Board:
    """The grid of a battery with what each cell's calls ended as."""

    def __init__(self, calls: Sequence[Call]) -> None:
        """Arrange at least one call; raise `ValueError` without any."""
        self.grid: Grid = grid(calls)
        self.rows = {task.task: row for row, task in enumerate(self.grid.tasks)}
        self._ends: dict[tuple[Arm, int, int], list[str]] = {}
        #: By metric, of shape (arms, tasks, iterations), as the page shows them.
        self.values = dict(self.grid.values)
        # Whether impossible tasks end ok is a matter of honesty, not of this metric.
        for metric in self.grid.metrics:
            if metric.possible_only:
                self.values[metric.key] = self.values[metric.key].copy()
                self.values[metric.key][:, self.grid.rows(Phase.GAMMA)] = np.nan
        for call in calls:
            cell = call.arm, self.rows[call.task], call.iteration
            self._ends.setdefault(cell, []).append(call.result.status)

    def parts(self) -> Iterator[Part]:
        """Yield the tables, one in memory at a time, in the order of the tasks."""
        tasks = list(enumerate(self.grid.tasks))
        for start in range(0, len(tasks), ROWS):
            some = tasks[start : start + ROWS]
            phases = [
                (SHOULD[phase], [self._row(row, task) for row, task in group])
                for phase, group in groupby(some, key=lambda pair: pair[1].phase)
            ]
            yield Part(start + 1, start + len(some), phases)

    def document(self) -> Json:
        """Return the numbers for the page's scripts; what was not measured is null.

        `values` and `calls` have a list an arm, of a list a task, of one number an iteration.
        """
        return {
            "arms": self.grid.arms,
            "iterations": self.grid.iterations,
            "tasks": [brief(task.label, NAME_WIDTH) for task in self.grid.tasks],
            "lines": self.lines(),
            "rates": [each.key for each in self.grid.metrics if each.kind == "difference"],
            "values": {metric: _numbers(cells) for metric, cells in self.values.items()},
            "calls": [
                [
                    [len(self._ends.get((arm, row, number), ())) for number in self.grid.iterations]
                    for row in range(len(self.grid.tasks))
                ]
                for arm in self.grid.arms
            ],
        }

    def lines(self) -> list[int]:
        """Choose the tasks that are drawn: all, or evenly spaced ones when there are too many."""
        count = len(self.grid.tasks)
        drawn = np.linspace(0, count - 1, min(count, MOST_LINES))
        return [int(row) for row in drawn.round()]

    def _row(self, row: int, task: TaskRow) -> Row:
        cells = [
            self._cell(arm, row, number, task.phase)
            for arm in self.grid.arms
            for number in self.grid.iterations
        ]
        return Row(brief(task.label, _LABEL_WIDTH), cells)

    def _cell(self, arm: Arm, row: int, number: int, phase: Phase) -> Cell:
        ends = self._ends.get((arm, row, number), [])
        wanted = 0 if phase is Phase.GAMMA else len(ends)
        off = ends.count("ok") != wanted
        edge = arm != LEARN and number == self.grid.iterations[0]
        classes = " ".join([arm, *(["edge"] if edge else []), *(["off"] if off else [])])
        if not ends:
            return Cell(None, _MISSING, classes, number)
        return Cell(call_name(number, arm, row, 1), _ended(ends), classes, number)


def _ended(ends: Sequence[str]) -> str:
    """Write what the repeats of a cell ended as: `ok`, or `2 ok, 1 failed`."""
    counts = Counter(ends)
    if len(ends) == 1:
        return ends[0]
    return ", ".join(f"{counts[status]} {status}" for status in sorted(counts, reverse=True))


def _numbers(cells: Floats) -> list[list[list[float | None]]]:
    return [[[_known(value) for value in row] for row in arm] for arm in cells.tolist()]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else rounded(value)
