"""Gains that are none: costs that are not reported, and a twin that only got worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from battery.base.numbers import more_or_fewer, p_equals, percent
from battery.records.metric import METRICS, OK, TURNS
from battery.records.models import FROZEN, LEARN, SOLVABLE, Arm
from battery.verdict import cost, policy, signflip, strata
from battery.verdict.signflip import Floats
from battery.verdict.table import Grid

#: Tasks that must be told apart by what they take.
_TASKS = 4


def hidden(grid: Grid, metric: str) -> Iterator[str]:
    """Object to a learn arm that does not say what its calls cost, which the twin does."""
    own, base = (_unreported(grid, metric, arm) for arm in (LEARN, FROZEN))
    tasks, noun = len(own), METRICS[metric].plain
    p = strata.more(strata.by_task(own.reshape(tasks, -1), base.reshape(tasks, -1)))
    # Whoever reports its small calls only looks cheap.
    if p is not None and p <= policy.GATE:
        less = f"reports its {noun} less often than the twin"
        if np.any(own > np.isnan(grid.asked(LEARN, metric))):
            less = f"reports no {noun}, or 0 for calls that took turns, more often than the twin"
        yield f"the learn arm {less} ({p_equals(p)})"
    alike, told = (grid.asked(arm, metric) for arm in (LEARN, FROZEN))
    known = alike[~np.isnan(alike)]
    # What was measured differs from task to task, as it does in the twin.
    if tasks >= _TASKS and len(np.unique(known)) == 1 < len(np.unique(told[~np.isnan(told)])):
        yield f"the learn arm reports {known[0]:,.6g} {noun} for every task, whatever it took"


def _unreported(grid: Grid, metric: str, arm: Arm) -> Floats:
    """Return which calls do not say what they cost, or say 0 although they took turns."""
    calls, known = grid.asked(arm, metric), grid.asked(arm, OK)
    free = (calls == 0) & (grid.asked(arm, TURNS) > 0)
    return np.where(np.isnan(known), np.nan, np.isnan(calls) | free)


def twin_alone(whole: Grid, rows: Sequence[int], metric: str, least: float) -> Iterator[str]:
    """Object to a saving that is there only because the twin takes more than in iteration 1."""
    own, twin = (cost.since_first(whole.asked(arm, metric)) for arm in (LEARN, FROZEN))
    # By all tasks, as a few niche ones could not show it.
    flipped = signflip.differs(twin)
    ratio, saved = (cost.ratio(saved[list(rows)]) for saved in (twin, own))
    if flipped.p is None or flipped.p > policy.GATE or ratio is None or saved is None:
        return
    # Where the provider's drift raised both, what was learned still shows against iteration 1.
    if policy.is_relevant(ratio - 1, least) and not policy.is_relevant(1 - saved, least):
        took = f"{more_or_fewer(ratio)} {METRICS[metric].plain} than in iteration 1"
        asked = policy.relevant(least)
        yield f"the twin took {took}, and the learn arm saved under {asked} of its own"


def twin_does_less(whole: Grid, least: float) -> Iterator[str]:
    """Object to more tasks done only because the twin does fewer than in iteration 1."""
    rows = whole.rows(*SOLVABLE)
    own, twin = (whole.asked(arm, OK)[rows] for arm in (LEARN, FROZEN))
    first = np.concatenate([own[:, 0], twin[:, 0]], axis=1)
    p = strata.fewer(strata.by_task(twin[:, 1:].reshape(len(rows), -1), first))
    if p is None or p > policy.LOSS:
        return
    gained = float(np.nanmean(own[:, 1:]) - np.nanmean(own[:, 0]))
    if not policy.is_relevant(gained, least):
        more = f"{percent(max(gained, 0.0), 1)} more" if gained > 0 else "no more"
        yield (
            f"the twin does fewer tasks than in iteration 1 ({p_equals(p)}), and the learn arm "
            f"{more} than in its own"
        )
