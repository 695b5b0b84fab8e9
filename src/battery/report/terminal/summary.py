"""The end of a battery on the terminal: what it comes to, last, on one screen.

Written by hand rather than with rich: the same lines serve terminals and pipes, and a command
that only shows a summary starts without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TextIO

from battery.base.text import cells, clause, fit, pad, printable, write_line
from battery.records.findings import Evidence
from battery.records.stages import SCRUM
from battery.records.summary import Summary
from battery.records.word import GateStatus
from battery.report import answer
from battery.report import evidence as shown
from battery.report.answer import Row
from battery.report.terminal import details
from battery.report.terminal.lines import GAP
from battery.report.terminal.look import Look, command, spaced
from battery.store.artifacts import ITERATION, REPORT, SUMMARY, SUMMARY_TEXT

# The shell's prompt and what a pipeline is told of a gate have to go on the screen as well.
#: Rows of a terminal of 24 that the end of a battery takes at most.
MOST_ROWS: Final = 22
#: Rows of what a reader should mind; more of it is left to `--full`.
_NOTES: Final = 4
_ADVICE: Final = 3
_TWO: Final = 2
#: However narrow the terminal is, so many columns of a name stay.
_LEAST_NAME: Final = 12
#: Between a word and what it means.
_HANG: Final = "  "


def print_summary(summary: Summary, folder: Path, stream: TextIO, *, full: bool = False) -> None:
    """Write the summary for people, at most 80 columns but for paths, which are whole.

    It takes at most `MOST_ROWS`. `full` puts all that the verdict rests on above it, and leaves
    nothing out.
    """
    for text in summary_lines(summary, folder, Look.of(stream), full=full):
        write_line(stream, text)


def summary_lines(
    summary: Summary, folder: Path, look: Look, *, full: bool = False
) -> Iterator[str]:
    """Build the lines of `print_summary`."""
    yield from spaced((_full if full else _short)(summary, folder, look))


def _short(summary: Summary, folder: Path, look: Look) -> Iterator[Iterable[str]]:
    evidence = summary.evidence
    if evidence is None:
        yield from _unjudged(summary, look)
        yield _where(summary, folder, look)
        return
    above = [*_header(summary, look), "", *_numbers(summary, evidence, look)]
    where = _where(summary, folder, look)
    yield above
    room = MOST_ROWS - look.rows(above) - 1 - look.rows(where)
    yield [*_answer(summary, evidence, folder, look, room), *where]


def _full(summary: Summary, folder: Path, look: Look) -> Iterator[Iterable[str]]:
    evidence = summary.evidence
    if evidence is None:
        yield from _unjudged(summary, look)
    else:
        yield from details.details(summary, look)
    yield _warnings(summary, look)
    if evidence:
        about = [f"note: {summary.note}"] if summary.note else []
        about += [f"tags: {', '.join(summary.tags)}"] if summary.tags else []
        lines = [line for text in about for line in look.hang(printable(text))]
        yield [*_header(summary, look), *lines]
        yield _numbers(summary, evidence, look)
        yield _verdict(evidence, look)
        yield _all_marked(summary, evidence, folder, look)
    yield [*_paths(summary, folder), *_where(summary, folder, look)]


def _unjudged(summary: Summary, look: Look) -> Iterator[Iterable[str]]:
    if summary.iterations:
        yield from details.metrics(summary, look)
    else:
        yield ["No iteration has finished, so there is nothing to measure yet."]


def _header(summary: Summary, look: Look) -> list[str]:
    """Name the battery and its size, in a line if that is enough for both."""
    name, size = printable(summary.name or ""), answer.size(summary)
    line = ": ".join(filter(None, [name, size]))
    lines = [line] if cells(line) <= look.width else filter(None, [name, size])
    return [fit(text, look.width, ellipsis=look.cut) for text in lines]


def _numbers(summary: Summary, evidence: Evidence, look: Look) -> list[str]:
    """Build the table of the main numbers, and the gates."""
    heads, *rows = _columns(summary, evidence, look)
    # What passed is what everybody expects, and comes last.
    by_status = sorted(shown.gates(evidence), key=lambda pair: pair[0] is GateStatus.PASSED)
    gates = "; ".join(f"{status}: {names}" for status, names in by_status)
    told = look.at_most(look.hang(f"gates {gates}"), _TWO) if gates else []
    if not evidence.trusted:
        head = f"Not to be used, for the verdict is {evidence.verdict}:"
        return [head, *(look.paint(line, "flat") for line in [heads, *rows, *told])]
    failed = any(gate.status is GateStatus.FAILED for gate in evidence.gates)
    gated = [look.paint(line, "warning" if failed else None) for line in told]
    return [look.paint(heads, "bold"), *rows, *gated]


def _columns(summary: Summary, evidence: Evidence, look: Look) -> list[str]:
    table = [answer.heads(summary, evidence), *answer.rows(summary, evidence)]
    columns = {
        name: [look.change(text) for text in texts]
        for name, texts in zip(Row._fields, zip(*table, strict=True), strict=True)
        if any(texts)
    }
    names = columns.pop("name")
    # One iteration is its own first and last.
    if len(summary.iterations) == 1:
        columns.pop("first")
    longest = max(map(cells, names))
    # What the twin took in the end is closer to the question than what was at the start.
    for name in ("first", "twin", "interval"):
        if _left(columns, look) < min(longest, _LEAST_NAME):
            columns.pop(name, None)
    width = min(longest, max(_LEAST_NAME, _left(columns, look)))
    aligned = [[text.rjust(max(map(len, texts))) for text in texts] for texts in columns.values()]
    firsts = [pad(name, width, ellipsis=look.cut) for name in names]
    return [GAP.join(line).rstrip() for line in zip(firsts, *aligned, strict=True)]


def _left(columns: dict[str, list[str]], look: Look) -> int:
    """Count the columns that are left for names."""
    return look.width - sum(max(map(len, texts)) + len(GAP) for texts in columns.values())


def _verdict(evidence: Evidence, look: Look) -> list[str]:
    """Write word and whole sentence."""
    return _worded(evidence, look.wrap(printable(evidence.sentence), _indent(evidence)), look)


def _indent(evidence: Evidence) -> str:
    return " " * len(evidence.verdict) + _HANG if evidence.verdict else ""


def _worded(evidence: Evidence, lines: list[str], look: Look) -> list[str]:
    """Put the word before the first line."""
    word = evidence.verdict
    return look.lead(word, word.about.tone, lines) if word else lines


def _answer(
    summary: Summary, evidence: Evidence, folder: Path, look: Look, room: int
) -> Iterator[str]:
    """Write word and claim, what to mind, what settles it and what it holds for."""
    indent = _indent(evidence)

    def wrap(text: str, rows: int) -> list[str]:
        return look.at_most(look.wrap(printable(text), indent), rows)

    holds = wrap(text, _TWO) if (text := answer.holds(evidence)) else []
    advice = _advice(summary, evidence, folder, look)
    notes = list(_notes(summary, evidence))
    room -= look.rows(holds) + look.rows(advice)
    claim = wrap(evidence.claim, room - min(1, len(notes)))
    yield from _worded(evidence, claim, look)
    room = min(_NOTES, room - look.rows(claim))
    yield from (look.paint(line, "warning") for line in _minded(notes, indent, folder, look, room))
    yield from [*advice, *holds]


def _advice(summary: Summary, evidence: Evidence, folder: Path, look: Look) -> list[str]:
    """Write what would settle it, ending with the command."""
    words = answer.next_command(summary, evidence)
    if words is None:
        return []
    indent = _indent(evidence)
    text = "the rest of its iterations" if summary.unfinished else " ".join(evidence.settle)
    lines = look.wrap(f"To settle it: {printable(clause(text)).rstrip('.')}:", indent)
    lines = look.at_most(lines, _ADVICE - 1)
    again = _on(folder, *words)
    if cells(f"{lines[-1]} {again}") <= look.width:
        return [*lines[:-1], f"{lines[-1]} {again}"]
    # A long folder is in the last line, whole.
    whole = cells(indent + again) <= look.width
    return [*lines, f"{indent}{again if whole else command(*words)}"]


def _on(folder: Path, verb: str, *more: str) -> str:
    """Write a command on the folder: `battery run --resume --dir data/battery`."""
    option = ["--dir"] if verb == "run" else []
    return command(verb, *more, *option, str(folder))


def _notes(summary: Summary, evidence: Evidence) -> Iterator[str]:
    """List what a reader should know as well, the most important first."""
    if summary.unfinished:
        yield summary.unfinished
    for text in shown.reasons(evidence):
        yield f"Why: {text}."
    for gate in shown.news(evidence):
        if gate.status is GateStatus.FAILED:
            yield f"Gate {gate.title}: {gate.status}: {gate.text}"
    for text in evidence.cautions:
        yield f"Mind: {text}."
    for text in summary.warnings:
        yield f"Warning: {text}"


def _minded(
    notes: Sequence[str], indent: str, folder: Path, look: Look, room: int
) -> Iterator[str]:
    """Write the notes that fit, at least one where there is room, and count the others."""
    for at, note in enumerate(notes):
        left = len(notes) - at
        lines = look.wrap(printable(note), indent, indent + GAP)
        # A line for the count, unless this is the last one.
        free = room - (left > 1)
        if look.rows(lines) > free:
            if not at and free > 0:
                yield from look.at_most(lines, free)
                left -= 1
            if left:
                yield from look.at_most([f"{indent}And {left} more: {_all(folder)}"], 1)
            return
        yield from lines
        room -= look.rows(lines)


def _all(folder: Path) -> str:
    return _on(folder, "summarize", "--full")


def _all_marked(summary: Summary, evidence: Evidence, folder: Path, look: Look) -> Iterator[str]:
    for mark, text in _marked(evidence):
        lines = look.hang(f"{mark}: {printable(text)}")
        yield from (look.paint(line, "warning") if mark == "mind" else line for line in lines)
    if words := answer.next_command(summary, evidence):
        yield f"next: {_on(folder, *words)}"


def _marked(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Pair each text next to the verdict with the word that it begins with."""
    if effect := shown.effect(evidence):
        yield "effect", effect
    for text in shown.reasons(evidence):
        yield "why", text
    for gate in shown.news(evidence):
        yield f"gate {gate.title}", f"{gate.status}: {gate.text}"
    if evidence.verdict:
        yield "scope", evidence.scope
    if wrong := answer.wrong(evidence):
        yield "how sure", wrong
    for text in evidence.cautions:
        yield "mind", text
    for text in evidence.settle:
        yield "to settle it", text


