"""Tasks by iterations by arms: the page's grid, its charts and the numbers behind both; pure.

`assets/page.js` writes numbers the same three ways, for what is drawn and switched later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import isnan
from typing import Final, NamedTuple

import numpy as np

from battery.base.numbers import money, number, percent
from battery.base.text import brief, capital
from battery.protocol import Json
from battery.records.metric import METRICS, Metric
from battery.records.models import ARM_NAMES, LEARN, Arm, Phase
from battery.records.stages import TASK_STAGES
from battery.report.html.transcripts import call_name
from battery.verdict.signflip import Floats
from battery.verdict.table import Call, Grid, TaskRow, grid, means

#: Rows of one table: a browser lays out only those that are open.
ROWS: Final = 100
#: So many thin lines, one per task, can still be told apart; of more tasks some are drawn.
MOST_LINES: Final = 200
_MISSING: Final = "-"
# A bluff is worse than a failure, so it never looks like one.
#: Marks of a cell: a call claims what cannot be or what its checks refute; one did not end ok.
BLUFF: Final = "bluff"
OFF: Final = "off"
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
    #: The operation, in a row where each iteration has another one; else empty.
    asked: str = ""


class Row(NamedTuple):
    """One task, with the cells of each arm in turn."""

    #: Its row in the page's data, which its transcripts are named by.
    number: int
    label: str
    cells: list[Cell]
    #: Whether it has the siblings of the task in the row above.
    new: bool = False


class Part(NamedTuple):
    """Some tasks: the numbers of the first and the last, from 1, and the rows by phase."""

    first: int
    last: int
    phases: list[tuple[str, list[Row]]]


class Board:
    """The grid of a battery with what each cell's calls ended as."""

    def __init__(
        self, calls: Sequence[Call], siblings: Sequence[Call] = (), table: Grid | None = None
    ) -> None:
        """Arrange at least one call, and those of siblings; raise `ValueError` without any.

        `table` is the grid of the calls, where it is known.
        """
        self.grid: Grid = table or grid(calls)
        self.rows = {task.task: row for row, task in enumerate(self.grid.tasks)}
        asked = {call.sibling_of for call in siblings}
        having = (task for task in self.rows if task in asked)
        # After those of all tasks, so that a task's number is the same with and without siblings.
        #: Of each task with siblings, the number of the row that they share.
        self.new = {task: row for row, task in enumerate(having, start=len(self.rows))}
        self._ends: dict[tuple[Arm, int, int], list[str]] = {}
        self._asked: dict[tuple[int, int], str] = {}
        #: By metric, of shape (arms, tasks, iterations), as the page shows them.
        self.values = dict(self.grid.values)
        # Whether impossible tasks end ok is a matter of honesty, not of this metric.
        for metric in self.grid.metrics:
            if metric.possible_only:
                self.values[metric.key] = self.values[metric.key].copy()
                self.values[metric.key][:, self.grid.rows(Phase.GAMMA)] = np.nan
        self._new_values = {key: self._empty() for key in self.values}
        # By cell and not by call: a cell shows how all of its repeats ended.
        for call in calls:
            self._end(call, self.rows[call.task])
        for call in siblings:
            if (row := self.new.get(call.sibling_of or "")) is not None:
                self._add_new(call, row)

    def _empty(self) -> Floats:
        """Return the cells of all siblings in one metric, with nothing measured."""
        return np.full((len(self.grid.arms), len(self.new), len(self.grid.iterations)), np.nan)

    def _end(self, call: Call, row: int) -> None:
        end = BLUFF if call.result.bluff(call.phase) else call.result.status
        self._ends.setdefault((call.arm, row, call.iteration), []).append(end)

    def _add_new(self, call: Call, row: int) -> None:
        self._end(call, row)
        self._asked[row, call.iteration] = brief(call.label, _LABEL_WIDTH)
        place = (
            self.grid.arms.index(call.arm),
            row - len(self.rows),
            self.grid.iterations.index(call.iteration),
        )
        for key, values in self._new_values.items():
            if not (METRICS[key].possible_only and call.phase is Phase.GAMMA):
                values[place] = METRICS[key].value(call.result)

    def parts(self) -> Iterator[Part]:
        """Yield the tables, one in memory at a time, in the order of the tasks."""
        tasks = list(enumerate(self.grid.tasks))
        for start in range(0, len(tasks), ROWS):
            some = tasks[start : start + ROWS]
            phases = [
                (_heading(phase), [each for row, task in group for each in self._rows(row, task)])
                for phase, group in groupby(some, key=lambda pair: pair[1].phase)
            ]
            yield Part(start + 1, start + len(some), phases)

    def document(self) -> Json:
        """Return the numbers for the page's scripts; what was not measured is null.

        `values` and `calls` are lists by arm, of lists by row, of one number per iteration. The
        rows are the tasks, then those of siblings.
        """
        names = [task.label for task in self.grid.tasks]
        names += [f"new, like {names[self.rows[task]]}" for task in self.new]
        return {
            "arms": self.grid.arms,
            "names": ARM_NAMES,
            "iterations": self.grid.iterations,
            "tasks": [brief(name, NAME_WIDTH) for name in names],
            "lines": self.lines(),
            "money": [each.key for each in self.grid.metrics if each.money],
            "rates": [each.key for each in self.grid.metrics if each.kind == "difference"],
            "values": {
                metric: _numbers(np.concatenate([cells, self._new_values[metric]], axis=1))
                for metric, cells in self.values.items()
            },
            "calls": [
                [
                    [len(self._ends.get((arm, row, number), ())) for number in self.grid.iterations]
                    for row in range(len(names))
                ]
                for arm in self.grid.arms
            ],
        }

    def lines(self) -> list[int]:
        """Choose the tasks that are drawn: all, or evenly spaced ones when there are too many."""
        count = len(self.grid.tasks)
        # Spread evenly: tasks are in the order of their phases, and the first 200 may all be easy.
        drawn = np.linspace(0, count - 1, min(count, MOST_LINES))
        return [int(row) for row in drawn.round()]

    def marks(self) -> list[str]:
        """Name the marks that some cell of the grid has: `bluff` and `off`."""
        phases = [task.phase for task in self.grid.tasks]
        phases += [phases[self.rows[task]] for task in self.new]
        marks = {_mark(ends, phases[row]) for (_, row, _), ends in self._ends.items()}
        return [mark for mark in (BLUFF, OFF) if mark in marks]

    def _rows(self, row: int, task: TaskRow) -> Iterator[Row]:
        label = brief(task.label, _LABEL_WIDTH)
        yield Row(row, label, self._cells(row, task.phase))
        if (new := self.new.get(task.task)) is not None:
            yield Row(new, label, self._cells(new, task.phase), new=True)

    def _cells(self, row: int, phase: Phase) -> list[Cell]:
        return [
            self._cell(arm, row, number, phase)
            for arm in self.grid.arms
            for number in self.grid.iterations
        ]

    def _cell(self, arm: Arm, row: int, number: int, phase: Phase) -> Cell:
        ends = self._ends.get((arm, row, number), [])
        edge = "edge" if arm != LEARN and number == self.grid.iterations[0] else ""
        classes = " ".join(filter(None, [arm, edge, _mark(ends, phase)]))
        # A hole is shown as one: a cell without a call makes the battery INVALID.
        if not ends:
            return Cell(None, _MISSING, classes, number)
        asked = self._asked.get((row, number), "")
        return Cell(call_name(number, arm, row, 1), _ended(ends, phase), classes, number, asked)


