"""The numbers of all iterations in, one summary with trends and a verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

from battery.records.findings import Evidence, Scorecard
from battery.records.models import (
    DirectionCount,
    Metrics,
    Models,
    Provenance,
    Summary,
    Trend,
    Verdict,
)

Goal = Literal["fewer", "more"]

#: The five metrics that the verdict counts, in the order of the table, with what is better.
COUNTED: Final[tuple[tuple[str, Goal], ...]] = (
    ("total_tokens", "fewer"),
    ("avg_turns_per_task", "fewer"),
    ("overseer_called_rate", "fewer"),
    ("ok_tasks", "more"),
    ("total_elapsed_s", "fewer"),
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
    trends = [_trend(name, goal, ordered) for name, goal in COUNTED]
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


def _trend(metric: str, goal: Goal, ordered: Sequence[Metrics]) -> Trend:
    values = [float(getattr(each, metric)) for each in ordered]
    if len(values) < 2:
        return Trend(
            metric=metric, goal=goal, values=values, direction=None, change=None, relative=None
        )
    first, last = values[0], values[-1]
    # Subtracted as written: 4.624 - 2.669 is 1.955 and prints as 1.96, while the difference
    # of the binary fractions lies a hair below and would print as 1.95.
    change = float(Decimal(repr(last)) - Decimal(repr(first)))
    return Trend(
        metric=metric,
        goal=goal,
        values=values,
        direction=_direction(change, goal),
        change=change,
        relative=change / first if first else None,
    )


def _direction(change: float, goal: Goal) -> Literal["better", "worse", "flat"]:
    # No tolerance: how much change is noise is for the statistics to say, not for this count.
    if change == 0:
        return "flat"
    return "better" if (change < 0) == (goal == "fewer") else "worse"


def _verdict(trends: Sequence[Trend]) -> DirectionCount:
    improved = sum(trend.direction == "better" for trend in trends)
    validated = improved >= NEEDED
    return DirectionCount(
        improved=improved,
        of=len(trends),
        validated=validated,
        label=VALIDATED if validated else NOT_DEMONSTRATED,
    )
