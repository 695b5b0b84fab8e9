"""Sign-flip permutation tests: whether the average effect over tasks is more than luck.

If a task's effect is as likely to be +d as -d, every pattern of signs is equally likely, and the
p-value is the share of patterns that look at least as good as the observed one. Tasks are the
unit; nothing is assumed about the shape of the effects. Fisher, The Design of Experiments, 1935,
section 21; Pesarin & Salmaso, Permutation Tests for Complex Data, 2010, chapter 2.

Effects are numbers or NaN, for a cell that was not measured. Changing the unit of a metric changes
no p-value, and neither does the order of the tasks.

`better` and `bound` are one test, asked in two ways. Turning the signs of a set of tasks lowers the
sum of all effects by twice the sum of that set, so the patterns that look at least as good as the
observed one are the sets whose sum is at most 0. The same test of "the mean effect is above d"
counts the sets whose mean is at most d, the empty set always among them, and the interval of all d
that it does not reject ends at one of these means. Hence p is at most the level exactly where the
lower end is above 0, provided that both look at the same sets: `_subsets` makes them for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import floor
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Of the random flips; fixed, so that the same battery always gets the same p-value.
SEED: Final = 20_260_301
# Exact while that is cheap: each further task doubles the patterns, and the 65,536 of 16 tasks
# already allow a p far below any level that is asked.
#: Up to so many tasks all patterns of signs are tried.
EXACT_UP_TO: Final = 16
# A p near .05 then has a standard error of .0007.
#: With more tasks so many random patterns are.
RANDOM_FLIPS: Final = 100_000
#: Sums this close, relative to the sum of all sizes, are equal: the order of adding is no evidence.
TOLERANCE: Final = 1e-9

#: Signs held in memory at a time: what fits into a processor's cache is multiplied fastest.
_CHUNK_CELLS: Final = 2**16

#: The eight signs of each byte, from its highest bit down.
_OF_BYTE: Final = (np.arange(256)[:, None] >> np.arange(8)[::-1] & 1) * 2.0 - 1

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


class Flipped(NamedTuple):
    """The outcome of one sign-flip test."""

    #: None where no task says anything: no effect was measured, or all are 0.
    p: float | None
    #: Tasks with a measured effect, those with an effect of 0 among them.
    tasks: int
    #: Patterns of signs that were tried.
    flips: int
    #: Whether these were all there are.
    exact: bool


@lru_cache(maxsize=EXACT_UP_TO + 1)
def signs(tasks: int) -> Floats:
    """Return all 2^n patterns of signs, one a row, as +1 and -1; the first row is all +1.

    The array is shared and cannot be written to. Raises `ValueError` above `EXACT_UP_TO` tasks.
    """
    if tasks > EXACT_UP_TO:
        raise ValueError(f"{tasks} tasks have too many patterns to list")
    bits = np.arange(2**tasks)[:, None] >> np.arange(tasks) & 1
    rows: Floats = np.where(bits, -1.0, 1.0)
    rows.flags.writeable = False
    return rows


def flips(tasks: int) -> Iterator[Floats]:
    """Yield patterns of signs in chunks of rows: all of them, or `RANDOM_FLIPS` seeded ones."""
    if tasks <= EXACT_UP_TO:
        yield signs(tasks)
        return
    rng = np.random.default_rng(SEED)
    rows = max(1, _CHUNK_CELLS // tasks)
    for start in range(0, RANDOM_FLIPS, rows):
        shape = (min(rows, RANDOM_FLIPS - start), -(-tasks // 8))
        # Each random byte is eight signs, so an eighth of the numbers is drawn.
        packed = rng.integers(0, 256, shape, dtype=np.uint8)
        yield np.take(_OF_BYTE, packed, axis=0).reshape(len(packed), -1)[:, :tasks]


def better(effects: Floats) -> Flipped:
    """Test one-sided whether the mean effect is above 0.

    NaN is left out. One task gives p = 1/2 or 1; equal effects of n tasks give 1/2^n or 1.
    """
    known = effects[~np.isnan(effects)]
    exact = known.size <= EXACT_UP_TO
    if not known.any():
        return Flipped(None, known.size, 0, exact=True)
    sums = _subsets(known).sums
    hits = int(np.count_nonzero(sums <= 0))
    return Flipped(_share(hits, sums.size, exact=exact), known.size, sums.size, exact)


def bound(effects: Floats, level: float) -> float | None:
    """Return the lower end of the one-sided interval of the mean effect, by inverting `better`.

    `level` is that of the test, such as .05: `better(effects).p <= level` exactly where the bound
    is above 0. The upper end is `-bound(-effects, level)`. NaN is left out; an effect of 0 is an
    effect. None where so few tasks can never reach the level. Raises `ValueError` for a level that
    is not between 0 and 1.

    The means of sets are the typical values of Hartigan, Using subsample values as typical values,
    J Am Stat Assoc 64, 1969: each gap between two of them is as likely to hold the true mean.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level is between 0 and 1, not {level}")
    known = effects[~np.isnan(effects)]
    sets = _subsets(known)
    turned = sets.sizes > 0
    # The empty set is a hit whatever the mean effect may be.
    rank = _hits_allowed(sets.sums.size, level, exact=known.size <= EXACT_UP_TO)
    rank -= int(np.count_nonzero(~turned))
    if rank < 0:
        return None
    means = sets.sums[turned] / sets.sizes[turned]
    return float(np.partition(means, rank)[rank]) * sets.unit


