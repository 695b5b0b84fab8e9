"""Frames on a terminal, each in place of the last one, below what is to stay: who may write when.

Whatever is shown live is drawn by this, and only by this.
"""

from __future__ import annotations

import os
import signal
import termios
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, Self, TextIO

from rich.console import Console
from rich.text import Text

from battery.base.interrupts import held_back
from battery.base.numbers import duration
from battery.base.text import cells, fit

#: Seconds between two frames.
PAUSE_S: Final = 0.25
#: Columns of a frame at most: further right, numbers would be far from what they are of.
WIDEST: Final = 100
_LEAST_BAR: Final = 8
#: Where `termios` has the modes of which echo is one.
_LOCAL: Final = 3
#: What terminals are told.
_WIPE: Final = "\r\x1b[J"
_UP: Final = "\x1b[A"
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_WRAP, _NO_WRAP = "\x1b[?7h", "\x1b[?7l"

_Handler = Callable[[int, FrameType | None], object] | signal.Handlers


class Live:
    """Redraw a view in place; what is to stay is printed above it.

    Drawing happens every `pause` seconds in a thread of its own, so a change costs next to
    nothing. On leaving, by an error too, the view is wiped and the cursor is back. A terminal that
    was closed is left alone: whatever is shown goes on without a view.
    """

    def __init__(
        self, stream: TextIO, draw: Callable[[int, int], list[Text]], pause: float = PAUSE_S
    ) -> None:
        """Make a view; `draw` returns its lines for so many columns, fewer than so many rows."""
        self._draw = draw
        self._pause = pause
        # Two threads would write into each other's text. It guards what is drawn as well.
        self._lock = threading.Lock()
        #: Whether a view is up.
        self._up = False
        #: Whether the terminal shows what is typed without a view, as its mode.
        self._echo = 0
        #: Whether Ctrl-Z waits for the end of a frame.
        self._suspends = False
        self._over = threading.Event()
        self._timer = threading.Thread(target=self._redraw, name="live view", daemon=True)
        self._stream = stream
        self._console = Console(file=stream, highlight=False)

    def __enter__(self) -> Self:
        self._hand_over(signal.SIG_DFL, self._suspend)
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._timer.join()
        with self._writing():
            # The last frame would say nothing that is not printed above.
            self._wipe()
        self._hand_over(self._suspend, signal.SIG_DFL)

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return self._console.width

    def change(self, update: Callable[[], Iterable[Text]]) -> None:
        """Change what is drawn while no frame is; what `update` returns is to stay above it."""
        with self._writing():
            lasting = list(update())
            if lasting:
                self._show(lasting)

    def _show(self, lasting: Iterable[Text] = ()) -> None:
        """Write a frame in place of the last one, below what is to stay."""
        with self._console.capture() as printed:
            for line in lasting:
                self._console.print(line)
        if not self._in_front():
            # The terminal is somebody else's, such as the shell's.
            self._up = False
            self._write(printed.get())
            return
        if not self._up:
            self._up = True
            self._set_echo(on=False)
        width, height = self._console.size
        frame = self._draw(min(width, WIDEST), height)
        with self._console.capture() as drawn:
            self._console.print(Text("\n").join(frame), end="", no_wrap=True, overflow="crop")
        # The cursor waits where the frame begins, and below it nothing is to stay. So nobody has to
        # know how many rows the last frame takes by now: a terminal that became narrower may have
        # broken its lines or cut them off. Terminals also disagree about how wide some characters
        # are, and a line that were wrapped would take a row more than the cursor goes up.
        shown = f"{_NO_WRAP}{drawn.get()}{_WRAP}\r{_UP * (len(frame) - 1)}"
        self._write(f"{_HIDE}{_WIPE}{printed.get()}{shown}")

    def _wipe(self) -> None:
        """Leave the terminal as it was, where the last frame began."""
        if self._up:
            self._up = False
            self._write(_WIPE + _SHOW)
            self._set_echo(on=True)

    def _suspend(self, *_: object) -> None:
        """Stop as Ctrl-Z has it, but with the view wiped; it comes back with the next frame."""
        # Whoever is writing, be it what this interrupts, is to end that first.
        self._suspends = not self._lock.acquire(blocking=False)
        if self._suspends:
            return
        with suppress(OSError):
            self._wipe()
        self._lock.release()
        self._hand_over(self._suspend, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        self._hand_over(signal.SIG_DFL, self._suspend)

    def _hand_over(self, before: _Handler, then: _Handler) -> None:
        """Change what Ctrl-Z does, where it does what it did `before`."""
        # A program may have a handler of its own, and only its main thread may change that.
        with suppress(ValueError):
            if signal.getsignal(signal.SIGTSTP) == before:
                signal.signal(signal.SIGTSTP, then)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def _in_front(self) -> bool:
        """Return whether the terminal is ours, unlike that of a job in the background."""
        try:
            return os.tcgetpgrp(self._stream.fileno()) == os.getpgrp()
        except OSError:
            # One that is not the program's own terminal has no jobs.
            return True

    def _set_echo(self, *, on: bool) -> None:
        # What is typed, be it only Ctrl-C, would move the cursor, and the frame could not be wiped.
        # In the background, changing the terminal would stop the process.
        if self._in_front():
            with suppress(OSError, termios.error):
                terminal = self._stream.fileno()
                modes = termios.tcgetattr(terminal)
                echo, modes[_LOCAL] = modes[_LOCAL] & termios.ECHO, modes[_LOCAL] & ~termios.ECHO
                modes[_LOCAL] |= self._echo if on else 0
                self._echo = echo
                termios.tcsetattr(terminal, termios.TCSANOW, modes)

    def _redraw(self) -> None:
        while not self._over.wait(self._pause):
            with self._lock, suppress(OSError):
                self._show()
            if self._suspends:
                os.kill(os.getpid(), signal.SIGTSTP)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        # Broken off by a signal half way, it would leave the cursor anywhere.
        with held_back(), self._lock, suppress(OSError):
            yield


def progress_bar(done: int, total: int, seconds_left: float | None, width: int) -> Text:
    """Draw how many calls are done, with the time left where there is a guess and room for it."""
    text = f"{done:,} of {total:,} calls"
    after = f" · about {rough(seconds_left)} left" if seconds_left and seconds_left >= 1 else ""
    if cells(text + after) <= width:
        text += after
    room = width - cells(text) - 2
    if room < _LEAST_BAR:
        return Text(fit(text, width))
    filled = room * done // max(total, 1)
    return Text.assemble(("━" * filled, "cyan"), ("─" * (room - filled), "dim"), f"  {text}")


def rough(seconds: float) -> str:
    """Write a duration in whole seconds."""
    # Tenths would flicker, and promise what no guess can keep.
    return f"{seconds:.0f} s" if seconds < 59.5 else duration(round(seconds))
