"""Whether a saving grows over the iterations, came in one step, or falls again."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from battery.records.findings import Growth, Shape, Tested
from battery.records.models import FROZEN, LEARN
from battery.verdict import cost, policy, signflip, statistics
from battery.verdict.signflip import Booleans, Floats
from battery.verdict.table import Grid, means


def growth(grid: Grid, metric: str) -> Growth:
    """Follow the saving over iterations 2..K of a battery with two arms and two iterations."""
    own, base = (grid.asked(arm, metric)[:, 1:] for arm in (LEARN, FROZEN))
    effects = cost.cell_effects(own, base)
    fall = _fall(effects)
    # A slope of fewer positions is last minus first, and too little to call it one.
    enough = len(grid.iterations) >= policy.SLOPE_ITERATIONS
    ordered = statistics.page(effects) if enough else None
    beyond = statistics.ordered(_parts(effects)) if enough else None
    slope_tasks = ordered is not None and ordered.tasks >= policy.SLOPE_TASKS
    grows = slope_tasks and ordered is not None and is_small(ordered.p)
    # Ranks may rise in most tasks while the saving itself falls, in the few that cost most.
    grows = grows and bool(rises(effects))
    goes_on = grows and beyond is not None and is_small(beyond.p)
    exact = "exact" if ordered is None or ordered.exact else "normal approximation"
    return Growth(
        ratios=[cost.ratio(column) for column in effects.T],
        p=ordered.p if ordered else None,
        p_beyond_step=beyond.p if beyond else None,
        p_fall=fall.p,
        best=None if fall.best is None else grid.iterations[1 + fall.best],
        shape=_shape(fall, grows=grows, goes_on=goes_on, enough=enough),
        test=f"Page's L over iterations 2 to K, {exact}; falls by sign flips over tasks",
    )


def rises(effects: Floats) -> Booleans:
    """Return whether the mean saving is larger in the last iteration than in the first.

    Effects are (…, tasks, iterations).
    """
    by_iteration = means(effects.swapaxes(-1, -2))
    larger: Booleans = by_iteration[..., -1] > by_iteration[..., 0]
    return larger


def is_small(p: float | None) -> bool:
    """Return whether a p-value is significant at the customary level."""
    return p is not None and p <= policy.ALPHA


class _Fall(NamedTuple):
    """The fall from the best iteration to the last."""

    p: float | None
    #: Place of the best iteration; None where nothing was measured.
    best: int | None
    #: Whether the best iteration saved what counts: where nothing was saved, nothing can fall.
    saved: bool = False


def _fall(effects: Floats) -> _Fall:
    by_iteration = means(effects.T)
    if np.isnan(by_iteration).all():
        return _Fall(None, None)
    best = int(np.nanargmax(by_iteration))
    last = effects.shape[1] - 1
    if best == last:
        return _Fall(None, best)
    fell = signflip.better(cost.without_dust(effects[:, best] - effects[:, last]))
    # The best of several looks better than it is: each of them might have been the one.
    saved = policy.is_relevant(1 - cost.as_ratio(float(by_iteration[best])))
    return _Fall(None if fell.p is None else min(1.0, fell.p * last), best, saved)


def _shape(fall: _Fall, *, grows: bool, goes_on: bool, enough: bool) -> Shape:
    if is_small(fall.p) and fall.saved:
        return "fading" if fall.best == 0 else "past its peak"
    if goes_on:
        return "grew"
    if grows:
        return "in steps"
    return "steady" if enough else "unclear"


def _parts(effects: Floats) -> list[Floats]:
    """Divide the iterations where the mean saving rises by the largest step."""
    place = int(largest_step(effects))
    return [effects[:, :place], effects[:, place:]]


def largest_step(effects: Floats) -> NDArray[np.int64]:
    """Return before which iteration the mean saving rises most, of (…, tasks, iterations)."""
    by_iteration = np.nan_to_num(means(effects.swapaxes(-1, -2)))
    count = by_iteration.shape[-1]
    steps = [
        (by_iteration[..., place:].mean(axis=-1) - by_iteration[..., :place].mean(axis=-1))
        * sqrt(place * (count - place) / count)
        for place in range(1, count)
    ]
    largest: NDArray[np.int64] = 1 + np.argmax(steps, axis=0)
    return largest


def falling(grid: Grid, metric: str) -> Tested | None:
    """Test whether the learner's cost falls over all iterations; None with a single one."""
    if len(grid.iterations) < 2:
        return None
    found = statistics.page(-grid.of(LEARN, metric))
    how = "exact" if found.exact else "normal approximation"
    return Tested(p=found.p, tasks=found.tasks, method=f"Page's L over all iterations, {how}")
