"""What a battery could see, told before it runs: one answer for each question of the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal

from pydantic import Field

from battery.records.findings import Record
from battery.verdict.effects import LEAST_ITERATIONS_FOR_SLOPE
from battery.verdict.power import (
    LEAST_TASKS,
    MOST,
    POWER,
    Design,
    average_reduction,
    compounding_power,
    fewest,
    learned_power,
    smallest,
    trend_power,
)

Name = Literal["learned", "compounding", "trend"]
Source = Literal["assumed", "given", "measured"]


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
        description="Smallest drop an iteration that is seen with the power meant, as a share."
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
    power: float = Field(description="The power meant: 0.8.")
    drop: float | None = Field(description="Drop an iteration that was asked about, as a share.")
    questions: list[Question]
    assumptions: list[str]


def prospects(design: Design, source: Source, drop: float | None) -> Prospects:
    """Answer the three questions; with `drop` also what would come of that drop an iteration."""
    return Prospects(
        tasks=design.tasks,
        iterations=design.iterations,
        repeats=design.repeats,
        noise=design.noise,
        noise_source=source,
        power=POWER,
        drop=drop,
        questions=[_question(name, design, drop) for name in _POWERS],
        assumptions=list(_assumptions(design, source)),
    )


def _learned(drop: float, design: Design) -> float:
    return learned_power(average_reduction(drop, design.iterations), design)


_POWERS: Final[dict[Name, Callable[[float, Design], float]]] = {
    "learned": _learned,
    "compounding": compounding_power,
    "trend": trend_power,
}


def _question(name: Name, design: Design, drop: float | None) -> Question:
    power = _POWERS[name]
    found = smallest(lambda tried: power(tried, design), POWER)
    averaged = found is not None and name != "trend"
    return Question(
        name=name,
        smallest_drop=found,
        smallest_reduction=average_reduction(found or 0.0, design.iterations) if averaged else None,
        impossible=_why_not(name, design) if found is None else None,
        asked=None if drop is None else _asked(power, design, drop),
    )


def _why_not(name: Name, design: Design) -> str:
    if design.iterations < 2:
        return "a single iteration has nothing to be compared with"
    if name != "trend" and design.tasks < LEAST_TASKS:
        return f"{LEAST_TASKS} tasks or more are needed"
    if name == "compounding" and design.iterations < LEAST_ITERATIONS_FOR_SLOPE:
        return f"{LEAST_ITERATIONS_FOR_SLOPE} iterations or more are needed"
    return "the noise hides even a drop of 95%"


def _asked(power: Callable[[float, Design], float], design: Design, drop: float) -> Asked:
    reached = power(drop, design)
    if reached >= POWER:
        return Asked(power=reached, needed=None)

    def alone(name: str) -> int | None:
        return fewest(
            lambda count: power(drop, design._replace(**{name: count})),
            getattr(design, name),
            MOST[name],
            POWER,
        )

    return Asked(power=reached, needed=Needed(**{name: alone(name) for name in MOST}))


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
        yield "The noise is as measured; measured on 8 tasks, it is itself uncertain by a quarter."
