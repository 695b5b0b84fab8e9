"""The question about niche tasks, of which there are too few for a test over tasks.

A pair is what a niche task cost in both arms in one iteration. If the arms are the same system,
which cost belongs to which arm is luck, pair by pair: the p-value is the share of exchanges after
which the niche tasks save at least as much as observed. Pairs of one task share what it has for
good, so that at most `policy.PAIRS` of them count; iterations beyond that are merged. Where there
are enough niche tasks, they are flipped as a whole, as in the question about all tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import floor
from typing import NamedTuple

import numpy as np

from battery.verdict import policy, signflip
from battery.verdict.cost import log_ratio, task_effects
from battery.verdict.looks import edge
from battery.verdict.signflip import EXACT_UP_TO, Booleans, Floats, signs
from battery.verdict.table import means


class Pairs(NamedTuple):
    """What the niche tasks cost in both arms, (…, tasks, pairs); NaN where a pair is missing."""

    own: Floats
    base: Floats

    @property
    def known(self) -> int:
        """How many pairs there are."""
        return int((~np.isnan(self.own)).sum())


def pairs(own: Floats, base: Floats) -> Pairs:
    """Form the pairs of niche tasks from calls as (…, tasks, iterations, repeats)."""
    # Repeat by repeat, since the n-th repeats of both arms were asked next to each other.
    flat = [each.reshape(*each.shape[:-2], -1) for each in (own, base)]
    either = np.isnan(flat[0]) | np.isnan(flat[1])
    if flat[0].shape[-1] <= policy.PAIRS:
        return Pairs(*(np.where(either, np.nan, each) for each in flat))
    known = [np.where(either, np.nan, each) for each in flat]
    return Pairs(
        *(np.stack([means(each[..., part]) for part in _parts(each)], axis=-1) for each in known)
    )


def _parts(calls: Floats) -> Iterator[list[int]]:
    columns = calls.shape[-1]
    for part in np.array_split(np.arange(columns), max(1, min(columns, policy.PAIRS))):
        yield part.tolist()


def level(own: Floats, base: Floats) -> float:
    """Return the level of the question; 0 where it cannot be reached."""
    six = not over_tasks(own) and pairs(own, base).known == 6
    return reach(own, base, policy.NICHE_OF_SIX if six else policy.NICHE)


def reach(own: Floats, base: Floats, level: float) -> float:
    """Return the largest p of at most a level that the test can have; 0 for none."""
    return attained(level, len(own) if over_tasks(own) else pairs(own, base).known)


def attained(level: float, units: int) -> float:
    """Return the largest p of at most a level that flips of so many units can have; 0 for none."""
    # Random flips may have any p, in steps that are too small to matter.
    if units > EXACT_UP_TO:
        return level
    patterns = float(2**units)
    return floor(level * patterns + policy.TINY) / patterns


def saves(own: Floats, base: Floats) -> float | None:
    """Test one-sided whether niche tasks cost less on the own side; None where nothing differs."""
    if over_tasks(own):
        return signflip.better(task_effects(own, base)).p
    return exchanged(pairs(own, base))


def saves_each(own: Floats, base: Floats, most: int | None = None) -> Floats:
    """Return the p of `saves` for each of many batteries, of which no call is missing.

    Calls are (batteries, tasks, iterations, repeats).
    """
    if over_tasks(own[0]):
        return signflip.each(task_effects(own, base), most=most)
    mine = pairs(own, base)
    return _chances([_effects(*(side[:, task] for side in mine)) for task in range(own.shape[1])])


def exchanged(pairs: Pairs) -> float | None:
    """Test by exchanging pairs whether the mean effect over tasks is above 0."""
    if not (pairs.own != pairs.base)[~np.isnan(pairs.own)].any():
        return None
    return float(_chances(_shifted(pairs, np.zeros(1)))[0])


def _shifted(pairs: Pairs, effects: Floats) -> list[Floats]:
    """Return the effects of `_effects`, task by task, once each of some effects is taken off."""
    factors = np.exp(effects)[:, None]
    known = ~np.isnan(pairs.own)
    return [
        _effects(own[there] * factors, np.broadcast_to(base[there], (len(effects), there.sum())))
        for own, base, there in zip(pairs.own, pairs.base, known, strict=True)
        if there.any()
    ]


def _effects(own: Floats, base: Floats) -> Floats:
    """Return the effect on a task after every exchange of its pairs; the first exchanges none.

    Pairs are (batteries, pairs).
    """
    count = own.shape[1]
    moved = (base - own) @ _exchanges(count)
    sums = own.sum(axis=1)[:, None] + moved, base.sum(axis=1)[:, None] - moved
    # Rounding must not make a sum of costs negative.
    return log_ratio(*(np.maximum(each, 0.0) / count for each in sums))


@lru_cache(maxsize=16)
def _exchanges(count: int) -> Floats:
    """Return all choices of so many pairs, one a column."""
    return (1 - signs(count).T) / 2


def _chances(tasks: Sequence[Floats]) -> Floats:
    """Return how often exchanges save as much as observed, from the effects of each task."""
    # Pairs of one task are exchanged without regard to those of another. So each half of the tasks
    # is gone through alone, and how many of the one go with each of the other is looked up: 4,096
    # and 4,096 instead of 16 million.
    one, other = _sums(tasks[: len(tasks) // 2]), _sums(tasks[len(tasks) // 2 :])
    observed = sum(effects[:, 0] for effects in tasks)
    least = observed - signflip.TOLERANCE * (1 + np.abs(observed))
    # All batteries are looked up at once, each in a range of its own.
    low, high = float(other.min()), float(other.max())
    ranges = np.arange(len(other))[:, None] * (high - low + 2)
    needed = np.clip(least[:, None] - one, low - 1, high + 1) + ranges
    below = np.searchsorted((np.sort(other, axis=1) + ranges).ravel(), needed)
    hits = (1 + np.arange(len(other)))[:, None] * other.shape[1] - below
    shares: Floats = hits.sum(axis=1) / (one.shape[1] * other.shape[1])
    return shares


def _sums(tasks: Sequence[Floats]) -> Floats:
    """Add up the effects of some tasks in all combinations."""
    total = np.zeros((1, 1))
    for effects in tasks:
        total = (total[:, :, None] + effects[:, None, :]).reshape(len(effects), -1)
    return total


def bound(own: Floats, base: Floats, level: float) -> float | None:
    """Return the lower end of the interval of the effect, by inverting the test at a level.

    It is above 0 exactly where the p-value is at most the level. None where that is out of reach,
    or no end was found within a factor of 3,000.
    """
    if over_tasks(own):
        return signflip.bound(task_effects(own, base), level)
    mine = pairs(own, base)
    if not mine.known or attained(level, mine.known) == 0:
        return None

    def excluded(effects: Floats) -> Booleans:
        low: Booleans = _chances(_shifted(mine, effects)) <= level
        return low

    return edge(excluded)


def over_tasks(own: Floats) -> bool:
    """Return whether there are enough tasks to flip them as a whole."""
    return len(own) >= policy.least_tasks(policy.NICHE)


def about(own: Floats, base: Floats, what: str = "niche tasks") -> str:
    """Name the test."""
    if over_tasks(own):
        return f"sign flips over {what}, one-sided"
    return f"exchanges of {pairs(own, base).known} pairs of calls of {what}, one-sided"
