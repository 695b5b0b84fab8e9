"""What the five charts show besides their lines: titles, words and tables; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from battery.base.text import brief
from battery.protocol.wire import Json
from battery.records.metric import ELAPSED, METRICS, OK, OVERSEER, TOKENS, TURNS
from battery.records.models import Arm, Phase
from battery.report.html.grid import NAME_WIDTH, SHOULD, Board
from battery.report.html.numbers import figure, rate, rounded
from battery.verdict.table import Floats, row_means

_TITLES: Final = {
    TOKENS: ("Tokens a task", "fewer is better"),
    TURNS: ("Turns a task", "fewer is better"),
    OVERSEER: ("Tasks that needed the overseer", "fewer is better"),
    OK: ("Tasks that end ok", "more is better; impossible tasks left out"),
    ELAPSED: ("Seconds a task", "fewer is better"),
}
_RATES: Final = frozenset({OVERSEER, OK})
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
    """Describe the five charts, in the order of the summary's table."""
    return [_chart(board, metric) for metric in METRICS]


def means_document(board: Board) -> Json:
    """Return by metric the mean of each arm (a list an arm) in each iteration, null for none."""
    return {
        metric: [
            [None if np.isnan(mean) else rounded(mean) for mean in _means(board, arm, metric)]
            for arm in board.grid.arms
        ]
        for metric in METRICS
    }


def _chart(board: Board, metric: str) -> Chart:
    title, note = _TITLES[metric]
    label = f"Line chart: {title.lower()} over the iterations. {' '.join(_said(board, metric))}"
    return Chart(metric, title, note, label, _blocks(board, metric))


def _said(board: Board, metric: str) -> Iterator[str]:
    for arm in board.grid.arms:
        first, *others = (_shown(metric, mean, _NONE) for mean in _means(board, arm, metric))
        change = f"{first} in all there is" if not others else f"from {first} to {others[-1]}"
        yield f"Mean, {arm}: {change}."


def _blocks(board: Board, metric: str) -> Iterator[Block]:
    """Lay out the means and every task that is drawn, some iterations at a time."""
    title, numbers = _TITLES[metric][0], board.grid.iterations
    for start in range(0, len(numbers), BLOCK):
        columns = slice(start, start + BLOCK)
        some = numbers[columns]
        yield Block(
            title if len(numbers) <= BLOCK else f"{title}, iterations {some[0]} to {some[-1]}",
            ["task", "arm", *(f"iter {number}" for number in some)],
            list(_groups(board, metric, columns)),
        )


def _groups(board: Board, metric: str, columns: slice) -> Iterator[tuple[str, list[Line]]]:
    arms = board.grid.arms
    means = [_means(board, arm, metric)[columns] for arm in arms]
    yield "", list(_lines("mean over tasks", arms, metric, means, _NONE))
    for phase, rows in groupby(board.lines(), key=lambda row: board.grid.tasks[row].phase):
        if metric == OK and phase is Phase.GAMMA:
            continue
        lines = [
            line
            for row in rows
            for line in _lines(
                brief(board.grid.tasks[row].label, NAME_WIDTH),
                arms,
                metric,
                board.values[metric][:, row, columns].tolist(),
                _MISSING,
            )
        ]
        yield SHOULD[phase], lines


def _lines(
    name: str, arms: Sequence[Arm], metric: str, values: Sequence[list[float]], none: str
) -> Iterator[Line]:
    for at, (arm, own) in enumerate(zip(arms, values, strict=True)):
        yield Line(name if at == 0 else None, arm, [_shown(metric, each, none) for each in own])


def _means(board: Board, arm: Arm, metric: str) -> list[float]:
    cells: Floats = board.values[metric][board.grid.arms.index(arm)]
    found: list[float] = row_means(cells.T).tolist()
    return found


def _shown(metric: str, value: float, none: str) -> str:
    if np.isnan(value):
        return none
    return rate(value) if metric in _RATES else figure(value)
