"""Every number of a verdict a second time: slow, plain, and without the code that is tested.

Nothing of `battery.verdict` is used but the grid of calls, names and thresholds. Sign flips and
exchanges are tried one by one, permutations are listed, exact tests come from scipy, the ends of
intervals from bisection.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from battery.verdict import policy
from battery.verdict.signflip import Floats

#: One-sided p of something, or its size.
Test = Callable[[float], float]
#: Of a task: events of the own side, its calls, and the same of the base.
Stratum = tuple[int, int, int, int]
#: Patterns of signs up to this many units are tried one by one; above it, so many random ones are.
LISTED = 13
DRAWN = 20_000


@cache
def patterns(units: int) -> NDArray[np.int8]:
    if units <= LISTED:
        return np.array(list(itertools.product([1, -1], repeat=units)), dtype=np.int8)
    draw = np.random.default_rng(units)
    return draw.choice(np.array([1, -1], dtype=np.int8), (DRAWN, units))


def slack(units: int) -> float:
    """How far a p may be from another, because of random flips on either side."""
    return 1e-9 if units <= LISTED else 0.02


def known(values: Sequence[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]


def average(values: Sequence[float]) -> float:
    there = known(values)
    return sum(there) / len(there) if there else math.nan


def log_ratio(own: float, base: float) -> float:
    """The log of base over own, where 0 counts as a hundredth of the other."""
    if math.isnan(own) or math.isnan(base):
        return math.nan
    if own == base:
        return 0.0
    if own == 0 or base == 0:
        return math.log(100) if own == 0 else -math.log(100)
    found = math.log(base / own)
    return found if abs(found) > 1e-9 else 0.0


def cells(own: Floats, base: Floats) -> list[list[tuple[float, float]]]:
    """By task, the means of both sides in each iteration that both measured."""
    found = []
    for mine, other in zip(own.tolist(), base.tolist(), strict=True):
        both = [(average(a), average(b)) for a, b in zip(mine, other, strict=True)]
        found.append([(a, b) for a, b in both if not math.isnan(a + b)])
    return found


def effects(own: Floats, base: Floats) -> list[float]:
    return [
        log_ratio(average([a for a, _ in pairs]), average([b for _, b in pairs]))
        for pairs in cells(own, base)
    ]


def ratio(logs: Sequence[float]) -> float | None:
    there = known(logs)
    return math.exp(-sum(there) / len(there)) if there else None


def flips(logs: Sequence[float], *, two_sided: bool = False) -> float | None:
    there = np.array(known(logs))
    if not there.any():
        return None
    sums = patterns(there.size) @ there
    observed = there.sum()
    if two_sided:
        sums, observed = np.abs(sums), abs(observed)
    return float((sums >= observed - 1e-9 * np.abs(there).sum()).mean())


def lower_end(p: Test, level: float, low: float, high: float) -> float:
    """Where a p that grows with the effect that is taken off leaves a level."""
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (middle, high) if p(middle) <= level else (low, middle)
    return low


def flips_end(logs: Sequence[float], level: float) -> float | None:
    there = known(logs)
    if not there or 1 / 2 ** len(there) > level:
        return None

    def p(effect: float) -> float:
        moved = [log - effect for log in there]
        return flips(moved) or (1.0 if not any(moved) else 0.0)

    return lower_end(p, level, min(there) - 1, max(there) + 1)


def pairs(own: Floats, base: Floats) -> list[list[tuple[float, float]]]:
    """By niche task, its pairs of calls, four at most."""
    found = []
    for mine, other in zip(own, base, strict=True):
        flat = list(zip(mine.ravel().tolist(), other.ravel().tolist(), strict=True))
        size, rest = divmod(len(flat), min(4, len(flat)))
        parts, start = [], 0
        for place in range(min(4, len(flat))):
            end = start + size + (place < rest)
            part = [(a, b) for a, b in flat[start:end] if not math.isnan(a + b)]
            if part:
                parts.append((average([a for a, _ in part]), average([b for _, b in part])))
            start = end
        found.append(parts)
    return found


def exchanges(tasks: Sequence[Sequence[tuple[float, float]]], effect: float = 0.0) -> float | None:
    own = [[a * math.exp(effect) for a, _ in task] for task in tasks if task]
    base = [[b for _, b in task] for task in tasks if task]
    if all(a == b for a, b in zip(own, base, strict=True)):
        return None
    mine, other = np.concatenate(own), np.concatenate(base)
    signs = patterns(mine.size)
    first, second = np.where(signs > 0, mine, other), np.where(signs > 0, other, mine)
    total = np.zeros(len(signs))
    observed, start = 0.0, 0
    for a, b in zip(own, base, strict=True):
        part = slice(start, start + len(a))
        start += len(a)
        # Sums of the same numbers in another order are the same sum.
        x, y = (side[:, part].mean(axis=1).round(6) for side in (first, second))
        free = (x == 0) | (y == 0) | (x == y)
        total[~free] += np.log(y[~free] / x[~free])
        total[free] += list(map(log_ratio, x[free].tolist(), y[free].tolist()))
        observed += log_ratio(average(a), average(b))
    return float((total >= observed - 1e-6 * (1 + abs(observed))).mean())


def distribution(strata: Sequence[Stratum]) -> tuple[int, Floats]:
    """How many events fall on the own side of all tasks: the smallest number, and the chances."""
    lowest, chances = 0, np.ones(1)
    for own_events, own, base_events, base in strata:
        events = own_events + base_events
        least, most = max(0, events - base), min(events, own)
        if own and base:
            counts = np.arange(least, most + 1)
            chances = np.convolve(
                chances, scipy.stats.hypergeom.pmf(counts, own + base, events, own)
            )
            lowest += least
    return lowest, chances


def informative(strata: Sequence[Stratum]) -> list[Stratum]:
    return [
        (x, own, y, base) for x, own, y, base in strata if own and base and 0 < x + y < own + base
    ]


def more(strata: Sequence[Stratum]) -> float | None:
    there = informative(strata)
    if not there:
        return None
    lowest, chances = distribution(there)
    return float(chances[sum(stratum[0] for stratum in there) - lowest :].sum())


def fewer(strata: Sequence[Stratum]) -> float | None:
    return more([(own - x, own, base - y, base) for x, own, y, base in strata])


def attained(strata: Sequence[Stratum], level: float) -> float:
    there = informative(strata)
    if not there:
        return 0.0
    _, chances = distribution(there)
    tails = np.cumsum(chances[::-1])
    return float(max((tail for tail in tails if tail <= level * (1 + 1e-9)), default=0.0))


def e_value(blocks: Sequence[Sequence[float]], before: Sequence[float]) -> float:
    """The largest e-value after any block."""
    seen, wealth, largest = known(before), [1.0, 1.0, 1.0], 1.0
    for block in map(known, blocks):
        spread = math.sqrt(sum(x * x for x in seen) / len(seen)) if seen else 0.0
        if spread > 0:
            for place, bet in enumerate((0.25, 0.5, 1.0)):
                for x in block:
                    wealth[place] *= 1 + math.tanh(bet * max(-2.0, min(2.0, x / spread)))
        largest = max(largest, sum(wealth) / 3)
        seen = seen + block
    return largest


def page(segments: Sequence[Floats]) -> tuple[float | None, bool]:
    """Page's test by listing all arrangements of each task; p, and whether it is exact."""
    rows = [row for table in segments for row in table.tolist() if not np.isnan(row).any()]
    ranked = [scipy.stats.rankdata(np.round(row, 10)) * 2 for row in rows if row]
    ranked = [row for row in ranked if np.ptp(row) > 0]
    if not ranked:
        return None, True
    observed = sum(round(float(row @ np.arange(1, row.size + 1))) for row in ranked)
    extents = [
        np.sort(row) @ (np.arange(row.size) * 2 - row.size + 1) for row in ranked if row.size > 1
    ]
    if max(row.size for row in ranked) > 10 or sum(extents) + 1 > 4000:
        return _normal(ranked, observed), False
    total: Counter[int] = Counter({0: 1})
    ways = 1
    for row in ranked:
        own = _arrangements(tuple(sorted(row.tolist())))
        joined: Counter[int] = Counter()
        for (a, x), (b, y) in itertools.product(total.items(), own.items()):
            joined[a + b] += x * y
        total, ways = joined, ways * sum(own.values())
    return sum(count for value, count in total.items() if value >= observed) / ways, True


