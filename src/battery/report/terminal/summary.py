"""The end of a battery on the terminal: verdict, warnings, paths, and all else when asked for.

Written by hand rather than with rich: the same lines serve terminals and pipes, and a command
that only shows a summary starts without it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from battery.base.numbers import signed_percent
from battery.base.text import brief, can_show, cells, pad, printable, takes_escapes, write_line
from battery.records.findings import Evidence, TaskEffect
from battery.records.metric import METRICS
from battery.records.stages import SCRUM
from battery.records.summary import Summary, Trend
from battery.records.word import GateStatus, Tone
from battery.report import evidence as shown
from battery.report import siblings, trends
from battery.report.learning import learning
from battery.report.markdown.summary import scrum_count
from battery.report.terminal.lines import GAP, INDENTED, PROSE, WIDTH, align, widest
from battery.store.artifacts import ITERATION, REPORT, SUMMARY, SUMMARY_TEXT

_TONES: Final[dict[Tone, str]] = {"good": "32", "bad": "31", "flat": "2", "open": "33"}
_COLOURS: Final[dict[str, str]] = {
    "better": "32",
    "worse": "31",
    "bold": "1",
    "warning": "33",
} | _TONES


class Look(NamedTuple):
    """What the stream can show: the characters of trend marks, and whether colours."""

    up: str
    down: str
    level: str
    cut: str
    colour: bool

    @classmethod
    def of(cls, stream: TextIO) -> Look:
        """Look at the stream; colours are for terminals only, and `NO_COLOR` turns them off."""
        colour = takes_escapes(stream) and not os.environ.get("NO_COLOR")
        if can_show(stream, "▲▼→…"):
            return cls("▲", "▼", "→", "…", colour)
        return cls("^", "v", "=", "..", colour)

    def paint(self, text: str, kind: str) -> str:
        """Colour a text that says the same without it."""
        return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if self.colour and text else text


def print_summary(summary: Summary, folder: Path, stream: TextIO, *, full: bool = False) -> None:
    """Write the summary for people, at most 80 columns but for paths, which are whole.

    `full` adds what the verdict rests on: tasks by name, metrics, questions and gates.
    """
    for text in summary_lines(summary, folder, Look.of(stream), full=full):
        write_line(stream, text)


def summary_lines(
    summary: Summary, folder: Path, look: Look, *, full: bool = False
) -> Iterator[str]:
    """Build the lines of `print_summary`."""
    blocks = (list(block) for block in _blocks(summary, folder, look, full=full))
    for at, block in enumerate(filter(None, blocks)):
        if at:
            yield ""
        yield from block


def _blocks(summary: Summary, folder: Path, look: Look, *, full: bool) -> Iterator[Iterable[str]]:
    evidence = summary.evidence
    if evidence:
        yield _verdict(evidence, look)
        yield _at_a_glance(evidence, look, full=full)
    elif not summary.iterations:
        yield ["No iteration has finished, so there is nothing to measure yet."]
    if full and evidence and evidence.by_task:
        yield [*PROSE.wrap(shown.changed(evidence)), *_tasks(evidence.by_task, evidence, look)]
    if full and evidence and (text := siblings.told(evidence)):
        new = _tasks(siblings.by_task(evidence), evidence, look, like="new, like ")
        yield [*PROSE.wrap(printable(text)), *new]
    if summary.iterations and (full or not evidence):
        yield _table(summary, look)
        yield _count(summary)
    if full and evidence:
        yield _questions(evidence, look)
        yield _groups(evidence, look)
        yield _details(evidence)
        yield [text for sentence in learning(summary) for text in PROSE.wrap(sentence)]
    yield _warnings(summary, look)
    yield _paths(summary, folder, full=full)


def _warnings(summary: Summary, look: Look) -> Iterator[str]:
    for warning in summary.warnings:
        for text in INDENTED.wrap(f"warning: {printable(warning)}"):
            yield look.paint(text, "warning")


def _table(summary: Summary, look: Look) -> Iterator[str]:
    names = align(["metric", *(trend.metric for trend in summary.trends)], left=True)
    trends = _trend_column(summary, look)
    kinds = ["bold", *(trend.direction or "flat" for trend in summary.trends)]
    room = WIDTH - len(names[0]) - len(GAP) - widest(trends)
    columns = _chosen([_column(summary, n) for n in range(len(summary.iterations))], room, look)
    rows = zip(names, *columns, strict=True)
    for values, trend, kind in zip(rows, trends, kinds, strict=True):
        yield GAP.join([*values, look.paint(trend, kind)]).rstrip()


def _column(summary: Summary, index: int) -> list[str]:
    head = f"iter {summary.iterations[index].iteration}"
    return align([head, *(_value(trend, trend.values[index]) for trend in summary.trends)])


def _trend_column(summary: Summary, look: Look) -> list[str]:
    if len(summary.iterations) < 2:
        return [""] * (len(summary.trends) + 1)
    return ["trend", *(_trend(trend, look) for trend in summary.trends)]


def _chosen(columns: list[list[str]], room: int, look: Look) -> list[list[str]]:
    """Keep the columns that fit: all, or the first, a gap, and as many of the last ones."""
    widths = [len(column[0]) + len(GAP) for column in columns]
    if len(columns) <= 2 or sum(widths) <= room:
        return columns
    gap = [look.cut] * len(columns[0])
    room -= widths[0] + len(look.cut) + len(GAP)
    keep = 1
    # The last column always stays: the trend ends there, even when the line gets too long.
    while keep < len(columns) - 1 and sum(widths[-keep - 1 :]) <= room:
        keep += 1
    return [columns[0], gap, *columns[-keep:]]


def _value(trend: Trend, value: float | None) -> str:
    # Counts need no decimals here; `summary.md` has them because its format is fixed.
    metric = METRICS[trend.metric]
    return shown.NONE if value is None else metric.written(value, grouped=True)


def _trend(trend: Trend, look: Look) -> str:
    if trend.direction is None or trend.change is None:
        return ""
    if trend.change == 0:
        return f"{look.level} flat"
    # The mark says where the number went, the word whether that is good.
    mark = look.up if trend.change > 0 else look.down
    if trend.relative is None:
        size = METRICS[trend.metric].moved(trend.change, grouped=True)
    else:
        size = signed_percent(trend.relative)
    return f"{mark} {trend.direction:<6} {size:>7}"


def _verdict(evidence: Evidence, look: Look) -> Iterator[str]:
    if word := evidence.verdict:
        yield look.paint(look.paint(word, word.about.tone), "bold")
    yield from PROSE.wrap(printable(evidence.sentence))


def _at_a_glance(evidence: Evidence, look: Look, *, full: bool) -> Iterator[str]:
    for mark, text in _marked(evidence, full=full):
        lines = INDENTED.wrap(f"{mark}: {printable(text)}")
        yield from (look.paint(line, "warning") if mark == "mind" else line for line in lines)


def _marked(evidence: Evidence, *, full: bool) -> Iterator[tuple[str, str]]:
    """Pair each text next to the verdict with the word that it begins with."""
    if effect := shown.effect(evidence):
        yield "effect", effect
    for text in shown.reasons(evidence):
        yield "why", text
    if full:
        yield from ((f"gates {status}", names) for status, names in shown.gates(evidence))
    # Only what fails has its text in the short output.
    for gate in shown.news(evidence):
        if full or gate.status is GateStatus.FAILED:
            yield f"gate {gate.title}", f"{gate.status}: {gate.text}"
    if full and evidence.verdict:
        yield "scope", evidence.scope
    for text in evidence.cautions:
        yield "mind", text
    for text in evidence.settle:
        yield "to settle it", text


def _tasks(
    tasks: Iterable[TaskEffect], evidence: Evidence, look: Look, like: str = ""
) -> Iterator[str]:
    for task in tasks:
        label, result, kind, own, base, change, done, twins = shown.task_cells(task, evidence)
        yield from INDENTED.wrap(f"{look.paint(result, 'bold')}: {like}{printable(label)}")
        cost = f"{own}{METRICS[evidence.cost].unit}, twin {base} ({change})"
        # A bluff says of itself that it is only claimed.
        work = done if done.startswith("claimed") else f"done {done}"
        yield f"  {kind}; {cost}; {work}, twin {twins}"


def _count(summary: Summary) -> Iterator[str]:
    verdict = summary.verdict
    if verdict is None:
        yield "A single iteration: there is no trend and no verdict yet."
    else:
        yield from PROSE.wrap(trends.count(summary, verdict))
        if names := [each.metric for each in summary.trends if not METRICS[each.metric].counted]:
            yield f"not counted: {', '.join(names)}"
    if summary.scrum:
        yield scrum_count(summary)


def _questions(evidence: Evidence, look: Look) -> Iterator[str]:
    if evidence.questions:
        rows = list(map(shown.question_cells, evidence.questions))
        yield from _columns(list(shown.QUESTION_HEADS), rows, look)
        yield from PROSE.wrap(shown.budget(evidence) or "")


def _groups(evidence: Evidence, look: Look) -> Iterator[str]:
    if evidence.groups:
        rows = [shown.group_cells(group, evidence) for group in evidence.groups]
        yield from _columns(shown.group_heads(evidence), rows, look)


def _details(evidence: Evidence) -> Iterator[str]:
    for text in shown.details(evidence):
        yield from INDENTED.wrap(f"- {printable(text)}")
    for gate in evidence.gates:
        if not gate.status.about.level:
            yield from INDENTED.wrap(f"- {gate.title}, {gate.status}: {printable(gate.text)}")


def _columns(heads: list[str], rows: Sequence[Sequence[str]], look: Look) -> Iterator[str]:
    """Build the lines of a table whose first column gets what the others leave of a line."""
    rest = [align([head, *(row[at] for row in rows)]) for at, head in enumerate(heads) if at]
    room = WIDTH - sum(len(column[0]) + len(GAP) for column in rest)
    names = [brief(name, room, ellipsis=look.cut) for name in [heads[0], *(row[0] for row in rows)]]
    width = max(map(cells, names))
    for at, line in enumerate(zip((pad(name, width) for name in names), *rest, strict=True)):
        text = GAP.join(line).rstrip()
        yield text if at else look.paint(text, "bold")


def _paths(summary: Summary, folder: Path, *, full: bool) -> Iterator[str]:
    wanted = [REPORT.name, SUMMARY_TEXT.name, SUMMARY.name]
    if summary.iterations:
        last = ITERATION.name(summary.iterations[-1].iteration)
        wanted.append(f"{last}/{SCRUM.file}")
    for name in wanted:
        # Only what is there: a run that was broken off has no summary to point to.
        if name in summary.artifacts:
            yield printable(str(folder / name))
    if summary.evidence and not full:
        more = f"battery summarize {shlex.quote(str(folder))} --full"
        yield f"tasks by name, metrics and tests: {printable(more)}"
