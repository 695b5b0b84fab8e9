"""Runs in, the numbers of one iteration out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from battery.base.errors import ArtifactError
from battery.protocol.wire import Json, Status
from battery.records.metric import TABLE
from battery.records.models import (
    EmptyPhase,
    Metrics,
    Phase,
    PhaseMetrics,
    PhaseTable,
    RunResult,
)


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
    known: Json = {metric.key: metric.iteration(results) for metric in TABLE}
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
        avg_turns=sum(result.turns for result in results) / len(results),
        total_tokens=sum(result.tokens for result in results),
        overseer_called=sum(result.overseer_called for result in results),
        avg_elapsed_s=sum(result.elapsed_ms for result in results) / 1000 / len(results),
    )


def _count(results: Sequence[RunResult], status: Status) -> int:
    return sum(result.status == status for result in results)
