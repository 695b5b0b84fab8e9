"""Contrasts and evidence in cells and sentences, the same for every surface; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from battery.base.numbers import HUGE, change, number, p_value, percent, signed, signed_percent
from battery.base.text import listed
from battery.records.comparison import Change
from battery.records.findings import (
    Contrast,
    Evidence,
    Expectation,
    Interval,
    Luck,
    Scorecard,
    Tested,
)
from battery.records.metric import METRICS
from battery.records.models import Trend
from battery.verdict import policy
from battery.verdict.metrics import NEEDED

NONE: Final = "-"
_POINTS: Final = " pts"
#: Head of the columns with intervals.
INTERVAL: Final = f"{percent(policy.LEVEL)} interval"


class Column(NamedTuple):
    """A column of a table of contrasts, the same on every surface."""

    head: str
    cell: Callable[[Contrast], str]


def value(row: Contrast) -> str:
    """Write a contrast: `-42.9%` of its base, or `-50.0 pts`."""
    return amount(row.kind, row.value)


def interval(row: Contrast) -> str:
    """Write the interval of a contrast: `-60.1% to -12.0%`."""
    return _span(row, row.interval)


def _net_interval(row: Contrast) -> str:
    return _span(row, row.net_interval if isinstance(row, Change) else None)


def _span(row: Contrast, ends: Interval | None) -> str:
    if ends is None:
        return NONE
    low, high = amount(row.kind, ends.low), amount(row.kind, ends.high)
    # The unit once: a row of the table has to fit into 80 columns.
    return f"{low.removesuffix(_POINTS)} to {high}"


def _mean(row: Contrast, mean: float | None) -> str:
    if mean is None:
        return NONE
    if row.kind == "difference":
        return percent(mean, 1)
    # Seconds may be so few that two decimals would hide what the contrast is about.
    return number(mean, 4 if mean < 1 else 2)


METRIC: Final = Column("Metric", lambda row: row.metric)
VALUE: Final = Column("Effect", value)
SPAN: Final = Column(INTERVAL, interval)
P: Final = Column("p", lambda row: p_value(row.p))
MAX_T: Final = Column("p, max-T", lambda row: p_value(row.p_corrected))
HOLM: Final = Column("p, Holm", lambda row: p_value(row.p_holm))
TASKS: Final = Column("Tasks", lambda row: str(row.tasks))
_NET: Final = Column("Net", lambda row: amount(row.kind, row.net))
#: The columns of an effect, and of a change.
EFFECT: Final = (
    METRIC,
    Column("Learn", lambda row: _mean(row, row.own)),
    Column("Frozen", lambda row: _mean(row, row.base)),
    VALUE,
    SPAN,
    P,
    MAX_T,
    HOLM,
    _NET,
    TASKS,
)
CHANGE: Final = (
    METRIC,
    Column("A", lambda row: _mean(row, row.base)),
    Column("B", lambda row: _mean(row, row.own)),
    Column("Change", value),
    SPAN,
    P,
    MAX_T,
    HOLM,
    TASKS,
)
#: What there is of a change beyond that of the frozen arms.
NET_CHANGE: Final = (
    Column("Net of the frozen arms", _NET.cell),
    Column(f"{INTERVAL} of net", _net_interval),
    Column("p of net", lambda row: p_value(row.p_net)),
)


def heads(columns: Iterable[Column]) -> list[str]:
    """Return the heads of a table of contrasts."""
    return [column.head for column in columns]


def cells(columns: Iterable[Column], row: Contrast) -> list[str]:
    """Return a row of it."""
    return [column.cell(row) for column in columns]


def tests(evidence: Evidence) -> Iterator[tuple[str, Tested]]:
    """Name each test that was made by its question."""
    for question, tested in (
        ("Does learning save tokens at all (primary)?", evidence.primary),
        ("Does the saving go on growing?", evidence.compounding),
        ("Do tokens fall over the iterations (one arm)?", evidence.trend),
        ("Did both arms start alike?", evidence.same_start),
    ):
        if tested is not None:
            yield question, tested


def sensitivity(evidence: Evidence) -> str | None:
    """Write what could have been seen; None where that was not measured."""
    seen = evidence.sensitivity
    if seen is None:
        return None
    if seen.noise == 0:
        return "Iteration 1 shows no noise at all: both arms took exactly the same tokens."
    # The standard error of a standard deviation is about 1 / sqrt(2 (n - 1)) of it.
    vague = 1 / (2 * max(evidence.tasks - 1, 1)) ** 0.5
    noise = (
        f"Noise of one call, from iteration 1: {number(seen.noise, 2)} (sd of log tokens), itself "
        f"known to within {percent(vague)} or so."
    )
    if evidence.iterations < 2:
        return noise
    if seen.detectable is None:
        return f"{noise} In that, no saving could be seen with {percent(seen.power)} power."
    return (
        f"{noise} In that, a saving of about {percent(seen.detectable)}, the same in all tasks, "
        f"is called LEARNED with {percent(seen.power)} power."
    )


def luck(chances: Luck) -> str:
    """Write how often the direction count comes out so by chance alone."""
    validated = f"{NEEDED} or more {percent(chances.validated)}"
    often = "improve {} of the time"
    if chances.improved in {0, NEEDED}:
        text = f"{NEEDED} or more {often.format(percent(chances.validated))}"
    else:
        text = f"{chances.improved} or more {often.format(percent(chances.as_many))}, {validated}"
    # A provider that drifts moves the count as learning does; no permutation can tell them apart.
    return f"By chance alone (no drift) {text}."


def score(card: Scorecard) -> str:
    """Write how often the overseer foresaw what moved."""
    return (
        f"Of {len(card.expectations)} expected moves {card.right} came as expected, {card.wrong} "
        f"went the other way, {card.unchanged} did not move, {card.not_measurable} cannot be "
        "measured."
    )


def amounts(rows: Sequence[Contrast]) -> str:
    """Name the metrics that are compared as ratios: `tokens, turns and time`."""
    return listed([METRICS[row.metric].plain for row in rows if row.kind == "ratio"])


def undecided(rows: Sequence[Contrast]) -> str:
    """Name the metrics that decide nothing: `time decides nothing, so its p-value is …`."""
    names = [METRICS[row.metric].plain for row in rows if not METRICS[row.metric].decides]
    if len(names) == 1:
        return f"{names[0]} decides nothing, so its p-value is left out of the correction"
    return f"{listed(names)} decide nothing, so their p-values are left out of the correction"


def metric_value(key: str, value: float | None) -> str:
    """Write an iteration's value as `summary.md` does: two decimals, more where it needs them."""
    return NONE if value is None else number(value, _places(key))


def trend_change(trend: Trend) -> str:
    """Write how a metric moved: `better (-4520.00, -48.6%)`; `none` where nothing compares."""
    if trend.direction is None or trend.change is None:
        return "none"
    moved = change(trend.change, trend.relative, _places(trend.metric))
    return f"{trend.direction} {moved}"


def goal(trend: Trend) -> str:
    """Write what is better, and that the direction count leaves the metric out where it does."""
    return trend.goal if METRICS[trend.metric].counted else f"{trend.goal} (not counted)"


def _places(key: str) -> int:
    return max(2, METRICS[key].places)


def moved(expectation: Expectation) -> str:
    """Write the values before and after: `12019.00 → 6862.00`."""
    if expectation.before is None or expectation.after is None:
        return NONE
    return f"{number(expectation.before)} → {number(expectation.after)}"


def amount(kind: Literal["ratio", "difference"], value: float | None) -> str:
    """Write a ratio as a relative change, a difference in percentage points; a dash for none."""
    if value is None:
        return NONE
    if kind == "difference":
        return f"{signed(100 * value, 1)}{_POINTS}"
    return ">+900%" if value > HUGE else signed_percent(value - 1)
