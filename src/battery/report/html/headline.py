"""The first screen's figure: the effect on tokens with its interval, drawn to scale; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from battery.base.numbers import number, p_equals, signed_percent
from battery.records.findings import Effect, Evidence
from battery.records.metric import TOKENS
from battery.records.models import Summary, Trend
from battery.report import evidence as shown
from battery.report.html.figures import Bar, Scale, bar, ends

_NO_EFFECT: Final = "No effect can be shown"


class Headline(NamedTuple):
    """The effect on tokens in words and, where there is one, as a figure."""

    title: str
    value: str
    text: str
    figure: Bar | None


class EffectRow(NamedTuple):
    """One row of the table of effects."""

    cells: list[str]
    figure: Bar | None
    note: str | None


EFFECT_HEADS: Final = (
    "metric",
    "learn",
    "frozen",
    "effect",
    shown.INTERVAL,
    "p",
    "p, max-T",
    "p, Holm",
    "net",
    "tasks",
)


def headline(summary: Summary, evidence: Evidence) -> Headline:
    """Take the effect against the frozen arm; without one the trend, which has no interval."""
    tokens = next((each for each in evidence.effects if each.metric == TOKENS), None)
    if tokens is not None:
        return _effect(tokens, evidence)
    trend = next((each for each in summary.trends if each.metric == TOKENS), None)
    if trend is not None and trend.relative is not None:
        return _trend(trend, evidence)
    return Headline("Tokens", _NO_EFFECT, "No iteration can be compared with another.", None)


def effect_rows(effects: Sequence[Effect]) -> list[EffectRow]:
    """Lay out the effects on one scale, so that their intervals compare at a glance."""
    scale = Scale.over(change for each in effects for change in _changes(each))
    return [EffectRow(shown.cells(each), _figure(each, scale), each.note) for each in effects]


def _effect(tokens: Effect, evidence: Evidence) -> Headline:
    title = "Tokens on a typical task, learn against frozen"
    if tokens.value is None:
        return Headline(title, _NO_EFFECT, f"{tokens.note or 'No tokens were reported'}.", None)
    tasks = f"{tokens.tasks} tasks, the iterations after the first"
    tested = f"{p_equals(evidence.primary.p)}, " if evidence.primary else ""
    interval = shown.interval(tokens)
    between = "no interval" if interval == shown.NONE else f"{shown.INTERVAL} {interval}"
    scale = Scale.over(_changes(tokens))
    return Headline(
        title,
        shown.effect(tokens),
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


def _figure(each: Effect, scale: Scale, *, ticks: bool = False) -> Bar | None:
    label = f"{each.metric}: {shown.effect(each)}, {shown.INTERVAL} {shown.interval(each)}"
    changes = _changes(each)
    return bar(label, changes, scale, ticks=ticks) if changes else None


def _changes(each: Effect) -> list[float]:
    return ends(each.kind, each.value, each.interval)
