"""Several runs of a system on the terminal: each run, and last the word about the system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TextIO

from battery.base.numbers import counted
from battery.base.text import cells, clause, fit, pad, printable, write_line
from battery.records.campaign import CampaignSummary
from battery.report import runs as several
from battery.report.terminal.look import GAP, Look, align, command, spaced
from battery.report.terminal.summary import where

#: On one screen so many runs have a line of their own; `--full` and `--json` have all of them.
_RUNS: Final = 8
#: Columns of a run's name.
_NAME: Final = 24
_ADVICE: Final = 3
_TWO: Final = 2


def print_runs(
    summary: CampaignSummary, words: Sequence[str], stream: TextIO, *, full: bool = False
) -> None:
    """Write what several runs come to, at most 80 columns but for paths and commands.

    It fits a screen. `words` are those of the command, after `battery`; with `--full`
    it shows every run and all that the verdict rests on.
    """
    for text in run_lines(summary, words, Look.of(stream), full=full):
        write_line(stream, text)


def run_lines(
    summary: CampaignSummary, words: Sequence[str], look: Look, *, full: bool = False
) -> Iterator[str]:
    """Build the lines of `print_runs`."""
    if full:
        yield from spaced(_full(summary, look), look)
        return
    above = [_header(summary, look), _table(summary, look, _RUNS)]
    whole = command(*words, "--full")
    # Cut, a command could not be pasted; whole, it may not push the answer off the screen.
    more = [whole if look.rows([whole]) <= _TWO else "--full has every run and all notes"]
    more += where(Path(summary.folder), look) if summary.folder else []
    taken = sum(look.rows(block) + 1 for block in above) + look.rows(more)
    yield from spaced([*above, [*_answer(summary, look, look.most - taken), *more]], look)


def _full(summary: CampaignSummary, look: Look) -> Iterator[Iterable[str]]:
    evidence = summary.evidence
    yield [*_header(summary, look), *look.about(summary.note, summary.tags)]
    yield _table(summary, look, len(evidence.runs))
    yield [
        line
        for question in evidence.questions
        for line in look.hang(several.question_line(question))
    ]
    yield [line for text in several.rest(evidence) for line in look.hang(printable(text))]
    yield _worded(summary, look.wrap(printable(evidence.sentence), _indent(summary)), look)
    notes = [f"{mark}: {text}" for mark, text in several.notes(summary)]
    yield [line for text in notes for line in look.hang(printable(text))]
    yield _advice(summary, look)
    if summary.folder:
        yield where(Path(summary.folder), look)


def _header(summary: CampaignSummary, look: Look) -> list[str]:
    named = f"{printable(summary.name)}: " if summary.name else ""
    lines = [fit(named + ", ".join(several.size(summary)), look.width, ellipsis=look.cut)]
    if summary.digest:
        lines.append(fit(f"plan {summary.digest}", look.width, ellipsis=look.cut))
    return lines


def _table(summary: CampaignSummary, look: Look, most: int) -> list[str]:
    """Lay out a line for each run, and one for all that count."""
    evidence = summary.evidence
    runs = evidence.runs
    shown = runs if len(runs) <= most else runs[: most - 1]
    rows = [several.run_heads(evidence), *map(several.run_cells, shown)]
    first, *columns = zip(*rows, several.mean_cells(evidence), strict=True)
    first = tuple(map(printable, first))
    width = min(_NAME, max(map(cells, first)))
    names = [pad(name, width, ellipsis=look.cut) for name in first]
    aligned = [align(column, left=not at) for at, column in enumerate(columns)]
    lines = [GAP.join(line).rstrip() for line in zip(names, *aligned, strict=True)]
    left_out = [run.left_out is not None for run in shown]
    body = [
        look.paint(line, "flat") if out else line
        for line, out in zip(lines[1:-1], left_out, strict=True)
    ]
    if len(shown) < len(runs):
        body.append(f"and {len(runs) - len(shown)} more runs: --full")
    if not evidence.trusted:
        head = f"Not to be used, for the verdict is {evidence.verdict}:"
        return [head, *(look.paint(line, "flat") for line in [lines[0], *body, lines[-1]])]
    return [look.paint(lines[0], "bold"), *body, look.paint(lines[-1], "bold")]


def _indent(summary: CampaignSummary) -> str:
    word = summary.evidence.verdict
    return " " * (len(word) + len(GAP)) if word else ""


def _worded(summary: CampaignSummary, lines: list[str], look: Look) -> list[str]:
    word = summary.evidence.verdict
    return look.lead(word, word.about.tone, lines) if word else lines


def _answer(summary: CampaignSummary, look: Look, room: int) -> Iterator[str]:
    """Write word and sentence, what to mind, and what would settle it, in so many rows."""
    indent, evidence = _indent(summary), summary.evidence
    advice = _advice(summary, look)
    notes = list(several.notes(summary))
    room -= look.rows(advice)
    sentence = look.wrap(printable(evidence.sentence), indent)
    claim = look.at_most(sentence, max(_TWO, room - min(_TWO, len(notes))))
    yield from _worded(summary, claim, look)
    room -= look.rows(claim)
    for at, (mark, text) in enumerate(notes):
        lines = look.wrap(printable(f"{mark.capitalize()}: {text}."), indent, indent + GAP)
        last = at + 1 == len(notes)
        if room < 1:
            break
        if look.rows(lines) > room - (not last) and at:
            yield look.paint(
                f"{indent}And {counted(len(notes) - at, 'more note')}: --full", "warning"
            )
            break
        kept = look.at_most(lines, room)
        yield from (look.paint(line, "warning") for line in kept)
        room -= look.rows(kept)
    yield from advice


def _advice(summary: CampaignSummary, look: Look) -> list[str]:
    lines: list[str] = []
    for advice in summary.evidence.settle[:1]:
        text = f"{several.aim(summary.evidence)}: {printable(clause(advice.text))}"
        lines = look.at_most(look.wrap(f"{text} Next:" if advice.command else text), _ADVICE)
        if advice.command:
            fits = cells(f"{lines[-1]} {advice.command}") <= look.width
            lines = (
                [*lines[:-1], f"{lines[-1]} {advice.command}"]
                if fits
                else [*lines, f"{GAP}{advice.command}"]
            )
    return lines
