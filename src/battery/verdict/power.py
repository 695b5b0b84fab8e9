"""Power: how likely a battery of a given size is to see a saving that is really there.

Power is the share of simulated batteries (`battery.verdict.simulation`) that the rule of the
verdict gives the word. The random numbers are seeded and the same for every saving, so that a
search for the smallest one has nothing to stumble over.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np

from battery.verdict import policy, statistics
from battery.verdict.signflip import Floats
from battery.verdict.simulation import (
    SIMULATIONS,
    Design,
    Dimension,
    Saving,
    compounding,
    costs,
    judged,
    page,
)
from battery.verdict.table import means

# Half of all batteries measure less noise than there is. Planned with what was measured, they would
# promise too much; with this bound one battery in five still does.
#: Confidence of the upper bound of a measured noise.
CAUTION: Final = 0.8
#: Where the search for more of each ends: nobody would go further.
MOST: Final[dict[Dimension, int]] = {"iterations": 30, "tasks": 200, "repeats": 30}
#: The largest drop that `smallest` tries.
LARGEST_DROP: Final = 0.95

#: How exactly `smallest` finds a drop, and a power that is not a jump.
_PRECISION: Final = 0.0005
_CLOSE: Final = 0.01
#: From so near, as a share, `nearly` does not look again; and it never looks more often than that.
_NEAR: Final = 0.15
_ROUNDS: Final = 6
#: About the normal deviate that the levels of the questions ask for.
_CRITICAL: Final = 2.0


def call_noise(first_logs: Floats, repeats: int) -> float | None:
    """Return the noise of one call from log(frozen / learn) of iteration 1, one value per task.

    Both arms have the same memory then, so the logs differ by noise alone: by that of two means
    of `repeats` calls. NaN is left out; None for fewer than two tasks. Equal values give 0.
    """
    known = first_logs[~np.isnan(first_logs)]
    if known.size < 2:
        return None
    return float(known.std(ddof=1)) * sqrt(repeats / 2)


def noise_bound(noise: float, tasks: int) -> float:
    """Return the upper bound of a noise that was measured on so many tasks, at least two."""
    # Of the chi-square quantile that it takes, the cube root is nearly normal: Wilson & Hilferty,
    # The distribution of chi-square, Proc Natl Acad Sci 17, 1931. Off by less than 1% from three
    # tasks on, and on the safe side for two.
    freedom = tasks - 1
    spread = 2 / (9 * freedom)
    root = 1 - spread - NormalDist().inv_cdf(CAUTION) * sqrt(spread)
    return noise / sqrt(root**3)


def average_reduction(drop: float, iterations: int) -> float:
    """Return what a drop in each iteration saves over iterations 2..K, as a share.

    The cost of iteration k is (1 - drop)^(k - 1) of the first.
    """
    return 1 - float(Saving(drop).left(iterations)[1:].mean())


def learned_power(saving: Saving, design: Design, batteries: int = SIMULATIONS) -> float:
    """Return the chance of LEARNED or COMPOUNDING."""
    if not _testable(design):
        return 0.0
    return float(judged(saving, design, batteries).learned.mean())


def compounding_power(saving: Saving, design: Design, batteries: int = SIMULATIONS) -> float:
    """Return the chance of COMPOUNDING."""
    if not _testable(design):
        return 0.0
    return float(compounding(*costs(saving, design, batteries), design).mean())


def trend_power(saving: Saving, design: Design, batteries: int = SIMULATIONS) -> float:
    """Return the chance that Page's L over 1..K shows falling cost in one arm alone."""
    if design.iterations < 2:
        return 0.0
    own = costs(saving, design, batteries)[0]
    least = statistics.critical_value(design.tasks, design.iterations, level=policy.ALPHA)
    return float((page(-means(own)) >= least).mean())


def smallest(power_of: Callable[[float], float], power: float = policy.POWER) -> float | None:
    """Return the smallest drop that reaches a power; None where even `LARGEST_DROP` is not seen.

    `power_of` must not fall as the drop grows. What is returned has the power, and at most
    `_CLOSE` more, unless power jumps.
    """
    low: tuple[float, float] | None = None
    high: tuple[float, float] | None = None
    drop = 0.2
    while True:
        reached = power_of(drop)
        if power <= reached <= power + _CLOSE or (reached >= power and drop < _PRECISION):
            return drop
        if reached >= power:
            high = drop, _probit(reached)
        elif drop == LARGEST_DROP:
            return None
        else:
            low = drop, _probit(reached)
        if low is None or high is None:
            drop = drop / 2 if low is None else min(2 * drop, LARGEST_DROP)
        elif high[0] - low[0] <= _PRECISION:
            return high[0]
        else:
            # As a normal deviate, power is nearly a straight line.
            slope = (high[1] - low[1]) / (high[0] - low[0])
            aim = low[0] + (_probit(power + _CLOSE / 2) - low[1]) / slope
            margin = (high[0] - low[0]) / 10
            drop = min(max(aim, low[0] + margin), high[0] - margin)


def _probit(chance: float) -> float:
    return NormalDist().inv_cdf(min(max(chance, 0.05), 0.999))


def fewest(
    power_at: Callable[[int], float], start: int, most: int, power: float = policy.POWER
) -> int | None:
    """Return the smallest number from `start` to `most` that reaches a power; None for none.

    `power_at` must not fall as the number grows.
    """
    low, high, tried = start - 1, most + 1, start
    while high - low > 1:
        reached = power_at(tried)
        if reached >= power:
            high = tried
        else:
            low = tried
        if high > most:
            tried = min(most, max(tried + 1, round(tried * min(_times(reached, power), 4.0))))
        else:
            tried = (low + high) // 2
    return high if high <= most else None


def nearly(
    power_at: Callable[[int], float], start: int, most: int, power: float = policy.POWER
) -> int | None:
    """Return about how many are enough, as `fewest` does, with two or three powers to work out."""
    tried = start
    for _ in range(_ROUNDS):
        aim = ceil(tried * min(_times(power_at(tried), power), 8.0))
        if aim > most and tried == most:
            return None
        if abs(aim - tried) <= tried * _NEAR:
            return max(aim, start)
        tried = min(max(aim, start), most)
    return tried


def _times(reached: float, power: float) -> float:
    """Return how many times as much is needed, from a power that was reached."""
    # What a test sees grows with the root of what it rests on.
    return float(((_probit(power) + _CRITICAL) / (_probit(reached) + _CRITICAL)) ** 2)


def _testable(design: Design) -> bool:
    return design.iterations >= 2 and design.tasks > 0
