"""Whether the twin is one: what makes the numbers of a battery worthless, or says nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from battery.base.numbers import counted, more_or_fewer
from battery.records.metric import METRICS, OK, TURNS
from battery.records.models import FROZEN, LEARN, SOLVABLE, Phase
from battery.verdict import cost, policy, signflip, strata
from battery.verdict.facts import Observed
from battery.verdict.start import Alike
from battery.verdict.table import CACHED, MEMORY, Grid


def spoiled(observed: Observed, start: Alike | None) -> Iterator[str]:
    """List what makes the numbers of a battery worthless."""
    grid = observed.grid
    yield from observed.changed
    # A cell that is missing is not missing by chance: what is slow or fails is cut off first.
    if missing := grid.missing():
        yield f"{missing} of {grid.cells} cells (task, iteration, arm) have no run"
    if start and start.differing:
        yield start.differing
    if FROZEN not in grid.arms:
        return
    if _broke(grid):
        yield (
            "the twin fails most of the easy tasks that it passed in iteration 1, and the learn "
            "arm does not, so they are no longer the same system"
        )
    # A cached answer is no work: it cannot be the measure of what work costs.
    if cached := int(np.nansum(grid.asked(FROZEN, CACHED))):
        yield f"{counted(cached, 'answer')} of the twin came from a cache, which is no work"
    yield from _learned(grid)


def nothing_to_learn(observed: Observed) -> str | None:
    """Give the reason why nothing could be learned or seen; None where something could."""
    grid = observed.grid
    rows = grid.rows(*SOLVABLE)
    if not rows:
        return "there is no task that can be done, so there is nothing to learn"
    most = observed.expectations.max_turns
    turns = grid.calls[TURNS]
    known = turns[~np.isnan(turns)]
    if most is not None and known.size and (known >= most).all():
        return f"every call hit the limit of {most} turns, so nothing was measured"
    if not np.nansum(grid.calls[OK][:, rows]):
        return "no task was ever done in either arm, so there was nothing to learn from"
    return None


def trend(grid: Grid, metric: str) -> str | None:
    """Note that the twin's own cost fell or rose since iteration 1; None where it did not."""
    later = cost.since_first(grid.asked(FROZEN, metric))
    flipped, ratio = signflip.differs(later), cost.ratio(later)
    if flipped.p is None or flipped.p > policy.GATE or ratio is None:
        return None
    if not policy.is_relevant(abs(ratio - 1)):
        return None
    amount = f"{more_or_fewer(ratio)} {METRICS[metric].plain} than in iteration 1"
    cause = "or the arms share a memory" if ratio < 1 else "or its prompts grow"
    return f"the twin, which learns nothing, took {amount}: the provider drifted, {cause}"


def _broke(grid: Grid) -> bool:
    """Return whether the frozen arm alone stopped passing easy tasks, so that any gain is sham."""
    rows = grid.rows(Phase.ALPHA)
    if len(grid.iterations) < 2 or not rows:
        return False
    learn, frozen = grid.of(LEARN, OK)[rows], grid.of(FROZEN, OK)[rows]
    if not (frozen[:, 0].mean() > 0.5 > frozen[:, 1:].mean() and learn[:, 1:].mean() > 0.5):
        return False
    calls = [grid.asked(arm, OK)[rows] for arm in (LEARN, FROZEN)]
    others = np.concatenate([calls[0].reshape(len(rows), -1), calls[1][:, 0]], axis=1)
    p = strata.fewer(strata.by_task(calls[1][:, 1:].reshape(len(rows), -1), others))
    return p is not None and p <= policy.GATE


def _learned(grid: Grid) -> Iterator[str]:
    """Object to a frozen arm that was given what iteration 1 did not know yet."""
    memory = grid.calls[MEMORY]
    # A gateway that fills this field before anything was distilled does not mean learning by it.
    if np.nansum(memory[:, :, 0]):
        return
    # A twin that learns hides what learning does: the battery is refused, not only annotated.
    if used := int(np.nansum(grid.asked(FROZEN, MEMORY))):
        yield f"{counted(used, 'run')} of the twin got something from memory, so it learned too"
