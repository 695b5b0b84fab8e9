"""The page of a comparison: the word, every task drawn, then flips, how much, what differs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from battery.base.numbers import counted, minus, p_equals
from battery.base.text import printable
from battery.records.comparison import Change, Comparison, CostChange, TaskPair
from battery.records.models import KINDS
from battery.report import compare as cells
from battery.report.evidence import relative
from battery.report.html.figures import Bar, bar, ends
from battery.report.html.page import link, render

#: More lines than this are no picture any more; the table has all tasks.
_MOST_DRAWN: Final = 60
#: Of a longer note the beginning is shown, and the rest on a click and on paper.
_UNFOLDED: Final = 160


class _Row(NamedTuple):
    """A row of the table of metrics; of the cost also its interval, drawn."""

    cells: list[str]
    figure: Bar | None = None
    note: str | None = None


class _Task(NamedTuple):
    """A row of a table of tasks."""

    #: Its number on the page.
    number: int
    #: What it is found by, with spaces between.
    words: str
    cells: list[str]


class _Headline(NamedTuple):
    """The change of the cost, in words and drawn."""

    title: str
    value: str
    text: str
    figure: Bar


def page(comparison: Comparison, at: Path) -> Iterator[bytes]:
    """Yield the page piece by piece; it shows all that the record holds.

    `at` is where it will be: the reports of both batteries are linked from there.
    """
    tasks = [_task(number, pair, comparison) for number, pair in enumerate(comparison.tasks)]
    context = {
        **_first(comparison),
        **_tables(comparison, tasks),
        "comparison": comparison,
        "sides": [
            (when, side, link(Path(side.report), at) if side.report else None)
            for when, side in (("Before", comparison.before), ("After", comparison.after))
        ],
        "side": cells.side,
        "about": cells.about,
        "longest": _UNFOLDED,
        "compared": cells.compared(comparison) if comparison.iterations else "",
        "heads": cells.heads(comparison),
        "rows": _rows(comparison.change) if comparison.change else [],
        "start": cells.rows(comparison.start) if comparison.start else [],
        "twins": cells.rows(comparison.twins) if comparison.twins else [],
        "plain": cells.plain(comparison),
        "noise": list(cells.noise(comparison)),
        "drawn": len(_drawn(comparison)),
        "only": list(cells.only(comparison)),
        "kinds": KINDS,
        "differences": [
            (word, cells.difference(difference, comparison))
            for word, difference in cells.differences(comparison)
        ],
        "again": _command(comparison, at),
    }
    scripts = ["compare.js", "find.js"]
    return render("compare.html", context, data=_data(comparison), scripts=scripts)


def _command(comparison: Comparison, at: Path) -> str:
    folders = (comparison.before.folder, comparison.after.folder)
    return shlex.join(["battery", "compare", *folders, "--output", str(at)])


def _first(comparison: Comparison) -> dict[str, object]:
    """Return what the first screen says: the word, how much, the work, and what it holds for."""
    change = comparison.change
    return {
        "tone": comparison.outcome.about.tone,
        "untrusted": cells.untrusted(comparison),
        "headline": _headline(comparison),
        "work": cells.work(comparison, change) if change else None,
        "own_word": not (comparison.before.checked and comparison.after.checked),
        "flips": cells.flips(comparison),
        "holds": cells.HOLDS,
        "wrong": cells.wrong(comparison),
        "unfair": [unlike.what for unlike in comparison.differences if unlike.unfair],
    }


def _tables(comparison: Comparison, tasks: Sequence[_Task]) -> dict[str, object]:
    """Return the tables of tasks: those that flipped, and all of them, with how to find some."""
    heads = ("Task", "Kind", "Flip", *cells.task_heads(comparison), "Change")
    numbers = {id(pair): number for number, pair in enumerate(comparison.tasks)}
    flipped = [(tasks[numbers[id(pair)]], cells.claims(pair)) for pair in cells.flipped(comparison)]
    # Where nothing was claimed, a column of nothing would push the rest out of a narrow window.
    claimed = any(claims for _, claims in flipped)
    plain, known = cells.plain(comparison), {word for task in tasks for word in task.words.split()}
    finds = (("flipped", "Flipped"), ("more", f"More {plain}"), ("fewer", f"Fewer {plain}"))
    return {
        "task_heads": heads,
        "tasks": tasks,
        "flip_heads": (*heads, f"Claims, {comparison.after.name}") if claimed else heads,
        "flipped": [
            task._replace(cells=[*task.cells, claims]) if claimed else task
            for task, claims in flipped
        ],
        "finds": [(word, name, word in known) for word, name in finds],
    }


def _headline(comparison: Comparison) -> _Headline | None:
    """Draw the cost, which most words are about; None where it could not be compared."""
    if comparison.change is None or cells.untrusted(comparison):
        return None
    cost = comparison.change.cost
    figure = _figure(cost)
    if figure is None:
        return None
    p = "" if cost.p is None else f", {p_equals(cost.p)}"
    text = f"{cells.INTERVAL} {cells.span(cost)}{p}; {counted(cost.tasks, 'task')}"
    title = f"{cost.plain.capitalize()} on a typical task"
    return _Headline(title, relative(cost.ratio), f"{text}, {cells.compared(comparison)}.", figure)


def _rows(change: Change) -> list[_Row]:
    cost, *others = cells.rows(change)
    return [_Row(cost, _figure(change.cost)), *map(_Row, others)]


def _figure(cost: CostChange) -> Bar | None:
    drawn = ends(cost.ratio, cost.interval)
    label = f"{cost.plain}: {relative(cost.ratio)}, {cells.INTERVAL} {cells.span(cost)}"
    return bar(label, drawn) if drawn else None


def _task(number: int, pair: TaskPair, comparison: Comparison) -> _Task:
    amounts = cells.task_cells(pair, comparison)
    row = [pair.label, KINDS[pair.phase], pair.flip or "", *amounts, relative(pair.ratio)]
    words = ["flipped"] if pair.flip else []
    # As in the picture, whatever the size; but nothing that is written as no change.
    if pair.ratio is not None and abs(pair.ratio - 1) >= cells.LEAST:
        words.append("more" if pair.ratio > 1 else "fewer")
    return _Task(number, " ".join(words), row)


def _drawn(comparison: Comparison) -> list[TaskPair]:
    """Choose the tasks that are drawn: those with a cost, the largest changes where too many."""
    known = [pair for pair in comparison.tasks if pair.cost_before and pair.cost_after]
    chosen = sorted(known, key=_distance, reverse=True)[:_MOST_DRAWN]
    # What costs more comes first, as tasks that fail now do.
    return sorted(chosen, key=lambda pair: pair.ratio or 1.0, reverse=True)


def _distance(pair: TaskPair) -> float:
    ratio = pair.ratio or 1.0
    # Halved and doubled are equally far from no change.
    return max(ratio, 1 / ratio)


def _data(comparison: Comparison) -> list[dict[str, Any]]:
    numbers = {id(pair): number for number, pair in enumerate(comparison.tasks)}
    return [
        {
            "task": numbers[id(pair)],
            "label": printable(pair.label),
            "kind": KINDS[pair.phase],
            "before": pair.cost_before,
            "after": pair.cost_after,
            "change": minus(relative(pair.ratio)),
        }
        for pair in _drawn(comparison)
    ]
