"""The end of a battery on the terminal: table, verdict, warnings, paths.

Written by hand rather than with rich: the same lines serve terminals and pipes, and a command
that only shows a summary starts without it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from battery.base.numbers import number, p_equals, signed, signed_percent
from battery.base.text import can_show, printable, takes_escapes, write_line
from battery.records.findings import Contrast, Evidence
from battery.records.metric import METRICS
from battery.records.models import Summary, Trend
from battery.records.stages import SCRUM
from battery.records.word import Tone
from battery.report.evidence import MAX_T, NONE, SPAN, VALUE, Column, P, luck, sensitivity
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


#: Fewer columns than elsewhere: a line has 80 characters.
_EFFECT: Final = (VALUE._replace(head="effect"), SPAN, P, MAX_T._replace(head="corrected p"))


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


def print_summary(summary: Summary, folder: Path, stream: TextIO) -> None:
    """Write the summary for people, at most 80 columns but for paths, which are whole."""
    for text in summary_lines(summary, folder, Look.of(stream)):
        write_line(stream, text)


def summary_lines(summary: Summary, folder: Path, look: Look) -> Iterator[str]:
    """Build the lines of `print_summary`."""
    yield from _table(summary, look)
    yield ""
    yield from _verdict(summary, look)
    if summary.warnings:
        yield ""
    for warning in summary.warnings:
        for text in INDENTED.wrap(f"warning: {printable(warning)}"):
            yield look.paint(text, "warning")
    yield ""
    yield from _paths(summary, folder)


def _table(summary: Summary, look: Look) -> Iterator[str]:
    if not summary.iterations:
        yield "No iteration has finished, so there is nothing to measure yet."
        return
    names = align(["metric", *(trend.metric for trend in summary.trends)], left=True)
    trends = _trend_column(summary, look)
    kinds = ["bold", *(trend.direction or "flat" for trend in summary.trends)]
    room = WIDTH - len(names[0]) - len(GAP) - widest(trends)
    columns = _chosen([_column(summary, n) for n in range(len(summary.iterations))], room, look)
    rows = zip(names, *columns, strict=True)
    for cells, trend, kind in zip(rows, trends, kinds, strict=True):
        yield GAP.join([*cells, look.paint(trend, kind)]).rstrip()


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
    places = METRICS[trend.metric].places
    return NONE if value is None else number(value, places, grouped=True)


def _trend(trend: Trend, look: Look) -> str:
    if trend.direction is None or trend.change is None:
        return ""
    if trend.change == 0:
        return f"{look.level} flat"
    # The mark says where the number went, the word whether that is good.
    mark = look.up if trend.change > 0 else look.down
    if trend.relative is None:
        size = signed(trend.change, METRICS[trend.metric].places, grouped=True)
    else:
        size = signed_percent(trend.relative)
    return f"{mark} {trend.direction:<6} {size:>7}"


def _verdict(summary: Summary, look: Look) -> Iterator[str]:
    evidence = summary.evidence
    if evidence and evidence.verdict:
        yield look.paint(look.paint(evidence.verdict, evidence.verdict.about.tone), "bold")
        yield from PROSE.wrap(printable(evidence.sentence))
        yield ""
    if evidence:
        yield from _evidence(evidence, look)
        yield ""
    verdict = summary.verdict
    if verdict is None:
        if summary.iterations:
            named = evidence and evidence.verdict
            yield f"A single iteration: there is no trend{'' if named else ' and no verdict'} yet."
    else:
        yield f"{verdict.improved} of {verdict.of} metrics improved: {verdict.label}"
        if names := [each.metric for each in summary.trends if not METRICS[each.metric].counted]:
            yield f"not counted: {', '.join(names)}"
        if evidence and evidence.luck:
            yield from PROSE.wrap(luck(evidence.luck))
    if summary.scrum:
        yield scrum_count(summary)


def _evidence(evidence: Evidence, look: Look) -> Iterator[str]:
    if evidence.effects:
        yield from contrast_table("learn vs frozen", _EFFECT, evidence.effects, look)
    for name, tested in (("primary test", evidence.primary), ("trend", evidence.trend)):
        if tested:
            yield from INDENTED.wrap(f"{name}: {p_equals(tested.p)}, {tested.method}")
    words = [f"{gate.name} {gate.status}" for gate in evidence.gates]
    yield from PROSE.wrap(f"gates: {', '.join(words)}")
    # Only what deserves a look has its text here; `summary.md` gives every gate's.
    for gate in evidence.gates:
        if gate.status.about.level:
            yield from INDENTED.wrap(f"  {gate.name}: {printable(gate.text)}")
    for text in evidence.cautions:
        lines = INDENTED.wrap(f"mind: {printable(text)}")
        yield from (look.paint(line, "warning") for line in lines)
    seen, word = sensitivity(evidence), evidence.verdict
    # Where something was shown, what could have been missed is no news.
    if seen and (word is None or word.about.undecided):
        yield from PROSE.wrap(seen)
    for kind, texts in (
        ("assumed", evidence.assumptions),
        ("scope", [evidence.scope] if evidence.verdict else []),
        ("to settle it", evidence.settle),
    ):
        for text in texts:
            yield from INDENTED.wrap(f"{kind}: {printable(text)}")


def contrast_table(
    head: str, columns: Sequence[Column], rows: Sequence[Contrast], look: Look
) -> Iterator[str]:
    """Build the lines of a table of contrasts; `head` is above the metrics."""
    aligned = [align([head, *(row.metric for row in rows)], left=True)]
    aligned += [align([column.head, *map(column.cell, rows)]) for column in columns]
    for at, cells in enumerate(zip(*aligned, strict=True)):
        line = GAP.join(cells).rstrip()
        yield line if at else look.paint(line, "bold")


def _paths(summary: Summary, folder: Path) -> Iterator[str]:
    wanted = [REPORT.name, SUMMARY_TEXT.name, SUMMARY.name]
    if summary.iterations:
        last = ITERATION.name(summary.iterations[-1].iteration)
        wanted.append(f"{last}/{SCRUM.file}")
    for name in wanted:
        # Only what is there: a run that was broken off has no summary to point to.
        if name in summary.artifacts:
            yield printable(str(folder / name))
