"""The live view on a terminal: how rich draws the board, and who may write when.

Only this module imports rich. It shows a few rows, however long the battery is.
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

from battery.base.clock import awake
from battery.base.interrupts import held_back
from battery.base.numbers import duration
from battery.base.text import brief, cells, fit, pad
from battery.records import events
from battery.records.models import ARM_NAMES, FROZEN, KINDS, LEARN, Arm
from battery.records.stages import STAGE_NAMES
from battery.report.terminal.board import Board, Cell, Key, MetaRow
from battery.report.terminal.lines import (
    count,
    fitted,
    introduction_lines,
    iteration_line,
    notice_line,
    place,
    plan_lines,
)
from battery.report.terminal.look import Look

#: Seconds between two frames.
_PAUSE_S: Final = 0.25
#: Columns of a frame at most: further right, numbers would be far from what they are of.
_WIDEST: Final = 100
#: Columns of a label that a row should have left when it shows everything.
_LABEL: Final = 24
#: Lines from which blank ones set the parts of a frame apart.
_TALL: Final = 16
_LEAST_BAR: Final = 8
_TOKENS: Final = 9
_OUTCOME: Final = 7
_KIND: Final = max(map(len, STAGE_NAMES.values()))
_SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_GOOD: Final = "green"
#: How outcomes look that are not as they should be.
_STYLES: Final = {"blocked": "magenta", "failed": "yellow", "bluff": "red"}
_WORST_LAST: Final = ("ok", "refused", *_STYLES)
#: Where `termios` has the modes of which echo is one.
_LOCAL: Final = 3
#: What terminals are told.
_WIPE: Final = "\r\x1b[J"
_UP: Final = "\x1b[A"
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_WRAP, _NO_WRAP = "\x1b[?7h", "\x1b[?7l"

_Handler = Callable[[int, FrameType | None], object] | signal.Handlers


class LiveProgress:
    """Show the iteration under way, redrawn in place; what is to stay is printed above it.

    Drawing happens every `pause` seconds in a thread of its own, so an event costs next to
    nothing. On leaving, by an error too, the view is wiped and the cursor is back. A terminal that
    was closed is left alone: whatever is shown goes on without a view.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        clock: Callable[[], float] = awake,
        pause: float = _PAUSE_S,
        watching: bool = False,
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._change = Look.of(stream).change
        self._board = Board(started=clock(), watched=watching)
        # Two threads would write into each other's text. It guards the board as well.
        self._lock = threading.Lock()
        #: Whether a view is up.
        self._up = False
        #: Whether the terminal shows what is typed without a view, as its mode.
        self._echo = 0
        #: Whether Ctrl-Z waits for the end of a frame.
        self._suspends = False
        self._over = threading.Event()
        self._timer = threading.Thread(target=self._draw, name="live view", daemon=True)
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

    def __call__(self, event: events.Event) -> None:
        """Take one event; what is to stay is printed above the view."""
        with self._writing():
            self._board.update(event, self._clock())
            lasting = list(self._lasting(event))
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
        frame = draw(self._board, min(width, _WIDEST), height, self._clock())
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

    def _lasting(self, event: events.Event) -> Iterator[Text]:
        # As Text: a plain string would be read as rich's markup.
        match event:
            case events.Introduction():
                yield Text(introduction_lines(event), style="dim")
            case events.Plan():
                yield Text(plan_lines(event, self._console.width), style="dim")
            case events.IterationFinished():
                line = iteration_line(event, self._board.plan)
                yield Text(fitted(self._change(line), self._console.width))
            case events.Notice():
                yield Text(notice_line(event), style="yellow" if event.warning else "dim")
            case _:
                pass

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

    def _draw(self) -> None:
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


def draw(board: Board, width: int, height: int, now: float) -> list[Text]:
    """Draw a board in at most so many columns, and in fewer lines than the terminal has."""
    gap = [Text()] if height >= _TALL else []
    head = [_title(board, width, now), *_bar(board, width, now)]
    metas = [_meta(row, width, now) for row in board.metas]
    room = height - 1 - len(head) - len(metas) - len(gap) * (1 + bool(metas))
    table = list(_table(board, width, max(room - 1, 1), now)) if board.rows else []
    parts = [part for part in (head, table, metas) if part]
    lines = [line for part in parts for line in (*gap, *part)][len(gap) :]
    for line in lines:
        line.truncate(width)
    # A frame that fills the terminal could not be wiped any more.
    return lines[: max(height - 1, 1)]


def _title(board: Board, width: int, now: float) -> Text:
    number = place(board.iteration, board.plan) if board.iteration else ""
    rest = [*filter(None, [board.stage, _age(board, now)])]
    first = f"iteration {number}" if number else "watching" if board.watched else "starting"
    text = " · ".join([first, *rest])
    if cells(text) > width and number:
        text = " · ".join([number, *rest])
    return Text(brief(text, width), "bold")


