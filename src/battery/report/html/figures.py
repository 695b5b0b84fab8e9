"""Effects drawn to scale: of the first screen, of kinds of tasks, tasks and iterations; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from battery.base.numbers import counted, p_equals, percent, signed_percent
from battery.records.findings import Evidence, Group, Interval, Siblings, TaskEffect, of_kind
from battery.records.metric import METRICS
from battery.records.models import FROZEN, LEARN, Arm
from battery.records.summary import Summary, Trend
from battery.report import evidence as shown
from battery.report.siblings import rows as new_rows

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
    #: Whether the band is no interval, but leads from no difference to the point.
    stem: bool = False


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


def stem(label: str, change: float, scale: Scale) -> Bar:
    """Lay out a value that has no interval: a line from no difference to it."""
    none, point = scale.at(0), scale.at(change)
    band = (min(none, point), round(100 - max(none, point), 2))
    return Bar(label, none, point, band, [], stem=True)


_NO_EFFECT: Final = "No effect can be shown"


class Done(NamedTuple):
    """How many calls of tasks that can be done ended ok in one arm."""

    arm: Arm
    text: str
    #: In percent of the width.
    share: float


class Headline(NamedTuple):
    """The effect that decides, in words and where there is one as a figure."""

    title: str
    value: str
    text: str
    figure: Bar | None = None
    #: Both arms; empty where nothing was compared.
    done: Sequence[Done] = ()
    #: Whether `value` is about what was done; else about the cost.
    by_success: bool = False


class Drawn(NamedTuple):
    """One row of a table, with its effect drawn."""

    cells: list[str]
    figure: Bar | None
    note: str | None = None


def headline(summary: Summary, evidence: Evidence) -> Headline:
    """Take the effect that decides; without a frozen arm the trend, which has no interval."""
    if not evidence.trusted:
        # A number in this place would be louder than the word that makes it worthless.
        word = evidence.verdict
        text = f"The verdict is {word}: none of the numbers below shows what learning did."
        return Headline("Effect", "No effect can be claimed", text)
    group = shown.deciding(evidence)
    if group is not None:
        return _success(group, evidence) if shown.by_success(evidence) else _cost(group, evidence)
    trend = next((each for each in summary.trends if each.metric == evidence.cost), None)
    title = f"{shown.noun(evidence).capitalize()}, from the first to the last iteration"
    if trend is not None and trend.relative is not None:
        return _trend(title, trend, trend.relative, evidence)
    return Headline(title, _NO_EFFECT, "No iteration can be compared with another.")


def _cost(group: Group, evidence: Evidence) -> Headline:
    typical = f"{of_kind(group.kind)}task"
    title = f"{shown.noun(evidence).capitalize()} on a typical {typical}, against the twin"
    if group.ratio is None:
        text = f"No {shown.noun(evidence)} could be compared."
        return Headline(title, _NO_EFFECT, text, done=_done(group))
    changes = ends("ratio", group.ratio, group.interval)
    value, text = shown.relative(group.ratio), _about(group, evidence)
    figure = bar(f"{title}: {value}; {text}", changes, Scale.over(changes), ticks=True)
    return Headline(title, value, f"{text[0].upper()}{text[1:]}.", figure, _done(group))


def _about(group: Group, evidence: Evidence) -> str:
    parts = [_interval(group), f"{counted(group.tasks, 'task')}, {shown.over(evidence)}"]
    whole = evidence.group("all")
    if whole and whole is not group and whole.ratio is not None:
        parts.append(f"all tasks {shown.relative(whole.ratio)}")
    return "; ".join(parts)


def _success(group: Group, evidence: Evidence) -> Headline:
    of_cost = _cost(group, evidence)
    own, base = (arm.text for arm in of_cost.done)
    return of_cost._replace(
        title="Tasks done, against the twin",
        value=f"{own}, twin {base}",
        text=f"{of_cost.title}: {of_cost.value}; {_about(group, evidence)}.",
        by_success=True,
    )


def _trend(title: str, trend: Trend, change: float, evidence: Evidence) -> Headline:
    tested = evidence.trend
    p = f"{p_equals(tested.p)}; " if tested and tested.p is not None else ""
    metric = METRICS[evidence.cost]
    first, last = (trend.values[end] or 0.0 for end in (0, -1))
    text = (
        f"{metric.written(first, grouped=True)} to {metric.amount(last)}; {p}no frozen arm to "
        "compare with, so no effect and no interval."
    )
    figure = bar(text, [change], Scale.over([change]), ticks=True)
    return Headline(title, signed_percent(change), text, figure)


def _done(group: Group) -> list[Done]:
    sides: list[tuple[Arm, int, int]] = [
        (LEARN, group.learn_done, group.learn_calls),
        (FROZEN, group.frozen_done, group.frozen_calls),
    ]
    if not all(calls for _, _, calls in sides):
        return []
    return [
        Done(arm, shown.done(ok, calls), round(100 * ok / calls, 2)) for arm, ok, calls in sides
    ]


def _interval(group: Group) -> str:
    if group.interval is None:
        return "no interval, for too few tasks or calls can reach its level"
    return f"interval {shown.interval(group.interval)}"


def kinds(evidence: Evidence) -> list[Drawn]:
    """Lay out the tasks by kind, all on one scale."""
    scale = Scale.over(
        end for group in evidence.groups for end in ends("ratio", group.ratio, group.interval)
    )
    return [
        Drawn(shown.group_cells(group, evidence), _figure(group, scale))
        for group in evidence.groups
    ]


def _figure(group: Group, scale: Scale) -> Bar | None:
    if group.ratio is None:
        return None
    label = f"{group.kind}: {shown.relative(group.ratio)}, {_interval(group)}"
    if group.interval is None:
        return stem(label, group.ratio - 1, scale)
    return bar(label, ends("ratio", group.ratio, group.interval), scale)


def tasks(effects: Sequence[TaskEffect], evidence: Evidence) -> list[tuple[TaskEffect, Drawn]]:
    """Lay out tasks on one scale, in their order."""
    scale = _scale(task.ratio for task in effects)
    return [
        (task, Drawn(shown.task_cells(task, evidence), _stem(task.change, task.ratio, scale)))
        for task in effects
    ]


def siblings(new: Siblings) -> list[Drawn]:
    """Lay out a typical task asked again and a typical new one, on one scale."""
    again, first = ends("ratio", new.repeated, None), ends("ratio", new.ratio, new.interval)
    scale = Scale.over([*again, *first])
    figures = [
        _stem("asked again", new.repeated, scale),
        bar(f"new: {shown.relative(new.ratio)}, {shown.interval(new.interval)}", first, scale)
        if new.interval and first
        else _stem("new", new.ratio, scale),
    ]
    return [Drawn(*row) for row in zip(new_rows(new), figures, strict=True)]


def iterations(summary: Summary, evidence: Evidence) -> list[Drawn]:
    """Lay out the effect in each iteration after the first; empty where nothing was compared."""
    if evidence.growth is None:
        return []
    ratios = evidence.growth.ratios
    numbers = [str(metrics.iteration) for metrics in summary.iterations[1:]]
    scale = _scale(ratios)
    return [
        Drawn([name, shown.relative(ratio)], _stem(f"iteration {name}", ratio, scale))
        for name, ratio in zip(numbers, ratios, strict=True)
    ]


def _scale(ratios: Iterable[float | None]) -> Scale:
    return Scale.over(ratio - 1 for ratio in ratios if ratio is not None)


def _stem(name: str, ratio: float | None, scale: Scale) -> Bar | None:
    return None if ratio is None else stem(f"{name}: {shown.relative(ratio)}", ratio - 1, scale)
