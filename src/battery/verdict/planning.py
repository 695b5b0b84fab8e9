"""What a battery could see: before it runs, and after, from the noise of its iteration 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

import numpy as np
from pydantic import Field

from battery.base.numbers import counted, percent
from battery.records.findings import Record, Sensitivity
from battery.records.models import FROZEN, LEARN, Phase
from battery.verdict import cost, policy
from battery.verdict.facts import Facts
from battery.verdict.power import (
    CAUTION,
    LARGEST_DROP,
    MOST,
    average_reduction,
    call_noise,
    compounding_power,
    fewest,
    learned_power,
    noise_bound,
    smallest,
    trend_power,
)
from battery.verdict.runs.power import Campaign, OverRuns, over_runs
from battery.verdict.simulation import SIMULATIONS, Design, Dimension, Saving
from battery.verdict.table import Grid

Name = Literal["learned", "niche", "compounding", "trend"]
Source = Literal["assumed", "given", "measured"]
#: A saving, a design and a number of simulations in, the chance that it is seen out.
Power = Callable[[Saving, Design, int], float]

# A summary is written after every iteration, so its simulations must take no time that anybody
# notices; a power near .8 then has a standard error of .012.
#: Simulated batteries for what a summary says.
IN_PASSING: Final = 800


class Needed(Record):
    """How many of each, alone, show the drop with the power meant; null where none does."""

    iterations: int | None
    tasks: int | None
    repeats: int | None


class Asked(Record):
    """What would come of the drop that was asked about."""

    power: float = Field(description="Chance that it is seen.")
    needed: Needed | None = Field(description="Null where the power is reached already.")


class Question(Record):
    """One question of the verdict."""

    name: Name = Field(
        description="What is asked: whether all tasks save (LEARNED), only niche tasks (LEARNED), "
        "more and more (COMPOUNDING); `trend`: one arm, no verdict."
    )
    smallest_drop: float | None = Field(
        description="Smallest drop per iteration that is seen with the power meant, as a share."
    )
    smallest_reduction: float | None = Field(
        description="What that saves on average over iterations 2..K; null for a trend."
    )
    impossible: str | None = Field(description="Why no drop can be seen; null where one can.")
    asked: Asked | None = Field(description="Null where no drop was asked about.")


class Prospects(Record):
    """What a battery of this size could see."""

    tasks: int
    phases: dict[Phase, int] = Field(description="How many of the tasks each phase has.")
    iterations: int
    repeats: int
    noise: float = Field(description="Standard deviation of the log cost of one call.")
    noise_source: Source
    noise_planned: float = Field(
        description="The noise that the answers are for: of a measured one its upper bound, with "
        f"{percent(CAUTION)} confidence."
    )
    power: float = Field(description="The power meant, as a share.")
    drop: float | None = Field(description="Drop per iteration that was asked about, as a share.")
    questions: list[Question]
    over_runs: OverRuns | None = Field(
        default=None, description="What a campaign could see; null where none was asked about."
    )
    assumptions: list[str]


class Measured(NamedTuple):
    """The size of a battery, and the noise of its iteration 1."""

    #: With the upper bound of the noise.
    design: Design
    noise: float


def measured(grid: Grid, metric: str, relevant: float | None = None) -> Measured | None:
    """Measure a battery with two arms; None where fewer than two tasks have a cost in both."""
    first = grid.over(slice(1))
    logs = cost.task_effects(*(first.asked(arm, metric) for arm in (LEARN, FROZEN)))
    noise = call_noise(logs, grid.repeats)
    if noise is None:
        return None
    alpha, beta, gamma = (len(grid.rows(phase)) for phase in Phase)
    bound = noise_bound(noise, int((~np.isnan(logs)).sum()))
    phases = alpha, beta, gamma
    return Measured(
        Design(phases, len(grid.iterations), max(1, grid.repeats), bound, relevant), noise
    )


def sensitivity(facts: Facts) -> Sensitivity | None:
    """Measure the noise in iteration 1, and what could have been seen in it.

    None with one arm, with fewer than two tasks, or where no cost was reported.
    """
    found = measured_by(facts)
    if found is None:
        return None
    return Sensitivity(noise=found.noise, detectable=_detectable(found.design), power=policy.POWER)


def in_passing(saving: Saving, design: Design) -> float:
    """Return the chance of LEARNED, from few simulations."""
    return learned_power(saving, design, IN_PASSING)


def _detectable(design: Design) -> float | None:
    if design.iterations < 2:
        return None
    # Without noise the bar of the verdict itself is all that is left.
    if design.noise == 0 and learned_power(Saving(once=LARGEST_DROP), design, 1):
        return policy.RELEVANT if design.relevant is None else design.relevant
    return smallest(lambda reduction: in_passing(Saving(once=reduction), design))


def measured_by(facts: Facts) -> Measured | None:
    """Measure the battery of a verdict; None with one arm as well."""
    relevant = facts.observed.expectations.relevant.cost
    return measured(facts.grid, facts.cost, relevant) if facts.two_arms else None


def prospects(
    design: Design,
    source: Source,
    drop: float | None,
    noise: float | None = None,
    campaign: Campaign | None = None,
) -> Prospects:
    """Answer the questions for a design; with `drop` also what would come of that drop.

    `noise` is what was measured where that of the design is its upper bound. `campaign` asks about
    several runs of the design as well.
    """
    counts = dict(zip(Phase, design.phases, strict=True))
    return Prospects(
        tasks=design.tasks,
        phases=counts,
        iterations=design.iterations,
        repeats=design.repeats,
        noise=design.noise if noise is None else noise,
        noise_source=source,
        noise_planned=design.noise,
        power=policy.POWER,
        drop=drop,
        questions=[_question(name, design, drop) for name in _POWERS],
        over_runs=over_runs(campaign, design, drop) if campaign else None,
        assumptions=list(_assumptions(design, source)),
    )


def _power(name: Name, drop: float, design: Design, batteries: int = SIMULATIONS) -> float:
    # Users think in drops per iteration; the verdict sees their mean over iterations 2 to K.
    saving = Saving(drop, niche=name == "niche")
    return _POWERS[name](saving, design, batteries)


_POWERS: Final[dict[Name, Power]] = {
    "learned": learned_power,
    "niche": learned_power,
    "compounding": compounding_power,
    "trend": trend_power,
}


def _question(name: Name, design: Design, drop: float | None) -> Question:
    why_not = _why_not(name, design)
    seen = None if why_not else smallest(lambda tried: _power(name, tried, design))
    # A trend of one arm has no twin that it could save anything against.
    averaged = seen is not None and name != "trend"
    return Question(
        name=name,
        smallest_drop=seen,
        smallest_reduction=average_reduction(seen or 0.0, design.iterations) if averaged else None,
        impossible=why_not
        or (None if seen else f"the noise hides even a drop of {percent(LARGEST_DROP)}"),
        asked=None if drop is None else _asked(name, design, drop),
    )


def _why_not(name: Name, design: Design) -> str | None:
    """Give the reason why a design can show nothing, whatever is saved; None where it can."""
    if design.iterations < 2:
        return "a single iteration has nothing to be compared with"
    if name == "niche" and not design.phases[list(Phase).index(Phase.BETA)]:
        return "there is no niche task"
    if name == "compounding" and design.iterations < policy.SLOPE_ITERATIONS:
        return f"{policy.SLOPE_ITERATIONS} or more iterations are needed"
    if name == "compounding" and design.tasks < policy.SLOPE_TASKS:
        return f"{policy.SLOPE_TASKS} or more tasks are needed"
    # Not even without noise: so few calls have no p-value that is small enough.
    if name == "trend" or _power(name, LARGEST_DROP, design._replace(noise=0.0), 1):
        return None
    return f"{counted(design.tasks, 'task')} cannot reach the level; add tasks or iterations"


def _asked(name: Name, design: Design, drop: float) -> Asked:
    reached = _power(name, drop, design)
    if reached >= policy.POWER:
        return Asked(power=reached, needed=None)

    # One at a time, since only the user knows which of the three is affordable.
    def alone(more: Dimension) -> int | None:
        now = getattr(design, more)
        return fewest(
            lambda count: _power(name, drop, design.but(more, count), SIMULATIONS // 2),
            now,
            max(now, MOST[more]),
        )

    return Asked(power=reached, needed=Needed(**{more: alone(more) for more in MOST}))


def _assumptions(design: Design, source: Source) -> Iterator[str]:
    yield (
        "The drop is the same from each iteration to the next, and in every task, or in every "
        "niche task; where tasks gain unequally it is harder to see."
    )
    yield "The log of a call's cost is normally distributed around the mean of its task."
    yield "As many tasks are done as without learning, all of those that can be done."
    yield "The gates pass: the impossible fails honestly, and nothing is forgotten."
    if design.noise and source == "measured":
        yield (
            "The answers are for the upper bound of the noise, with "
            f"{percent(CAUTION)} confidence; most batteries of this system see more than they "
            "promise."
        )
    yield f"The rule of the verdict judged {SIMULATIONS:,} simulated batteries for each figure."
