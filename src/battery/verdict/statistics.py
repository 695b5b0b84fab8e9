"""Rank tests of whether values grow, and the bound of a rate.

Page's test asks whether a value grows from position to position, in task after task. Page, Ordered
hypotheses for multiple treatments, J Am Stat Assoc 58, 1963. Each task's values are replaced by
their ranks within the task, so tasks of different size count alike and only the order matters. If
the order of the iterations means nothing, every arrangement of a task's ranks is equally likely,
and L, the sum of position times rank, is as large as observed only by luck. Ranks are doubled
throughout, so that midranks (the mean rank of equal values) are whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import cos, erfc, expm1, log1p, pi, sin, sqrt, tan
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from battery.verdict.signflip import TOLERANCE, Floats

#: Up to so many positions the arrangements of one task are counted exactly.
EXACT_POSITIONS: Final = 10
#: Most points of the exact null distribution; a larger one is as good as normal.
EXACT_POINTS: Final = 4_000

Integers = NDArray[np.int64]
#: The doubled midranks of one task in ascending order.
Pattern = tuple[int, ...]


def most_without_event(trials: int, level: float = 0.95) -> float:
    """Return the one-sided upper bound of the rate of what never happened: .393 after 6 trials.

    Clopper & Pearson, The use of confidence or fiducial limits, Biometrika 26, 1934. Without a
    trial it is 1.
    """
    return -expm1(log1p(-level) / trials) if trials else 1.0


def student(share: float, freedom: int) -> float:
    """Return the quantile of Student's t, for a share of at least 1/2 and whole degrees of freedom.

    The distribution is a finite sum of powers of an angle: Abramowitz & Stegun, Handbook of
    Mathematical Functions, 1964, 26.7.3 and 26.7.4. Raises `ValueError` outside of that.
    """
    if not 0.5 <= share < 1 or freedom < 1:
        raise ValueError(f"no quantile for a share of {share} with {freedom} degrees of freedom")
    low, high = 0.0, pi / 2
    # Halving an angle 60 times leaves nothing of it that a float can tell.
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < 2 * share - 1 else (low, middle)
    return sqrt(freedom) * tan(low)


def _within(angle: float, freedom: int) -> float:
    """Return the chance of a t between plus and minus `sqrt(freedom) * tan(angle)`."""
    odd, cosine = freedom % 2, cos(angle)
    term = cosine if odd else 1.0
    total = 0.0
    for step in range(1 + odd, freedom, 2):
        total += term
        term *= cosine**2 * step / (step + 1)
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total


class Ordered(NamedTuple):
    """The outcome of Page's test."""

    #: One-sided; None where no task has an order: nothing measured, or all values equal.
    p: float | None
    #: Page's L over all rows without a gap; a whole or a half number.
    statistic: float
    #: Rows (tasks, once per segment) without a gap, those with equal values among them.
    tasks: int
    #: Whether p was counted; else it comes from the normal approximation.
    exact: bool


def page(values: Floats) -> Ordered:
    """Test one-sided whether values grow along the rows (tasks) of tasks by positions."""
    return ordered([values])


def ordered(segments: Sequence[Floats]) -> Ordered:
    """Test one-sided whether values grow along the rows, in one or several tables of them.

    Each segment is tasks by positions. Positions start at 1 in each: a row is held against itself,
    never against another segment, and the statistic is the sum of L over all of them. Segments may
    differ in tasks and in positions.

    Equal values share their midrank, and the null distribution is that of the ranks with these
    ties. A row with any NaN is left out. A row of equal values is the same however it is arranged:
    it adds a constant to L and nothing to p. The same holds for rows of a single position.

    Up to `EXACT_POSITIONS` positions and `EXACT_POINTS` points p is exact; beyond that it is the
    normal approximation with the exact mean and variance under ties, corrected for continuity.
    """
    complete = [values[~np.isnan(values).any(axis=1)] for values in segments]
    tables = [doubled_midranks(values) for values in complete]
    statistic = sum(map(_doubled_l, tables)) / 2
    tasks = sum(map(len, complete))
    varied = [ranks[(ranks != ranks[:, :1]).any(axis=1)] for ranks in tables]
    varied = [ranks for ranks in varied if ranks.size]
    if not varied:
        return Ordered(None, statistic, tasks, exact=True)
    observed = sum(map(_doubled_l, varied))
    rows = (row for ranks in varied for row in np.sort(ranks, axis=1).tolist())
    patterns = tuple(sorted(map(tuple, rows)))
    if _points(patterns) <= EXACT_POINTS:
        return Ordered(_exact_p(patterns, observed), statistic, tasks, exact=True)
    return Ordered(_normal_p(varied, observed), statistic, tasks, exact=False)


def _doubled_l(ranks: Integers) -> int:
    return int((ranks @ np.arange(1, ranks.shape[1] + 1)).sum())


