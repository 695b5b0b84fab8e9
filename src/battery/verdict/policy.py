"""The thresholds of a verdict and of a comparison, each with the reason for its value.

Read them as `policy.RELEVANT`, never by `from`: then rules and sentences follow when one changes,
and no sentence holds a number of its own.
"""

from __future__ import annotations

from math import ceil, log2
from typing import Final

from battery.base.numbers import percent
from battery.records.findings import Interval

# The customary level. One battery in twenty without any learning may look like LEARNED; a lower
# level would take more tasks than most people write.
#: Level of the tests that decide.
ALPHA: float = 0.05
# Below a tenth nobody would change a system for the saving, and models that are updated, longer
# prompts and caches move the tokens by a few percent all the time.
#: What counts as an effect: so large a share of tokens, turns or time, or so many points of a rate.
RELEVANT: float = 0.10
#: Confidence of the intervals that are shown; at this level an interval without 1 goes with a
#: two-sided p below `ALPHA`.
LEVEL: float = 0.95
# Two one-sided tests at `ALPHA` are what it takes to call two things equal, and the interval that
# belongs to them leaves `ALPHA` out at either end (Schuirmann, J Pharmacokinet Biopharm 15, 1987).
#: Confidence of the narrower interval that NO EFFECT and NO DIFFERENCE ask for.
NARROW: float = 0.90

# Stricter than `ALPHA`: this test throws a paid battery away, and it must rarely be wrong.
#: Level of the test whether both arms started alike.
SAME_START_ALPHA: float = 0.01
# A system without randomness makes any difference significant: a prompt that is one word longer.
# Effects are net of what iteration 1 shows, so a small lasting one does no harm.
#: A smaller difference in iteration 1 than this spoils nothing, however regular it is.
SPOILING: float = 0.05
# Laxer than `ALPHA`: this test only takes from a saving what was there before, and a lean that is
# missed would be called learned.
#: Arms that lean one way in iteration 1 with this p are believed only as far as they went on.
LEANING: float = 0.10
# With a handful of tasks no loss of them can reach `ALPHA`, and giving up is the cheapest way to
# save tokens: a loss has to be easy to object with.
#: At this p a loss of tasks objects: three that differ, all the same way, are enough.
ALL_ONE_WAY: float = 0.25
# On a busy machine calls of milliseconds take three times as long for a while.
#: Less than so many seconds a call may be the machine's own, however large a share they are.
RESOLUTION_S: float = 0.050
#: Above this chance, the failures of an easy task may be its own flakiness and are not forgetting.
FLAKY: float = 0.05

# Two points make no slope and three a poor one; Page's test has four positions from here on, since
# iteration 1 comes before any learning.
#: Least iterations after which a slope is more than last minus first.
SLOPE_ITERATIONS: int = 5
#: A slope that rests on fewer tasks than this is one task's story.
SLOPE_TASKS: int = 5
# Two memories of one system differ as two runs do, and five that agree have p = 1/2^5.
#: Independent batteries that a claim about a system, and not about one memory, takes.
BATTERIES: int = 5
#: The customary power: of ten batteries with the effect, eight show it.
POWER: float = 0.8

#: What a change of exactly `RELEVANT` may fall short by, through rounding.
TINY: Final = 1e-9


def is_relevant(amount: float) -> bool:
    """Return whether a share, or a difference of rates, is large enough to count."""
    return amount >= RELEVANT - TINY


def rules_out(interval: Interval | None) -> bool:
    """Return whether an interval of a ratio leaves no room for a relevant change either way."""
    return interval is not None and interval.low > 1 - RELEVANT and interval.high < 1 + RELEVANT


def relevant() -> str:
    """Write the least amount that counts: `10%`."""
    return percent(RELEVANT)


def level(alpha: float | None = None) -> str:
    """Write a level, `ALPHA` unless another one is given: `.05`."""
    return f"{ALPHA if alpha is None else alpha:g}".removeprefix("0")


def narrow() -> str:
    """Write the confidence of the narrower interval: `90%`."""
    return percent(NARROW)


def least_tasks() -> int:
    """Return the fewest tasks whose one-sided sign flips, 1/2^n at best, can reach `ALPHA`."""
    return ceil(-log2(ALPHA))


def least_paired_tasks() -> int:
    """Return the same for the two-sided sign flips of a comparison, 2/2^n at best."""
    return ceil(1 - log2(ALPHA))
