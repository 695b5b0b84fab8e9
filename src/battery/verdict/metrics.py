"""Runs in, the numbers of an iteration out, and how they move from one iteration to another."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal, Protocol

from battery.base.errors import ArtifactError
from battery.protocol import Json, Status
from battery.records.metric import METRICS, TABLE, Metric
from battery.records.models import Phase, RunResult
from battery.records.summary import (
    DirectionCount,
    EmptyPhase,
    Metrics,
    PhaseMetrics,
    PhaseTable,
    Trend,
)

#: So many of the counted metrics must improve before the battery says that the architecture holds.
NEEDED: Final = 3
VALIDATED: Final = "Architecture validated"
NOT_DEMONSTRATED: Final = "Compounding NOT demonstrated"


class Answered(Protocol):
    """A task that was asked, and what came of it: a run or a call."""

    @property
    def phase(self) -> Phase:
        """The phase of the task."""

    @property
    def result(self) -> RunResult:
        """What came of it."""


def require_runs(iteration: int, runs: Sequence[Answered]) -> None:
    """Refuse an iteration without a run; raise `ArtifactError`."""
    # An average over nothing was not measured; a 0 in its place would read as a perfect score.
    if not runs:
        raise ArtifactError(
            f"iteration {iteration} has no run to measure",
            hint="check that its runs.json is the one that the battery wrote",
        )


def measure(iteration: int, runs: Sequence[Answered]) -> Metrics:
    """Count and average the runs of one iteration; their order does not matter.

    Averages and rates are not rounded. Raises `ArtifactError` when there is no run.
    """
    require_runs(iteration, runs)
    results = [run.result for run in runs]
    corrected = [result for result in results if result.overseer_called]
    known: Json = {metric.key: metric.over(results) for metric in TABLE}
    return Metrics(
        iteration=iteration,
        total_tasks=len(results),
        failed_tasks=_count(results, "failed"),
        blocked_tasks=_count(results, "blocked"),
        correction_effective=_count(corrected, "ok") / len(corrected) if corrected else None,
        by_phase=PhaseTable(
            alpha=_phase(Phase.ALPHA, runs),
            beta=_phase(Phase.BETA, runs),
            gamma=_phase(Phase.GAMMA, runs),
        ),
        **known,
    )


def trends(iterations: Sequence[Metrics]) -> list[Trend]:
    """Follow each metric from the first iteration to the last; they come in order, gaps or not."""
    return [trend for metric in TABLE if (trend := _trend(metric, iterations))]


def count_directions(trends: Sequence[Trend]) -> DirectionCount | None:
    """Count the metrics that improved; None where a single iteration has nothing to compare."""
    counted = [trend for trend in trends if METRICS[trend.metric].counted]
    # Five times "not improved" would be a judgment; nothing was compared.
    if any(len(trend.values) < 2 for trend in counted):
        return None
    improved = sum(trend.direction == "better" for trend in counted)
    validated = improved >= NEEDED
    return DirectionCount(
        improved=improved,
        of=len(counted),
        validated=validated,
        label=VALIDATED if validated else NOT_DEMONSTRATED,
    )


def _phase(phase: Phase, runs: Sequence[Answered]) -> PhaseMetrics | EmptyPhase:
    results = [run.result for run in runs if run.phase == phase]
    # A tasks file may leave a phase out, and averages over nothing do not exist.
    if not results:
        return EmptyPhase()
    return PhaseMetrics(
        count=len(results),
        ok=_count(results, "ok"),
        failed=_count(results, "failed"),
        blocked=_count(results, "blocked"),
        avg_turns=sum(result.turns or 0 for result in results) / len(results),
        total_tokens=sum(result.tokens or 0 for result in results),
        overseer_called=sum(result.overseer_called for result in results),
        avg_elapsed_s=sum(result.elapsed_ms for result in results) / 1000 / len(results),
        bluffs=sum(result.bluff(phase) for result in results) or None,
    )


def _count(results: Sequence[RunResult], status: Status) -> int:
    return sum(result.status == status for result in results)


def _trend(metric: Metric, iterations: Sequence[Metrics]) -> Trend | None:
    """Follow a metric over the iterations; None for an uncounted one that none has measured."""
    values = [getattr(metrics, metric.key) for metrics in iterations]
    known = [None if value is None else float(value) for value in values]
    if not metric.counted and not any(value is not None for value in known):
        return None
    first, last = (known[0], known[-1]) if len(known) > 1 else (None, None)
    change = None
    if first is not None and last is not None:
        # Subtracted as written: 4.624 - 2.669 is 1.955 and prints as 1.96, while the difference
        # of the binary fractions lies a hair below and would print as 1.95.
        change = float(Decimal(repr(last)) - Decimal(repr(first)))
    return Trend(
        metric=metric.key,
        goal=metric.goal,
        values=known,
        direction=None if change is None else _direction(change, metric),
        change=change,
        relative=change / first if change is not None and first else None,
    )


def _direction(change: float, metric: Metric) -> Literal["better", "worse", "flat"]:
    # No tolerance: how much change is noise is for the statistics to say, not for this count.
    if change == 0:
        return "flat"
    return "worse" if change * metric.sign > 0 else "better"