def doubled_midranks(values: Floats) -> Integers:
    """Rank each row from 1 up and double it; equal values get the mean of their ranks.

    Values closer than `TOLERANCE` of the row's largest size are equal.
    """
    slack = TOLERANCE * np.abs(values).max(axis=1, initial=0.0)[:, None, None]
    gaps = values[:, :, None] - values[:, None, :]
    below = (gaps > slack).sum(axis=2)
    up_to = (gaps >= -slack).sum(axis=2)
    ranks: Integers = below + up_to + 1
    return ranks


def critical_value(tasks: int, *positions: int, level: float) -> float:
    """Return the smallest L with p of at most `level` where no values are equal.

    So many tasks have one segment for each number of positions. Infinite where even the best
    arrangement has a larger p.
    """
    patterns = tuple(sorted(tuple(range(2, 2 * each + 1, 2)) for each in positions * tasks))
    if _points(patterns) <= EXACT_POINTS:
        lowest, upper = _null(patterns)
        reached = np.flatnonzero(upper <= level)
        least = lowest + int(reached[0]) if reached.size else float("inf")
    else:
        # The inverse of `_normal_p`; a single position has no order.
        tables = [
            np.array([range(2, 2 * each + 1, 2)] * tasks, dtype=np.int64) for each in positions
        ]
        fixed = sum(2 * len(ranks) for ranks in tables if ranks.shape[1] == 1)
        mean, deviation = _moments([ranks for ranks in tables if ranks.shape[1] > 1])
        least = fixed + mean + 1.0 + NormalDist().inv_cdf(1 - level) * deviation
    # Untied ranks make L whole.
    return float(np.ceil(least / 2))


# Nearly all tasks have the pattern without equal values.
@lru_cache(maxsize=1024)
def _extent(pattern: Pattern) -> tuple[int, int]:
    """Return the smallest and the largest doubled sum of position times rank."""
    up = sum(position * rank for position, rank in enumerate(pattern, 1))
    down = sum(position * rank for position, rank in enumerate(reversed(pattern), 1))
    return down, up


def _points(patterns: Sequence[Pattern]) -> float:
    """Count the points of the null distribution; infinite where it is not to be counted."""
    if max(map(len, patterns)) > EXACT_POSITIONS:
        return float("inf")
    return sum(up - down for down, up in map(_extent, patterns)) + 1


def _exact_p(patterns: tuple[Pattern, ...], observed: int) -> float:
    lowest, upper = _null(patterns)
    return float(upper[observed - lowest])


@lru_cache(maxsize=256)
def _null(patterns: tuple[Pattern, ...]) -> tuple[int, Floats]:
    """Return the smallest doubled L and, from there on, the chance of each value or more."""
    chances = np.ones(1)
    for pattern in patterns:
        chances = np.convolve(chances, _one_task(pattern))
    # Added from the small end, so that small p-values keep their digits.
    upper = np.minimum(np.cumsum(chances[::-1])[::-1], 1.0)
    return sum(_extent(pattern)[0] for pattern in patterns), upper


@lru_cache(maxsize=1024)
def _one_task(pattern: Pattern) -> Floats:
    """Return the chance of each doubled sum of one task, from its smallest to its largest.

    Goes through the sets of ranks that can stand on the first positions, smallest sets first:
    2^k sets instead of k! arrangements.
    """
    size = len(pattern)
    lowest, highest = _extent(pattern)
    # Sums are counted above the smallest rank, which keeps the arrays short.
    above = [rank - pattern[0] for rank in pattern]
    width = highest - pattern[0] * size * (size + 1) // 2 + 1
    ways = np.zeros((2**size, width))
    ways[0, 0] = 1.0
    for used in range(2**size):
        position = used.bit_count() + 1
        for item, rank in enumerate(above):
            if not used >> item & 1:
                shift = position * rank
                ways[used | 1 << item, shift:] += ways[used, : width - shift]
    counts = ways[-1, -(highest - lowest + 1) :]
    chances: Floats = counts / counts.sum()
    return chances


def _normal_p(tables: Sequence[Integers], observed: int) -> float:
    mean, deviation = _moments(tables)
    # Half the distance between neighbouring values of L: all even, unless a midrank is odd.
    half = 0.5 if any((ranks % 2).any() for ranks in tables) else 1.0
    # Not `NormalDist.cdf`, which rounds small chances to 0.
    return erfc((observed - half - mean) / deviation / sqrt(2)) / 2


def _moments(tables: Sequence[Integers]) -> tuple[float, float]:
    """Return mean and standard deviation of the doubled L; ties make the latter smaller."""
    mean = variance = 0.0
    for ranks in tables:
        tasks, size = ranks.shape
        positions = np.arange(1, size + 1)
        spread = ((positions - positions.mean()) ** 2).sum() / (size - 1)
        mean += float(tasks * (size + 1) * positions.sum())
        variance += float(spread * ((ranks - (size + 1)) ** 2).sum())
    return mean, sqrt(variance)