@cache
def _arrangements(ranks: tuple[float, ...]) -> Counter[int]:
    found: Counter[int] = Counter()
    for order in itertools.permutations(ranks):
        found[round(sum(place * rank for place, rank in enumerate(order, 1)))] += 1
    return found


def _normal(ranked: Sequence[Any], observed: int) -> float:
    mean = variance = 0.0
    for row in ranked:
        places = np.arange(1, row.size + 1)
        mean += row.mean() * places.sum()
        variance += np.var(places) * np.var(row) * row.size**2 / (row.size - 1)
    half = 0.5 if any((row % 2).any() for row in ranked) else 1.0
    return float(scipy.stats.norm.sf((observed - half - mean) / math.sqrt(variance)))


def wild(own: Floats, base: Floats, phases: Sequence[str]) -> bool:
    """Whether calls of the learner scatter more, beyond what their kind does together."""
    count = own.shape[1]
    if count < 2:
        return False
    scatter = []
    logs = np.full((2, *own.shape[:2]), np.nan)
    for task, pairs in enumerate(cells(own, base)):
        least = average([each for pair in pairs for each in pair]) / 100 or 0.01
        for iteration in range(count):
            pair = [average(side[task, iteration].tolist()) for side in (own, base)]
            if not math.isnan(sum(pair)):
                logs[:, task, iteration] = [math.log(max(each, least)) for each in pair]
    for side in logs:
        apart = np.array([[x - average(row) for x in row] for row in side.tolist()])
        for phase in set(phases):
            rows = [row for row, name in enumerate(phases) if name == phase]
            for column in range(count):
                apart[rows, column] -= average(apart[rows, column].tolist())
        scatter.append([average(np.abs(row).tolist()) for row in apart])
    p = flips([a - b for a, b in zip(*scatter, strict=True)])
    return p is not None and p <= policy.SCATTER / count


def luck(changes: Floats, needed: Sequence[int]) -> list[float] | None:
    """How often so many columns improve if the signs of whole rows are luck."""
    table = np.nan_to_num(changes)
    if not table.any():
        return None
    sums = patterns(len(table)) @ table
    improved = (sums > 1e-9 * np.abs(table).sum(axis=0)).sum(axis=1)
    return [float((improved >= count).mean()) for count in needed]


def best(savings: Sequence[float]) -> int | None:
    """The place of the largest saving."""
    there = [(saving, -place) for place, saving in enumerate(savings) if not math.isnan(saving)]
    return -max(there)[1] if there else None


def largest_step(savings: Sequence[float]) -> int:
    """Before which place the mean saving rises most, for what two means of that size scatter."""
    filled = [0.0 if math.isnan(saving) else saving for saving in savings]

    def step(place: int) -> float:
        rise = average(filled[place:]) - average(filled[:place])
        return rise / math.sqrt(1 / place + 1 / (len(filled) - place))

    return max(range(1, len(filled)), key=lambda place: (round(step(place), 12), -place))
