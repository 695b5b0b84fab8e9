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

from collections.abc import Callable, Iterable, Iterator, Sequence
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

#: Sums, and bytes of signs, held at a time: what fits into a processor's cache is fastest.
_CHUNK_CELLS: Final = 2**16
_CHUNK_BYTES: Final = 2**20
#: The same of sums over sets.
_CHUNK_SETS: Final = 2**18
#: Most bytes of random signs that are kept for the next test.
_KEPT_BYTES: Final = 2**23
# With more, products wake the threads of the linear algebra library, which wait by spinning: that
# takes longer than it saves, and burns every core.
#: Most batteries at a time that random flips are tried on.
_ONE_THREAD: Final = 100

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


def flipped_sums(table: Floats, most: int | None = None) -> Iterator[Floats]:
    """Yield the column sums of tasks by columns under patterns of signs, in chunks of rows.

    A pattern turns the sign of whole rows. All patterns are tried, the one that turns none first,
    or `RANDOM_FLIPS` seeded ones. With `most` no more than so many, and random ones where there are
    more.
    """
    tasks, columns = table.shape
    if tasks <= EXACT_UP_TO and (most is None or 2**tasks <= most):
        yield signs(tasks) @ table
        return
    # A random byte is the signs of eight tasks, and what they come to under each of the 256 is
    # looked up: an eighth of the numbers is drawn, and an eighth is added.
    groups = -(-tasks // 8)
    padded = np.zeros((groups, 8, columns))
    padded.reshape(-1, columns)[:tasks] = table
    looked_up = _OF_BYTE @ padded
    rows = max(1, min(_CHUNK_BYTES // groups, _CHUNK_CELLS // max(1, columns)))
    for drawn in _patterns(groups, rows, RANDOM_FLIPS if most is None else most):
        total = np.zeros((drawn.shape[1], columns))
        for of_group, patterns in zip(looked_up, drawn, strict=True):
            total += of_group.take(patterns, axis=0)
        yield total


def _patterns(groups: int, rows: int, tried: int) -> Iterable[NDArray[np.uint8]]:
    """Return random signs of so many groups of eight tasks, in chunks: the same each time."""
    # A verdict tries the same patterns a dozen times, and to draw them takes as long as a test.
    known = groups * tried <= _KEPT_BYTES
    return _known_patterns(groups, rows, tried) if known else _drawn(groups, rows, tried)


def _drawn(groups: int, rows: int, tried: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(SEED)
    for start in range(0, tried, rows):
        yield rng.integers(0, 256, (groups, min(rows, tried - start)), dtype=np.uint8)


@lru_cache(maxsize=4)
def _known_patterns(groups: int, rows: int, tried: int) -> list[NDArray[np.uint8]]:
    return list(_drawn(groups, rows, tried))


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
    """Test two-sided whether the mean effect is other than 0: `better`, asked both ways.

    NaN is left out. One task gives p = 1; equal effects of n tasks give 2/2^n.
    """
    one_way, other_way = better(effects), better(-effects)
    return one_way._replace(p=either_way(one_way.p, other_way.p))


def each(effects: Floats, *, two_sided: bool = False, most: int | None = None) -> Floats:
    """Return the p of `better`, or of `differs`, for each of many batteries: rows of effects.

    NaN is an effect of 0, and a row of zeros has p = 1. With `most` no more patterns are tried.
    """
    table = _scaled(effects.T)
    total, slack = table.sum(axis=0), _slack(table)

    def seen(sums: Floats) -> Floats:
        return np.abs(sums) if two_sided else sums

    least = seen(total) - slack

    def count(part: NDArray[np.int64]) -> tuple[NDArray[np.int64], int, bool]:
        return _count(table[:, part], lambda sums: seen(sums) >= least[part], most)

    if len(table) > EXACT_UP_TO or (most is not None and 2 ** len(table) > most):
        parts = np.array_split(np.arange(total.size), 1 + total.size // _ONE_THREAD)
        counts = [count(part) for part in parts]
        random: Floats = np.concatenate([(1 + hits) / (1 + tried) for hits, tried, _ in counts])
        return random
    # Adding up sets, as `better` does, beats multiplying signs where there are many batteries.
    parts = np.array_split(np.arange(total.size), 1 + (total.size << len(table)) // _CHUNK_SETS)
    exact: Floats = np.concatenate(
        [
            (seen(total[part] - 2 * all_sets(table[:, part])) >= least[part]).mean(0)
            for part in parts
        ]
    )
    return exact


def either_way(one_way: float | None, other_way: float | None) -> float | None:
    """Return the two-sided p of a test from its one-sided ones; None where it has none."""
    # Either way is as much news as the other, so the level is paid for both.
    if one_way is None or other_way is None:
        return None
    return min(1.0, 2 * min(one_way, other_way))


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
    return _subsets_of(known.tobytes())


# The p-value of some effects and the ends of their interval look at the same sets.
@lru_cache(maxsize=8)
def _subsets_of(effects: bytes) -> _Subsets:
    known = np.frombuffer(effects)
    unit = float(np.abs(known).max(initial=0.0)) or 1.0
    # Sorted, tasks in another order give the same sums to the last digit, and a mean effect that is
    # taken off first meets the same random flips.
    scaled = np.sort(known) / unit
    sums = all_sets(scaled) if scaled.size <= EXACT_UP_TO else _random_sets(scaled)
    sums[np.abs(sums) <= _slack(scaled) / 2] = 0.0
    sums.flags.writeable = False
    return _Subsets(sums, _sizes(scaled.size), unit)


def _random_sets(values: Floats) -> Floats:
    """Sum values over the sets whose signs the random flips turn."""
    flipped = np.concatenate(list(flipped_sums(values[:, None])))[:, 0]
    sums: Floats = (values.sum() - flipped) / 2
    return sums


def all_sets(values: Floats) -> Floats:
    """Sum values, or rows of them, over every set of them; the empty set comes first."""
    sums = np.zeros((2 ** len(values), *values.shape[1:]))
    for place, value in enumerate(values):
        half = 2**place
        np.add(sums[:half], value, out=sums[half : 2 * half])
    return sums


# The random flips are the same each time, so that a verdict draws them once for each size.
@lru_cache(maxsize=EXACT_UP_TO + 1)
def _sizes(tasks: int) -> Floats:
    ones = np.ones(tasks)
    sizes = all_sets(ones) if tasks <= EXACT_UP_TO else _random_sets(ones)
    sizes.flags.writeable = False
    return sizes


def _hits_allowed(tried: int, level: float, *, exact: bool) -> int:
    """Return with how many hits at most the p of `_share` is at most the level; -1 for none."""
    hits = floor(level * tried) + 1
    while hits >= 0 and _share(hits, tried, exact=exact) > level:
        hits -= 1
    return hits


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


def _count(
    table: Floats, hit: Callable[[Floats], Booleans], most: int | None = None
) -> tuple[NDArray[np.int64], int, bool]:
    """Count the hits of each column over all flips, the flips, and say whether they are all."""
    hits, tried = np.zeros(1, dtype=np.int64), 0
    for rows in flipped_sums(table, most):
        hits = hits + hit(rows).sum(axis=0)
        tried += len(rows)
    return hits, tried, len(table) <= EXACT_UP_TO and tried == 2 ** len(table)


def _share(hits: int, tried: int, *, exact: bool) -> float:
    # Random flips may miss the observed pattern, which is one of them: it is counted in, as in
    # Phipson & Smyth, Permutation P-values should never be zero, 2010.
    return hits / tried if exact else (1 + hits) / (1 + tried)
