"""Whether checks tell answers apart at all: one that passes everything or nothing tells nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

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
    found = [
        f"all {claims} answers to {quoted(task.label)} that claim ok fail the same check, `{check}`"
        for row, task in enumerate(grid.tasks)
        for check, claims in _always(grid, row)
    ]
    if not found:
        return None
    others = f" (so it is with {counted(len(found) - 1, 'more check')})" if len(found) > 1 else ""
    return f"{found[0]}{others}: see whether the check itself is wrong"


def _always(grid: Grid, row: int) -> Iterator[tuple[str, int]]:
    """Yield the checks of a task that every claim fails, and how many claims there are."""
    claims = [int(np.nansum(grid.told(arm, CLAIMED)[row])) for arm in grid.arms]
    if not all(claims) or sum(claims) < 2:
        return
    failed: Counter[str] = Counter()
    for arm in grid.arms:
        numbers = grid.told(arm, FAILURES)[row]
        for number in numbers[~np.isnan(numbers)].astype(int).tolist():
            failed.update({check.check for check in grid.failures[number]})
    yield from ((check, count) for check, count in failed.items() if count == sum(claims))
