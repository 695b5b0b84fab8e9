"""Power: how likely a battery of a given size is to see a drop that is really there.

The model: the log of a call's tokens is normal around the mean of its task and iteration, with the
same deviation (`noise`) for all calls, and a drop saves every task the same share. Power is the
share of simulated batteries in which the verdict's own conditions hold. The random numbers are
seeded and are the same for every drop, so power never falls as the drop grows, and a search for
the smallest drop has nothing to stumble over.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache
from math import inf, log1p, sqrt
from typing import Final, NamedTuple

import numpy as np
from scipy.special import stdtrit

from battery.verdict import policy
from battery.verdict.signflip import SEED, Booleans, Floats, signs
from battery.verdict.statistics import critical_value, half_width

#: Where the search for more of each ends: nobody would go further.
MOST: Final = {"iterations": 30, "tasks": 200, "repeats": 30}
#: A power near .8 from so many simulated batteries has a standard error of .006.
SIMULATIONS: Final = 4_000
#: The largest drop that `smallest` tries.
LARGEST_DROP: Final = 0.95

#: Large batteries are simulated less often, within this many random numbers: with so many tasks
#: power rises so steeply that its exact value matters little.
_MOST_CELLS: Final = 1_500_000
_LEAST_SIMULATIONS: Final = 200
#: With more tasks the t test stands for the sign flips, which it agrees with for normal effects.
_FLIPPED_UP_TO: Final = 12
_PRECISION: Final = 0.0001


class Design(NamedTuple):
    """The size of a battery with two arms, and its noise."""

    tasks: int
    iterations: int
    repeats: int
    #: Standard deviation of the log tokens of one call around its task's mean.
    noise: float


class _Needs(NamedTuple):
    """What each simulated battery asks of its true effect, in standard deviations of a task's."""

    #: Above this the sign-flip test is significant.
    flips: Floats
    #: Above this the t interval excludes no effect.
    interval: Floats
    #: How far the estimate lies above the truth, by luck.
    luck: Floats


def call_noise(first_logs: Floats, repeats: int) -> float | None:
    """Return the noise of one call from log(frozen / learn) of iteration 1, one value a task.

    Both arms have the same memory then, so the logs differ by noise alone: by that of two means
    of `repeats` calls. NaN is left out; None for fewer than two tasks. Equal values give 0.
    """
    known = first_logs[~np.isnan(first_logs)]
    if known.size < 2:
        return None
    return float(known.std(ddof=1)) * sqrt(repeats / 2)


def average_reduction(drop: float, iterations: int) -> float:
    """Return the mean reduction over iterations 2..K where each iteration saves `drop` more.

    Tokens of iteration k are (1 - drop)^(k - 1) of the first; the mean is geometric.
    """
    return 1 - float((1 - drop) ** (iterations / 2))


def primary_power(reduction: float, design: Design) -> float:
    """Return the chance that the one-sided sign-flip test over tasks is significant.

    `reduction` is the average one over iterations 2..K. 0 for a single iteration, and for fewer
    than `policy.least_tasks`, whose p cannot be so small.
    """
    if not _testable(design):
        return 0.0
    needs = _needs(design.tasks, 1)
    return float((_effect(reduction) > _deviation(design) * needs.flips).mean())


def learned_power(reduction: float, design: Design) -> float:
    """Return the chance of LEARNED: significant, an interval without 1, a saving that counts.

    `reduction` is the average one over iterations 2..K; the gates are taken to pass. 0 where
    `primary_power` is.
    """
    if not _testable(design):
        return 0.0
    needs = _needs(design.tasks, 1)
    return float(_learned(_effect(reduction), _deviation(design), needs).mean())


def compounding_power(drop: float, design: Design) -> float:
    """Return the chance of COMPOUNDING: LEARNED, and Page's L over 2..K is significant.

    `drop` is what each iteration saves compared with the one before. 0 for fewer than
    `policy.SLOPE_ITERATIONS`, where no slope is tested.
    """
    if not _testable(design) or design.iterations < policy.SLOPE_ITERATIONS:
        return 0.0
    later = design.iterations - 1
    step, needs = _effect(drop), _needs(design.tasks, later)
    learned = _learned(step * design.iterations / 2, _deviation(design), needs)
    # A saving is the difference of two calls' logs and has twice the variance of one.
    grows = _grows(step, design.noise * sqrt(2 / design.repeats), design.tasks, later)
    return float((learned & grows).mean())


