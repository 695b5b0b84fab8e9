"""What the five charts show besides their lines: titles, words for those who cannot see them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from battery.evidence.table import ELAPSED, METRICS, OK, OVERSEER, TOKENS, TURNS, Floats, Grid
from battery.models import Arm, Phase
from battery.render.format import number, percent
from battery.wire import Json

_TITLES: Final = {
    TOKENS: ("Tokens a task", "fewer is better"),
    TURNS: ("Turns a task", "fewer is better"),
    OVERSEER: ("Tasks that needed the overseer", "fewer is better"),
    OK: ("Tasks that end ok", "more is better; impossible tasks left out"),
    ELAPSED: ("Seconds a task", "fewer is better"),
}
_RATES: Final = frozenset({OVERSEER, OK})
_NONE: Final = "not measured"


class Chart(NamedTuple):
    """One metric over the iterations."""

    metric: str
    title: str
    note: str
    #: The chart in a sentence or two.
    label: str
    heads: list[str]
    #: One row an arm: its name and its mean in each iteration.
    rows: list[list[str]]


def charts(table: Grid) -> list[Chart]:
    """Describe the five charts, in the order of the summary's table."""
    return [_chart(table, metric) for metric in METRICS]


def means_document(table: Grid) -> Json:
    """Return by metric the mean of each arm (a list an arm) in each iteration, null for none."""
    return {
        metric: [
            [
                None if np.isnan(mean) else float(f"{mean:.6g}")
                for mean in _means(table, arm, metric)
            ]
            for arm in table.arms
        ]
        for metric in METRICS
    }


def _chart(table: Grid, metric: str) -> Chart:
    title, note = _TITLES[metric]
    rows = [
        [arm, *(_shown(metric, mean) for mean in _means(table, arm, metric))] for arm in table.arms
    ]
    heads = ["arm", *(f"iteration {each}" for each in table.iterations)]
    label = f"Line chart: {title.lower()} over the iterations. {' '.join(_said(rows))}"
    return Chart(metric, title, note, label, heads, rows)


def _said(rows: list[list[str]]) -> Iterator[str]:
    for name, first, *others in rows:
        change = f"{first} in all there is" if not others else f"from {first} to {others[-1]}"
        yield f"Mean, {name}: {change}."


def _means(table: Grid, arm: Arm, metric: str) -> list[float]:
    cells: Floats = table.of(arm, metric)
    if metric == OK:
        possible = [row for row, task in enumerate(table.tasks) if task.phase is not Phase.GAMMA]
        cells = cells[possible]
    there = ~np.isnan(cells)
    counts = there.sum(axis=0)
    means = np.full(len(table.iterations), np.nan)
    np.divide(np.where(there, cells, 0).sum(axis=0), counts, out=means, where=counts > 0)
    found: list[float] = means.tolist()
    return found


def _shown(metric: str, mean: float) -> str:
    if np.isnan(mean):
        return _NONE
    if metric in _RATES:
        return percent(mean)
    return number(mean, 4 if 0 < mean < 1 else 2, grouped=True)
