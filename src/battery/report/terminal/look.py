"""What a stream can show, and lines that fit it: colours, characters, width, links."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Final, NamedTuple, TextIO

from battery.base.numbers import minus
from battery.base.text import can_show, cells, fit, pad, printable, takes_escapes, write_line
from battery.records.word import Tone

WIDTH: Final = 80
# The shell's prompt and what a pipeline is told of a gate have to go on the screen as well.
#: Rows of a terminal that are left to these.
_SPARED: Final = 2
#: Rows that the end of a battery takes at most on a terminal of 24, and in a pipe.
MOST_ROWS: Final = 24 - _SPARED
GAP: Final = "  "
_TONES: Final[dict[Tone, str]] = {"good": "32", "bad": "31", "flat": "2", "open": "33"}
_COLOURS: Final[dict[str, str]] = {
    "better": "32",
    "worse": "31",
    "bold": "1",
    "warning": "33",
} | _TONES
_ESCAPES: Final = re.compile(r"\x1b\[[\d;]*m|\x1b\]8;.*?\x1b\\")
#: A command at the end of what asks for it.
_COMMAND: Final = re.compile(r"(?<=: )battery [^;]+")
#: In place of a space that no line ends at; never shown.
_NO_BREAK: Final = "\0"
#: Below this nothing is made to fit any more.
_NARROWEST: Final = 30
_FEWEST: Final = 10
#: Lines of the heads of a table at most.
_HEADS: Final = 2
#: However narrow the terminal is, so many columns of a name stay.
_LEAST_NAME: Final = 12


class Look(NamedTuple):
    """What the stream can show: the characters of trend marks, a minus, colours, links, width."""

    up: str
    down: str
    level: str
    cut: str
    colour: bool
    minus: bool = False
    links: bool = False
    #: In columns; a wide terminal gets no longer lines, which are harder to read.
    width: int = WIDTH
    #: Rows that what ends a command may take: a tall terminal has room for what is cut elsewhere.
    most: int = MOST_ROWS

    @classmethod
    def of(cls, stream: TextIO) -> Look:
        """Look at the stream; colours are for terminals only, and `NO_COLOR` turns them off."""
        links, (width, most) = takes_escapes(stream), _size(stream)
        colour = links and not os.environ.get("NO_COLOR")
        if can_show(stream, "▲▼→…−"):
            # In a pipe, programs look for the minus of a keyboard.
            return cls("▲", "▼", "→", "…", colour, stream.isatty(), links, width, most)
        return cls("^", "v", "=", "..", colour, links=links, width=width, most=most)

    def paint(self, text: str, kind: str | None) -> str:
        """Colour a text that says the same without it."""
        if not (self.colour and text and kind):
            return text
        return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m"

    def link(self, text: str, path: Path) -> str:
        """Make a text lead to a file, where the terminal knows links; it reads the same."""
        if not self.links:
            return text
        return f"\x1b]8;;{path.resolve().as_uri()}\x1b\\{text}\x1b]8;;\x1b\\"

    def change(self, text: str) -> str:
        """Write the minus of a number as what it is, where the stream can show it."""
        return minus(text) if self.minus else text

    def wrap(self, text: str, first: str = "", rest: str | None = None) -> list[str]:
        """Wrap printable text by terminal columns, with a beginning for the first and other lines.

        A word that is too long stays whole, so that a path in it can be copied.
        """
        lines, rest = [first], first if rest is None else rest
        empty = True
        for word in text.split(" "):
            line = f"{lines[-1]}{word}" if empty else f"{lines[-1]} {word}"
            if empty or cells(line) <= self.width:
                lines[-1] = line
            else:
                lines.append(rest + word)
            empty = False
        return lines

    def lead(self, word: str, tone: Tone, lines: Sequence[str]) -> list[str]:
        """Put a word in front of lines whose first one is indented by as much."""
        first, *others = lines
        return [self.paint(self.paint(word, tone), "bold") + first[len(word) :], *others]

    def hang(self, text: str) -> list[str]:
        """Wrap a text that begins with a word of its own: what follows its line is indented."""
        return self.wrap(text, "", "  ")

    def about(self, note: str | None, tags: Sequence[str]) -> list[str]:
        """Write what its user says of a battery or a campaign; nothing where that is nothing."""
        said = (("note", note), ("tags", ", ".join(tags)))
        texts = [f"{word}: {printable(text)}" for word, text in said if text]
        return [line for text in texts for line in self.hang(text)]

    def rows(self, lines: Sequence[str]) -> int:
        """Count the rows that lines take; one that is too long for the terminal takes more."""
        return sum(max(1, -(-cells(_ESCAPES.sub("", line)) // self.width)) for line in lines)

    def at_most(self, lines: list[str], rows: int) -> list[str]:
        """Cut lines to so many rows; where something is left out, the last one says so."""
        if self.rows(lines) <= rows:
            return lines
        kept = lines[:1]
        for line in lines[1:]:
            if self.rows([*kept, line]) > rows:
                break
            kept.append(line)
        if len(kept) == 1 and self.rows(kept) > rows:
            return [fit(kept[0], rows * self.width, ellipsis=self.cut)]
        room = self.rows(kept[-1:]) * self.width - cells(self.cut)
        return [*kept[:-1], fit(kept[-1], room, ellipsis="") + self.cut]


def spaced(blocks: Iterable[Iterable[str]], look: Look) -> Iterator[str]:
    """Yield the lines of blocks as they are shown, an empty line between two.

    Empty blocks are left out. Whoever builds a block writes the minus of a keyboard.
    """
    for at, block in enumerate(filter(None, map(list, blocks))):
        if at:
            yield ""
        yield from map(look.change, block)


def say(text: str, stream: TextIO, indent: str = "") -> None:
    """Write a text, wrapped between words on a terminal; a pipe gets each line of it whole.

    `indent` begins the lines that a wrapped one goes on in. A command to copy is not broken.
    """
    for line in text.split("\n"):
        whole = _COMMAND.sub(lambda match: match[0].replace(" ", _NO_BREAK), line)
        lines = Look.of(stream).wrap(whole, "", indent) if stream.isatty() else [whole]
        for shown in lines:
            write_line(stream, shown.replace(_NO_BREAK, " "))


def align(cells: Sequence[str], *, left: bool = False) -> list[str]:
    """Fill the cells of a column to its widest."""
    width = widest(cells)
    return [cell.ljust(width) if left else cell.rjust(width) for cell in cells]


def widest(cells: Sequence[str]) -> int:
    """Return the length of the longest cell."""
    return max(map(len, cells))


class Table(NamedTuple):
    """A table laid out: lines of heads, lines of rows, and what had no room."""

    heads: list[str]
    rows: list[str]
    #: Places of the columns that were left out.
    left_out: list[int]


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], look: Look, optional: Sequence[int] = ()
) -> Table:
    """Lay out names on the left and numbers on the right of them.

    Where there is no room, heads are folded into two lines, then the optional columns go in their
    order, then names are cut, and last of all heads take more lines.
    """
    columns = list(zip(heads, *rows, strict=True))
    for count in range(len(optional) + 1):
        kept = [at for at in range(len(columns)) if at not in optional[:count]]
        shown = [columns[at] for at in kept]
        widths = [_narrowest(column) for column in shown]
        if _across(widths) <= look.width:
            widths = _widened(widths, [cells(head) for head, *_ in shown], look.width)
            break
    else:
        widths = _squeezed(shown, look.width)
    folded = [_folded(heads[at], width) for at, width in zip(kept, widths, strict=True)]
    depth = max(map(len, folded))
    tops = zip(*([""] * (depth - len(lines)) + lines for lines in folded), strict=True)
    return Table(
        [_row(line, widths, look) for line in tops],
        [_row([line[at] for at in kept], widths, look) for line in rows],
        list(optional[:count]),
    )


def _across(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _widened(widths: Sequence[int], wanted: Sequence[int], width: int) -> list[int]:
    """Give columns, from the left, the widths that they want, as far as there is room."""
    wider = list(widths)
    for at, most in enumerate(wanted):
        if 0 < most - wider[at] <= width - _across(wider):
            wider[at] = most
    return wider


def _squeezed(columns: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return widths with names cut, and with more than two lines of a head where it has to be."""
    name, *wanted = [_narrowest(column) for column in columns]
    least = [min(name, _LEAST_NAME), *map(_least, columns[1:])]
    widths = _widened(least, [0, *wanted], width)
    widths[0] = max(widths[0], min(name, width - _across([0, *widths[1:]])))
    return widths


