"""What is said next to the word: where a change comes from, what to mind, what would settle it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from math import ceil, log
from typing import Final

from battery.base.numbers import HUGE, counted, more_or_fewer
from battery.base.text import listed
from battery.comparison.change import change_of
from battery.comparison.outcome import (
    answers,
    least_tasks,
    level,
    no_interval,
    of_cost,
    of_done,
    with_p,
)
from battery.comparison.pairing import Facts
from battery.records.comparison import CostChange, Side
from battery.records.models import Phase
from battery.records.word import Outcome
from battery.verdict import policy
from battery.verdict.cost import scatters

#: Nobody would write more tasks than this to settle a question.
_MOST_TASKS: Final = 2_000
_NO_TWINS: Final = (
    "Not both have a twin, so nothing here tells a change of what was learned from one of "
    "the system or its surroundings."
)
SCOPE: Final = (
    "These two batteries: what one memory each learned in one run each, on these tasks and tasks "
    "like them. Even two runs of the same system differ. A claim about the systems takes "
    f"at least {policy.BATTERIES} independent batteries of each, every one from an empty memory: "
    "battery campaign plan, once for each of the systems."
)


def cause(facts: Facts) -> str:
    """Explain by the twins where a change comes from."""
    # Twins or not: iteration 1 comes before the first distillation.
    if list(facts.iterations) == [1]:
        return (
            "Whatever differs in iteration 1 is the system or its surroundings, and not what was "
            "learned."
        )
    if not facts.twins:
        return f"{_NO_TWINS}{_start(facts)}"
    # With a handful of tasks a large difference need not be significant, and calling the twins
    # alike would put it down to what was learned.
    differing = [
        answer for answer in answers(facts.twins, facts.names) if answer.sure or answer.relevant
    ]
    apart = "; ".join(answer.text for answer in differing)
    if facts.twins.cost.ratio is None:
        also = f" Otherwise they differ: {apart}." if apart else ""
        plain = facts.twins.cost.plain
        return (
            f"The twins, which learn nothing, could not be compared in {plain}, so nothing "
            f"here tells whether a change of {plain} comes from what was learned.{also}"
        )
    if not apart:
        return (
            "The twins, which learn nothing, do not differ significantly, nor by "
            f"{policy.relevant()}. Where they run the same systems as the learners, a difference "
            "comes from what was learned."
        )
    start = f"The twins, which learn nothing, differ too: {apart}"
    if not any(answer.sure for answer in differing):
        return f"{start}. That may be chance.{_beyond(facts)}"
    return (
        f"{start}. So the system or its surroundings changed, and not (only) what was "
        f"learned.{_beyond(facts)}"
    )


def caveat(*sides: Side) -> str:
    """Say before the sentence what the sides' own verdicts take from the word; else empty."""
    # BETTER is read first and by itself: what it is held against has to be next to it.
    said = [
        f"{side.name} is {side.own_word}"
        for side in sides
        if side.verdict and side.verdict.about.caveat
    ]
    return f"Mind that {listed(said)}. " if said else ""


def settle(outcome: Outcome, facts: Facts) -> list[str]:
    """List what more would settle an open question; empty where nothing is open."""
    cost, plain = facts.change.cost, facts.change.cost.plain
    if outcome != Outcome.UNCLEAR:
        return []
    if not cost.tasks:
        reported = f"Answers that report their {plain}, in {' and in '.join(facts.names)}"
        return [f"{reported}: battery doctor --try shows what an answer reports."]
    # First of all: below this number no amount of repeats or iterations decides anything.
    if cost.interval is None:
        lacking = f"with {plain} in both" if cost.tasks < len(facts.pairs) else "in common"
        reach = f"fewer cannot tell a difference in {plain} from luck"
        return [f"At least {least_tasks()} tasks {lacking} (battery run --tasks FILE): {reach}."]
    half = log(cost.interval.high / cost.interval.low) / 2 if cost.interval.low > 0 else 0.0
    # The width of an interval shrinks with the root of the number of tasks.
    needed = ceil(cost.tasks * (half / -log(1 - policy.RELEVANT)) ** 2)
    if not cost.tasks < needed <= _MOST_TASKS:
        return []
    return [
        f"About {needed:,} tasks like these instead of {cost.tasks} would narrow the "
        f"{level(cost.interval)} interval of {plain} to ±{policy.relevant()} (battery run --tasks "
        "FILE). Where single calls vary much, battery run --repeats 3 also narrows it."
    ]


