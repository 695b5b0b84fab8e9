"""An effect with its interval, drawn to scale, and the first screen's figure; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from battery.base.numbers import number, p_equals, percent, signed_percent
from battery.records.findings import Contrast, Effect, Evidence, Interval
from battery.records.metric import TOKENS
from battery.records.models import Summary, Trend
from battery.report import evidence as shown
from battery.report.evidence import Column
from battery.verdict.contrast import of_metric

#: How far a scale may reach to either side, as a relative change; what lies beyond is cut.
_REACHES: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)


class Scale(NamedTuple):
    """A scale of changes, with nothing (no change) always on it."""

    low: float
    high: float

    @classmethod
    def over(cls, changes: Iterable[float], *, floor: float = -1.0) -> Scale:
        """Choose the smallest scale that holds all changes and is as wide to either side.

        A change is a share: -0.5 is half. Below `floor` there is nothing: no ratio falls by more
        than all.
        """
        # As wide to either side, and in few sizes: a glance then tells large from small, and two
        # reports of like batteries are drawn alike.
        most = max(map(abs, changes), default=0.0)
        reach = next((reach for reach in _REACHES if most <= reach), _REACHES[-1])
        return cls(max(-reach, floor), reach)

    def at(self, change: float) -> float:
        """Return the place of a change in percent of the width; what lies beyond is at the end."""
        inside = min(max(change, self.low), self.high)
        return round(100 * (inside - self.low) / (self.high - self.low), 2)


class Bar(NamedTuple):
    """An interval to draw: places in percent of the width, and what it says in words."""

    label: str
    none: float
    point: float
    #: Distances from the left and from the right end; null where there is no interval.
    band: tuple[float, float] | None
    ticks: list[tuple[float, str]]


def ends(
    kind: Literal["ratio", "difference"], value: float | None, interval: Interval | None
) -> list[float]:
    """Return the value, then both ends of its interval, as changes: 0 is no difference.

    Empty without a value, and the value alone without an interval.
    """
    if value is None:
        return []
    edges = [value, *([interval.low, interval.high] if interval else [])]
    return [edge - 1 for edge in edges] if kind == "ratio" else edges


def bar(label: str, changes: Sequence[float], scale: Scale, *, ticks: bool = False) -> Bar:
    """Lay out what `ends` returns of a value; ticks name the scale's ends and its zero."""
    value, *interval = changes
    band = (scale.at(interval[0]), round(100 - scale.at(interval[1]), 2)) if interval else None
    named = [
        (scale.at(scale.low), signed_percent(scale.low).replace(".0%", "%")),
        (scale.at(0), f"{percent(0)}: no difference"),
        (scale.at(scale.high), signed_percent(scale.high).replace(".0%", "%")),
    ]
    return Bar(label, scale.at(0), scale.at(value), band, named if ticks else [])


_NO_EFFECT: Final = "No effect can be shown"


class Headline(NamedTuple):
    """The effect on tokens in words and, where there is one, as a figure."""

    title: str
    value: str
    text: str
    figure: Bar | None


class Drawn(NamedTuple):
    """One row of a table of contrasts, with its interval to draw."""

    cells: list[str]
    figure: Bar | None
    note: str | None


def headline(summary: Summary, evidence: Evidence) -> Headline:
    """Take the effect against the frozen arm; without one the trend, which has no interval."""
    tokens = of_metric(evidence.effects, TOKENS)
    if tokens is not None:
        return _effect(tokens, evidence)
    trend = next((each for each in summary.trends if each.metric == TOKENS), None)
    if trend is not None and trend.relative is not None:
        return _trend(trend, evidence)
    return Headline("Tokens", _NO_EFFECT, "No iteration can be compared with another.", None)


def drawn(columns: Sequence[Column], rows: Sequence[Contrast]) -> list[Drawn]:
    """Lay out contrasts, so that intervals of one kind compare at a glance."""
    # Two scales: on that of a tenfold time, points of a rate would all be dots at no difference.
    scales = {
        kind: Scale.over(end for row in rows if row.kind == kind for end in _ends(row))
        for kind in ("ratio", "difference")
    }
    return [
        Drawn(shown.cells(columns, row), _figure(row, scales[row.kind]), row.note) for row in rows
    ]


def _effect(tokens: Effect, evidence: Evidence) -> Headline:
    title = "Tokens on a typical task, learn against frozen"
    if tokens.value is None:
        return Headline(title, _NO_EFFECT, f"{tokens.note or 'No tokens were reported'}.", None)
    tasks = f"{tokens.tasks} tasks, the iterations after the first"
    tested = f"{p_equals(evidence.primary.p)}, " if evidence.primary else ""
    interval = shown.interval(tokens)
    between = "no interval" if interval == shown.NONE else f"{shown.INTERVAL} {interval}"
    scale = Scale.over(_ends(tokens))
    return Headline(
        title,
        shown.value(tokens),
        f"{between}; {tested}{tasks}.",
        _figure(tokens, scale, ticks=True),
    )


def _trend(trend: Trend, evidence: Evidence) -> Headline:
    relative = trend.relative or 0.0
    tested = evidence.trend
    p = f"{p_equals(tested.p)}; " if tested and tested.p is not None else ""
    first, last = (number(trend.values[end] or 0.0, 0, grouped=True) for end in (0, -1))
    text = (
        f"{first} to {last} tokens; {p}no frozen arm to compare with, so no effect and no interval."
    )
    figure = bar(text, [relative], Scale.over([relative]), ticks=True)
    return Headline(
        "Tokens, from the first to the last iteration", signed_percent(relative), text, figure
    )


def _figure(row: Contrast, scale: Scale, *, ticks: bool = False) -> Bar | None:
    label = f"{row.metric}: {shown.value(row)}, {shown.INTERVAL} {shown.interval(row)}"
    changes = _ends(row)
    return bar(label, changes, scale, ticks=ticks) if changes else None


def _ends(row: Contrast) -> list[float]:
    return ends(row.kind, row.value, row.interval)
