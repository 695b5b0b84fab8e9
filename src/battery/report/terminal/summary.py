"""The end of a battery on the terminal: what it comes to, last, on one screen.

Written by hand rather than with rich: the same lines serve terminals and pipes, and a command
that only shows a summary starts without it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Final, TextIO

from battery.base.numbers import counted
from battery.base.text import cells, clause, fit, printable, write_line
from battery.records.findings import Evidence
from battery.records.stages import SCRUM
from battery.records.summary import Summary
from battery.records.word import GateStatus
from battery.report import answer, measured
from battery.report import evidence as shown
from battery.report.terminal import details
from battery.report.terminal.look import GAP, Look, command, spaced, table
from battery.store.artifacts import ITERATION, REPORT, SUMMARY, SUMMARY_TEXT

#: What the notes of a mark are called where they are counted.
_NOTED: Final = {"mind": "caution", "why": "reason"}
#: Rows of what would settle it.
_ADVICE: Final = 6
_TWO: Final = 2
#: Columns from which there is room for the word and the sentence next to each other.
_ROOMY: Final = 60


def print_summary(summary: Summary, folder: Path, stream: TextIO, *, full: bool = False) -> None:
    """Write the summary for people, at most 80 columns but for paths, which are whole.

    It fits a screen: what has no room is counted in the line that names `--full`, which puts all
    that the verdict rests on above it, and leaves nothing out.
    """
    for text in summary_lines(summary, folder, Look.of(stream), full=full):
        write_line(stream, text)


def summary_lines(
    summary: Summary, folder: Path, look: Look, *, full: bool = False
) -> Iterator[str]:
    """Build the lines of `print_summary`."""
    yield from spaced((_full if full else _short)(summary, folder, look), look)


def _short(summary: Summary, folder: Path, look: Look) -> Iterator[Iterable[str]]:
    evidence, where = summary.evidence, _where(summary, folder, look)
    if evidence is None:
        yield from _unjudged(summary, look)
        yield where
        return
    head, gates = (
        [*_header(summary, look), "", *_table(summary, evidence, look)],
        _gates(evidence, look),
    )
    worded = bool(evidence.verdict and look.width < _ROOMY)
    # The line that names `--full` is always there.
    room = look.most - look.rows([*head, *gates, "", *where]) - worded - 1
    whole = _hung(evidence.claim, evidence, look)
    # Advice that would cut the sentence is left to the full output.
    advice = _advice(summary, evidence, folder, look, room - look.rows(whole))
    room -= look.rows(advice)
    notes = list(_notes(summary, evidence))
    claim = look.at_most(whole, max(_TWO, room))
    # What only helps is left out before any note is.
    kept = min(len(notes), _TWO, max(0, room - look.rows(claim)))
    room -= look.rows(claim) + kept
    scope = _hung(text, evidence, look) if (text := answer.holds(evidence)) else []
    holds, room = _if_it_fits(scope, room, look)
    legend, room = _if_it_fits(_legend(summary, evidence, look), room, look)
    minded, left = _minded(notes, look, room + kept)
    cut = [*_counts(left), *["the whole sentence"] * (claim != whole)]
    cut += ["what it holds for"] * (holds != scope)
    yield [*head, *legend, *gates, *(look.paint(line, "warning") for line in minded)]
    more = _more(cut, folder, look)
    yield [*_worded(evidence, claim, look), *advice, *holds, more, *where]


def _if_it_fits(lines: list[str], room: int, look: Look) -> tuple[list[str], int]:
    """Return lines and the room that they leave; none where they have no room."""
    rows = look.rows(lines)
    return (lines, room - rows) if rows <= room else ([], room)


def _full(summary: Summary, folder: Path, look: Look) -> Iterator[Iterable[str]]:
    evidence = summary.evidence
    if evidence is None:
        yield from _unjudged(summary, look)
    else:
        yield from details.details(summary, look)
    yield _warnings(summary, look)
    if evidence:
        yield [*_header(summary, look), *look.about(summary.note, summary.tags)]
        numbers = [*_table(summary, evidence, look), *_legend(summary, evidence, look)]
        yield [*numbers, *_gates(evidence, look)]
        yield _worded(evidence, _hung(evidence.sentence, evidence, look), look)
        yield _all_marked(summary, evidence, folder, look)
    yield [*_paths(summary, folder), *_where(summary, folder, look)]


def _unjudged(summary: Summary, look: Look) -> Iterator[Iterable[str]]:
    if summary.iterations:
        yield from details.metrics(summary, look)
    else:
        yield ["No iteration has finished, so there is nothing to measure yet."]


def _header(summary: Summary, look: Look) -> list[str]:
    """Name the battery and its size, in a line if that is enough for both."""
    name, parts = printable(summary.name or ""), answer.size(summary)
    line = ": ".join(filter(None, [name, ", ".join(parts)]))
    if cells(line) <= look.width:
        return [line]
    # On a narrow terminal the last ones go.
    while len(parts) > 1 and cells(", ".join(parts)) > look.width:
        parts.pop()
    return [fit(text, look.width, ellipsis=look.cut) for text in (name, ", ".join(parts)) if text]


def _gates(evidence: Evidence, look: Look) -> list[str]:
    # What passed is what everybody expects, and comes last.
    by_status = sorted(shown.gates(evidence), key=lambda pair: pair[0] is GateStatus.PASSED)
    if not by_status:
        return []
    lines = look.hang(f"gates {'; '.join(f'{status}: {names}' for status, names in by_status)}")
    failed = any(gate.status is GateStatus.FAILED for gate in evidence.gates)
    kind = "flat" if not evidence.trusted else "warning" if failed else None
    return [look.paint(line, kind) for line in lines]


def _legend(summary: Summary, evidence: Evidence, look: Look) -> list[str]:
    return [line for text in measured.legend(summary, evidence) for line in look.hang(text)]


def _table(summary: Summary, evidence: Evidence, look: Look) -> list[str]:
    """Lay out the main numbers; where an interval has no room in its column, it is below them."""
    heads, rows = measured.heads(summary, evidence), measured.rows(summary, evidence)
    # One iteration is its own first and last.
    wanted = [
        name
        for name in measured.Row._fields
        if any(getattr(row, name) for row in (heads, *rows))
        and not (name == "first" and len(summary.iterations) == 1)
    ]
    # What the twin took in the end is closer to the question than what was at the start.
    optional = [wanted.index(name) for name in ("interval", "first", "twin") if name in wanted]
    cut = [[getattr(row, name) for name in wanted] for row in (heads, *rows)]
    laid = table(cut[0], cut[1:], look, optional)
    if not evidence.trusted:
        head = look.hang(f"Not to be used, for the verdict is {evidence.verdict}:")
        return [*head, *(look.paint(line, "flat") for line in [*laid.heads, *laid.rows])]
    lines = [*(look.paint(line, "bold") for line in laid.heads), *laid.rows]
    if "interval" in wanted and wanted.index("interval") in laid.left_out:
        lines += [f"{heads.interval}: {row.interval}" for row in rows if row.interval]
    return lines


def _hung(text: str, evidence: Evidence, look: Look) -> list[str]:
    """Wrap a text so that it is below the sentence, which follows the word."""
    room = len(evidence.verdict) + len(GAP) if evidence.verdict else 0
    # On a narrow terminal the word is on a line of its own.
    return look.wrap(printable(text), " " * min(room, room if look.width >= _ROOMY else len(GAP)))


def _worded(evidence: Evidence, lines: list[str], look: Look) -> list[str]:
    """Put the word before the first line, or above it."""
    word = evidence.verdict
    if word is None:
        return lines
    above = [] if look.width >= _ROOMY else [" " * len(word)]
    return look.lead(word, word.about.tone, [*above, *lines])


def _advice(summary: Summary, evidence: Evidence, folder: Path, look: Look, room: int) -> list[str]:
    """Write what would settle it and the command: whole texts, for half of one would mislead."""
    words = answer.next_command(summary, evidence)
    if words is None:
        return []
    texts = ["the rest of its iterations."] if words == answer.RESUME else evidence.settle
    aim = answer.aim(summary, evidence)
    again, everything = _again(words, folder, look), _all(folder, look)
    start = answer.before_command(words, summary, evidence)
    for kept in range(len(texts), 0, -1):
        more = f" More advice: {everything}." if kept < len(texts) else ""
        text = f"{aim}: {clause(' '.join(texts[:kept]))}{more} {start}"
        lines = _then(text, again, evidence, look)
        if look.rows(lines) <= min(_ADVICE, room):
            return lines
    return _then(f"{aim}:", everything, evidence, look)


def _then(text: str, command: str, evidence: Evidence, look: Look) -> list[str]:
    """Put a command behind a text, or where it has no room, as with a long folder, below it."""
    lines = _hung(text, evidence, look)
    if cells(f"{lines[-1]} {command}") <= look.width:
        return [*lines[:-1], f"{lines[-1]} {command}"]
    # Not wrapped: what is pasted would end at the end of the line.
    below = f"{_hung('', evidence, look)[0]}{command}"
    return [*lines, below if cells(below) <= look.width else command]


def _again(words: Sequence[str], folder: Path, look: Look) -> str:
    """Write the command that would settle it: whole, as without an option it would ask another."""
    if answer.is_new(words):
        return command(*words, "--dir", str(_new_folder(folder)))
    return _on(folder, look, *words)


def _new_folder(folder: Path) -> Path:
    """Name a folder next to this one, whose battery would have to move to make room for another."""
    names = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
    return next(path for path in names if not path.exists())


def _on(folder: Path, look: Look, verb: str, *more: str) -> str:
    """Write a command on the folder: `battery run --resume --dir data/battery`."""
    option = ["--dir"] if verb == "run" else []
    whole = command(verb, *more, *option, str(folder))
    # A folder of many lines would push the answer off the screen, and a command without it would
    # be about another battery.
    return whole if look.rows([whole]) <= _TWO else f"{command(verb, *more, *option)} DIR"


def _notes(summary: Summary, evidence: Evidence) -> Iterator[tuple[str, str]]:
    """List what a reader should know as well, the most important first, each with its mark."""
    if summary.unfinished:
        yield "mind", summary.unfinished
    for text in shown.reasons(evidence):
        yield "why", f"{text}."
    for gate in shown.news(evidence):
        if gate.status is GateStatus.FAILED:
            yield shown.came_out(gate), gate.text
    for text in evidence.cautions:
        yield "mind", f"{text}."
    for text in summary.warnings:
        yield "warning", text


def _minded(
    notes: Sequence[tuple[str, str]], look: Look, room: int
) -> tuple[list[str], Sequence[tuple[str, str]]]:
    """Write the notes that fit, of the first its beginning at least; return those that are left."""
    lines: list[str] = []
    for at, (mark, text) in enumerate(notes):
        note = look.hang(printable(f"{mark}: {text}"))
        free = room - look.rows(lines)
        if look.rows(note) > free:
            begun = look.at_most(note, free) if not at and free > 0 else []
            return [*lines, *begun], notes[at:]
        lines += note
    return lines, []


def _counts(notes: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Count notes by their kind: `2 cautions`, `1 warning`."""
    kinds = Counter(_NOTED.get(mark, mark.partition(" ")[0]) for mark, _ in notes)
    yield from (counted(count, kind) for kind, count in kinds.items())


