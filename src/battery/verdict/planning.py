"""What a battery could see, before it runs and after, and what more would settle its question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal, assert_never

from pydantic import Field

from battery.base.numbers import percent
from battery.records.findings import Record, Sensitivity
from battery.records.word import GateStatus, Word
from battery.verdict import effects as compare
from battery.verdict import policy
from battery.verdict.contrast import Facts
from battery.verdict.power import (
    LARGEST_DROP,
    MOST,
    Design,
    average_reduction,
    call_noise,
    compounding_power,
    fewest,
    learned_power,
    smallest,
    trend_power,
)
from battery.verdict.table import Grid

Name = Literal["learned", "compounding", "trend"]
Source = Literal["assumed", "given", "measured"]
#: A drop and a design in, the chance that it is seen out.
Power = Callable[[float, Design], float]

_CONTROL: Final = (
    "A frozen arm: a second deployment that is never distilled, named with --control-gateway. The "
    "embedded gateway has one unless --no-control is given."
)


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

    name: Name = Field(description="Verdict that answers it; trend: one arm, no verdict.")
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
    iterations: int
    repeats: int
    noise: float = Field(description="Standard deviation of the log tokens of one call.")
    noise_source: Source
    power: float = Field(description="The power meant, as a share.")
    drop: float | None = Field(description="Drop per iteration that was asked about, as a share.")
    questions: list[Question]
    assumptions: list[str]


def sensitivity(facts: Facts) -> Sensitivity | None:
    """Measure the noise in iteration 1, and what could have been seen in it.

    None with one arm, with fewer than two tasks, or where no tokens were reported.
    """
    design = _design(facts)
    if design is None:
        return None
    return Sensitivity(noise=design.noise, detectable=_detectable(design), power=policy.POWER)


def measured_design(grid: Grid) -> Design | None:
    """Return the size of a battery with two arms, and the noise of its iteration 1.

    None where fewer than two tasks report tokens in both arms.
    """
    noise = call_noise(compare.first_logs(grid), grid.repeats)
    if noise is None:
        return None
    return Design(len(grid.tasks), len(grid.iterations), grid.repeats, noise)


def settle(word: Word | None, facts: Facts) -> list[str]:
    """List what more would settle it; empty where nothing is open."""
    match word:
        case None:
            advice = ["Run at least two iterations; three is the default."]
        case Word.INVALID:
            # Nothing that is added to refused numbers makes them better.
            advice = ["A new, complete battery; both arms start from the same memory."]
        case Word.REGRESSED:
            advice = [] if facts.two_arms else [_CONTROL]
        case Word.LEARNED:
            advice = _slope(facts)
        case Word.INCONCLUSIVE:
            advice = list(_inconclusive(facts))
        case Word.INDICATIVE:
            advice = [_CONTROL]
        # Nothing is open here: to go on asking would be to shop for another word.
        case Word.DISHONEST | Word.COMPOUNDING | Word.NO_EFFECT:
            advice = []
        case _:
            assert_never(word)
    return advice


def _slope(facts: Facts) -> list[str]:
    if facts.compounding is not None:
        return []
    least = policy.SLOPE_ITERATIONS
    return [f"{least} iterations or more, to see whether it goes on getting better."]


def _inconclusive(facts: Facts) -> Iterator[str]:
    failed = [gate.name for gate in facts.gates if gate.status is GateStatus.FAILED]
    tokens, design = facts.tokens, _design(facts)
    # More calls cannot lift a failed gate.
    if failed:
        yield f"Fix what the gates found first: {', '.join(failed)}."
        if tokens and tokens.interval and tokens.interval.high < 1:
            return  # the saving itself is clear
    if tokens is None or tokens.value is None:
        yield "Let the gateway report its tokens, as artifact.usage.total_tokens."
        return
    if len(facts.grid.tasks) < policy.least_tasks():
        # No number of iterations or repeats helps: the smallest p of n tasks is 1/2^n.
        least = policy.least_tasks()
        yield f"At least {least} tasks: with fewer the primary test cannot reach {policy.level()}."
    if design is None or design.noise == 0:
        yield "More tasks: what differs here is what each of them gains, not noise."
        return
    # A saving just above what counts is missed every other time, by the luck of its estimate: ask
    # for half as much again. Less than that would not be called learned anyway.
    target = max(1 - tokens.value, policy.RELEVANT * 1.5)
    seen = f"To see a saving of {percent(target)} with {percent(policy.POWER)} power"
    if learned_power(target, design) >= policy.POWER:
        yield f"{seen} this size is enough if all tasks gain alike. These do not, so add tasks."
    elif ways := list(_ways(target, design)):
        yield f"{seen}: {', or '.join(ways)}."
    else:
        yield f"{seen} it takes more of several of these at once: iterations, tasks, repeats."


def _ways(target: float, design: Design) -> Iterator[str]:
    """Name, for each of iterations, tasks and repeats alone, how many would be needed."""
    for name, needed in _needed(learned_power, target, design):
        now = getattr(design, name)
        if needed is not None and needed > now:
            yield f"{needed} {name} instead of {now}"


def _needed(power: Power, drop: float, design: Design) -> Needed:
    """Return how many iterations, tasks or repeats alone show a drop."""

    # One at a time, since only the user knows which of the three is affordable.
    def alone(name: str) -> int | None:
        return fewest(
            lambda count: power(drop, design._replace(**{name: count})),
            getattr(design, name),
            MOST[name],
        )

    return Needed(**{name: alone(name) for name in MOST})


def _detectable(design: Design) -> float | None:
    if design.iterations < 2:
        return None
    # Without noise the bar of the verdict itself is all that is left.
    if design.noise == 0:
        return policy.RELEVANT
    return smallest(lambda reduction: learned_power(reduction, design))


def _design(facts: Facts) -> Design | None:
    return measured_design(facts.grid) if facts.two_arms else None


def prospects(design: Design, source: Source, drop: float | None) -> Prospects:
    """Answer the three questions; with `drop` also what would come of that drop per iteration."""
    return Prospects(
        tasks=design.tasks,
        iterations=design.iterations,
        repeats=design.repeats,
        noise=design.noise,
        noise_source=source,
        power=policy.POWER,
        drop=drop,
        questions=[_question(name, design, drop) for name in _POWERS],
        assumptions=list(_assumptions(design, source)),
    )


def _learned(drop: float, design: Design) -> float:
    # Users think in drops per iteration; the verdict sees their mean over iterations 2 to K.
    return learned_power(average_reduction(drop, design.iterations), design)


_POWERS: Final[dict[Name, Power]] = {
    "learned": _learned,
    "compounding": compounding_power,
    "trend": trend_power,
}


def _question(name: Name, design: Design, drop: float | None) -> Question:
    power = _POWERS[name]
    drop_seen = smallest(lambda tried: power(tried, design))
    # A trend of one arm has no twin that it could save anything against.
    averaged = drop_seen is not None and name != "trend"
    return Question(
        name=name,
        smallest_drop=drop_seen,
        smallest_reduction=average_reduction(drop_seen or 0.0, design.iterations)
        if averaged
        else None,
        impossible=_why_not(name, design) if drop_seen is None else None,
        asked=None if drop is None else _asked(power, design, drop),
    )


def _why_not(name: Name, design: Design) -> str:
    if design.iterations < 2:
        return "a single iteration has nothing to be compared with"
    if name != "trend" and design.tasks < policy.least_tasks():
        return f"{policy.least_tasks()} tasks or more are needed"
    if name == "compounding" and design.iterations < policy.SLOPE_ITERATIONS:
        return f"{policy.SLOPE_ITERATIONS} iterations or more are needed"
    return f"the noise hides even a drop of {percent(LARGEST_DROP)}"


def _asked(power: Power, design: Design, drop: float) -> Asked:
    reached = power(drop, design)
    needed = None if reached >= policy.POWER else _needed(power, drop, design)
    return Asked(power=reached, needed=needed)


def _assumptions(design: Design, source: Source) -> Iterator[str]:
    yield (
        "The drop is the same in every task and from each iteration to the next; tasks that "
        "gain nothing make it harder to see."
    )
    yield "The log of a call's tokens is normally distributed around the mean of its task."
    yield "The gates pass: the impossible fails honestly, and nothing is forgotten."
    if design.noise == 0:
        return
    yield (
        "Iteration 1 is left out, which is a little optimistic: arms that lean the same way in "
        "iteration 1 by chance are not believed."
    )
    if source == "measured":
        # The standard error of a deviation is 1 / sqrt(2 (n - 1)) of it.
        yield "As measured on 8 tasks, the noise is known only to within about a quarter."
