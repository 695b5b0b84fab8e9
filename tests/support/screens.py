"""Commands on a real pseudo-terminal, and what a terminal emulator shows of them.

The emulator is pyte's; what scrolled away above the screen is kept.
"""

from __future__ import annotations

import fcntl
import os
import pty
import queue
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import pyte
from pyte.screens import Char, StaticDefaultDict

from tests.support.commands import words

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
os.execvp(sys.argv[2], sys.argv[2:])
"""
#: Begins a command that plays a scene.
PLAY: Final = (sys.executable, "-m", "tests.report.play")
_WIPE: Final = b"\x1b[J"


def owning(command: Sequence[str], *, hangup_ignored: bool = False) -> list[str]:
    """Return a command that makes the terminal on its standard input its own and becomes `command`.

    It has to begin in a session of its own.
    """
    return [sys.executable, "-SEc", _SHELL, "ignore" if hangup_ignored else "", *command]


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

    def resize(self, columns: int, rows: int, *, wraps: bool = False) -> None:
        """Give the terminal another size, as its user does.

        Terminals either cut off what is too long by then, or break it and any later line (`wraps`).
        """
        screen, cursor = self._screen, self._screen.cursor
        lines = [self._row(y) for y in range(screen.lines)]
        pieces = [list(_pieces(line, columns)) if wraps else [line[:columns]] for line in lines]
        y = sum(map(len, pieces[: cursor.y]))
        flat = [piece for line in pieces for piece in line]
        # As little as possible scrolls away: what is below the cursor goes first.
        gone = max(y + 1 - rows, 0)
        for piece in flat[:gone]:
            row = StaticDefaultDict[int, Char](screen.default_char)
            row.update(enumerate(piece))
            screen.history.top.append(row)
        screen.lines = rows
        screen.resize(rows, columns)
        screen.buffer.clear()
        for at, piece in enumerate(flat[gone : gone + rows]):
            screen.buffer[at].update(enumerate(piece))
        cursor.y, cursor.x = y - gone, min(cursor.x, columns - 1)

    def _row(self, y: int) -> list[Char]:
        line = self._screen.buffer[y]
        return [line[x] for x in range(max(line, default=-1) + 1)]

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


def _pieces(line: list[Char], columns: int) -> Iterator[list[Char]]:
    yield line[:columns]
    for start in range(columns, len(line), columns):
        yield line[start : start + columns]


class Terminal:
    """One child process with its three streams on a terminal of its own."""

    def __init__(
        self,
        *command: str,
        columns: int = 80,
        rows: int = 24,
        cwd: Path = _ROOT,
        environment: Mapping[str, str] | None = None,
        hangup_ignored: bool = False,
    ) -> None:
        self._screen = Screen(columns, rows)
        #: What is not on the screen yet.
        self._written: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._master, slave = pty.openpty()
        self._size(columns, rows)
        # Not the developer's own settings of colours and sizes; but coverage reaches the child.
        clean = {key: value for key, value in os.environ.items() if key.startswith("COVERAGE")}
        clean |= {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "PYTHONUTF8": "1"}
        self.process = subprocess.Popen(
            owning(command, hangup_ignored=hangup_ignored),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=clean | dict(environment or {}),
            cwd=cwd,
            start_new_session=True,
        )
        os.close(slave)
        # In a thread, so that the child never has to wait for a test that looks elsewhere.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the child if it is still there, and close the terminal."""
        self.process.kill()
        self.end()
        self.close()

    @property
    def screen(self) -> Screen:
        """What the terminal shows by now."""
        with suppress(queue.Empty):
            while True:
                self._screen.feed(self._written.get_nowait())
        return self._screen

    @property
    def text(self) -> str:
        """All lines that the terminal shows by now, those that scrolled away first."""
        return "\n".join(self.screen.everything)

    def resize(self, columns: int, rows: int, *, wraps: bool = False) -> None:
        """Change the size; the kernel tells the child by SIGWINCH."""
        self._size(columns, rows)
        self.screen.resize(columns, rows, wraps=wraps)

    def close(self) -> None:
        """Close the terminal, as its user does with its window: it hangs up on the child."""
        if not self._closed.is_set():
            self._closed.set()
            # Read by somebody, it would not be closed.
            self._reader.join(_LIMIT_S)
            os.close(self._master)

    def type(self, text: str) -> None:
        """Type at the keyboard."""
        os.write(self._master, text.encode())

    def echoes(self) -> bool:
        """Return whether what is typed is shown."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def wait_for(self, text: str) -> None:
        """Return as soon as the terminal shows the text, whichever way its lines are broken."""
        end = time.monotonic() + _LIMIT_S
        while not shows(self.text, text):
            assert time.monotonic() < end, f"no {text!r} in {self.text}"
            time.sleep(0.02)

    def wait_for_frames(self, number: int) -> None:
        """Return once so many frames were drawn from now on."""
        end, before = time.monotonic() + _LIMIT_S, self.screen.written.count(_WIPE)
        while self.screen.written.count(_WIPE) < before + number:
            assert time.monotonic() < end, self.text
            time.sleep(0.02)

    def end(self) -> int:
        """Wait until the child ends; return its exit code."""
        code = self.process.wait(_LIMIT_S)
        self._reader.join(_LIMIT_S)
        return code

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        # Linux reports the end of a pseudo-terminal as an input error.
        with suppress(OSError):
            while not self._closed.is_set():
                if select.select([self._master], [], [], 0.02)[0]:
                    self._written.put(os.read(self._master, 65536))


def shows(everything: str, text: str) -> bool:
    """Return whether a text is there, whichever way its lines are broken between words."""
    return f" {' '.join(text.split())} " in f" {' '.join(everything.split())} "


def at_terminal(
    *arguments: object, cwd: Path, columns: int = 80, hangup_ignored: bool = False
) -> Terminal:
    """Start a battery command on a terminal; as a context it is killed if it outlives us."""
    return Terminal(*words(*arguments), columns=columns, cwd=cwd, hangup_ignored=hangup_ignored)


def on_terminal(
    *arguments: object,
    columns: int = 80,
    rows: int = 24,
    cwd: Path = _ROOT,
    environment: Mapping[str, str] | None = None,
) -> Screen:
    """Run a battery command on a terminal; return its screen at the end."""
    command = words(*arguments)
    with Terminal(
        *command, columns=columns, rows=rows, cwd=cwd, environment=environment
    ) as terminal:
        terminal.end()
        return terminal.screen


def played(
    *arguments: str,
    columns: int = 80,
    rows: int = 24,
    environment: Mapping[str, str] | None = None,
) -> Terminal:
    """Play a scene of `tests.report.play` on a terminal, to its end."""
    with Terminal(
        *PLAY, *arguments, columns=columns, rows=rows, environment=environment
    ) as terminal:
        terminal.end()
        return terminal
