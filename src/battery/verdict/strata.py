"""The exact test of two sides that count events: tasks done, bluffs, calls of the overseer.

Calls of one task resemble each other more than calls of different tasks, so each task is a stratum
of its own: only its own calls are exchanged between the sides. If the side means nothing, and given
how many calls each side has and how many of all of them are events, the events of one side follow
a hypergeometric distribution, independent from stratum to stratum. The p-value is the chance that
their sum is at least as large as observed, counted without an approximation, however few the calls.

With one stratum this is Fisher's exact test, The logic of inductive inference, J Roy Stat Soc 98,
1935; with several it is that of Birch, The detection of partial association I, J Roy Stat Soc B 26,
1964.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import fsum
from typing import Final, NamedTuple

import numpy as np

from battery.verdict.signflip import Floats

# Products of two chances above it are still normal numbers: smaller ones lose digits, and time.
#: Chances below this at either end of a distribution are left out.
NEGLIGIBLE: Final = 1e-150
#: A p below this is reported as this; what was left out does not reach the digits of a larger one.
LEAST_P: Final = 1e-130
#: Digits of a p; those after them are rounding.
DIGITS: Final = 12


class Stratum(NamedTuple):
    """The calls of one task on both sides, and those of them that are events."""

    own_events: int
    own: int
    base_events: int
    base: int

    @property
    def events(self) -> int:
        """The events of both sides."""
        return self.own_events + self.base_events

    @property
    def informative(self) -> bool:
        """Whether events could have fallen otherwise: two sides, and calls that differ."""
        return self.own > 0 and self.base > 0 and 0 < self.events < self.own + self.base


class _Chances(NamedTuple):
    """The distribution of a number of events."""

    #: The smallest number with a chance worth keeping.
    lowest: int
    #: The chance of each number from there on.
    chances: Floats


def by_task(own: Floats, base: Floats) -> list[Stratum]:
    """Return one stratum per row (task) of tasks by calls; an event is a value other than 0.

    NaN is no call. Raises `ValueError` where the two sides do not have the same number of tasks.
    """
    pairs = zip(_counts(own), _counts(base), strict=True)
    return [Stratum(*own_counts, *base_counts) for own_counts, base_counts in pairs]


def more(strata: Sequence[Stratum]) -> float | None:
    """Test one-sided whether the own side has more events than the base lets expect.

    None where no stratum says anything: in each one, a side has no calls or all calls are alike.
    """
    informative = [stratum for stratum in strata if stratum.informative]
    if not informative:
        return None
    total = _total(informative)
    observed = sum(stratum.own_events for stratum in informative)
    return _p(total, max(0, observed - total.lowest))


def attained(strata: Sequence[Stratum], level: float) -> float:
    """Return the largest p of at most a level that the test can have, given its margins.

    Few calls have few possible values; 0 where even the smallest is above the level.
    """
    informative = [stratum for stratum in strata if stratum.informative]
    if not informative:
        return 0.0
    total = _total(informative)
    largest = 0.0
    for place in reversed(range(total.chances.size)):
        p = _p(total, place)
        if p > level:
            break
        largest = p
    return largest


def _total(informative: Sequence[Stratum]) -> _Chances:
    margins = Counter((stratum.events, stratum.own, stratum.base) for stratum in informative)
    total = _Chances(0, np.ones(1))
    for (events, own, base), times in sorted(margins.items()):
        total = _added(total, _repeated(events, own, base, times))
    return total


def _p(total: _Chances, place: int) -> float:
    p = fsum(total.chances[place:])
    # A p of 1/10 is then .1, and reaches a level of .1, in whatever way it was added up.
    return float(f"{min(1.0, max(LEAST_P, p)):.{DIGITS}g}")


def fewer(strata: Sequence[Stratum]) -> float | None:
    """Test one-sided whether the own side has fewer events than the base lets expect."""
    return more(
        [
            Stratum(own - own_events, own, base - base_events, base)
            for own_events, own, base_events, base in strata
        ]
    )


def _counts(values: Floats) -> list[tuple[int, int]]:
    """Count the events and the calls of each row, over all other axes."""
    called = ~np.isnan(values)
    events, others = called & (values != 0), tuple(range(1, values.ndim))
    return list(
        zip(events.sum(axis=others).tolist(), called.sum(axis=others).tolist(), strict=True)
    )


# Many tasks have the same counts, and so do many batteries of a simulation.
@lru_cache(maxsize=4096)
def _repeated(events: int, own: int, base: int, times: int) -> _Chances:
    """Return the events of the own side over so many equal strata."""
    if times == 1:
        return _hypergeometric(events, own, base)
    half = _repeated(events, own, base, times // 2)
    doubled = _added(half, half)
    return _added(doubled, _repeated(events, own, base, 1)) if times % 2 else doubled


def _hypergeometric(events: int, own: int, base: int) -> _Chances:
    """Return the events of the own side, if so many events fall on the calls of both by luck."""
    lowest, highest = max(0, events - base), min(events, own)
    counts = np.arange(lowest, highest, dtype=np.float64)
    steps = (events - counts) * (own - counts) / ((counts + 1) * (base - events + counts + 1))
    # From the most likely number to both ends, so that nothing can overflow.
    peak = (events + 1) * (own + 1) // (own + base + 2) - lowest
    down = np.cumprod(1 / steps[:peak][::-1])[::-1]
    up = np.cumprod(steps[peak:])
    weights = np.concatenate([down, np.ones(1), up])
    return _trimmed(lowest, weights / fsum(weights))


def _added(one: _Chances, other: _Chances) -> _Chances:
    return _trimmed(one.lowest + other.lowest, np.convolve(one.chances, other.chances))


def _trimmed(lowest: int, chances: Floats) -> _Chances:
    kept = np.flatnonzero(chances >= NEGLIGIBLE)
    return _Chances(lowest + int(kept[0]), chances[kept[0] : kept[-1] + 1])