def trend_power(drop: float, design: Design) -> float:
    """Return the chance that Page's L over 1..K shows falling tokens in one arm alone.

    `drop` is what each iteration saves compared with the one before. 0 for a single iteration.
    """
    if design.iterations < 2:
        return 0.0
    noise = design.noise / sqrt(design.repeats)
    return float(_grows(_effect(drop), noise, design.tasks, design.iterations).mean())


def smallest(power_of: Callable[[float], float], power: float = policy.POWER) -> float | None:
    """Return the smallest drop that reaches a power, to a hundredth of a percent.

    `power_of` must not fall as the drop grows. None where even `LARGEST_DROP` is not seen.
    """
    if power_of(LARGEST_DROP) < power:
        return None
    low, high = 0.0, LARGEST_DROP
    while high - low > _PRECISION:
        middle = (low + high) / 2
        if power_of(middle) >= power:
            high = middle
        else:
            low = middle
    return high


def fewest(
    power_at: Callable[[int], float], start: int, most: int, power: float = policy.POWER
) -> int | None:
    """Return the smallest number from `start` to `most` that reaches a power; None for none.

    `power_at` must not fall as the number grows.
    """
    found = start + bisect_left(range(start, most + 1), power, key=power_at)
    return found if found <= most else None


def _testable(design: Design) -> bool:
    return design.iterations >= 2 and design.tasks >= policy.least_tasks()


def _effect(share: float) -> float:
    """Return log(frozen / learn) where this share is saved."""
    # An average over many iterations may round to everything.
    return -log1p(-share) if share < 1 else inf


def _deviation(design: Design) -> float:
    """Return the standard deviation of a task's effect: a mean of K - 1 differences of means."""
    return design.noise * sqrt(2 / (design.repeats * (design.iterations - 1)))


def _learned(effect: float, deviation: float, needs: _Needs) -> Booleans:
    # Each condition holds from a certain true effect on. Multiplying by the deviation instead of
    # dividing by it lets a noise of 0 through.
    held: Booleans = (effect > deviation * needs.flips) & (effect > deviation * needs.interval)
    return held & (effect + deviation * needs.luck >= _effect(policy.RELEVANT))


def _grows(step: float, noise: float, tasks: int, positions: int) -> Booleans:
    """Return in which simulated batteries Page's test sees `step` more saved at each position."""
    saved = step * np.arange(positions) + noise * _draws(tasks, positions)
    # The position of the r-th smallest value, weighted by r: the same sum as position times rank.
    order = np.argsort(saved, axis=2) + 1
    statistic = (order @ np.arange(1, positions + 1)).sum(axis=1)
    seen: Booleans = statistic >= critical_value(tasks, positions, policy.ALPHA)
    return seen


@lru_cache(maxsize=4)
def _draws(tasks: int, positions: int) -> Floats:
    """Return standard normal noise: simulations by tasks by positions."""
    fitting = _MOST_CELLS // (tasks * positions)
    simulations = max(_LEAST_SIMULATIONS, min(SIMULATIONS, fitting))
    rng = np.random.default_rng(SEED)
    return rng.standard_normal((simulations, tasks, positions))


@lru_cache(maxsize=64)
def _needs(tasks: int, positions: int) -> _Needs:
    # None of the needs depends on the drop, so a search over drops simulates once per size.
    each = _draws(tasks, positions).mean(axis=2) * sqrt(positions)
    mean, deviation = each.mean(axis=1), each.std(axis=1, ddof=1)
    if tasks <= _FLIPPED_UP_TO:
        # In parts: 4,000 simulations by 2^12 patterns would take 130 MB at once.
        flips = np.concatenate([_flips_need(part) for part in np.array_split(each, 8)])
    else:
        flips = stdtrit(tasks - 1, 1 - policy.ALPHA) * deviation / sqrt(tasks) - mean
    return _Needs(flips, half_width(1.0, tasks, policy.LEVEL) * deviation - mean, mean)


def _flips_need(effects: Floats) -> Floats:
    """Return for each row of noise the true effect above which the sign flips are significant.

    With the effect e added to all tasks, flipping some of them gives at least the observed sum
    only if the mean noise of those is at most -e. So each pattern but the first counts against
    the test up to an e of its own, and it is significant from where few enough are left.
    """
    flipped = (1 - signs(effects.shape[1])[1:]) / 2
    counted_up_to = -(effects @ flipped.T) / flipped.sum(axis=1)
    patterns = counted_up_to.shape[1]
    # The observed pattern is one of those that count.
    others = int(policy.ALPHA * (patterns + 1)) - 1
    place = patterns - 1 - others
    needed: Floats = np.partition(counted_up_to, place, axis=1)[:, place]
    return needed
