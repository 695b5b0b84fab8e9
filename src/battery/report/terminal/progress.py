"""Who shows the progress of a battery: nobody, plain lines, or a live view.

The live view is in a module of its own, so that rich is loaded for real terminals only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self, TextIO

from battery.base.text import can_show, takes_escapes, write_line
from battery.records.events import Event, Notice, Observer, Plan
from battery.report.terminal.lines import line, notice_line


class _Shown:
    """Hold the stream; there is nothing to set up and nothing to clean."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream

    def _write(self, line: str) -> None:
        """Write a line, unless nobody can read it: a run that is paid for goes on all the same."""
        try:
            if self._stream is not None:
                write_line(self._stream, line)
        except OSError:
            self._stream = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None


class QuietProgress(_Shown):
    """Show warnings only; errors are told elsewhere."""

    def __call__(self, event: Event) -> None:
        """Write a warning as one line."""
        if isinstance(event, Notice) and event.warning:
            self._write(notice_line(event))


class PlainProgress(_Shown):
    """Show one plain line an event, as it happens: for logs, pipes and simple terminals."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._plan: Plan | None = None

    def __call__(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        if isinstance(event, Plan):
            self._plan = event
        text = line(event, self._plan)
        if text is not None:
            self._write(text)


def make_progress(
    *, quiet: bool, stream: TextIO, clock: Callable[[], float] = time.monotonic
) -> AbstractContextManager[Observer]:
    """Choose how progress is shown on the stream, usually standard error.

    Quiet when asked for; the live view on a terminal that can move the cursor and show its
    characters; plain lines otherwise. `clock` gives seconds from any start.
    """
    if quiet:
        return QuietProgress(stream)
    if not (takes_escapes(stream) and can_show(stream, "…·⠋")):
        return PlainProgress(stream)
    from battery.report.terminal.live import LiveProgress  # noqa: PLC0415 - rich only where it is shown

    return LiveProgress(stream, clock=clock)
