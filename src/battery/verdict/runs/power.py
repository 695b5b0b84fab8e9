"""Power over runs: how likely a campaign of so many runs sees a saving that is really there.

Runs are simulated as single batteries are (`battery.verdict.simulation`), and campaigns are drawn
from them. Each memory is worth more or less than the saving, by luck of its own: the spread between
runs. What decides are the test, the interval and the objections of the verdict over runs; only the
numbers of thousands of campaigns go through them at once. A run whose arms happen to start apart is
INVALID and left out, as it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from battery.records.campaign import RunFindings, Spread
from battery.records.findings import Record
from battery.records.models import SOLVABLE, Phase
from battery.verdict import cost, policy, signflip
from battery.verdict.power import average_reduction, fewest, nearly, noise_bound, smallest
from battery.verdict.runs.ladder import MOST_INVALID
from battery.verdict.runs.trends import spread
from battery.verdict.signflip import SEED, Booleans, Floats
from battery.verdict.simulation import SIMULATIONS, Design, Saving, costs, spoils
from battery.verdict.statistics import student
from battery.verdict.table import means

#: The questions that power over runs is about: work done is taken to be as without learning.
Primary = Literal["cost", "niche"]
# Power near .8 then has a standard error of .009.
#: Simulated campaigns.
CAMPAIGNS: Final = SIMULATIONS
# Advice must take no time that anybody notices; a power near .8 then has a standard error of .02.
#: The same for advice.
IN_PASSING: Final = 400
#: Where the search for more runs ends: nobody would go further.
MOST_RUNS: Final = 30
# With it, a memory in three is worth 15% more or less than the saving of the system.
#: The spread between runs where nothing else is known.
SPREAD: Final = 0.15
#: Most patterns of signs for each simulated campaign; up to ten runs have no more.
_FLIPS: Final = 1_024


class Runs(NamedTuple):
    """The effects of runs, (campaigns, runs); NaN where a run is INVALID."""

    #: What the primary question is about.
    effects: Floats
    #: The same of the cost of these tasks together, and in iteration 1.
    together: Floats
    before: Floats
    #: Of the tasks that can be done.
    solvable: Floats
    #: What a few calls that scatter feign.
    feigned: Floats


def judge(runs: Runs, least: float, *, of_all: bool = True) -> Booleans:
    """Return which campaigns are LEARNED by a gain in cost, as `assess_runs` would have it.

    NaN is a run that is left out. `of_all` is whether the primary question is about all tasks.
    """
    known = ~np.isnan(runs.effects)
    counts = known.sum(axis=1)
    # An effect of 0 doubles the patterns and changes no share of them: as good as left out.
    small = signflip.each(runs.effects, most=_FLIPS) <= policy.planned()
    learned: Booleans = small & _sure(runs.effects, counts) & ~_little(runs.effects, least)
    learned &= means(runs.together) > 0
    learned &= (known.shape[1] - counts) <= MOST_INVALID * known.shape[1]
    if of_all:
        learned &= ~_little(runs.solvable, policy.DOABLE * least)
    for part in (runs.before, runs.feigned):
        part_of = np.where(known, part, np.nan)
        learned &= ~(_leans(part_of, counts) & _little(runs.effects - part, least))
    return learned


def _sure(effects: Floats, counts: NDArray[np.int64]) -> Booleans:
    """Return whether Student's interval leaves out that nothing is gained."""
    squares = np.nansum((effects - means(effects)[:, None]) ** 2, axis=1)
    quantiles = np.array(
        [0.0, 0.0, *(student(1 - policy.planned(), n - 1) for n in range(2, 1 + effects.shape[1]))]
    )
    many = np.maximum(counts, 2)
    reach = quantiles[many] * np.sqrt(squares / (many - 1) / many)
    sure: Booleans = (counts > 1) & (means(effects) > reach)
    return sure


def _little(effects: Floats, least: float) -> Booleans:
    little: Booleans = 1 - np.exp(-np.nan_to_num(means(effects))) < least - policy.TINY
    return little


def _leans(effects: Floats, counts: NDArray[np.int64]) -> Booleans:
    few = 0.5 ** np.minimum(counts, 30) > policy.LEANING
    p = signflip.each(effects, most=_FLIPS)
    leans: Booleans = (means(effects) > 0) & (few | (p <= policy.LEANING))
    return leans


def power(saving: Saving, design: Design, runs: int, between: float) -> float:
    """Return the chance that so many runs are LEARNED or COMPOUNDING together.

    `between` is the spread between runs: the deviation of what a memory is worth, as a log. The
    primary question is about niche tasks where only these save.
    """
    if runs < 2 or design.iterations < 2 or not design.tasks:
        return 0.0
    drawn = _drawn(_simulated(saving, design), runs, between)
    least = policy.RELEVANT if design.relevant is None else design.relevant
    return float(judge(drawn, least, of_all=not saving.niche).mean())