def _age(board: Board, now: float) -> str:
    if not board.watched:
        return _seconds(now - board.started)
    # It says whether anything happens.
    return "" if board.news is None else f"last call {_seconds(now - board.news)} ago"


def _bar(board: Board, width: int, now: float) -> Iterator[Text]:
    calls = board.calls()
    if calls is None:
        return
    text = f"{calls[0]:,} of {calls[1]:,} calls"
    left = board.seconds_left(now)
    after = f" · about {_seconds(left)} left" if left and left >= 1 else ""
    if cells(text + after) <= width:
        text += after
    room = width - cells(text) - 2
    if room < _LEAST_BAR:
        yield Text(fit(text, width))
        return
    done = room * calls[0] // max(calls[1], 1)
    yield Text.assemble(("━" * done, "cyan"), ("─" * (room - done), "dim"), f"  {text}")


def _seconds(seconds: float) -> str:
    # Tenths would flicker, and promise what no guess can keep.
    return f"{seconds:.0f} s" if seconds < 59.5 else duration(round(seconds))


def _table(board: Board, width: int, count: int, now: float) -> Iterator[Text]:
    """Draw a row per task, under a heading."""
    arms: list[Arm] = [LEARN, FROZEN] if board.plan and board.plan.arms > 1 else [LEARN]
    room = width - len(arms) * (2 + _TOKENS)
    more = len(arms) * (1 + _OUTCOME) + 1 + _KIND
    roomy = room - more >= _LABEL
    room -= roomy * more
    rows = board.latest(count) if room > 0 else []
    if rows:
        yield Text(_heading(arms, room, roomy=roomy), "dim")
    for key, row in rows:
        kind = f"{KINDS[key.phase]:<{_KIND}} " if roomy else ""
        parts = [Text(kind + pad(_label(key), room))]
        parts += [_cell(row.cells.get(arm, Cell()), now, roomy=roomy) for arm in arms]
        yield Text("  ").join(parts)


def _heading(arms: Iterable[Arm], room: int, *, roomy: bool) -> str:
    task = f"{'kind':<{_KIND}} task" if roomy else "task"
    first, *others = (ARM_NAMES[arm] for arm in arms)
    left = room + roomy * (1 + _KIND) + 2 + _TOKENS - cells(task)
    named = f"tokens: {first}"
    start = f"  {named if cells(named) + 2 <= left else first}"
    after = " " * (roomy * (1 + _OUTCOME) + 2)
    return task + start.rjust(left) + "".join(f"{after}{name:>{_TOKENS}}" for name in others)


def _label(key: Key) -> str:
    # Before the label, which may be cut.
    return brief(f"{key.mark}: {key.label}" if key.mark else key.label, _WIDEST)


def _cell(cell: Cell, now: float, *, roomy: bool) -> Text:
    if cell.started is not None:
        text = f"{_running(cell.started, now):>{_TOKENS}}"
        return Text(f"{text} {'':<{_OUTCOME}}" if roomy else text, "cyan")
    tokens = count(cell.tokens and round(cell.tokens / cell.calls)) if cell.calls else ""
    word, style = _outcome(cell)
    if roomy:
        return Text.assemble(f"{tokens:>{_TOKENS}} ", (f"{word:<{_OUTCOME}}", style))
    # The colour alone would say it to few.
    return Text(f"{tokens if style == _GOOD else word:>{_TOKENS}}", style)


def _outcome(cell: Cell) -> tuple[str, str]:
    """Say how the calls of a task ended: in a word, or how many of them as they should."""
    words = sorted(cell.outcomes, key=_WORST_LAST.index)
    if not words:
        return "", _GOOD
    style = _STYLES.get(words[-1], _GOOD)
    if len(words) == 1:
        return words[0], style
    good = sum(times for word, times in cell.outcomes.items() if word not in _STYLES)
    return f"{good} of {cell.calls}", style


def _meta(row: MetaRow, width: int, now: float) -> Text:
    if row.elapsed_ms is None:
        time = _running(row.started, now)
    else:
        time = "from disk" if row.replayed else duration(row.elapsed_ms / 1000)
    room = max(width - _KIND - _TOKENS - 2, 1)
    text = (
        f"{STAGE_NAMES[row.name]:<{_KIND}} {pad(brief(row.text, _WIDEST), room)} {time:>{_TOKENS}}"
    )
    return Text(text, "cyan" if row.elapsed_ms is None else "")


def _running(since: float, now: float) -> str:
    return f"{_seconds(now - since)} {_SPINNER[int(now / _PAUSE_S) % len(_SPINNER)]}"
