"""What a stream can show, and lines that fit it: colours, characters, width, links."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from battery.base.numbers import minus
from battery.base.text import can_show, cells, fit, printable, takes_escapes
from battery.records.word import Tone
from battery.report.terminal.lines import WIDTH

_TONES: Final[dict[Tone, str]] = {"good": "32", "bad": "31", "flat": "2", "open": "33"}
_COLOURS: Final[dict[str, str]] = {
    "better": "32",
    "worse": "31",
    "bold": "1",
    "warning": "33",
} | _TONES
_ESCAPES: Final = re.compile(r"\x1b\[[\d;]*m|\x1b\]8;.*?\x1b\\")
#: Below this nothing is made to fit any more.
_NARROWEST: Final = 40


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

    @classmethod
    def of(cls, stream: TextIO) -> Look:
        """Look at the stream; colours are for terminals only, and `NO_COLOR` turns them off."""
        links, width = takes_escapes(stream), _width(stream)
        colour = links and not os.environ.get("NO_COLOR")
        if can_show(stream, "▲▼→…−"):
            # In a pipe, programs look for the minus of a keyboard.
            return cls("▲", "▼", "→", "…", colour, stream.isatty(), links, width)
        return cls("^", "v", "=", "..", colour, links=links, width=width)

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


def spaced(blocks: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of blocks, with an empty line between two; empty blocks are left out."""
    for at, block in enumerate(filter(None, map(list, blocks))):
        if at:
            yield ""
        yield from block


def command(*words: str) -> str:
    """Write a command of battery that can be copied into a shell."""
    return printable(shlex.join(["battery", *words]))


def _width(stream: TextIO) -> int:
    """Return the columns of a terminal, at most those of a page; a pipe has a page's."""
    if not stream.isatty():
        return WIDTH
    try:
        wide = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(stream.fileno()).columns
    except (ValueError, OSError):
        return WIDTH
    return max(_NARROWEST, min(WIDTH, wide or WIDTH))
