"""A battery told in events, for the tests of what the terminal shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from battery.records.events import (
    DistillEvent,
    Event,
    Introduction,
    IterationFinished,
    MetaFinished,
    Plan,
    StageStarted,
    TaskFinished,
    TaskStarted,
)
from battery.records.models import FROZEN, LEARN, Arm, Phase, RunResult
from battery.records.summary import PhaseMetrics, PhaseTable
from tests.report.samples import metrics

BOTH: tuple[Arm, ...] = (LEARN, FROZEN)
STAGES = {Phase.ALPHA: "easy tasks", Phase.BETA: "niche tasks", Phase.GAMMA: "impossible tasks"}
RESULTS = {
    Phase.ALPHA: RunResult("ok", 1, 1234, False, None, 850),
    Phase.BETA: RunResult("ok", 4, 12_345, True, None, 12_345),
    Phase.GAMMA: RunResult("failed", 8, 654, False, "no supply", 187_000),
}


def task(phase: Phase, label: str, *, iteration: int = 1, replayed: bool = False) -> TaskFinished:
    """Finish a task the way its phase usually does."""
    return TaskFinished(iteration, phase, label, RESULTS[phase], replayed)


def tasks(iteration: int, each: int, arms: Sequence[Arm] = (LEARN,)) -> Iterator[Event]:
    """Tell the three task stages of an iteration, with so many tasks in each."""
    for phase, title in STAGES.items():
        yield StageStarted(iteration, phase, title)
        for number in range(1, each + 1):
            label = f"fill: Crane operator x{number} in Erie, Pennsylvania, within 50 miles"
            for arm in arms:
                yield TaskStarted(iteration, phase, label, arm)
                yield task(phase, label, iteration=iteration)._replace(arm=arm)


def meta(iteration: int) -> Iterator[Event]:
    """Tell distill, review and judgment."""
    yield StageStarted(iteration, "delta", "distill")
    yield DistillEvent(iteration, "reader", "20 outcomes read")
    yield MetaFinished(iteration, "delta", 4321, "2 playbooks written", False)
    yield StageStarted(iteration, "epsilon", "review")
    yield MetaFinished(iteration, "epsilon", 61_000, "3 proposals", False)
    yield StageStarted(iteration, "zeta", "judgment")


def iteration(number: int, each: int, arms: Sequence[Arm] = (LEARN,)) -> Iterator[Event]:
    """Tell a whole iteration with so many tasks in each phase."""
    yield from tasks(number, each, arms)
    yield from meta(number)
    yield MetaFinished(number, "zeta", 59_000, "2 approved, 1 revised", False)
    yield finished(number, each, twin=FROZEN in arms)


def finished(number: int, each: int, *, twin: bool = False) -> IterationFinished:
    """Finish an iteration with so many tasks in each phase, in which all went as it should."""
    table = PhaseTable(
        **{phase: _phase(each, ok=each * (phase is not Phase.GAMMA)) for phase in Phase}
    )
    learner = metrics(number, total_tasks=3 * each, ok_tasks=2 * each, by_phase=table)
    return IterationFinished(
        learner, learner.model_copy(update={"total_tokens": 14_000}) if twin else None
    )


def _phase(count: int, ok: int) -> PhaseMetrics:
    return PhaseMetrics(
        count=count,
        ok=ok,
        failed=count - ok,
        blocked=0,
        avg_turns=1.0,
        total_tokens=100 * count,
        overseer_called=0,
        avg_elapsed_s=1.0,
    )


def battery(iterations: int, each: int, arms: Sequence[Arm] = (LEARN,)) -> Iterator[Event]:
    """Tell a whole battery with so many tasks in each phase."""
    yield Introduction("the target", "the same, without memory", "itself", "t.json", "data")
    yield Plan(iterations, 3 * each, arms=len(arms))
    for number in range(1, iterations + 1):
        yield from iteration(number, each, arms)
