"""A real pseudo-terminal for a child process, and what its screen looks like afterwards."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_ROOT = Path(__file__).parents[2]
#: Around the text of a link, which reads as it is.
_LINK = re.compile(r"\x1b\]8;[^\x1b]*\x1b\\")
_TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|(.)", re.DOTALL)


@dataclass
class Screen:
    """As much of a terminal as the live view needs: lines, moving up, erasing a line."""

    lines: list[list[str]] = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    widest: int = 0
    cursor_shown: bool = True
    coloured: bool = False
    #: The screen when the cursor came back: the last frame of a live view.
    last_frame: str = ""

    def feed(self, text: str) -> None:
        """Take what a program wrote."""
        for parameters, command, char in _TOKEN.findall(_LINK.sub("", text)):
            if command:
                self._control(parameters, command)
            else:
                self._put(char)

    def text(self) -> str:
        """Return the screen without trailing blanks."""
        return "\n".join("".join(line).rstrip() for line in self.lines).rstrip("\n")

    def _control(self, parameters: str, command: str) -> None:
        match command:
            case "A":
                self.row -= int(parameters or 1)
                assert self.row >= 0, "moved above the first line"
            case "K":
                self.lines[self.row] = []
            case "m":
                self.coloured = True
            case "h" | "l":
                assert parameters == "?25", f"unexpected mode {parameters}"
                self.cursor_shown = command == "h"
                if self.cursor_shown:
                    self.last_frame = self.text()
            case _:
                raise AssertionError(f"unexpected control sequence {parameters}{command}")

    def _put(self, char: str) -> None:
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append([])
        else:
            assert char.isprintable(), f"control character {char!r}"
            line = self.lines[self.row]
            line.extend(" " * (self.column + 1 - len(line)))
            line[self.column] = char
            self.column += 1
            self.widest = max(self.widest, self.column)


def run_on_terminal(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None, rows: int = 24
) -> Screen:
    """Run a module with its three streams on a terminal of 80 columns; return the screen."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
    # Not the developer's own settings of colours and sizes; but coverage reaches the child.
    clean = {key: value for key, value in os.environ.items() if key.startswith("COVERAGE")}
    clean |= {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "PYTHONUTF8": "1"}
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=clean | dict(environment or {}),
        cwd=_ROOT,
    )
    os.close(slave)
    written = bytearray()
    try:
        while chunk := _read(master):
            written += chunk
    finally:
        os.close(master)
        child.wait()
    screen = Screen()
    screen.feed(written.decode())
    return screen


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:
        # Linux reports the end of a pseudo-terminal as an input error.
        return b""