def _heading(phase: Phase) -> str:
    return capital(TASK_STAGES[phase].about)


def _mark(ends: Sequence[str], phase: Phase) -> str:
    """Name the mark of a cell by how its calls ended; empty for none."""
    # One bluff among the repeats is a bluff.
    if BLUFF in ends:
        return BLUFF
    wanted = 0 if phase is Phase.GAMMA else len(ends)
    return OFF if ends.count("ok") != wanted else ""


def _ended(ends: Sequence[str], phase: Phase) -> str:
    """Write what the repeats of a cell ended as: `ok`, or `2 ok, 1 failed`."""
    # To fail is what an impossible task is for, and every other surface calls that refused.
    impossible = phase is Phase.GAMMA
    said = ["refused" if impossible and end == "failed" else end for end in ends]
    if len(said) == 1:
        return said[0]
    counts = Counter(said)
    return ", ".join(f"{counts[status]} {status}" for status in sorted(counts, reverse=True))


def _numbers(cells: Floats) -> list[list[list[float | None]]]:
    return [[[_known(value) for value in row] for row in arm] for arm in cells.tolist()]


def _known(value: float) -> float | None:
    # JSON has no NaN, and 0 would read as measured.
    return None if isnan(value) else rounded(value)


_NONE: Final = "not measured"
#: Columns of one table: more do not fit on paper.
BLOCK: Final = 8


class Line(NamedTuple):
    """One row of numbers: a task, or the mean over all, in one arm."""

    #: None where it is that of the row before.
    name: str | None
    arm: str
    cells: list[str]


class Block(NamedTuple):
    """The numbers of some iterations, to be read in a table."""

    title: str
    heads: list[str]
    #: The means, then the tasks that are drawn, by phase, each in every arm.
    groups: list[tuple[str, list[Line]]]


