"""The page of a comparison: word and flips first, then how much, task by task, and what differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from battery.base.text import printable
from battery.records.comparison import Comparison, TaskPair
from battery.report import compare as cells
from battery.report import evidence as shown
from battery.report.html.figures import drawn
from battery.report.html.page import render

#: More lines than this are no picture any more; the table has all tasks.
_MOST_DRAWN: Final = 60
_TASK_HEADS: Final = ("Task", "Phase", "Flip", *cells.TASK_HEADS, "Change")
#: Without Holm's p: the drawing needs the room.
_DRAWN: Final = tuple(column for column in shown.CHANGE if column is not shown.HOLM)
_NET: Final = (shown.METRIC, *shown.NET_CHANGE)


def page(comparison: Comparison) -> Iterator[bytes]:
    """Yield the page piece by piece; it shows all that the record holds."""
    context = {
        "comparison": comparison,
        "tone": comparison.outcome.about.tone,
        "sides": [("A, before", comparison.before), ("B, after", comparison.after)],
        "side": cells.side,
        "flips": cells.flips(comparison.flips),
        "flip_heads": (*_TASK_HEADS, "Claims in B, all iterations"),
        "flipped": [[*_task(pair), _claims(pair)] for pair in cells.flipped(comparison)],
        "compared": cells.compared(comparison) if comparison.iterations else "",
        "heads": shown.heads(_DRAWN),
        "rows": drawn(_DRAWN, comparison.changes),
        "change_heads": shown.heads(shown.CHANGE),
        "amounts": shown.amounts(comparison.changes) if comparison.changes else "",
        "undecided": shown.undecided(comparison.changes) if comparison.changes else "",
        "start": [shown.cells(shown.CHANGE, row) for row in comparison.start],
        "twins": [shown.cells(shown.CHANGE, row) for row in comparison.twins],
        "net_heads": shown.heads(_NET),
        "net": [shown.cells(_NET, row) for row in comparison.changes] if comparison.twins else [],
        "noise": list(cells.noise(comparison.noise)),
        "task_heads": _TASK_HEADS,
        "tasks": [_task(pair) for pair in comparison.tasks],
        "drawn": len(_drawn(comparison)),
        "differences": [
            (word, cells.difference(difference))
            for word, difference in cells.differences(comparison.differences)
        ],
    }
    return render("compare.html", context, data=_data(comparison), scripts=["compare.js"])


def _task(pair: TaskPair) -> list[str]:
    change = shown.amount("ratio", pair.ratio)
    return [pair.label, pair.phase, pair.flip or "", *cells.task_cells(pair), change]


def _claims(pair: TaskPair) -> str:
    return cells.ending(pair) if pair.claims_after else ""


def _drawn(comparison: Comparison) -> list[TaskPair]:
    """Choose the tasks that are drawn: those with tokens, the largest changes where too many."""
    known = [pair for pair in comparison.tasks if pair.tokens_before and pair.tokens_after]
    if len(known) <= _MOST_DRAWN:
        return known
    return sorted(known, key=_distance, reverse=True)[:_MOST_DRAWN]


def _distance(pair: TaskPair) -> float:
    ratio = pair.ratio or 1.0
    # Halved and doubled are equally far from no change.
    return max(ratio, 1 / ratio)


def _data(comparison: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "label": printable(pair.label),
            "phase": pair.phase,
            "before": pair.tokens_before,
            "after": pair.tokens_after,
            "change": shown.amount("ratio", pair.ratio),
        }
        for pair in _drawn(comparison)
    ]