def _warnings(summary: Summary, look: Look) -> Iterator[str]:
    for warning in summary.warnings:
        for text in look.hang(f"warning: {printable(warning)}"):
            yield look.paint(text, "warning")


def _paths(summary: Summary, folder: Path) -> Iterator[str]:
    wanted = [SUMMARY_TEXT.name, SUMMARY.name]
    if summary.iterations:
        last = ITERATION.name(summary.iterations[-1].iteration)
        wanted.append(f"{last}/{SCRUM.file}")
    for name in wanted:
        # Only what is there: a run that was broken off has no summary to point to.
        if name in summary.artifacts:
            yield printable(str(folder / name))


def _where(summary: Summary, folder: Path, look: Look) -> list[str]:
    """Say how to open the report, and which file that is; without one, where the summary is."""
    there = (name for name in (REPORT.name, SUMMARY_TEXT.name) if name in summary.artifacts)
    name = next(there, None)
    if name is None:
        return []
    path = printable(str(folder / name))
    link = look.link(path, folder / name)
    if name != REPORT.name:
        return [link]
    shown = _on(folder, "open")
    if cells(shown + GAP + path) <= look.width:
        return [f"{shown}{GAP}{link}"]
    return [shown, link] if look.rows([shown, path]) <= 2 * _TWO else [shown]