def trustworthy(*sides: Side) -> list[str]:
    """Say of each side that cannot be trusted what shows why, and what is needed in its place."""
    return [
        f"Another battery in place of {side.name}, without what spoiled it: "
        f"{shlex.join(['battery', 'summarize', '--full', side.folder])} says what that was."
        for side in sides
        if not side.trusted
    ]


def _beyond(facts: Facts) -> str:
    if facts.net is None:
        return ""
    amount = f"{more_or_fewer(facts.net.ratio)} {facts.change.cost.plain}{with_p(facts.net.p)}"
    return f" Beyond what they differ by, {facts.names.after} used {amount}."


def _start(facts: Facts) -> str:
    if facts.start is None or facts.start.cost.ratio is None:
        return ""
    used = f"{facts.names.after} used {of_cost(facts.start).text}"
    return f" In iteration 1, before anything was learned, {used}."


def cautions(facts: Facts) -> Iterator[str]:
    """List what a reader of the outcome should know as well."""
    cost = facts.change.cost
    if cost.ratio is not None and cost.interval is None:
        yield f"{no_interval(facts)}, so no interval is shown"
    yield from _uncompared(facts)
    yield from _hidden(facts)
    yield from _together(cost)
    yield from _erratic(facts)


def _uncompared(facts: Facts) -> Iterator[str]:
    """Note how few of the tasks and cells the cost rests on, where that is not all of them."""
    tasks, cells = counted(len(facts.pairs), "task"), facts.cells
    for arms, change in (("", facts.change), (" of the twins", facts.twins)):
        if change and change.cost.cells < cells:
            yield (
                f"{change.cost.plain}{arms} could be compared in {change.cost.tasks:,} of {tasks} "
                f"and {change.cost.cells:,} of {cells:,} cells (a task in an iteration): the "
                f"others have none in {' or in '.join(facts.names)}"
            )


def _hidden(facts: Facts) -> Iterator[str]:
    """Note what the last iteration shows and the mean over all of them does not."""
    # A gateway that forgets in its last iteration looks fine on average, and goes on from there.
    if len(facts.iterations) < 2:
        return
    last = change_of(facts.table.over(slice(len(facts.iterations) - 1, None)))
    both = (
        (of_cost(facts.change), of_cost(last)),
        (of_done(facts.change, facts.names), of_done(last, facts.names)),
    )
    for whole, late in both:
        if late.relevant and not (whole.relevant and whole.harm * late.harm > 0):
            yield (
                f"in iteration {facts.iterations[-1]} alone, {late.text}: the mean over the "
                "iterations compared hides it"
            )


def _together(cost: CostChange) -> Iterator[str]:
    """Note where all tasks together do not say the same as a typical one."""
    if cost.ratio is None or not cost.after or not cost.before:
        return
    ratio = cost.after / cost.before
    # Two that are both huge read alike, and one of them is no news.
    if policy.is_relevant(abs(min(ratio, HUGE) - min(cost.ratio, HUGE))):
        yield (
            f"all tasks together took {more_or_fewer(ratio)} {cost.plain}: tasks that "
            "take many weigh more there than in a typical task"
        )


def _erratic(facts: Facts) -> Iterator[str]:
    """Note that the side that looks cheaper is the one whose calls scatter more."""
    # Means of few calls that scatter are mostly below the mean of many.
    phases = [rows for phase in Phase if (rows := facts.table.rows(phase))]
    after, before = facts.table.calls[facts.table.cost]
    ratio, plain = facts.change.cost.ratio, facts.change.cost.plain
    for name, sides, cheaper in (
        (facts.names.after, (after, before), ratio is not None and ratio < 1),
        (facts.names.before, (before, after), ratio is not None and ratio > 1),
    ):
        if cheaper and scatters(*sides, phases):
            yield f"the {plain} of {name} scatter more, which makes it look cheaper"
