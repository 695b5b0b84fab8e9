"""A battery told in events, for the tests of what the terminal shows."""

from __future__ import annotations

from collections.abc import Iterator

from battery.records.events import (
    DistillEvent,
    Event,
    IterationFinished,
    MetaFinished,
    Plan,
    StageStarted,
    TaskFinished,
    TaskStarted,
)
from battery.records.models import Phase, RunResult
from tests.report.samples import metrics

STAGES = {Phase.ALPHA: "easy tasks", Phase.BETA: "niche tasks", Phase.GAMMA: "impossible tasks"}
RESULTS = {
    Phase.ALPHA: RunResult("ok", 1, 1234, False, None, 850),
    Phase.BETA: RunResult("ok", 4, 12_345, True, None, 12_345),
    Phase.GAMMA: RunResult("failed", 8, 654, False, "no supply", 187_000),
}


def task(phase: Phase, label: str, *, iteration: int = 1, replayed: bool = False) -> TaskFinished:
    """Finish a task the way its phase usually does."""
    return TaskFinished(iteration, phase, label, RESULTS[phase], replayed)


def tasks(iteration: int, each: int) -> Iterator[Event]:
    """Tell the three task stages of an iteration, with so many tasks in each."""
    for phase, title in STAGES.items():
        yield StageStarted(iteration, phase, title)
        for number in range(1, each + 1):
            label = f"fill: Crane operator x{number} in Erie, Pennsylvania, within 50 miles"
            yield TaskStarted(iteration, phase, label)
            yield task(phase, label, iteration=iteration)


def meta(iteration: int) -> Iterator[Event]:
    """Tell distill, review and judgment."""
    yield StageStarted(iteration, "delta", "distill")
    yield DistillEvent(iteration, "reader", "20 outcomes read")
    yield MetaFinished(iteration, "delta", 4321, "2 playbooks written", False)
    yield StageStarted(iteration, "epsilon", "review")
    yield MetaFinished(iteration, "epsilon", 61_000, "3 proposals", False)
    yield StageStarted(iteration, "zeta", "judgment")


def iteration(number: int, each: int) -> Iterator[Event]:
    """Tell a whole iteration with so many tasks in each phase."""
    yield from tasks(number, each)
    yield from meta(number)
    yield MetaFinished(number, "zeta", 59_000, "2 approved, 1 revised", False)
    yield IterationFinished(metrics(number, total_tasks=3 * each, ok_tasks=2 * each))


def battery(iterations: int, each: int) -> Iterator[Event]:
    """Tell a whole battery with so many tasks in each phase."""
    yield Plan(iterations, 3 * each)
    for number in range(1, iterations + 1):
        yield from iteration(number, each)