def _least(column: Sequence[str]) -> int:
    """Return the least width in which a value takes one line, and no word of a head is torn."""
    head, *values = column
    # Words are broken only where they are as long as names of folders may be.
    words = (min(cells(word), _LEAST_NAME) for word in head.split())
    return max([1, *map(cells, values), *words])


def _narrowest(column: Sequence[str]) -> int:
    """Return the least width in which a head takes at most two lines, and a value one."""
    least, most = _least(column), cells(column[0])
    folding = (at for at in range(least, most) if len(_folded(column[0], at)) <= _HEADS)
    return next(folding, max(least, most))


def _folded(head: str, width: int) -> list[str]:
    """Fold a head into lines; where some characters are wide, fewer are in one."""
    tried = (wrap(head, count) for count in range(width, 0, -1))
    fitting = (lines for lines in tried if max(map(cells, lines), default=0) <= width)
    return next(fitting, [head]) or [""]


def _row(texts: Sequence[str], widths: Sequence[int], look: Look) -> str:
    name, *numbers = zip(texts, widths, strict=True)
    filled = [" " * (width - cells(text)) + text for text, width in numbers]
    return GAP.join([pad(*name, ellipsis=look.cut), *filled]).rstrip()


def command(*words: str) -> str:
    """Write a command of battery that can be copied into a shell."""
    return printable(shlex.join(["battery", *words]))


def _size(stream: TextIO) -> tuple[int, int]:
    """Return the columns of a terminal, at most a page's, and its rows to fill; a pipe is a page.

    `COLUMNS` and `LINES` come before what the terminal says.
    """
    if not stream.isatty():
        return WIDTH, MOST_ROWS
    try:
        wide = int(os.environ.get("COLUMNS") or 0)
        high = int(os.environ.get("LINES") or 0)
        there = os.get_terminal_size(stream.fileno())
    except (ValueError, OSError):
        return WIDTH, MOST_ROWS
    wide, high = wide or there.columns or WIDTH, high or there.lines or MOST_ROWS + _SPARED
    return max(_NARROWEST, min(WIDTH, wide)), max(_FEWEST, high - _SPARED)
