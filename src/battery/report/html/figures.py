"""Effects drawn to scale: of the first screen, of kinds of tasks, tasks and iterations; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from battery.base.numbers import counted, p_equals, signed_percent
from battery.base.text import capital, printable
from battery.records.findings import Evidence, Group, Interval, Siblings, TaskEffect, of_kind
from battery.records.metric import METRICS
from battery.records.models import ARM_NAMES, FROZEN, KINDS, LEARN, Arm, Phase
from battery.records.summary import Summary, Trend
from battery.report import evidence as shown
from battery.report.siblings import rows as new_rows
from battery.verdict import policy

#: Every effect on every page is drawn on one axis, from -100% to +100%: so wide it is, as a share.
_WIDTH: Final = 2.0


class Bar(NamedTuple):
    """A change to draw: places in percent of the width, and what it says in words."""

    label: str
    point: float
    #: Distances from the left and from the right end; null where there is no interval.
    band: tuple[float, float] | None
    #: Whether the band is no interval, but leads from no difference to the point.
    stem: bool = False
    #: Whether the change is more than the axis holds.
    beyond: bool = False
    #: Whether it is more by an amount that counts: what is drawn is a cost, so that is worse.
    worse: bool = False


def place(change: float) -> float:
    """Return where a change (a share: -0.5 is half) is drawn; more than +100% is at the end."""
    # As wide to either side and the same for all: a glance then tells large from small, on one
    # page and across pages.
    return round(100 * (min(max(change, -1.0), 1.0) + 1) / _WIDTH, 2)


def ends(ratio: float | None, interval: Interval | None) -> list[float]:
    """Return a ratio, then both ends of its interval, as changes: 0 is no difference.

    Empty without a ratio, and its change alone without an interval.
    """
    if ratio is None:
        return []
    return [edge - 1 for edge in (ratio, *([interval.low, interval.high] if interval else []))]


def bar(label: str, changes: Sequence[float]) -> Bar:
    """Lay out what `ends` returns of a value."""
    value, *interval = changes
    # An interval that lies beyond the axis as a whole is nowhere on it.
    inside = bool(interval) and interval[0] < 1
    band = (place(interval[0]), round(100 - place(interval[1]), 2)) if inside else None
    return Bar(label, place(value), band, beyond=value > 1, worse=policy.is_relevant(value))


def stem(label: str, change: float) -> Bar:
    """Lay out a value that has no interval: a line from no difference to it."""
    none, point = place(0), place(change)
    band = (min(none, point), round(100 - max(none, point), 2))
    return Bar(label, point, band, stem=True, beyond=change > 1, worse=policy.is_relevant(change))


_NO_EFFECT: Final = "No effect can be shown"


class Done(NamedTuple):
    """How many calls of tasks that can be done ended ok in one arm."""

    arm: Arm
    name: str
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
    """Take the effect that decides; without a twin the trend, which has no interval."""
    if not evidence.trusted:
        # A number in this place would be louder than the word that makes it worthless.
        text = f"The verdict is {evidence.verdict}: none of the numbers shows what learning did."
        return Headline(f"{shown.noun(evidence).capitalize()}, against the twin", "", text)
    group = shown.deciding(evidence)
    if group is not None:
        return _success(group, evidence) if shown.by_success(evidence) else _cost(group, evidence)
    trend = next((each for each in summary.trends if each.metric == evidence.cost), None)
    title = f"{shown.noun(evidence).capitalize()}, from the first to the last iteration"
    if evidence.iterations == 1:
        return Headline(
            "So far", "One iteration", f"{alone(evidence)}: nothing can be compared yet."
        )
    if trend is not None and trend.relative is not None:
        return _trend(title, trend, trend.relative)
    return Headline(title, _NO_EFFECT, "No iteration can be compared with another.")


def alone(evidence: Evidence) -> str:
    """Say why no effect was measured, as the beginning of a sentence."""
    return "There is no twin" if not evidence.has_twin else "There is no iteration after the first"


def _cost(group: Group, evidence: Evidence) -> Headline:
    typical = f"{of_kind(group.kind)}task"
    title = f"{shown.noun(evidence).capitalize()} on a typical {typical}, against the twin"
    if group.ratio is None:
        text = f"No {shown.noun(evidence)} could be compared."
        return Headline(title, _NO_EFFECT, text, done=_done(group))
    changes = ends(group.ratio, group.interval)
    value, text = shown.relative(group.ratio), _about(group, evidence)
    figure = bar(f"{title}: {value}; {text}", changes)
    return Headline(title, value, f"{capital(text)}.", figure, _done(group))


def _about(group: Group, evidence: Evidence) -> str:
    asked = evidence.question("niche" if group.kind == "niche" else "cost")
    # The test is of a saving: next to what costs more, its p would read as if nothing were shown.
    tested = asked and asked.p is not None and group.ratio is not None and group.ratio < 1
    p = [p_equals(asked.p)] if asked and tested else []
    parts = [_interval(group), *p, f"{counted(group.tasks, 'task')}, {shown.over(evidence)}"]
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


def _trend(title: str, trend: Trend, change: float) -> Headline:
    metric = METRICS[trend.metric]
    first, last = (trend.values[end] or 0.0 for end in (0, -1))
    text = (
        f"{metric.written(first, grouped=True)} to {metric.amount(last)}; no twin to "
        "compare with, so no effect and no interval."
    )
    figure = bar(text, [change])
    return Headline(title, signed_percent(change), text, figure)


def _done(group: Group) -> list[Done]:
    return both_done(group.learn_done, group.learn_calls, group.frozen_done, group.frozen_calls)


def both_done(learn: int, learn_calls: int, frozen: int, frozen_calls: int) -> list[Done]:
    """Lay out how many calls ended ok in both arms; empty where one was asked nothing."""
    sides: list[tuple[Arm, int, int]] = [
        (LEARN, learn, learn_calls),
        (FROZEN, frozen, frozen_calls),
    ]
    if not all(calls for _, _, calls in sides):
        return []
    return [
        Done(arm, ARM_NAMES[arm], shown.done(ok, calls), round(100 * ok / calls, 2))
        for arm, ok, calls in sides
    ]


def _interval(group: Group) -> str:
    if group.interval is None:
        return "no interval, for too few tasks or calls can reach its level"
    return f"interval {shown.interval(group.interval)}"


def kinds(evidence: Evidence) -> list[Drawn]:
    """Lay out the tasks by kind."""
    return [Drawn(shown.group_cells(group, evidence), _figure(group)) for group in evidence.groups]


def _figure(group: Group) -> Bar | None:
    if group.ratio is None:
        return None
    label = f"{group.kind}: {shown.relative(group.ratio)}, {_interval(group)}"
    if group.interval is None:
        return stem(label, group.ratio - 1)
    return bar(label, ends(group.ratio, group.interval))


def tasks(effects: Sequence[TaskEffect], evidence: Evidence) -> list[tuple[TaskEffect, Drawn]]:
    """Lay out tasks in their order."""
    return [
        (task, Drawn(shown.task_cells(task, evidence), stem_of(task.change, task.ratio)))
        for task in effects
    ]


class Dot(NamedTuple):
    """A task as a dot: the learner, next to the line that its twin is."""

    #: Its name: what may be cut where there is no room, and how it ends.
    label: tuple[str, str]
    kind: str
    change: str
    #: `better`, `worse`, `mixed` or `same`, and how that reads.
    result: str
    word: str
    #: What both did, where that differs; else empty.
    done: str
    figure: Bar | None


class Dots(NamedTuple):
    """Tasks as dots: those that gain most, how many are left out, and those that gain least."""

    most: list[Dot]
    left_out: int
    least: list[Dot]


#: So many dots fit on a first screen; of more tasks so many of those that gain least are among
#: them, since a system that learns some tasks at the price of others has to show both.
MOST_DOTS: Final = 12
_LEAST: Final = 4
#: Characters at the end of a name that are always shown.
_TAIL: Final = 12


def dots(effects: Sequence[TaskEffect]) -> Dots:
    """Choose and lay out the tasks of the first screen; `effects` begin with the largest gain."""
    return chosen(list(map(_dot, effects)))


def chosen(every: list[Dot], most: int = MOST_DOTS) -> Dots:
    """Choose dots, at most so many rows; the first gain most."""
    if len(every) <= most:
        return Dots(every, 0, [])
    # A row says how many are left out.
    first = most - _LEAST - 1
    return Dots(every[:first], len(every) - first - _LEAST, every[-_LEAST:])


def _dot(task: TaskEffect) -> Dot:
    own = shown.done(task.learn_done, task.learn_calls)
    base = shown.done(task.frozen_done, task.frozen_calls)
    # What cannot be done is not done, whatever the system says.
    what = "claimed" if task.phase == Phase.GAMMA else "done"
    return Dot(
        named(task.label),
        KINDS[Phase(task.phase)],
        shown.relative(task.ratio),
        task.change,
        shown.CHANGES[task.change],
        "" if own == base else f"{own} {what}, twin {base}",
        stem_of(task.label, task.ratio),
    )


def named(label: str) -> tuple[str, str]:
    """Split a name into what may be cut where there is no room, and how it ends."""
    shown = printable(label)
    return shown[:-_TAIL], shown[-_TAIL:]


def siblings(new: Siblings) -> list[Drawn]:
    """Lay out a typical task asked again and a typical new one."""
    first = ends(new.ratio, new.interval)
    figures = [
        stem_of("asked again", new.repeated),
        bar(f"new: {shown.relative(new.ratio)}, {shown.interval(new.interval)}", first)
        if new.interval and first
        else stem_of("new", new.ratio),
    ]
    return [Drawn(*row) for row in zip(new_rows(new), figures, strict=True)]


def iterations(summary: Summary, evidence: Evidence) -> list[Drawn]:
    """Lay out the effect in each iteration after the first; empty where nothing was compared."""
    if evidence.growth is None:
        return []
    ratios = evidence.growth.ratios
    numbers = [str(metrics.iteration) for metrics in summary.iterations[1:]]
    return [
        Drawn([name, shown.relative(ratio)], stem_of(f"iteration {name}", ratio))
        for name, ratio in zip(numbers, ratios, strict=True)
    ]


def stem_of(name: str, ratio: float | None) -> Bar | None:
    """Lay out a ratio that has no interval; None where there is no ratio."""
    return None if ratio is None else stem(f"{name}: {shown.relative(ratio)}", ratio - 1)
