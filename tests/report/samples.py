"""Records for the tests of the reports, written by hand."""

from __future__ import annotations

from typing import Any

from battery.records.manifest import Manifest, Options, Provenance
from battery.records.models import Models, Verdict
from battery.records.summary import EmptyPhase, Metrics, PhaseTable, Summary
from battery.verdict.metrics import count_directions, trends

MODELS = Models(executor_cloud="exec:1t", reviewer_cloud="review:8b", overseer_cloud="over:2t")
MANIFEST = Manifest(
    battery_version="0.1.0",
    run_id="r-1",
    started_at="2026-03-01T10:00:00Z",
    finished_at="2026-03-01T11:10:00Z",
    tasks_digest="0" * 64,
    models=MODELS,
    targets={"gateway": "http://gateway.example:3100", "llm_team": "http://team.example:5000"},
    options=Options(),
    iterations_wanted=3,
    iterations_finished=3,
    state="finished",
)
FILES = [
    "battery.json",
    "tasks.json",
    "iter_3/runs.json",
    "iter_3/scrum_findings.md",
    "summary.md",
    "summary.json",
]
#: The middle of three iterations, between a worse first and a better last one.
FIRST = {"total_tokens": 9300, "avg_turns_per_task": 3.625, "overseer_called_rate": 0.375}
LAST = {"total_tokens": 4780, "avg_turns_per_task": 2.5, "overseer_called_rate": 0.0}


def metrics(iteration: int, **changes: Any) -> Metrics:
    """Make the metrics of one iteration; those that the trend does not read stay alike."""
    values: dict[str, Any] = {
        "iteration": iteration,
        "total_tasks": 8,
        "ok_tasks": 6,
        "failed_tasks": 2,
        "blocked_tasks": 0,
        "total_tokens": 7000,
        "avg_turns_per_task": 3.0,
        "overseer_called_rate": 0.25,
        "total_elapsed_s": 12.345,
        "correction_effective": None,
        "by_phase": PhaseTable(alpha=EmptyPhase(), beta=EmptyPhase(), gamma=EmptyPhase()),
    }
    return Metrics(**values | changes)


def verdict(word: Any) -> Verdict:
    """Make one verdict."""
    return Verdict(proposal=1, title="A title", verdict=word, reason=None, details="")


def summary(*iterations: Metrics, provenance: Provenance = MANIFEST, **changes: Any) -> Summary:
    """Make a summary of these iterations, of a finished battery unless told otherwise."""
    rows = trends(iterations)
    parts: dict[str, Any] = {
        "run_id": provenance.run_id,
        "state": provenance.state,
        "iterations_wanted": provenance.iterations_wanted,
        "started_at": provenance.started_at,
        "finished_at": provenance.finished_at,
        "targets": provenance.targets,
        "models": MODELS,
        "iterations": list(iterations),
        "trends": rows,
        "verdict": count_directions(rows),
        "scrum": [verdict("APPROVE"), verdict("APPROVE"), verdict("REVISE")],
        "calls": 33,
        "elapsed_s": 4210.5,
        "artifacts": FILES,
        "warnings": [],
    }
    return Summary(**parts | changes)


def three(**changes: Any) -> Summary:
    """Make a summary in which four of five metrics improve and `ok_tasks` stays."""
    return summary(
        metrics(1, **FIRST, total_elapsed_s=30.5),
        metrics(2),
        metrics(3, **LAST, total_elapsed_s=20.25),
        **changes,
    )


def ten(**changes: Any) -> Summary:
    """Make a summary of ten iterations, with tokens in the millions."""
    return summary(
        *(metrics(n, total_tokens=1_000_000 * n, ok_tasks=n - 1) for n in range(1, 11)), **changes
    )
