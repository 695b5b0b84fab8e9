"""The numbers of all iterations in, one summary with trends and a verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

from battery.records.findings import Evidence, Scorecard
from battery.records.metric import METRICS, TABLE, Metric
from battery.records.models import (
    DirectionCount,
    Metrics,
    Models,
    Provenance,
    Summary,
    Trend,
    Verdict,
)

#: So many of them must improve before the battery says that the architecture holds.
NEEDED: Final = 3
VALIDATED: Final = "Architecture validated"
NOT_DEMONSTRATED: Final = "Compounding NOT demonstrated"


def summarise(  # noqa: PLR0913 - keywords only, one for each source of the summary
    *,
    provenance: Provenance,
    metrics: Sequence[Metrics],
    scrum: Sequence[Verdict],
    calls: int,
    elapsed_s: float,
    models: Models | None,
    artifacts: Sequence[str],
    warnings: Sequence[str],
    evidence: Evidence | None = None,
    control: Sequence[Metrics] = (),
    scorecard: Scorecard | None = None,
) -> Summary:
    """Put everything that the reports say into one record.

    `metrics` may come in any order and with gaps; trends go from the lowest to the highest
    iteration. `scrum` holds the verdicts of the last iteration, `elapsed_s` the sum of `calls`
    recorded calls; `control` holds the frozen arm's metrics.
    """
    # A folder lists iter_10 before iter_2.
    ordered = sorted(metrics, key=lambda each: each.iteration)
    trends = [trend for metric in TABLE if (trend := _trend(metric, ordered))]
    return Summary(
        run_id=provenance.run_id,
        state=provenance.state,
        iterations_wanted=provenance.iterations_wanted,
        started_at=provenance.started_at,
        finished_at=provenance.finished_at,
        elapsed_s=elapsed_s,
        calls=calls,
        models=models,
        targets=provenance.targets,
        seed=provenance.options.seed,
        iterations=ordered,
        trends=trends,
        # Five times "not improved" would be a judgment; nothing was compared.
        verdict=_verdict(trends) if len(ordered) > 1 else None,
        evidence=evidence,
        control=sorted(control, key=lambda each: each.iteration),
        scorecard=scorecard,
        scrum=list(scrum),
        artifacts=list(artifacts),
        warnings=list(warnings),
    )


def is_unfinished(summary: Summary) -> bool:
    """Tell whether a battery is known not to have come to its end."""
    return summary.state not in {None, "finished"}


def unfinished(summary: Summary) -> str | None:
    """Say how far a battery came that has not come to its end; None for one that has."""
    if not is_unfinished(summary):
        return None
    complete = f"{len(summary.iterations)} of {summary.iterations_wanted} iterations"
    return f"The battery is not finished (state: {summary.state}): {complete} are complete."


def _trend(metric: Metric, ordered: Sequence[Metrics]) -> Trend | None:
    """Follow a metric over the iterations; None for an uncounted one that none has measured."""
    values = [getattr(each, metric.key) for each in ordered]
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


def _verdict(trends: Sequence[Trend]) -> DirectionCount:
    counted = [trend for trend in trends if METRICS[trend.metric].counted]
    improved = sum(trend.direction == "better" for trend in counted)
    validated = improved >= NEEDED
    return DirectionCount(
        improved=improved,
        of=len(counted),
        validated=validated,
        label=VALIDATED if validated else NOT_DEMONSTRATED,
    )
