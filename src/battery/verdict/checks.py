"""Whether checks tell answers apart at all: one that passes everything or nothing tells nothing."""

from __future__ import annotations

from collections import Counter

import numpy as np

from battery.base.numbers import counted
from battery.base.text import quoted
from battery.verdict.table import CLAIMED, FAILURES, Grid


def untried(grid: Grid) -> str | None:
    """Say that no check refuted anything; None where one did, or nothing was claimed."""
    claims = int(sum(np.nansum(grid.told(arm, CLAIMED)) for arm in grid.arms))
    if not claims or grid.failures:
        return None
    return (
        "The checks would refute a wrong answer. That is not proven: they refuted none of "
        f"{counted(claims, 'claim')}, of learner or twin."
    )


def refuting_all(grid: Grid) -> str | None:
    """Name a check that refutes every claim of its task, in all arms; None where none does."""
    by_arm = [np.nansum(grid.told(arm, CLAIMED), axis=(1, 2)) for arm in grid.arms]
    total = np.sum(by_arm, axis=0).astype(int)
    found = [
        f"all {claims} answers to {quoted(grid.tasks[row].label)} that claim ok fail the same "
        f"check, `{check}`"
        # Claimed in every arm, and more than once.
        for row in np.flatnonzero(np.all(by_arm, axis=0) & (total > 1)).tolist()
        for check, claims in _failed(grid, row).items()
        if claims == total[row]
    ]
    if not found:
        return None
    others = f" (so it is with {counted(len(found) - 1, 'more check')})" if len(found) > 1 else ""
    return f"{found[0]}{others}: see whether the check itself is wrong"


def _failed(grid: Grid, row: int) -> Counter[str]:
    """Count the claims of a task that fail each of its checks."""
    failed: Counter[str] = Counter()
    for arm in grid.arms:
        numbers = grid.told(arm, FAILURES)[row]
        for number in numbers[~np.isnan(numbers)].astype(int).tolist():
            failed.update({check.check for check in grid.failures[number]})
    return failed
