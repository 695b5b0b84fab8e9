"""The direction count, the trends behind it and what the review foresaw, in words; pure."""

from __future__ import annotations

from typing import Final, Literal

from battery.base.numbers import number, percent, signed_percent
from battery.records.findings import Expectation, Luck, Scorecard
from battery.records.metric import ELAPSED, METRICS
from battery.records.summary import DirectionCount, Summary, Trend
from battery.report.evidence import NONE
from battery.verdict.metrics import NEEDED

#: Decimals that the format of `summary.md` has at least.
_PLACES: Final = 2


def luck(chances: Luck) -> str:
    """Write how often the direction count comes out so well by chance."""
    # Of none nothing is to be said but how easily the label comes.
    reached = chances.improved or NEEDED
    chance = chances.as_many if chances.improved else chances.validated
    # A provider that drifts moves the count as learning does; no permutation can tell them apart.
    return f"by luck alone {reached} or more improve {percent(chance)} of the time"


def count(summary: Summary, verdict: DirectionCount) -> str:
    """Write the direction count, which is never louder than the verdict: a plain sentence."""
    evidence = summary.evidence
    text = f"{verdict.improved} of {verdict.of} metrics improved"
    if evidence and not evidence.trusted:
        word = evidence.verdict
        return f"{text} ({verdict.label}), which says nothing here: the verdict is {word}."
    chance = f"; {luck(evidence.luck)}" if evidence and evidence.luck else ""
    return f"{text}: {verdict.label}{chance}."


def score(card: Scorecard) -> str:
    """Write how often the review foresaw what moved."""
    return (
        f"Of {len(card.expectations)} expected moves {card.right} came as expected, {card.wrong} "
        f"went the other way, {card.unchanged} did not move, {card.not_measurable} cannot be "
        "measured. They are those of approved changes to files of the repository, held against "
        "iterations that were added later; whether anybody made the changes, battery cannot tell. "
        "This is information and no part of the verdict."
    )


def metric_value(key: str, value: float | None) -> str:
    """Write an iteration's value as `summary.md` does: two decimals, more where it needs them."""
    return NONE if value is None else METRICS[key].written(value, _PLACES)


def trend_change(trend: Trend) -> str:
    """Write how a metric moved: `better (-4520.00, -48.6%)`; `none` where nothing compares."""
    if trend.direction is None or trend.change is None:
        return "none"
    moved = METRICS[trend.metric].moved(trend.change, _PLACES)
    relative = "" if trend.relative is None else f", {signed_percent(trend.relative)}"
    return f"{trend.direction} ({moved}{relative})"


def goal(trend: Trend) -> str:
    """Write what is better, and that the direction count leaves the metric out where it does."""
    return trend.goal if METRICS[trend.metric].counted else f"{trend.goal} (not counted)"


#: A mean call that takes less is timed by the machine's other work more than by its own.
_LEAST_TIMED_S: Final = 0.1


def tone(trend: Trend, summary: Summary) -> Literal["better", "worse", "flat"]:
    """Return how loud a trend is: times of calls of milliseconds are luck, and no result."""
    if trend.metric == ELAPSED:
        ends = (summary.iterations[0], summary.iterations[-1])
        if max(end.total_elapsed_s / end.total_tasks for end in ends) < _LEAST_TIMED_S:
            return "flat"
    return trend.direction or "flat"


def moved(expectation: Expectation) -> str:
    """Write the values before and after: `12019.00 → 6862.00`."""
    if expectation.before is None or expectation.after is None:
        return NONE
    metric = METRICS.get(expectation.metric or "")
    ends = (expectation.before, expectation.after)
    return " → ".join(metric.written(end, _PLACES) if metric else number(end) for end in ends)