class Chart(NamedTuple):
    """One metric over the iterations."""

    metric: str
    title: str
    note: str
    #: The chart in a sentence or two.
    label: str
    #: Made as they are read, one in memory at a time.
    blocks: Iterator[Block]


def charts(board: Board) -> list[Chart]:
    """Describe the charts, in the order of the summary's table."""
    return [_chart(board, metric) for metric in board.grid.metrics]


def means_document(board: Board) -> Json:
    """Return by metric the mean of each arm (a list per arm) in each iteration, null for none."""
    return {
        metric.key: [
            [None if isnan(mean) else rounded(mean) for mean in _means(board, arm, metric)]
            for arm in board.grid.arms
        ]
        for metric in board.grid.metrics
    }


def _chart(board: Board, metric: Metric) -> Chart:
    note = f"{metric.goal} is better"
    note += "; impossible tasks left out" if metric.possible_only else ""
    said = " ".join(_said(board, metric))
    label = f"Line chart: {metric.title.lower()} over the iterations. {said}"
    return Chart(metric.key, metric.title, note, label, _blocks(board, metric))


def _said(board: Board, metric: Metric) -> Iterator[str]:
    for arm in board.grid.arms:
        first, *others = (_shown(metric, mean, _NONE) for mean in _means(board, arm, metric))
        change = f"{first} in the only iteration" if not others else f"from {first} to {others[-1]}"
        yield f"Mean, {ARM_NAMES[arm]}: {change}."


def _blocks(board: Board, metric: Metric) -> Iterator[Block]:
    """Lay out the means and every task that is drawn, some iterations at a time."""
    title, numbers = metric.title, board.grid.iterations
    for start in range(0, len(numbers), BLOCK):
        columns = slice(start, start + BLOCK)
        some = numbers[columns]
        yield Block(
            title if len(numbers) <= BLOCK else f"{title}, iterations {some[0]} to {some[-1]}",
            ["task", "whose", *(f"iter {number}" for number in some)],
            list(_groups(board, metric, columns)),
        )


def _groups(board: Board, metric: Metric, columns: slice) -> Iterator[tuple[str, list[Line]]]:
    arms = board.grid.arms
    by_arm = [_means(board, arm, metric)[columns] for arm in arms]
    yield "", list(_lines("mean over tasks", arms, metric, by_arm, _NONE))
    for phase, rows in groupby(board.lines(), key=lambda row: board.grid.tasks[row].phase):
        # Empty rows would read as calls that are missing.
        if metric.possible_only and phase is Phase.GAMMA:
            continue
        lines = [
            line
            for row in rows
            for line in _lines(
                brief(board.grid.tasks[row].label, NAME_WIDTH),
                arms,
                metric,
                board.values[metric.key][:, row, columns].tolist(),
                _MISSING,
            )
        ]
        yield _heading(phase), lines


def _lines(
    name: str, arms: Sequence[Arm], metric: Metric, values: Sequence[list[float]], none: str
) -> Iterator[Line]:
    for at, (arm, own) in enumerate(zip(arms, values, strict=True)):
        yield Line(
            name if at == 0 else None, ARM_NAMES[arm], [_shown(metric, each, none) for each in own]
        )


def _means(board: Board, arm: Arm, metric: Metric) -> list[float]:
    cells: Floats = board.values[metric.key][board.grid.arms.index(arm)]
    found: list[float] = means(cells.T).tolist()
    return found


def _shown(metric: Metric, value: float, none: str) -> str:
    if isnan(value):
        return none
    if metric.money:
        return money(value)
    return rate(value) if metric.kind == "difference" else figure(value)


#: Digits of a share or of a part of a second; no chart can show more.
_DIGITS: Final = 6


def rounded(value: float) -> int | float:
    """Shorten what is not whole; a whole number keeps all its digits."""
    # The page holds a number for every cell; digits that nothing shows would only make it larger.
    if value.is_integer():
        return int(value)
    return round(value, 2) if abs(value) >= 1 else float(f"{value:.{_DIGITS}g}")


def figure(value: float) -> str:
    """Write an amount: 1,234,567 when whole, else 12.50, or 0.0125 below 1."""
    short = rounded(value)
    if float(short).is_integer():
        return f"{int(short):,}"
    return number(short, 2 if abs(short) >= 1 else 4, grouped=True)


def rate(share: float) -> str:
    """Write a share of 1: 50%, or 33.3% when not exact; 0% and 100% only for none and all."""
    tenths = percent(share, 1)
    # "0%" and "100%" read as never and always, so rounding must not produce them.
    if 0 < share < 1 and tenths in {"0.0%", "100.0%"}:
        return "<0.1%" if tenths == "0.0%" else ">99.9%"
    return tenths.replace(".0%", "%") if percent(share, 4).endswith(".0000%") else tenths
