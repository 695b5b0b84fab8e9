"""What the direction count is worth: how often it comes out so well by luck alone."""

from __future__ import annotations

import numpy as np

from battery.records.findings import Luck
from battery.records.metric import COUNTED, ELAPSED, LEAST_MS, Metric
from battery.records.models import LEARN
from battery.verdict import signflip
from battery.verdict.metrics import NEEDED
from battery.verdict.signflip import Floats
from battery.verdict.table import Grid


def luck(grid: Grid) -> Luck | None:
    """Return how often the direction count comes out so well if first and last may be exchanged.

    Whole tasks are exchanged, all counted metrics together, so their correlation is kept. None
    with a single iteration.
    """
    if len(grid.iterations) < 2:
        return None
    changes = np.column_stack([_improvement(grid, metric) for metric in COUNTED])
    improved = int((changes.sum(axis=0) > 0).sum())
    chances = signflip.chances_of_counts(changes, [improved, NEEDED])
    if chances is None:
        return None
    as_many, validated = chances
    return Luck(improved=improved, as_many=as_many, validated=validated)


def _improvement(grid: Grid, metric: Metric) -> Floats:
    # What was not measured counts as 0 here, as it does in the count itself.
    cells = np.nan_to_num(grid.asked(LEARN, metric.key)[:, :, 0])
    if metric.key == ELAPSED:
        cells = np.where(cells <= LEAST_MS / 1000, 0.0, cells)
    improved: Floats = metric.sign * (cells[:, 0] - cells[:, -1])
    return improved
