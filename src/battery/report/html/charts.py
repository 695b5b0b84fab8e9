"""What the charts show besides their lines: titles, words and tables; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from battery.base.text import brief
from battery.protocol.wire import Json
from battery.records.metric import Metric
from battery.records.models import Arm, Phase
from battery.report.html.grid import NAME_WIDTH, SHOULD, Board
from battery.report.html.numbers import figure, rate, rounded
from battery.verdict.table import Floats, row_means

_NONE: Final = "not measured"
_MISSING: Final = "-"
#: Columns of one table: more do not fit on paper.
BLOCK: Final = 8


class Line(NamedTuple):
    """One row of numbers: a task, or the mean over all, in one arm."""

    #: None where it is that of the row before.
    name: str | None
    arm: Arm
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
    """Return by metric the mean of each arm (a list an arm) in each iteration, null for none."""
    return {
        metric.key: [
            [None if np.isnan(mean) else rounded(mean) for mean in _means(board, arm, metric)]
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
        yield f"Mean, {arm}: {change}."


def _blocks(board: Board, metric: Metric) -> Iterator[Block]:
    """Lay out the means and every task that is drawn, some iterations at a time."""
    title, numbers = metric.title, board.grid.iterations
    for start in range(0, len(numbers), BLOCK):
        columns = slice(start, start + BLOCK)
        some = numbers[columns]
        yield Block(
            title if len(numbers) <= BLOCK else f"{title}, iterations {some[0]} to {some[-1]}",
            ["task", "arm", *(f"iter {number}" for number in some)],
            list(_groups(board, metric, columns)),
        )


def _groups(board: Board, metric: Metric, columns: slice) -> Iterator[tuple[str, list[Line]]]:
    arms = board.grid.arms
    means = [_means(board, arm, metric)[columns] for arm in arms]
    yield "", list(_lines("mean over tasks", arms, metric, means, _NONE))
    for phase, rows in groupby(board.lines(), key=lambda row: board.grid.tasks[row].phase):
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
        yield SHOULD[phase], lines


def _lines(
    name: str, arms: Sequence[Arm], metric: Metric, values: Sequence[list[float]], none: str
) -> Iterator[Line]:
    for at, (arm, own) in enumerate(zip(arms, values, strict=True)):
        yield Line(name if at == 0 else None, arm, [_shown(metric, each, none) for each in own])


def _means(board: Board, arm: Arm, metric: Metric) -> list[float]:
    cells: Floats = board.values[metric.key][board.grid.arms.index(arm)]
    found: list[float] = row_means(cells.T).tolist()
    return found


def _shown(metric: Metric, value: float, none: str) -> str:
    if np.isnan(value):
        return none
    return rate(value) if metric.kind == "difference" else figure(value)