@lru_cache(maxsize=256)
def _simulated(saving: Saving, design: Design) -> Runs:
    """Simulate runs one by one."""
    own, base = costs(saving, design, SIMULATIONS)
    rows = design.rows()
    doable = [row for phase in SOLVABLE for row in rows[list(Phase).index(phase)]]
    asked = rows[list(Phase).index(Phase.BETA)] if saving.niche else list(range(design.tasks))
    later = own[:, :, 1:], base[:, :, 1:]
    sides = later[0][:, asked], later[1][:, asked]
    sums = [side.sum(axis=(1, 2, 3)) for side in sides]
    counted = np.where(spoils(own, base), np.nan, 1.0)
    return Runs(
        effects=counted * cost.task_effects(*sides).mean(axis=1),
        together=counted * np.log(sums[1] / sums[0]),
        before=cost.task_effects(own[:, asked, :1], base[:, asked, :1]).mean(axis=1),
        solvable=counted * cost.task_effects(*later)[:, doable or slice(None)].mean(axis=1),
        feigned=cost.skew(*sides),
    )


def _drawn(simulated: Runs, runs: int, between: float) -> Runs:
    """Draw campaigns from simulated runs; the same for the same numbers."""
    rng = np.random.default_rng(SEED)
    chosen = rng.integers(0, len(simulated.effects), (CAMPAIGNS, runs))
    worth = between * rng.standard_normal((CAMPAIGNS, runs))
    drawn = Runs(*(values[chosen] for values in simulated))
    # What a memory is worth, it is worth on every task, and not before it has learned anything.
    return drawn._replace(
        effects=drawn.effects + worth,
        together=drawn.together + worth,
        solvable=drawn.solvable + worth,
    )


class RunsAsked(Record):
    """One primary question of a campaign."""

    primary: Primary = Field(description="`cost` or `niche`.")
    smallest_drop: float | None = Field(
        description="Smallest drop per iteration that campaigns of so many runs show with the "
        "power meant, as a share; null where none."
    )
    smallest_reduction: float | None = Field(
        description="What that saves on average over iterations 2..K."
    )
    power: float | None = Field(description="Chance that the drop asked about is seen.")
    needed: int | None = Field(
        description="How many runs show that drop with the power meant; null where it is reached "
        "already, where no number does, and where no drop was asked about."
    )


class OverRuns(Record):
    """What a campaign of so many runs of this size could see."""

    runs: int
    spread: float = Field(
        description="Standard deviation of what one memory is worth and the next, as a log."
    )
    spread_source: Literal["assumed", "given", "measured"]
    questions: list[RunsAsked]


class Campaign(NamedTuple):
    """A campaign that is asked about."""

    runs: int
    spread: float = SPREAD
    source: Literal["assumed", "given", "measured"] = "assumed"


def over_runs(campaign: Campaign, design: Design, drop: float | None) -> OverRuns:
    """Answer what a campaign of runs of this design could see."""
    primary: list[Primary] = ["cost", "niche"] if design.phases[1] else ["cost"]
    return OverRuns(
        runs=campaign.runs,
        spread=campaign.spread,
        spread_source=campaign.source,
        questions=[_asked(name, campaign, design, drop) for name in primary],
    )


def _asked(name: Primary, campaign: Campaign, design: Design, drop: float | None) -> RunsAsked:
    def seen(tried: float, runs: int) -> float:
        return power(Saving(tried, niche=name == "niche"), design, runs, campaign.spread)

    reachable = 0.5**campaign.runs <= policy.planned() and design.iterations > 1
    least = smallest(lambda tried: seen(tried, campaign.runs)) if reachable else None
    reached = None if drop is None else seen(drop, campaign.runs)
    needed = None
    if drop is not None and reached is not None and reached < policy.POWER:
        needed = fewest(lambda count: seen(drop, count), campaign.runs + 1, MOST_RUNS)
    return RunsAsked(
        primary=name,
        smallest_drop=least,
        smallest_reduction=None if least is None else average_reduction(least, design.iterations),
        power=reached,
        needed=needed,
    )


def spread_of(runs: Sequence[RunFindings]) -> float | None:
    """Return the upper bound of the spread between runs that were measured; None below two.

    The bound of the deviation over runs, less what luck within a run explains of it.
    """
    found = spread([run for run in runs if run.counted])
    if found is None:
        return None
    count = sum(run.counted for run in runs)
    bound = noise_bound(found.total, count)
    return sqrt(max(0.0, bound**2 - (found.noise or 0.0) ** 2))


def enough(saving: float, spread: Spread, least: float, start: int) -> int | None:
    """Return about how many runs that differ so show a saving, from `start` on; None for no number.

    `saving` is a share.
    """
    # Nobody plans by the third digit, and what is asked again is known.
    return _enough(round(saving, 2), round(spread.total, 2), least, start)


@lru_cache(maxsize=256)
def _enough(saving: float, total: float, least: float, start: int) -> int | None:
    def seen(count: int) -> float:
        drawn = np.random.default_rng(SEED).standard_normal((IN_PASSING, count))
        effects = cost.effect(1 - saving) + total * drawn
        nothing = np.zeros(effects.shape)
        return float(judge(Runs(effects, effects, nothing, effects, nothing), least).mean())

    return nearly(seen, start, MOST_RUNS)
