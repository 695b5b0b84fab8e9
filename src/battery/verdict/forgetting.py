"""Tasks that could be done and fail once something was learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from battery.records.metric import OK, TOKENS, TURNS
from battery.records.models import FROZEN, LEARN, SOLVABLE
from battery.verdict import strata
from battery.verdict.facts import Forgotten, Observed, Reruns
from battery.verdict.signflip import Floats
from battery.verdict.strata import Stratum
from battery.verdict.table import Grid

_NOBODY_ASKED = Reruns((), alike=False)


def forgotten(observed: Observed) -> list[Forgotten]:
    """List tasks that can be done and mostly fail in a later iteration of the learner.

    Those that mostly passed in the first one, or were asked again because the twin passes them. A
    task is listed for every such iteration up to the one that counts (`counts`).
    """
    grid = observed.grid
    # Most tasks never fail, and need no look of their own.
    fails = np.any(grid.of(LEARN, OK) < 0.5, axis=1)
    rows = (row for row in grid.rows(*SOLVABLE) if fails[row])
    return [loss for row in rows for loss in _losses(observed, row)]


def _losses(observed: Observed, row: int) -> Iterator[Forgotten]:
    grid = observed.grid
    passes = grid.of(LEARN, OK)[row]
    for column in np.flatnonzero(passes < 0.5).tolist():
        reruns = observed.reruns.get((row, grid.iterations[column]), _NOBODY_ASKED)
        if column == 0 or (passes[0] <= 0.5 and not reruns.passed):
            continue
        loss = _lost(grid, row, column, reruns)
        yield loss
        if loss.counts:
            return  # later iterations show the same loss, and nobody asks again


def _lost(grid: Grid, row: int, column: int, reruns: Reruns) -> Forgotten:
    own = grid.asked(LEARN, OK)[row]
    frozen_too = frozen_never = False
    chance, again = None, list(reruns.passed)
    if FROZEN in grid.arms:
        twin = grid.asked(FROZEN, OK)[row]
        frozen_too = _mostly(twin[column:], failed=True)
        frozen_never = not np.nansum(twin[column:])
        sure = reruns.alike and _deterministic(grid, row)
        # Answers that are equal to the last letter were given once, however often they came; but
        # of a system that always answers alike, one is all there is to know.
        if reruns.alike and not sure:
            again = again[:1]
        chance = 0.0 if sure else _chance(own, twin, column, again)
    return Forgotten(
        label=grid.tasks[row].label,
        iteration=grid.iterations[column],
        failed=len(again) - sum(again),
        asked=len(again),
        frozen_too=frozen_too,
        came_back=column + 1 < own.shape[0] and _mostly(own[-1], failed=False),
        chance=chance,
        occasions=len(grid.iterations) - 1,
        frozen_never=frozen_never,
    )


def _chance(own: Floats, twin: Floats, column: int, again: Sequence[bool]) -> float:
    """Return the chance of so few passes now if the task passes as often as without learning."""
    # Fisher's exact test, one-sided, of one task.
    now, before = _known(own[column]), np.concatenate([_known(own[:column]), _known(twin)])
    passed, asked = int(now.sum()) + sum(again), now.size + len(again)
    table = Stratum(passed, asked, int(before.sum()), before.size)
    chance = strata.fewer([table])
    return 1.0 if chance is None else chance


def _deterministic(grid: Grid, row: int) -> bool:
    """Return whether the twin answered a task alike in every call, and more than once."""
    calls = [_known(grid.asked(FROZEN, key)[row]) for key in (OK, TOKENS, TURNS)]
    return all(each.size > 1 and np.ptp(each) == 0 for each in calls)


def _mostly(calls: Floats, *, failed: bool) -> bool:
    """Return whether most of the calls failed, or passed; without a call neither is so."""
    known = _known(calls)
    passed = int(known.sum())
    return 2 * (known.size - passed if failed else passed) > known.size


def _known(calls: Floats) -> Floats:
    known: Floats = calls[~np.isnan(calls)]
    return known
