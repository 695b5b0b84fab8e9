"""A command at a real pseudo-terminal that a test can talk to while it runs."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.commands import environment, words
from tests.support.screens import owning

_LIMIT_S = 60
_ESCAPE = re.compile(r"\x1b\[[?\d;]*[A-Za-z]")


class Terminal:
    """A running command, and everything that it has put on its terminal."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self._closed = threading.Event()
        self._written = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def text(self) -> str:
        """Return what was written so far, frame by frame, without colours and movements."""
        return _ESCAPE.sub(" ", self._written.decode("utf-8", "replace"))

    def cursor_shown(self) -> bool:
        """Return whether the command has left the cursor visible."""
        return self._written.rfind(b"\x1b[?25h") >= self._written.rfind(b"\x1b[?25l")

    def wait_for(self, text: str) -> None:
        """Return as soon as the text stands on the terminal, whatever way its lines are broken."""
        end = time.monotonic() + _LIMIT_S
        while text.split() not in _windows(self.text().split(), len(text.split())):
            assert time.monotonic() < end, f"no {text!r} in …{self.text()[-2000:]}"
            time.sleep(0.01)

    def close(self) -> None:
        """Close the terminal, as a closed window does: it hangs up on the command."""
        if not self._closed.is_set():
            self._closed.set()
            # Read by somebody, it would not be closed.
            self._reader.join(_LIMIT_S)
            os.close(self._master)

    def type(self, text: str) -> None:
        """Type at the keyboard."""
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Wait until the command ends; return its exit code."""
        code = self.process.wait(_LIMIT_S)
        self._reader.join(_LIMIT_S)
        return code

    def _read(self) -> None:
        # Linux reports the end of a pseudo-terminal as an input error.
        try:
            while not self._closed.is_set():
                if select.select([self._master], [], [], 0.02)[0]:
                    self._written += os.read(self._master, 65536)
        except OSError:
            return


@contextmanager
def on_terminal(*arguments: object, cwd: Path, hangup_ignored: bool = False) -> Iterator[Terminal]:
    """Start a battery command with all three streams on a terminal; kill it if it outlives us."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        owning(words(*arguments), hangup_ignored=hangup_ignored),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=cwd,
        env=environment({"TERM": "xterm-256color", "PYTHONUTF8": "1"}),
        start_new_session=True,
    )
    os.close(slave)
    terminal = Terminal(process, master)
    try:
        yield terminal
    finally:
        process.kill()
        terminal.end()
        terminal.close()


def _windows(parts: list[str], size: int) -> Iterator[list[str]]:
    return (parts[start : start + size] for start in range(len(parts) - size + 1))
