"""Commands on a real pseudo-terminal, and what a terminal emulator shows of them.

The emulator is pyte's; what scrolled away above the screen is kept.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Self

import pyte
from pyte.screens import Char

_ROOT: Final = Path(__file__).parents[2]


class Screen:
    """A terminal of some size, fed with what programs write."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=100_000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, written: bytes) -> Self:
        """Take what a program wrote, in pieces of any size."""
        self._stream.feed(written)
        return self

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, as its user does."""
        self._screen.resize(rows, columns)

    @property
    def lines(self) -> list[str]:
        """The lines in view, without blanks at their ends and without empty lines below."""
        shown = [line.rstrip() for line in self._screen.display]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    @property
    def cells(self) -> list[list[Char]]:
        """The characters in view, each with its colours."""
        lines = range(len(self.lines))
        return [[self._screen.buffer[y][x] for x in range(self._screen.columns)] for y in lines]

    @property
    def scrolled(self) -> list[str]:
        """The lines that scrolled away above the view."""
        width = self._screen.columns
        return [
            "".join(line[at].data for at in range(width)).rstrip()
            for line in self._screen.history.top
        ]

    @property
    def everything(self) -> list[str]:
        """All lines, those that scrolled away first."""
        return [*self.scrolled, *self.lines]

    @property
    def cursor_shown(self) -> bool:
        """Whether the cursor is there."""
        return not self._screen.cursor.hidden


class Terminal:
    """One child process with its three streams on a terminal of its own."""

    def __init__(
        self,
        *words: str,
        columns: int = 80,
        rows: int = 24,
        cwd: Path = _ROOT,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.screen = Screen(columns, rows)
        self._master, slave = pty.openpty()
        self._size(columns, rows)
        # Not the developer's own settings of colours and sizes; but coverage reaches the child.
        clean = {key: value for key, value in os.environ.items() if key.startswith("COVERAGE")}
        clean |= {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "PYTHONUTF8": "1"}
        self.child = subprocess.Popen(
            words,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=clean | dict(environment or {}),
            cwd=cwd,
            start_new_session=True,
        )
        os.close(slave)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size; the kernel tells the child by SIGWINCH if the terminal is its own."""
        self._size(columns, rows)
        self.screen.resize(columns, rows)

    def close(self) -> None:
        """Close the terminal, as its user does with its window."""
        os.close(self._master)

    def to_the_end(self, look: Callable[[Screen], None] | None = None) -> Screen:
        """Read until the child closes the terminal; `look` sees the screen after each piece."""
        while chunk := self._read():
            self.screen.feed(chunk)
            if look:
                look(self.screen)
        self.close()
        self.child.wait()
        return self.screen

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> bytes:
        try:
            return os.read(self._master, 65536)
        except OSError:
            # Linux reports the end of a pseudo-terminal as an input error.
            return b""


def on_terminal(*words: object, columns: int = 80, rows: int = 24, cwd: Path = _ROOT) -> Screen:
    """Run `battery` with these words on a terminal; return its screen at the end."""
    command = [sys.executable, "-m", "battery", *map(str, words)]
    return Terminal(*command, columns=columns, rows=rows, cwd=cwd).to_the_end()
