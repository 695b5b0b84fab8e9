"""A comparison on the terminal: word and sentence, flips first, then how much, then why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final, TextIO

from battery.base.text import brief, pad, printable, write_line
from battery.records.comparison import Change, Comparison, NamedTask, TaskPair
from battery.records.models import KINDS
from battery.report import compare as cells
from battery.report.evidence import mean, relative
from battery.report.terminal.lines import GAP, INDENTED, PROSE, WIDTH, align
from battery.report.terminal.look import Look

# A screenful; further names would push the word and its reasons off the screen.
_MOST_NAMED: Final = 20
_LABEL: Final = 32


def print_comparison(comparison: Comparison, stream: TextIO) -> None:
    """Write the comparison for people, at most 80 columns but for paths, which are whole."""
    for text in comparison_lines(comparison, Look.of(stream)):
        write_line(stream, text)


def comparison_lines(comparison: Comparison, look: Look) -> Iterator[str]:
    """Build the lines of `print_comparison`."""
    for when, side in (("before", comparison.before), ("after", comparison.after)):
        yield f"{when:<6}  {side.name}  {printable(side.folder)}"
        yield from (f"        {line}" for line in wrap(cells.side(side), WIDTH - 8))
    yield ""
    yield look.paint(look.paint(comparison.outcome, comparison.outcome.about.tone), "bold")
    yield from PROSE.wrap(printable(comparison.sentence))
    if comparison.change:
        yield ""
        yield from _flips(comparison, look)
        yield ""
        yield from _table(cells.compared(comparison), comparison, comparison.change, look)
        yield from _causes(comparison, look)
        yield ""
        yield from _tasks(comparison, look)
    yield from _only(comparison)
    yield from _rest(comparison, look)


def _flips(comparison: Comparison, look: Look) -> Iterator[str]:
    # Before any mean: a task that fails now has to be looked at, whatever the average says.
    yield from INDENTED.wrap(f"flips: {cells.flips(comparison)}")
    pairs = cells.flipped(comparison)
    for pair in pairs[:_MOST_NAMED]:
        if pair.flip:
            mark = look.paint(pair.flip.about.mark.ljust(10), pair.flip.about.tone)
            yield f"  {mark} {_name(pair, look)} {cells.ending(pair)}"
            if refuted := cells.refuted(pair):
                yield f"             {refuted}"
    yield from _more(pairs)


def _table(head: str, comparison: Comparison, change: Change, look: Look) -> Iterator[str]:
    lines = [[head, *cells.heads(comparison)[1:]], *cells.rows(change)]
    columns = zip(*lines, strict=True)
    aligned = [align(column, left=not at) for at, column in enumerate(columns)]
    for at, row in enumerate(zip(*aligned, strict=True)):
        line = GAP.join(row).rstrip()
        yield line if at else look.paint(line, "bold")


def _causes(comparison: Comparison, look: Look) -> Iterator[str]:
    if comparison.start:
        yield ""
        yield from _table("iteration 1", comparison, comparison.start, look)
    if comparison.cause:
        yield from INDENTED.wrap(f"cause: {comparison.cause}")
    for text in cells.noise(comparison):
        yield from INDENTED.wrap(f"noise: {text}")


def _tasks(comparison: Comparison, look: Look) -> Iterator[str]:
    pairs = cells.biggest(comparison)
    if not pairs:
        yield f"{cells.plain(comparison)} by task: {cells.unmoved(comparison)}"
        return
    yield f"{cells.plain(comparison)} by task, the largest changes:"
    for pair in pairs:
        costs = " to ".join(
            mean(comparison.cost, cost) for cost in (pair.cost_before, pair.cost_after)
        )
        yield f"  {relative(pair.ratio).rjust(8)}  {_name(pair, look)} {costs}"


def _only(comparison: Comparison) -> Iterator[str]:
    for name, tasks in cells.only(comparison):
        yield f"only in {name}, not compared:"
        for task in tasks[:_MOST_NAMED]:
            yield f"  {KINDS[task.phase]:<10} {brief(task.label, WIDTH - 13)}"
        yield from _more(tasks)


def _rest(comparison: Comparison, look: Look) -> Iterator[str]:
    yield ""
    for word, difference in cells.differences(comparison):
        lines = INDENTED.wrap(f"{word}: {printable(cells.difference(difference, comparison))}")
        yield from (look.paint(line, "warning") if difference.unfair else line for line in lines)
    for text in comparison.cautions:
        yield from (look.paint(line, "warning") for line in INDENTED.wrap(f"mind: {text}"))
    for text in comparison.settle:
        yield from INDENTED.wrap(f"to settle it: {text}")
    yield from INDENTED.wrap(f"scope: {comparison.scope}")


def _name(task: NamedTask, look: Look) -> str:
    return f"{KINDS[task.phase]:<10} {pad(brief(task.label, _LABEL, ellipsis=look.cut), _LABEL)}"


def _more(tasks: Sequence[NamedTask | TaskPair]) -> Iterator[str]:
    if len(tasks) > _MOST_NAMED:
        yield f"  and {len(tasks) - _MOST_NAMED:,} more; --json has all of them"
