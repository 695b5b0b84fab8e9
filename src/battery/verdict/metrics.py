"""Runs in, the numbers of one iteration out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from battery.base.errors import ArtifactError
from battery.protocol.wire import Status
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

    Averages and rates are not rounded; `total_elapsed_s` is the sum of the calls in seconds.
    Raises `ArtifactError` when there is no run.
    """
    require_runs(iteration, runs)
    results = [run.result for run in runs]
    corrected = [result for result in results if result.overseer_called]
    return Metrics(
        iteration=iteration,
        total_tasks=len(results),
        ok_tasks=_count(results, "ok"),
        failed_tasks=_count(results, "failed"),
        blocked_tasks=_count(results, "blocked"),
        total_tokens=_tokens(results),
        avg_turns_per_task=_average_turns(results),
        # Not shared with the phases: there the contract wants a count, here a share.
        overseer_called_rate=len(corrected) / len(results),
        total_elapsed_s=_elapsed_ms(results) / 1000,
        correction_effective=_count(corrected, "ok") / len(corrected) if corrected else None,
        by_phase=PhaseTable(
            alpha=_phase(Phase.ALPHA, runs),
            beta=_phase(Phase.BETA, runs),
            gamma=_phase(Phase.GAMMA, runs),
        ),
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
        avg_turns=_average_turns(results),
        total_tokens=_tokens(results),
        overseer_called=sum(result.overseer_called for result in results),
        avg_elapsed_s=_elapsed_ms(results) / 1000 / len(results),
    )


def _count(results: Sequence[RunResult], status: Status) -> int:
    return sum(result.status == status for result in results)


def _tokens(results: Sequence[RunResult]) -> int:
    return sum(result.tokens for result in results)


def _average_turns(results: Sequence[RunResult]) -> float:
    return sum(result.turns for result in results) / len(results)


def _elapsed_ms(results: Sequence[RunResult]) -> int:
    # Whole milliseconds add up exactly, so the order of the runs cannot change the sum.
    return sum(result.elapsed_ms for result in results)
