"""Answers that equal an earlier one to the same task: what a cache of answers hands in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from battery.base.numbers import p_equals
from battery.records.models import FROZEN, LEARN, Arm
from battery.verdict import policy, strata
from battery.verdict.signflip import Floats
from battery.verdict.table import ANSWER, Grid


def repeated(grid: Grid) -> dict[str, int]:
    """Count them by arm."""
    return {arm: int(np.nansum(_again(grid, arm))) for arm in grid.arms}


def more_often(grid: Grid) -> Iterator[str]:
    """Note that the learn arm has clearly more of them than its twin."""
    if FROZEN not in grid.arms:
        return
    own, base = (_again(grid, arm) for arm in (LEARN, FROZEN))
    known = [int((~np.isnan(side)).sum()) for side in (own, base)]
    p = strata.more(strata.by_task(own, base))
    if p is None or p > policy.GATE or not all(known):
        return
    counts = [int(np.nansum(side)) for side in (own, base)]
    if policy.is_relevant(counts[0] / known[0] - counts[1] / known[1]):
        yield (
            f"{counts[0]} of {known[0]} answers of the learn arm equal an earlier one to the same "
            f"task, and {counts[1]} of {known[1]} in the twin ({p_equals(p)}): a cache of answers "
            "looks like that"
        )


def _again(grid: Grid, arm: Arm) -> Floats:
    """Return by task which answers, in the order of the calls, came before; NaN is no answer."""
    answers = grid.told(arm, ANSWER)
    rows = answers.reshape(len(answers), -1)
    again = np.where(np.isnan(rows), np.nan, 1.0)
    for row, codes in enumerate(rows):
        _, first = np.unique(codes, return_index=True)
        again[row, [place for place in first.tolist() if not np.isnan(codes[place])]] = 0.0
    return again
