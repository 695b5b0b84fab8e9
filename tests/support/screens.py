"""Commands on a real pseudo-terminal, and what a terminal emulator shows of them.

The emulator is pyte's; what scrolled away above the screen is kept.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import pyte
from pyte.screens import Char

_ROOT: Final = Path(__file__).parents[2]
_LIMIT_S: Final = 60
#: What a shell does before it becomes the command: the terminal is the command's own, so that its
#: size, its keys and its end reach the command as signals.
_SHELL: Final = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
# A background job of a shell, which the tests may be, has it ignored, and so would its children.
signal.signal(signal.SIGINT, signal.SIG_DFL)
if sys.argv[1] == "ignore":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.argv[2], sys.argv[2:])
"""
#: Begins a command that plays a scene.
PLAY: Final = (sys.executable, "-m", "tests.report.play")
_CURSOR_BACK: Final = b"\x1b[?25h"


def owning(words: Sequence[str], *, hangup_ignored: bool = False) -> list[str]:
    """Return a command that makes the terminal on its standard input its own and becomes `words`.

    It has to begin in a session of its own.
    """
    return [sys.executable, "-SEc", _SHELL, "ignore" if hangup_ignored else "", *words]


class Screen:
    """A terminal of some size, fed with what programs write."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=100_000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)
        #: All that it was fed, with what an emulator does not show: colours and links.
        self.written = b""

    def feed(self, written: bytes) -> Self:
        """Take what a program wrote, in pieces of any size."""
        self.written += written
        self._stream.feed(written)
        return self

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, as its user does; no line is broken anew."""
        screen, cursor = self._screen, self._screen.cursor
        y, gone = cursor.y, max(cursor.y + 1 - rows, 0)
        # Lines scroll away at the top as long as the cursor would be outside; pyte drops them.
        for _ in range(gone):
            cursor.y = screen.lines - 1
            screen.index()
        for line in [line for line in screen.buffer if line >= rows]:
            del screen.buffer[line]
        screen.lines = rows
        screen.resize(rows, columns)
        cursor.y, cursor.x = y - gone, min(cursor.x, columns - 1)

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
        return [
            "".join(line[at].data for at in range(max(line, default=-1) + 1)).rstrip()
            for line in self._screen.history.top
        ]

    @property
    def everything(self) -> list[str]:
        """All lines, those that scrolled away first."""
        return [*self.scrolled, *self.lines]

    @property
    def coloured(self) -> bool:
        """Whether anything has a colour."""
        lines = [*self._screen.history.top, *self._screen.buffer.values()]
        return any(char.fg != "default" for line in lines for char in line.values())

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
        hangup_ignored: bool = False,
    ) -> None:
        self.screen = Screen(columns, rows)
        #: Whether what is typed was shown at the end.
        self.echoed = False
        self._written = bytearray()
        self._master, slave = pty.openpty()
        self._size(columns, rows)
        # Not the developer's own settings of colours and sizes; but coverage reaches the child.
        clean = {key: value for key, value in os.environ.items() if key.startswith("COVERAGE")}
        clean |= {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "PYTHONUTF8": "1"}
        self.child = subprocess.Popen(
            owning(words, hangup_ignored=hangup_ignored),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=clean | dict(environment or {}),
            cwd=cwd,
            start_new_session=True,
        )
        os.close(slave)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size; the kernel tells the child by SIGWINCH."""
        self._size(columns, rows)
        self.screen.resize(columns, rows)

    def close(self) -> None:
        """Close the terminal, as its user does with its window: it hangs up on the child."""
        os.close(self._master)

    def type(self, text: str) -> None:
        """Type at the keyboard."""
        os.write(self._master, text.encode())

    @property
    def echoes(self) -> bool:
        """Whether what is typed is shown."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def wait_for(self, text: str) -> None:
        """Read until the text is in one line of the screen."""
        end = time.monotonic() + _LIMIT_S
        while not any(text in line for line in self.screen.everything):
            assert time.monotonic() < end, f"no {text!r} in {self.screen.everything}"
            self.read_for(0.02)

    def read_for(self, seconds: float) -> None:
        """Read what comes in so many seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._master], [], [], left)[0]:
                self._take(self._read())

    def to_the_end(self, look: Callable[[Screen], None] | None = None) -> Screen:
        """Read until the child closes the terminal; `look` sees the screen after each piece."""
        while chunk := self._read():
            self._take(chunk)
            if look:
                look(self.screen)
        self.echoed = self.echoes
        self.close()
        self.child.wait()
        return self.screen

    def last_frame(self) -> list[str]:
        """Return what was in view just before the cursor came back, in a terminal of one size."""
        before, _, _ = self._written.rpartition(_CURSOR_BACK)
        return Screen(*self._size_now).feed(bytes(before)).lines

    def _take(self, chunk: bytes) -> None:
        self._written += chunk
        self.screen.feed(chunk)

    def _size(self, columns: int, rows: int) -> None:
        self._size_now = columns, rows
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> bytes:
        try:
            return os.read(self._master, 65536)
        except OSError:
            # Linux reports the end of a pseudo-terminal as an input error.
            return b""


def on_terminal(
    *words: object,
    columns: int = 80,
    rows: int = 24,
    cwd: Path = _ROOT,
    environment: Mapping[str, str] | None = None,
) -> Screen:
    """Run `battery` with these words on a terminal; return its screen at the end."""
    command = [sys.executable, "-m", "battery", *map(str, words)]
    terminal = Terminal(*command, columns=columns, rows=rows, cwd=cwd, environment=environment)
    return terminal.to_the_end()


def played(
    *words: str,
    columns: int = 80,
    rows: int = 24,
    environment: Mapping[str, str] | None = None,
) -> Terminal:
    """Play a scene of `tests.report.play` on a terminal, to its end."""
    terminal = Terminal(*PLAY, *words, columns=columns, rows=rows, environment=environment)
    terminal.to_the_end()
    return terminal
