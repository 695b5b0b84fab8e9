"""The thresholds of a verdict and of a comparison, each with the reason for its value.

Read them as `policy.RELEVANT`, never by `from`: then rules and sentences follow when one changes,
and no sentence holds a number of its own.
"""

from __future__ import annotations

from math import ceil, log2
from typing import Final

from battery.base.numbers import percent

# The customary level. One battery in twenty without any learning may look like LEARNED; a lower
# level would take more tasks than most people write.
#: The error budget: the chance that any question is answered yes where nothing was learned.
ALPHA: float = 0.05
#: The part of it that all looks after the planned one share, however many they are.
LATER: float = 0.005
# Three niche tasks in three iterations have six pairs of calls, and 1/2^6 is the least p they have.
#: The part that the question about niche tasks takes: the larger where six pairs are all there is.
NICHE: float = 0.0125
NICHE_OF_SIX: float = 1 / 64
# With two calls per task and arm, three niche tasks that go from failing to passing reach 1/216,
# and 1/72 if one of the twelve calls went the other way. With more calls a smaller part misses
# little, and what is left goes to the cost.
#: The part that the question about tasks done may take at most: the larger with two calls or fewer.
SUCCESS: float = 0.008
SUCCESS_OF_TWO: float = 0.0139

# A loss must be easy to object with: giving up is the cheapest way to save.
#: At this p fewer tasks done object to a gain.
LOSS: float = 0.10
#: At this p they are a regression without reruns.
SURE_LOSS: float = 0.025
# A claim has passed its own test before; this one only has to show that it reaches further.
#: Level at which siblings have to gain as well.
NEW: float = 0.05
# Half: new tasks share the lesson and not all of the answer.
#: So large a part of the gain on repeated tasks has to be there on their siblings.
SHARE: float = 0.5
# Laxer than the level of the question about cost: whoever gains must be told what it is paid with.
#: At this p a higher cost is the price of a gain.
PRICE: float = 0.05
#: Level at which the learner does what the gates forbid more often than the twin.
GATE: float = 0.05
# Stricter than `GATE`: a claim of what cannot be done is a lie, while a wrong answer is a mistake
# that any honest system makes now and then, in the learner by luck more often.
#: The same for answers that claim ok and fail their checks.
REFUTED: float = 0.01
# Laxer than that: it costs a claim and accuses nobody.
#: Level at which new tasks that are wrong more often than all else were not learned.
WRONG_NEW: float = 0.02
# A learner that found its words repeats itself now and then; a cache does nothing else.
#: By so large a share the learner hands in what it did before, and its twin does not.
KEPT: float = 0.5

# Below a tenth nobody would change a system for the saving, and models that are updated, longer
# prompts and caches move the cost by a few percent all the time.
#: What counts as an effect: so large a share of cost, or so many points of tasks done.
RELEVANT: float = 0.10
#: A saving that is sure and below `RELEVANT` is called small up to so many times that.
SMALL: float = 1.5

# Stricter than `ALPHA`: this test throws a paid battery away, and it must rarely be wrong.
#: Level of the test whether both arms started alike.
SAME_START_ALPHA: float = 0.01
# A system without randomness makes any difference significant: a prompt that is one word longer.
#: A difference in iteration 1 below this spoils nothing; effects are then net of it.
SPOILING: float = 0.05
#: Arms that differ by more in iteration 1, if not for certain, get a caution.
APART: float = 0.10
# Laxer than `ALPHA`: this test only takes from a saving what was there before, and a lean that is
# missed would be called learned.
#: Arms that lean one way in iteration 1 with this p are believed only as far as they went on.
LEANING: float = 0.10
# A provider that became cheaper moves both arms alike as well; a learner that still saves twice as
# much as its twin has shown something of its own.
#: A twin that came to gain this part of what the learner did since iteration 1 is no measure.
SHARED: float = 0.5
# Fewer calls per task than this hide in their luck what a task has for good.
#: Pairs of calls of one niche task that count as independent; more are merged.
PAIRS: int = 4
# What a task has for good was there in iteration 1. This leaves half of what merging lets through.
#: Of the saving that counts, so much must have come to niche tasks since iteration 1.
NICHE_SINCE: float = 0.5
# Whoever only refuses sooner does no work for less.
#: Of the saving that counts, so much must be on tasks that can be done.
DOABLE: float = 0.5
# Later looks never end, and every pair of calls sees again what its task has for good.
#: The same at a look that was not planned.
NICHE_SINCE_LATER: float = 2.5
#: What sign flips over all tasks must not exceed at such a look.
LATER_TASKS: float = 0.0125
#: What sign flips over the niche tasks themselves must not exceed: three tasks, all one way.
NICHE_TASKS: float = 1 / 8

# Where calls of one arm scatter more, their means are skewed, and exchanging arms is no innocent
# act any more: what scatters more looks cheaper than it is.
#: Level, shared by the iterations, of the test whether the learner scatters more than the twin.
SCATTER: float = 0.10
#: By so much the levels are divided if it does.
SCATTERED: int = 3

#: Above this chance, the failures of a task may be its own flakiness and are not forgetting.
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
# Half as much again: a saving just above what counts is missed every other time, by the luck of its
# estimate.
#: A saving that is looked for is at least so many times the least that counts.
CLEAR: float = 1.5
#: The customary power: of ten batteries with the effect, eight show it.
POWER: float = 0.8
#: Confidence of the bound that is told with a rate of 0.
LEVEL: float = 0.95

# Of 968 prices for cached input and 2,044 for output that the public list genai-prices 0.2.3 has,
# 85% and 86% are within these: 10% of the input's price at Mistral, 50% by default at Fireworks.
#: What a cached prompt token usually costs, at least and at most, where one of the prompt costs 1.
CACHED_PRICES: tuple[float, float] = (0.1, 0.5)
#: The same of a token of the output.
OUTPUT_PRICES: tuple[float, float] = (1.0, 5.0)

# Half: what is left is then more learned than it is bought for less.
#: So large a part of the dollars saved has to be saved at prices that stay the same, too.
WORK: float = 0.5

#: What a change of exactly `RELEVANT` may fall short by, through rounding.
TINY: Final = 1e-9


def is_relevant(amount: float, least: float | None = None) -> bool:
    """Return whether a share, or a difference of rates, is large enough to count."""
    return amount >= (RELEVANT if least is None else least) - TINY


def planned() -> float:
    """Return the part of the error budget that the planned look has."""
    return ALPHA - LATER


def compared() -> float:
    """Return the level of each of the two questions of a comparison: half of the error budget."""
    return ALPHA / 2


def level(alpha: float | None = None) -> str:
    """Write a level, `ALPHA` unless another one is given: `.05`."""
    return f"{ALPHA if alpha is None else alpha:.2g}".removeprefix("0")


def relevant(least: float | None = None) -> str:
    """Write the least amount that counts: `10%`."""
    return percent(RELEVANT if least is None else least)


def least_tasks(alpha: float | None = None) -> int:
    """Return the fewest tasks whose one-sided sign flips, 1/2^n at best, can reach a level."""
    return ceil(-log2(planned() if alpha is None else alpha))
