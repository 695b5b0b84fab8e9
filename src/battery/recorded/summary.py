"""Put an opened battery into a summary; no network, nothing written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from battery.recorded.open import OpenedBattery
from battery.records.findings import Scorecard
from battery.records.models import Metrics, Models, Summary
from battery.review.scorecard import score
from battery.store.journal import Journal
from battery.verdict.assess import assess
from battery.verdict.metrics import count_directions, trends


def summary_of(opened: OpenedBattery, *, report: bool) -> Summary:
    """Sum up a battery with at least one complete iteration; raise `BatteryError`.

    `report` lists the report among the artifacts even before it is written.
    """
    journals = [Journal(step.journal) for step in opened.steps]
    provenance, rows = opened.provenance, trends(opened.metrics)
    return Summary(
        run_id=provenance.run_id,
        state=provenance.state,
        iterations_wanted=provenance.iterations_wanted,
        started_at=provenance.started_at,
        finished_at=provenance.finished_at,
        elapsed_s=sum(map(_elapsed_ms, journals, opened.metrics)) / 1000,
        calls=sum(map(_calls, journals, opened.metrics)),
        models=_models(opened),
        targets=provenance.targets,
        seed=provenance.options.seed,
        iterations=opened.metrics,
        trends=rows,
        verdict=count_directions(rows),
        evidence=assess(opened.observed),
        control=opened.control,
        scorecard=_scorecard(opened),
        scrum=opened.steps[-1].read_verdicts(),
        artifacts=opened.folder.listing(report=report),
        warnings=list(_warnings(opened, journals)),
    )


def _models(opened: OpenedBattery) -> Models | None:
    if opened.provenance.models:
        return opened.provenance.models
    # Whoever kept a tasks.json with the runs of the original script most likely used it.
    tasks = opened.folder.read_tasks()
    return tasks.models if tasks else None


def _scorecard(opened: OpenedBattery) -> Scorecard | None:
    proposals = {step.number: step.read_proposals() or [] for step in opened.steps}
    scorecard = score(opened.metrics, proposals)
    return scorecard if scorecard.expectations else None


def _calls(journal: Journal, metrics: Metrics) -> int:
    # The original battery kept no journal: of its calls only the runs are known.
    return journal.calls + (0 if journal.tasks else metrics.total_tasks)


def _elapsed_ms(journal: Journal, metrics: Metrics) -> int:
    return journal.elapsed_ms + (0 if journal.tasks else round(metrics.total_elapsed_s * 1000))


def _warnings(opened: OpenedBattery, journals: Sequence[Journal]) -> Iterator[str]:
    """Say what a reader of the numbers should know; all of it can be read from disk again."""
    yield from opened.provenance.notes
    complete = {step.number for step in opened.steps}
    for number in opened.folder.numbers():
        if number not in complete:
            yield f"iteration {number} is not complete and is left out"
    for step, journal in zip(opened.steps, journals, strict=True):
        name = f"iteration {step.number}"
        if journal.broken_events:
            yield f"{name}: {journal.broken_events} distill event(s) were not JSON"
        if step.read_proposals() == []:
            yield f"{name}: no proposal could be read from the overseer review"
        for verdict in step.read_verdicts():
            yield from (f"{name}: {flag}" for flag in verdict.flags)