def _all(folder: Path, look: Look) -> str:
    return _on(folder, look, "summarize", "--full")


def _more(cut: Sequence[str], folder: Path, look: Look) -> str:
    """Name the command that shows all, and what was cut or what else is there, in a line."""
    what = f"more: {', '.join(cut)}" if cut else "gates and intervals explained"
    line = f"{_all(folder, look)}{GAP}{what}"
    if cells(line) <= look.width:
        return line
    line = f"--full has {what}"
    return fit(line, look.width, ellipsis=look.cut)


def _all_marked(summary: Summary, evidence: Evidence, folder: Path, look: Look) -> Iterator[str]:
    for mark, text in _marked(summary, evidence):
        lines = look.hang(f"{mark}: {printable(text)}")
        yield from (look.paint(line, "warning") if mark == "mind" else line for line in lines)
    if words := answer.next_command(summary, evidence):
        start = clause(answer.before_command(words, summary, evidence))
        yield f"{start} {_again(words, folder, look)}"


def _marked(summary: Summary, evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Pair each text next to the verdict with the word that it begins with."""
    if effect := shown.effect(evidence):
        yield "effect", effect
    for text in shown.reasons(evidence):
        yield "why", text
    for gate in shown.news(evidence):
        yield shown.came_out(gate), gate.text
    if evidence.verdict:
        yield "scope", evidence.scope
    if wrong := answer.wrong(evidence):
        yield "how sure", wrong
    for text in evidence.cautions:
        yield "mind", text
    for text in evidence.settle:
        yield clause(answer.aim(summary, evidence)), clause(text)


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
    return [link] if name != REPORT.name else where(folder, look)


def where(folder: Path, look: Look) -> list[str]:
    """Say how to open the report of a folder, and which file that is."""
    path = printable(str(folder / REPORT.name))
    shown, link = _on(folder, look, "open"), look.link(path, folder / REPORT.name)
    if cells(shown + GAP + path) <= look.width:
        return [f"{shown}{GAP}{link}"]
    return [shown, link] if look.rows([shown, path]) <= 2 * _TWO else [shown]
