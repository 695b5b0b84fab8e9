"""A comparison on the terminal: numbers, flips, what to mind, and last the word on one screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from battery.base.numbers import counted
from battery.base.text import brief, clause, fit, pad, printable, write_line
from battery.base.text import cells as columns
from battery.records.comparison import Change, Comparison, NamedTask, Side, TaskPair
from battery.records.models import KINDS
from battery.records.word import Outcome
from battery.report import compare as cells
from battery.report.evidence import mean, relative
from battery.report.terminal.look import GAP, MOST_ROWS, Look, command, spaced, table

#: In full so many tasks of a list are named; `--json` has all of them.
_MOST_NAMED: Final = 20
#: So many flips are shown before anything that is only minded takes a row from them.
_FIRST_FLIPS: Final = 3
#: Columns of a task's line that its label does not get, and how many it gets at least.
_BESIDES: Final = 50
_LEAST_LABEL: Final = 8
#: Columns of the kind of a task, and of the mark of a flip.
_KIND: Final = 10
_MARK: Final = 11
#: The rows of the metrics that decide.
_DECISIVE: Final = 2
#: Places of the columns that a narrow terminal has no room for, p and interval.
_OPTIONAL: Final = (5, 4)
_TWO: Final = 2
#: Columns of a note, which is no longer than that unless its file was written by others.
_LONGEST: Final = 1_000


class Way(NamedTuple):
    """How its user came to a comparison, which the commands for more begin with."""

    #: The words of the command, after `battery`.
    command: Sequence[str]
    #: The page that was written, if any.
    page: Path | None = None


def print_comparison(
    comparison: Comparison, stream: TextIO, way: Way, *, full: bool = False
) -> None:
    """Write the comparison for people, at most 80 columns but for paths, which are whole.

    It takes at most `MOST_ROWS`; `full` puts all that it rests on above it.
    """
    for text in comparison_lines(comparison, Look.of(stream), way, full=full):
        write_line(stream, text)


def comparison_lines(
    comparison: Comparison, look: Look, way: Way, *, full: bool = False
) -> Iterator[str]:
    """Build the lines of `print_comparison`."""
    yield from spaced((_full if full else _short)(comparison, look, way), look)


def _short(comparison: Comparison, look: Look, way: Way) -> list[list[str]]:
    """Fit everything that matters into a screen; flips and notes take what the rest leaves."""
    least = _least(comparison)
    # First those numbers go that decide nothing, then what only helps.
    for few, lean in ((False, False), (True, False), (True, True)):
        above = [_sides(comparison, look), _numbers(comparison, look, few=few)]
        end = _end(comparison, look, way, lean=lean)
        fixed = list(filter(None, [*above, end]))
        room = MOST_ROWS - sum(look.rows(block) + 1 for block in fixed)
        if room >= least:
            break
    else:
        # Last, the end of the sentence goes, which the full output has.
        end = _end(comparison, look, way, lean=True, cut=least - room)
        room = MOST_ROWS - sum(look.rows(block) + 1 for block in filter(None, [*above, end]))
    above.append(_between(comparison, look, room))
    room = MOST_ROWS - sum(look.rows(block) + 1 for block in filter(None, above))
    return [*above, _fuller(end, comparison, look, way, room)]


def _fuller(end: list[str], comparison: Comparison, look: Look, way: Way, room: int) -> list[str]:
    """Give back what only helps to an end without it, as far as flips and notes left room."""
    few, all_of_them = (list(_where(comparison, look, way, lean=lean)) for lean in (True, False))
    tried = (_end(comparison, look, way), [*end[: -len(few)], *all_of_them])
    return next((lines for lines in tried if look.rows(lines) <= room), end)


def _least(comparison: Comparison) -> int:
    """Count the rows between numbers and word without which too much would be left out."""
    flips = min(_TWO, len(cells.flipped(comparison)))
    unfair = any(difference.unfair for difference in comparison.differences)
    return _TWO + flips + unfair + len(list(cells.only(comparison)))


def _between(comparison: Comparison, look: Look, room: int) -> list[str]:
    """Write flips, what is unfair, what to mind and the cause, in so many rows."""
    unfair = [*_alone(comparison, look), *_unfair(comparison, look)]
    if not comparison.change:
        return unfair
    counted = f"flips: {cells.flips(comparison)}"
    head = _at_most(counted, max(1, room - len(unfair)), look, rest=GAP)
    room -= look.rows([*head, *unfair])
    notes = list(_notes(comparison, look))
    flips = [_flip(pair, look) for pair in cells.flipped(comparison)]
    least = min(len(flips), _FIRST_FLIPS)
    noted = sum(map(look.rows, notes))
    shown = _counted(flips, max(least, room - noted), room)
    return [*head, *shown, *unfair, *_fitting(notes, look, room - len(shown))]


def _alone(comparison: Comparison, look: Look) -> Iterator[str]:
    """Name the tasks of only one battery, a line for each."""
    for name, tasks in cells.only(comparison):
        labels = [brief(task.label, look.width, ellipsis=look.cut) for task in tasks[:_MOST_NAMED]]
        line = f"only in {name}, {counted(len(tasks), 'task')}: {'; '.join(labels)}"
        yield fit(line, look.width, ellipsis=look.cut)


def _counted(lines: Sequence[str], wanted: int, room: int) -> list[str]:
    """Take so many lines of one row as fit; where some are left out, the last one says so."""
    rows = max(0, min(wanted, room))
    if len(lines) <= rows:
        return list(lines)
    if not rows:
        return []
    return [*lines[: rows - 1], f"  and {counted(len(lines) - rows + 1, 'more task')}: --full"]


def _fitting(notes: Iterable[list[str]], look: Look, room: int) -> Iterator[str]:
    for note in notes:
        room -= look.rows(note)
        # Half a note would be a riddle.
        if room < 0:
            return
        yield from note


def _unfair(comparison: Comparison, look: Look) -> list[str]:
    names = [difference.what for difference in comparison.differences if difference.unfair]
    if not names:
        return []
    more = "; --full says why, and what to do"
    line = fit(
        printable(f"unfair: {', '.join(names)}"),
        look.width - len(more),
        ellipsis=look.cut,
    )
    return [look.paint(line + more, "warning")]


def _notes(comparison: Comparison, look: Look) -> Iterator[list[str]]:
    """Write the first caution, how many there are, and where the change comes from."""
    for text in comparison.cautions[:1]:
        count = len(comparison.cautions)
        head = "mind" if count == 1 else f"mind (1 of {count}; --full has them)"
        lines = _at_most(printable(f"{head}: {text}"), _TWO, look, rest=GAP)
        yield [look.paint(line, "warning") for line in lines]
    if comparison.cause and comparison.outcome.about.tone != "flat":
        yield _at_most(f"cause: {comparison.cause}", _TWO, look, rest=GAP)


def _at_most(text: str, rows: int, look: Look, first: str = "", rest: str = "") -> list[str]:
    """Wrap a text into so many rows at most; where its end is left out, the last one says so.

    It is cut between words, and with a space: no number may look as if digits of it were missing.
    """
    whole = look.wrap(text, first, rest)
    if look.rows(whole) <= rows:
        return whole
    mark = f" {look.cut}"
    lines = look._replace(width=look.width - columns(mark)).wrap(text, first, rest)
    kept = next(
        lines[:count]
        for count in range(rows, 0, -1)
        if look.rows(lines[:count]) <= rows or count == 1
    )
    return [*kept[:-1], kept[-1] + mark]


def _sides(comparison: Comparison, look: Look) -> list[str]:
    """Describe each battery in a line that begins with its name."""
    sides = (comparison.before, comparison.after)
    rows = [(side.name, side.verdict or "no verdict", cells.size(side)) for side in sides]
    names, words = (max(columns(row[at]) for row in rows) for at in (0, 1))
    heads = [f"{pad(name, names)}  {word:<{words}}  " for name, word, _ in rows]
    # Folded and not cut: how many tasks and iterations there are is what the numbers rest on.
    return [
        line for head, row in zip(heads, rows, strict=True) for line in look.wrap(row[2], head, GAP)
    ]


def _numbers(comparison: Comparison, look: Look, *, few: bool = False) -> list[str]:
    if comparison.change is None:
        return []
    # How long calls of milliseconds take is no result; the full output has it.
    rows = cells.rows(comparison.change, timed=False)[: _DECISIVE if few else None]
    lines = _table(cells.compared(comparison), comparison, rows, look)
    untrusted = cells.untrusted(comparison)
    if not untrusted:
        return lines
    head = look.hang(f"Not to be used: {untrusted}.")
    return [*head, *(look.paint(line, "flat") for line in lines)]


def _table(
    head: str, comparison: Comparison, rows: Sequence[Sequence[str]], look: Look
) -> list[str]:
    """Lay out a table of metrics; p, and then the interval, come below where there is no room."""
    heads = [head, *cells.heads(comparison)[1:]]
    # The sentence has the p-values as well.
    laid = table(heads, rows, look, _OPTIONAL)
    below = sorted(laid.left_out) if len(laid.left_out) == len(_OPTIONAL) else []
    return [
        *(look.paint(line, "bold") for line in laid.heads),
        *laid.rows,
        *(f"{GAP}{heads[at]}: {rows[0][at]}" for at in below),
    ]


def _end(
    comparison: Comparison, look: Look, way: Way, *, lean: bool = False, cut: int = 0
) -> list[str]:
    """Write the word and its sentence, what settles it, what it holds for, and where to look.

    `lean` leaves out what only helps, and `cut` so many rows of the sentence.
    """
    word = comparison.outcome
    indent = " " * (len(word) + len(GAP))
    sentence = printable(comparison.sentence)
    rows = max(_TWO, look.rows(look.wrap(sentence, indent)) - cut)
    kept = _at_most(sentence, rows, look, indent, indent)
    lines = look.lead(word, word.about.tone, kept)
    if not lean:
        compared = word is not Outcome.NOT_COMPARABLE
        settle = [f"To settle it: {clause(text)}" for text in comparison.settle]
        for text in (*settle, *([cells.HOLDS] if compared else [])):
            lines += look.wrap(printable(text), indent)
    return [*lines, *_where(comparison, look, way, lean=lean)]


def _where(comparison: Comparison, look: Look, way: Way, *, lean: bool) -> Iterator[str]:
    """Name the commands that show more."""
    rows = [(command(*way.command, "--full"), "all of it")]
    if way.page:
        rows.append((printable(str(way.page)), "the same as a page"))
    elif not lean:
        rows.append((command(*way.command, "-o", "page.html"), "the same as a page"))
    if comparison.after.report and not lean:
        rows.append((command("open", comparison.after.folder), "the report of one"))
    width = max(columns(shown) for shown, _ in rows)
    for shown, about in rows:
        line = f"{pad(shown, width)}{GAP}{about}"
        yield line if columns(line) <= look.width else shown


def _full(comparison: Comparison, look: Look, way: Way) -> Iterator[Iterable[str]]:
    yield [*_folder("before", comparison.before, look), *_folder("after", comparison.after, look)]
    if comparison.change:
        # Before any mean: a task that fails now has to be looked at, whatever the average says.
        yield _flips(comparison, look)
        yield _change(cells.compared(comparison), comparison, comparison.change, look)
        if comparison.start:
            yield _change("iteration 1", comparison, comparison.start, look)
        yield _causes(comparison, look)
        yield _tasks(comparison, look)
    yield _only(comparison, look)
    yield _rest(comparison, look)
    yield _end(comparison, look, way)


def _folder(when: str, side: Side, look: Look) -> list[str]:
    indent = " " * 8
    return [
        f"{when:<6}  {side.name}",
        f"{indent}{printable(side.folder)}",
        *look.wrap(cells.side(side), indent),
        *_about(side, indent, look),
    ]


def _about(side: Side, indent: str, look: Look) -> Iterator[str]:
    """Write what its user says of a battery; a long note is folded."""
    for word, text in cells.about(side):
        said = brief(text, _LONGEST, ellipsis=look.cut)
        yield from look.wrap(f"{word}: {said}", indent, f"{indent}  ")


def _flips(comparison: Comparison, look: Look) -> Iterator[str]:
    yield from look.hang(f"flips: {cells.flips(comparison)}")
    pairs = cells.flipped(comparison)
    yield from (_flip(pair, look) for pair in pairs[:_MOST_NAMED])
    yield from _more(pairs)


def _flip(pair: TaskPair, look: Look) -> str:
    if pair.flip is None:
        return ""
    mark = pair.flip.about.mark
    claimed = "; claims it" if cells.refuted(pair) else ""
    ending = f"{cells.ending(pair)}{claimed}"
    label = _name(pair, look, _MARK + len(ending))
    return (
        f"{GAP}{look.paint(mark, pair.flip.about.tone)}{' ' * (_MARK - len(mark))}{label} {ending}"
    )


def _change(head: str, comparison: Comparison, change: Change, look: Look) -> list[str]:
    return _table(head, comparison, cells.rows(change), look)


def _causes(comparison: Comparison, look: Look) -> Iterator[str]:
    if comparison.cause:
        yield from look.hang(f"cause: {comparison.cause}")
    for text in cells.noise(comparison):
        yield from look.hang(f"noise: {text}")


def _tasks(comparison: Comparison, look: Look) -> Iterator[str]:
    pairs = cells.biggest(comparison)
    if not pairs:
        yield f"{cells.plain(comparison)} by task: {cells.unmoved(comparison)}"
        return
    yield f"{cells.plain(comparison)} by task, the largest changes:"
    costs = [
        " to ".join(mean(comparison.cost, cost) for cost in (pair.cost_before, pair.cost_after))
        for pair in pairs
    ]
    widest = max(map(len, costs))
    for pair, cost in zip(pairs, costs, strict=True):
        change = relative(pair.ratio).rjust(8)
        yield f"{GAP}{change}{GAP}{_name(pair, look, len(change + GAP) + widest)} {cost}"


def _only(comparison: Comparison, look: Look) -> Iterator[str]:
    for name, tasks in cells.only(comparison):
        yield f"only in {name}, not compared:"
        for task in tasks[:_MOST_NAMED]:
            yield f"  {KINDS[task.phase]:<10} {brief(task.label, 67, ellipsis=look.cut)}"
        yield from _more(tasks)


def _rest(comparison: Comparison, look: Look) -> Iterator[str]:
    for word, difference in cells.differences(comparison):
        lines = look.hang(f"{word}: {printable(cells.difference(difference, comparison))}")
        yield from (look.paint(line, "warning") if difference.unfair else line for line in lines)
    for text in comparison.cautions:
        yield from (look.paint(line, "warning") for line in look.hang(f"mind: {printable(text)}"))
    yield from look.hang(f"scope: {comparison.scope}")


def _name(task: NamedTask, look: Look, numbers: int) -> str:
    """Name a task next to numbers of so many columns: where room is short, labels are cut."""
    room = look.width - len(GAP) - _KIND - numbers - 2
    width = max(_LEAST_LABEL, min(look.width - _BESIDES, room))
    label = pad(brief(task.label, width, ellipsis=look.cut), width)
    return f"{KINDS[task.phase]:<{_KIND}} {label}"


def _more(tasks: Sequence[NamedTask | TaskPair]) -> Iterator[str]:
    if len(tasks) > _MOST_NAMED:
        yield f"  and {counted(len(tasks) - _MOST_NAMED, 'more task')}; --json has all of them"
