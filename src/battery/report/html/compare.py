"""The page of a comparison: word and flips first, then how much, task by task, and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from battery.base.numbers import p_value
from battery.base.text import printable
from battery.records.comparison import Change, Comparison, TaskPair
from battery.report import compare_cells as cells
from battery.report.evidence import INTERVAL, amount, amounts, undecided
from battery.report.html.figures import Bar, Scale, bar, ends
from battery.report.html.page import render

#: More lines than this are no picture any more; the table has all tasks.
_MOST_DRAWN: Final = 60
_TASK_HEADS: Final = ("Task", "Phase", "Flip", "ok in A", "ok in B", "Tokens in A", "Tokens in B")
_CHANGE_HEADS: Final = (
    "Metric",
    "A",
    "B",
    "Change",
    INTERVAL,
    "p",
    "p, max-T",
    "p, Holm",
    "Tasks",
)


class _Row(NamedTuple):
    """A metric with its cells and its interval to draw."""

    name: str
    cells: list[str]
    bar: Bar | None
    note: str | None


def page(found: Comparison) -> Iterator[bytes]:
    """Yield the page piece by piece; it shows all that the record holds."""
    context = {
        "found": found,
        "tone": found.outcome.about.tone,
        "sides": [("A, before", found.before), ("B, after", found.after)],
        "side": cells.side,
        "flips": cells.flips(found.flips),
        "flip_heads": (*_TASK_HEADS, "Change", "Claims in B, all iterations"),
        "flipped": [[*_task(pair), _claims(pair)] for pair in cells.flipped(found)],
        "compared": cells.compared(found) if found.iterations else "",
        "rows": _rows(found.changes),
        "change_heads": _CHANGE_HEADS,
        "amounts": amounts(found.changes) if found.changes else "",
        "undecided": undecided(found.changes) if found.changes else "",
        "start": [_change(each) for each in found.start],
        "twins": [_change(each) for each in found.twins],
        "net_heads": ("Metric", "Net change", INTERVAL, "p"),
        "net": [_net(each) for each in found.changes] if found.twins else [],
        "noise": list(cells.noise(found.noise)),
        "task_heads": (*_TASK_HEADS, "Change"),
        "tasks": [_task(pair) for pair in found.tasks],
        "drawn": len(_drawn(found)),
        "differences": [
            (word, cells.difference(each)) for word, each in cells.differences(found.differences)
        ],
    }
    return render("compare.html", context, data=_data(found), scripts=["compare.js"])


def _rows(changes: Sequence[Change]) -> list[_Row]:
    """Lay out the changes; ratios share one scale, differences another."""
    scales = {
        kind: Scale.over(edge for each in changes if each.kind == kind for edge in _edges(each))
        for kind in ("ratio", "difference")
    }
    return [
        _Row(
            each.metric,
            # Without Holm's: the drawing needs the room.
            [*cells.columns(each)[:-1], str(each.tasks)],
            _bar(each, scales[each.kind]),
            each.note,
        )
        for each in changes
    ]


def _edges(each: Change) -> list[float]:
    return ends(each.kind, each.value, each.interval)


def _bar(each: Change, scale: Scale) -> Bar | None:
    label = f"{each.metric}: {cells.change(each)}, {INTERVAL} {cells.interval(each)}"
    edges = _edges(each)
    return bar(label, edges, scale) if edges else None


def _change(each: Change) -> list[str]:
    return [each.metric, *cells.columns(each), str(each.tasks)]


def _net(each: Change) -> list[str]:
    interval = cells.span(each.kind, each.net_interval)
    return [each.metric, cells.net(each), interval, p_value(each.p_net)]


def _task(pair: TaskPair) -> list[str]:
    ok = [cells.share(pair.ok_before), cells.share(pair.ok_after)]
    tokens = [cells.tokens(pair.tokens_before), cells.tokens(pair.tokens_after)]
    change = amount("ratio", pair.ratio)
    return [pair.label, pair.phase, pair.flip or "", *ok, *tokens, change]


def _claims(pair: TaskPair) -> str:
    return cells.standing(pair) if pair.claims_after else ""


def _drawn(found: Comparison) -> list[TaskPair]:
    """Choose the tasks that are drawn: those with tokens, the largest changes where too many."""
    known = [pair for pair in found.tasks if pair.tokens_before and pair.tokens_after]
    if len(known) <= _MOST_DRAWN:
        return known
    return sorted(known, key=_distance, reverse=True)[:_MOST_DRAWN]


def _distance(pair: TaskPair) -> float:
    ratio = pair.ratio or 1.0
    return max(ratio, 1 / ratio)


def _data(found: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "label": printable(pair.label),
            "phase": pair.phase,
            "before": pair.tokens_before,
            "after": pair.tokens_after,
            "change": amount("ratio", pair.ratio),
        }
        for pair in _drawn(found)
    ]
