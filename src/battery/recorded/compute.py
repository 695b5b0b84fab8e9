"""Compute the summary of a folder from what is on disk; no network, nothing written."""

from __future__ import annotations

from typing import NamedTuple

from battery.base.errors import FolderError
from battery.recorded.observe import observed
from battery.records.findings import Scorecard
from battery.records.models import FROZEN, Manifest, Metrics, Summary
from battery.review.scorecard import score
from battery.store.battery_dir import BatteryDir, IterationDir
from battery.store.journal import Journal
from battery.verdict.assess import Observed, assess
from battery.verdict.metrics import measure
from battery.verdict.summary import summarise


class Measured(NamedTuple):
    """What the complete iterations came to, in order."""

    #: Listed once: while a battery runs, another may become complete.
    steps: list[IterationDir]
    learn: list[Metrics]
    #: Of those iterations that have a frozen arm.
    frozen: list[Metrics]
    observed: Observed


def measured(folder: BatteryDir, manifest: Manifest | None) -> Measured:
    """Measure the complete iterations of a folder by their runs alone.

    Raises `BatteryError`, also for a folder without a complete iteration.
    """
    require_battery(folder)
    require_iterations(folder, manifest)
    steps = folder.complete()
    metrics = [measure(step.number, step.read_runs()) for step in steps]
    control = [
        measure(step.number, step.read_runs(FROZEN)) for step in steps if step.has_runs(FROZEN)
    ]
    return Measured(steps, metrics, control, observed(folder, manifest))


def summary_from(
    folder: BatteryDir, manifest: Manifest | None, found: Measured, *, report: bool
) -> Summary:
    """Put measured iterations, at least one, and what else is on disk into a summary.

    `report` lists the report among the artifacts even before it is written. Raises
    `ArtifactError`.
    """
    steps, metrics = found.steps, found.learn
    journals = [Journal(step.journal) for step in steps]
    tasks = None if manifest else folder.read_tasks()
    return summarise(
        manifest=manifest,
        metrics=metrics,
        scrum=steps[-1].read_verdicts(),
        calls=sum(map(_calls, journals, metrics)),
        elapsed_s=sum(map(_elapsed_ms, journals, metrics)) / 1000,
        models=manifest.models if manifest else tasks.models if tasks else None,
        artifacts=folder.listing(report=report),
        warnings=_warnings(folder, steps, journals, manifest),
        evidence=assess(found.observed),
        control=found.frozen,
        scorecard=_scorecard(steps, metrics),
    )


def _scorecard(steps: list[IterationDir], metrics: list[Metrics]) -> Scorecard | None:
    proposals = {step.number: step.read_proposals() or [] for step in steps}
    card = score(metrics, proposals)
    return card if card.expectations else None


def require_iterations(folder: BatteryDir, manifest: Manifest | None) -> None:
    """Refuse a folder that lacks iterations its manifest calls finished; raise `FolderError`.

    A summary of the rest would compare the wrong iterations and look whole.
    """
    there = {step.number for step in folder.complete()}
    finished = range(1, manifest.iterations_finished + 1) if manifest else ()
    missing = [f"iter_{number}/runs.json" for number in finished if number not in there]
    if missing:
        raise FolderError(
            f"{folder.root} lacks {', '.join(missing)}, though battery.json calls it finished",
            hint=f"put it back; where a run was killed while it moved the battery to "
            f"{folder.root / 'archive'}, `battery run` moves the rest",
        )


def require_battery(folder: BatteryDir) -> None:
    """Refuse a folder without a complete iteration; raise `FolderError`."""
    if folder.complete():
        return
    if folder.has_manifest():
        raise FolderError(
            f"the battery in {folder.root} has no complete iteration yet",
            hint=folder.resume_hint,
        )
    raise FolderError(
        f"{folder.root} holds no battery: there is no iter_N/runs.json in it",
        hint="name the folder of a battery, or run one first: battery run",
    )


def _calls(journal: Journal, metrics: Metrics) -> int:
    # The original battery kept no journal: of its calls only the runs are known.
    return journal.calls + (0 if journal.tasks else metrics.total_tasks)


def _elapsed_ms(journal: Journal, metrics: Metrics) -> int:
    return journal.elapsed_ms + (0 if journal.tasks else round(metrics.total_elapsed_s * 1000))


def _warnings(
    folder: BatteryDir,
    steps: list[IterationDir],
    journals: list[Journal],
    manifest: Manifest | None,
) -> list[str]:
    """Say what a reader of the numbers should know; all of it can be read from disk again."""
    whole = {step.number for step in steps}
    warnings = list(manifest.notes) if manifest else []
    warnings += [
        f"iteration {number} is not complete and is left out"
        for number in folder.numbers()
        if number not in whole
    ]
    for step, journal in zip(steps, journals, strict=True):
        name = f"iteration {step.number}"
        if journal.broken_events:
            warnings.append(f"{name}: {journal.broken_events} distill event(s) were not JSON")
        if step.read_proposals() == []:
            warnings.append(f"{name}: no proposal could be read from the overseer review")
        warnings += [f"{name}: {flag}" for v in step.read_verdicts() for flag in v.flags]
    return warnings