def differs(effects: Floats) -> Flipped:
    """Test two-sided whether the mean effect is other than 0.

    NaN is left out. One task gives p = 1; equal effects of n tasks give 2/2^n.
    """
    return _test(effects, np.abs)


def max_t(table: Floats) -> list[tuple[float | None, float | None]]:
    """Test every column (metric) of tasks by metrics two-sided; return raw and corrected p.

    Single-step max-T of Westfall & Young, Resampling-Based Multiple Testing, 1993, section 2.6:
    each metric is held against the largest statistic of all metrics in the same flip. Whole rows
    are flipped together, so the correlation between metrics is kept, and the chance that any
    metric without an effect gets a corrected p of at most .05 is at most .05.

    The statistic is sum(d) / sqrt(sum(d^2)). Flipping changes no d^2, and with S for this
    statistic Student's t is S * sqrt((n - 1) / (n - S^2)): the larger the one, the larger the
    other. Unlike t it has no division by zero where all effects are equal.

    A NaN cell adds nothing to its metric. A metric without information, all NaN or 0, is
    `(None, None)` and takes no part in the correction.
    """
    table = _scaled(table)
    informed = np.flatnonzero(table.any(axis=0))
    results: list[tuple[float | None, float | None]] = [(None, None)] * table.shape[1]
    columns = table[:, informed]
    columns = columns / np.sqrt((columns**2).sum(axis=0))
    least = np.abs(columns.sum(axis=0)) - _slack(columns)

    def hit(sums: Floats) -> Booleans:
        sizes = np.abs(sums)
        largest = sizes.max(axis=1, initial=0.0, keepdims=True)
        return np.hstack([sizes >= least, largest >= least])

    hits, tried, exact = _count(columns, hit)
    ps = [_share(count, tried, exact=exact) for count in hits.tolist()]
    for place, metric in enumerate(informed.tolist()):
        results[metric] = (ps[place], ps[informed.size + place])
    return results


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Correct p-values for their number by Holm's step-down method, in the order given.

    Holm, A simple sequentially rejective multiple test procedure, Scand J Statist 6, 1979. None
    is passed through and not counted. A single p stays as it is; equal ones stay equal.
    """
    order = sorted((p, index) for index, p in enumerate(ps) if p is not None)
    results: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, index) in enumerate(order):
        # A larger p must not come out below the one before it, where the step-down has stopped.
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        results[index] = highest
    return results


def chances_of_counts(changes: Floats, needed: Sequence[int]) -> list[float] | None:
    """Return how often luck alone makes at least so many metrics improve, one chance a number.

    `changes` is tasks by metrics, from the first iteration to the last, positive for better. If
    first and last may be exchanged in each task, this is the share of exchanges after which so
    many column sums are above 0; a sum of 0 is no improvement. It answers what the count of
    directions is worth, and is no p-value of a test on the sizes.

    A NaN cell adds nothing. None where nothing changed or nothing was measured.
    """
    table = _scaled(changes)
    if not table.any():
        return None
    slack = _slack(table)

    def hit(sums: Floats) -> Booleans:
        many: Booleans = (sums > slack).sum(axis=1, keepdims=True) >= np.array(needed)
        return many

    hits, tried, _ = _count(table, hit)
    return [count / tried for count in hits.tolist()]


class _Subsets(NamedTuple):
    """The sets of tasks whose signs are turned, one a pattern."""

    #: Sums of effects, in units of `unit`; 0 where they are 0 but for rounding.
    sums: Floats
    #: Tasks in the set.
    sizes: Floats
    #: The largest size of an effect; 1 where all are 0.
    unit: float


def _subsets(known: Floats) -> _Subsets:
    """Sum the effects over all sets of tasks, or over those of the random flips."""
    unit = float(np.abs(known).max(initial=0.0)) or 1.0
    # Sorted, tasks in another order give the same sums to the last digit, and a mean effect that is
    # taken off first meets the same random flips.
    scaled = np.sort(known) / unit
    columns = np.column_stack([scaled, np.ones(scaled.size)])
    if scaled.size <= EXACT_UP_TO:
        sums, sizes = _all_sets(columns)
    else:
        turned = np.concatenate([rows @ columns for rows in flips(scaled.size)])
        sums, sizes = ((columns.sum(axis=0) - turned) / 2).T
    sums[np.abs(sums) <= _slack(scaled) / 2] = 0.0
    return _Subsets(sums, sizes, unit)


def _all_sets(columns: Floats) -> Floats:
    """Sum each column over every set of rows; the empty set comes first."""
    sets = np.zeros((columns.shape[1], 1))
    for row in columns:
        sets = np.hstack([sets, sets + row[:, None]])
    return sets


def _hits_allowed(tried: int, level: float, *, exact: bool) -> int:
    """Return with how many hits at most the p of `_share` is at most the level; -1 for none."""
    hits = floor(level * tried) + 1
    while hits >= 0 and _share(hits, tried, exact=exact) > level:
        hits -= 1
    return hits


def _test(effects: Floats, statistic: Callable[[Floats], Floats]) -> Flipped:
    measured = int((~np.isnan(effects)).sum())
    column = _scaled(effects[:, None])
    if not len(column):
        return Flipped(None, measured, 0, exact=True)
    least = statistic(column.sum(axis=0)) - _slack(column)
    hits, tried, exact = _count(column, lambda sums: statistic(sums) >= least)
    return Flipped(_share(int(hits[0]), tried, exact=exact), measured, tried, exact)


def _scaled(table: Floats) -> Floats:
    """Bring each column to at most 1 in size, with 0 for NaN, and drop rows of zeros.

    A row of zeros is the same under either sign: it doubles the patterns and changes no share.
    """
    filled: Floats = np.where(np.isnan(table), 0.0, table)
    largest = np.abs(filled).max(axis=0, initial=0.0)
    # Dividing first keeps sums of huge or tiny effects within what a float can hold.
    filled = filled / np.where(largest > 0, largest, 1.0)
    return filled[filled.any(axis=1)]


def _slack(columns: Floats) -> Floats:
    slack: Floats = TOLERANCE * np.abs(columns).sum(axis=0)
    return slack


def _count(table: Floats, hit: Callable[[Floats], Booleans]) -> tuple[NDArray[np.int64], int, bool]:
    """Count the hits of each column over all flips, the flips, and say whether they are all."""
    hits, tried = np.zeros(1, dtype=np.int64), 0
    for rows in flips(len(table)):
        hits = hits + hit(rows @ table).sum(axis=0)
        tried += len(rows)
    return hits, tried, len(table) <= EXACT_UP_TO


def _share(hits: int, tried: int, *, exact: bool) -> float:
    # Random flips may miss the observed pattern, which is one of them: it is counted in, as in
    # Phipson & Smyth, Permutation P-values should never be zero, 2010.
    return hits / tried if exact else (1 + hits) / (1 + tried)
