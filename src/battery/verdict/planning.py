"""What this battery could have seen, and what more would settle an open question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, assert_never

from battery.records.findings import Sensitivity
from battery.records.word import Word
from battery.verdict import effects as compare
from battery.verdict.ladder import RELEVANT, Facts
from battery.verdict.power import (
    LEAST_TASKS,
    MOST,
    POWER,
    Design,
    call_noise,
    fewest,
    learned_power,
    smallest,
)
from battery.verdict.table import Grid

_CONTROL: Final = (
    "A frozen arm: a second deployment that is never distilled, named with --control-gateway. The "
    "embedded gateway has one unless --no-control is given."
)


def sensitivity(facts: Facts) -> Sensitivity | None:
    """Measure the noise in iteration 1 and say what could have been seen in it.

    None with one arm, with fewer than two tasks, or where no tokens were reported.
    """
    design = _design(facts)
    if design is None:
        return None
    return Sensitivity(noise=design.noise, detectable=_detectable(design), power=POWER)


def measured(grid: Grid) -> Design | None:
    """Return the size of a battery with two arms, and the noise of its iteration 1.

    None where fewer than two tasks report tokens in both arms.
    """
    noise = call_noise(compare.first_logs(grid), grid.repeats)
    if noise is None:
        return None
    return Design(len(grid.tasks), len(grid.iterations), grid.repeats, noise)


def settle(word: Word | None, facts: Facts) -> list[str]:
    """Say what more would settle it; empty where nothing is open."""
    match word:
        case None:
            advice = ["Run two iterations at least; three is the default."]
        case Word.INVALID:
            advice = ["A battery of its own, whole and from one memory for both arms."]
        case Word.REGRESSED:
            advice = [] if facts.two_arms else [_CONTROL]
        case Word.LEARNED:
            advice = _slope(facts)
        case Word.INCONCLUSIVE:
            advice = list(_inconclusive(facts))
        case Word.INDICATIVE:
            advice = [_CONTROL]
        case Word.DISHONEST | Word.COMPOUNDING | Word.NO_EFFECT:
            advice = []
        case _:
            assert_never(word)
    return advice


def _slope(facts: Facts) -> list[str]:
    if facts.compounding is not None:
        return []
    least = compare.LEAST_ITERATIONS_FOR_SLOPE
    return [f"{least} iterations or more, to see whether it goes on getting better."]


def _inconclusive(facts: Facts) -> Iterator[str]:
    failed = [gate.name for gate in facts.gates if gate.status == "failed"]
    tokens, design = facts.tokens, _design(facts)
    if failed:
        yield f"Mend what the gates found first: {', '.join(failed)}."
        if tokens and tokens.interval and tokens.interval.high < 1:
            return  # the saving itself is clear
    if tokens is None or tokens.value is None:
        yield "Let the gateway report its tokens, as artifact.usage.total_tokens."
        return
    if len(facts.grid.tasks) < LEAST_TASKS:
        yield f"{LEAST_TASKS} tasks at least: with fewer the primary test cannot reach .05."
    if design is None or design.noise == 0:
        yield "More tasks: what differs here is what each of them gains, not noise."
        return
    # A smaller saving than 10% would not be called learned, so nobody need look for it.
    target = max(1 - tokens.value, RELEVANT * 1.5)
    seen = f"To see a saving of {target:.0%} with 80% power"
    if learned_power(target, design) >= POWER:
        yield f"{seen} this size is enough, if all tasks gain alike; these do not: more tasks."
    elif ways := list(_ways(target, design)):
        yield f"{seen}: {', or '.join(ways)}."
    else:
        yield f"{seen} it takes more than iterations, tasks or repeats alone: several of them."


def _ways(target: float, design: Design) -> Iterator[str]:
    """Name, for each of iterations, tasks and repeats alone, how many would be needed."""
    for name, most in MOST.items():
        now = getattr(design, name)
        start = max(now, LEAST_TASKS) if name == "tasks" else max(now, 1)
        needed = fewest(_power_with(target, design, name), start, most, POWER)
        if needed is not None and needed > now:
            yield f"{needed} {name} instead of {now}"


def _power_with(target: float, design: Design, name: str) -> Callable[[int], float]:
    return lambda count: learned_power(target, design._replace(**{name: count}))


def _detectable(design: Design) -> float | None:
    if design.iterations < 2:
        return None
    # Without noise the bar of the verdict itself is all that is left.
    if design.noise == 0:
        return RELEVANT
    return smallest(partial(_power, design), POWER)


def _power(design: Design, reduction: float) -> float:
    return learned_power(reduction, design)


def _design(facts: Facts) -> Design | None:
    return measured(facts.grid) if facts.two_arms else None
