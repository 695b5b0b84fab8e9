"""The end of a battery on the terminal: table, verdict, warnings, paths.

Written by hand rather than with rich: the same lines serve terminals and pipes, and a command
that only shows a summary starts without it.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from battery.findings import Evidence, Word
from battery.models import Summary, Trend
from battery.render.evidence import effect, interval, luck, p_value, sensitivity
from battery.render.format import number, signed, signed_percent
from battery.render.markdown import scrum_count
from battery.render.text import can_show, printable, takes_escapes, write_line

_WIDTH: Final = 80
_GAP: Final = "  "
_WHOLE: Final = frozenset({"total_tokens", "ok_tasks"})
_COLOURS: Final = {"better": "32", "worse": "31", "flat": "2", "bold": "1", "warning": "33"}
# Paths and addresses stay whole, so that they can be copied.
_WRAPPER: Final = textwrap.TextWrapper(
    _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
)
_PROSE: Final = textwrap.TextWrapper(_WIDTH, break_long_words=False, break_on_hyphens=False)
_KINDS: Final = {
    Word.COMPOUNDING: "better",
    Word.LEARNED: "better",
    Word.INVALID: "worse",
    Word.DISHONEST: "worse",
    Word.REGRESSED: "worse",
}


class Look(NamedTuple):
    """What the stream can show: the characters of trend marks, and whether colours."""

    up: str
    down: str
    level: str
    cut: str
    colour: bool

    @classmethod
    def of(cls, stream: TextIO) -> Look:
        """Find out; colours are for terminals only, and `NO_COLOR` turns them off."""
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
        for text in _WRAPPER.wrap(f"warning: {printable(warning)}"):
            yield look.paint(text, "warning")
    yield ""
    yield from _paths(summary, folder)


def _table(summary: Summary, look: Look) -> Iterator[str]:
    if not summary.iterations:
        yield "No iteration has finished, so there is nothing to measure yet."
        return
    names = _align(["metric", *(trend.metric for trend in summary.trends)], left=True)
    trends = _trend_column(summary, look)
    kinds = ["bold", *(trend.direction or "flat" for trend in summary.trends)]
    room = _WIDTH - len(names[0]) - len(_GAP) - _widest(trends)
    columns = _chosen([_column(summary, n) for n in range(len(summary.iterations))], room, look)
    rows = zip(names, *columns, strict=True)
    for cells, trend, kind in zip(rows, trends, kinds, strict=True):
        yield _GAP.join([*cells, look.paint(trend, kind)]).rstrip()


def _column(summary: Summary, index: int) -> list[str]:
    head = f"iter {summary.iterations[index].iteration}"
    return _align([head, *(_value(trend, trend.values[index]) for trend in summary.trends)])


def _trend_column(summary: Summary, look: Look) -> list[str]:
    if len(summary.iterations) < 2:
        return [""] * (len(summary.trends) + 1)
    return ["trend", *(_trend(trend, look) for trend in summary.trends)]


def _chosen(columns: list[list[str]], room: int, look: Look) -> list[list[str]]:
    """Keep the columns that fit: all, or the first, a gap, and as many of the last ones."""
    widths = [len(column[0]) + len(_GAP) for column in columns]
    if len(columns) <= 2 or sum(widths) <= room:
        return columns
    gap = [look.cut] * len(columns[0])
    room -= widths[0] + len(look.cut) + len(_GAP)
    keep = 1
    # The last column always stays: the trend ends there, even when the line gets too long.
    while keep < len(columns) - 1 and sum(widths[-keep - 1 :]) <= room:
        keep += 1
    return [columns[0], gap, *columns[-keep:]]


def _align(cells: Sequence[str], *, left: bool = False) -> list[str]:
    width = _widest(cells)
    return [cell.ljust(width) if left else cell.rjust(width) for cell in cells]


def _widest(cells: Sequence[str]) -> int:
    return max(map(len, cells))


def _value(trend: Trend, value: float) -> str:
    return number(value, _places(trend), grouped=True)


def _places(trend: Trend) -> int:
    # Counts need no decimals here; `summary.md` has them because its format is fixed.
    return 0 if trend.metric in _WHOLE else 2


def _trend(trend: Trend, look: Look) -> str:
    if trend.direction is None or trend.change is None:
        return ""
    if trend.change == 0:
        return f"{look.level} flat"
    # The mark says where the number went, the word whether that is good.
    mark = look.up if trend.change > 0 else look.down
    if trend.relative is None:
        size = signed(trend.change, _places(trend), grouped=True)
    else:
        size = signed_percent(trend.relative)
    return f"{mark} {trend.direction:<6} {size:>7}"


def _verdict(summary: Summary, look: Look) -> Iterator[str]:
    evidence = summary.evidence
    if evidence and evidence.verdict:
        kind = _KINDS.get(evidence.verdict, "warning")
        yield look.paint(look.paint(evidence.verdict, kind), "bold")
        yield from _PROSE.wrap(printable(evidence.sentence))
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
        if evidence and evidence.luck:
            yield from _PROSE.wrap(luck(evidence.luck))
    if summary.scrum:
        yield scrum_count(summary)


def _evidence(evidence: Evidence, look: Look) -> Iterator[str]:
    if evidence.effects:
        yield from _effects(evidence, look)
    for name, tested in (("primary test", evidence.primary), ("trend", evidence.trend)):
        if tested:
            yield from _WRAPPER.wrap(f"{name}: p = {p_value(tested.p)}, {tested.method}")
    words = [f"{gate.name} {gate.status}" for gate in evidence.gates]
    yield from _PROSE.wrap(f"gates: {', '.join(words)}")
    for gate in evidence.gates:
        if gate.status in {"failed", "not shown"}:
            yield from _WRAPPER.wrap(f"  {gate.name}: {printable(gate.text)}")
    for text in evidence.cautions:
        lines = _WRAPPER.wrap(f"mind: {printable(text)}")
        yield from (look.paint(line, "warning") for line in lines)
    seen = sensitivity(evidence)
    if seen and evidence.verdict in {None, Word.INCONCLUSIVE}:
        yield from _PROSE.wrap(seen)
    for kind, texts in (
        ("assumed", evidence.assumptions),
        ("scope", [evidence.scope] if evidence.verdict else []),
        ("to settle it", evidence.settle),
    ):
        for text in texts:
            yield from _WRAPPER.wrap(f"{kind}: {printable(text)}")


def _effects(evidence: Evidence, look: Look) -> Iterator[str]:
    columns = [
        _align(["learn vs frozen", *(each.metric for each in evidence.effects)], left=True),
        _align(["effect", *map(effect, evidence.effects)]),
        _align(["95% interval", *map(interval, evidence.effects)]),
        _align(["p", *(p_value(each.p) for each in evidence.effects)]),
        _align(["corrected p", *(p_value(each.p_corrected) for each in evidence.effects)]),
    ]
    for number_, cells in enumerate(zip(*columns, strict=True)):
        line = _GAP.join(cells).rstrip()
        yield line if number_ else look.paint(line, "bold")


def _paths(summary: Summary, folder: Path) -> Iterator[str]:
    wanted = ["report.html", "summary.md", "summary.json"]
    if summary.iterations:
        wanted.append(f"iter_{summary.iterations[-1].iteration}/scrum_findings.md")
    for name in wanted:
        # Only what is there: a run that was broken off has no summary to point to.
        if name in summary.artifacts:
            yield printable(str(folder / name))
