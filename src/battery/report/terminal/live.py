"""The live view on a terminal: what it shows, and how rich draws it.

Only this module imports rich. It shows a few rows, however long the battery is, and each event
costs the same, whether it is the tenth or the ten-thousandth.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple, Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from battery.base.clock import awake
from battery.base.interrupts import held_back
from battery.base.numbers import duration
from battery.base.text import brief, cells
from battery.records import events
from battery.records.models import Phase
from battery.records.stages import DISTILL, META_STAGES, STAGE_NAMES
from battery.report.terminal.lines import (
    cost,
    count,
    iteration_line,
    notice_line,
    place,
    prefix,
    status_word,
)

#: Finished tasks in view; older ones have scrolled away.
ROWS: Final = 12
#: Steps to have seen before a guess at the time left is worth showing.
_ENOUGH: Final = 3


class Key(NamedTuple):
    """What tells the calls under way apart; the same one is never under way twice."""

    phase: Phase
    #: The task as it is shown, with its arm.
    label: str


@dataclass(slots=True)
class MetaRow:
    """One meta stage: what it says now, and its time once it is done."""

    name: str
    text: str
    started: float
    elapsed_ms: int | None = None
    replayed: bool = False


@dataclass(slots=True)
class Board:
    """The state of the live view; `started` and all times are seconds of one clock."""

    started: float
    plan: events.Plan | None = None
    iteration: int = 0
    stage: str = ""
    tasks_done: int = 0
    metas_done: int = 0
    rows: deque[events.TaskFinished] = field(default_factory=lambda: deque(maxlen=ROWS))
    running: dict[Key, float] = field(default_factory=dict)
    metas: list[MetaRow] = field(default_factory=list)
    #: Steps that really took place since the start, for the pace.
    _paid: int = 0

    def update(self, event: events.Event, now: float) -> None:
        """Take one event; a notice changes nothing here."""
        match event:
            case events.Plan():
                self.plan = event
            case events.StageStarted():
                self._start_stage(event, now)
            case events.TaskStarted():
                # A dict keeps the order of starting and forgets by key, however many run.
                self.running[_key(event)] = now
            case events.TaskFinished():
                self._finish_task(event)
            case events.DistillEvent():
                self._last_meta(DISTILL.name, now).text = f"{event.role}: {event.text}"
            case events.MetaFinished():
                self._finish_meta(event, now)
            case events.IterationFinished():
                self._finish_iteration(event)
            case _:
                pass

    def tasks(self) -> tuple[int, int] | None:
        """Return how many task calls are done and how many there are; None before the plan."""
        if self.plan is None:
            return None
        # One more iteration of an old battery may be numbered beyond the plan.
        if self.iteration > self.plan.iterations:
            return self.tasks_done, self.plan.asks(self.iteration)
        asks = [self.plan.asks(number) for number in range(1, self.plan.iterations + 1)]
        return sum(asks[: max(self.iteration - 1, 0)]) + self.tasks_done, sum(asks)

    def seconds_left(self, now: float) -> float | None:
        """Guess the time left from the pace so far; None while there is too little to go by.

        Tasks and meta stages count as one step each. Replayed steps took no time and are left
        out of the pace.
        """
        if self.plan is None or self._paid < _ENOUGH:
            return None
        # From the iteration's number, not from a count: a resume starts in the middle.
        later = sum(map(self.plan.calls_of, range(self.iteration + 1, self.plan.iterations + 1)))
        steps = self.plan.calls_of(max(self.iteration, 1))
        left = later + max(steps - self.tasks_done - self.metas_done, 0)
        return (now - self.started) / self._paid * left

    def _start_stage(self, event: events.StageStarted, now: float) -> None:
        if event.iteration != self.iteration:
            self._clear()
            self.iteration = event.iteration
        self.stage = event.title
        if event.name in {stage.name for stage in META_STAGES}:
            self.metas.append(MetaRow(event.name, event.title, now))

    def _finish_task(self, event: events.TaskFinished) -> None:
        self.running.pop(_key(event), None)
        self.rows.append(event)
        # A confirmation is no step of the plan: nobody knew before that it would be needed.
        self.tasks_done += not event.confirm
        # A replayed task took no time now, whatever its record says.
        self._paid += not event.replayed

    def _finish_meta(self, event: events.MetaFinished, now: float) -> None:
        row = self._last_meta(event.name, now)
        row.text, row.elapsed_ms, row.replayed = event.detail, event.elapsed_ms, event.replayed
        self.metas_done += 1
        self._paid += not event.replayed

    def _finish_iteration(self, event: events.IterationFinished) -> None:
        # Set, not counted: an iteration that was finished before a resume comes without events.
        self._clear()
        self.iteration = event.metrics.iteration
        # The metrics are the learner's alone.
        asks = self.plan and self.plan.asks(self.iteration)
        self.tasks_done = event.metrics.total_tasks if asks is None else asks
        self.metas_done = len(META_STAGES)

    def _last_meta(self, name: str, now: float) -> MetaRow:
        # Meta stages run one after the other, so an event belongs to the one that is open; after
        # a resume there may be none, for what is replayed was announced in the earlier run.
        if not self.metas or self.metas[-1].elapsed_ms is not None:
            self.metas.append(MetaRow(name, "", now))
        return self.metas[-1]

    def _clear(self) -> None:
        self.rows.clear()
        self.running.clear()
        self.metas.clear()
        self.tasks_done = self.metas_done = 0


def _key(event: events.TaskStarted | events.TaskFinished) -> Key:
    return Key(event.phase, prefix(event) + event.label)


#: Seconds between two frames.
_PAUSE_S: Final = 0.25
#: Lines that are always there: header, table head, running task, meta stages, blank lines.
_FIXED_LINES: Final = 10
_RUNNING_SHOWN: Final = 3
_LEAST_STAGE: Final = 8
#: More than any terminal is wide; rich cuts to the column.
_LABEL: Final = 200
_STYLES: Final = {"ok": "green", "failed": "yellow", "blocked": "magenta"}


class LiveProgress:
    """Show the iteration under way, redrawn in place; finished ones scroll away above it.

    Drawing happens every `pause` seconds in a thread of its own, so an event costs next to
    nothing. On leaving, by an error too, the view is wiped and the cursor is back. A terminal that
    was closed is left alone: whatever is shown goes on without a view.
    """

    def __init__(
        self, stream: TextIO, *, clock: Callable[[], float] = awake, pause: float = _PAUSE_S
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._board = Board(started=clock())
        # Whoever writes moves up over the last frame first and leaves another behind: of two who
        # do so at a time, one wipes what the other has just printed. rich computes the movement
        # before it takes the lock under which it writes, so each print and each frame takes this
        # one. It guards the board as well.
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._timer = threading.Thread(target=self._draw, name="live view", daemon=True)
        # One for all frames: a new one would start its turn again each time.
        self._spinner = Spinner("dots", style="cyan")
        self._console = Console(file=stream, highlight=False)
        self._live = Live(
            get_renderable=self.frame,
            console=self._console,
            # Its own thread would be a second writer.
            auto_refresh=False,
            # What stays on the screen is printed above; the last frame would say nothing new.
            transient=True,
            # Results go to standard output untouched, even while the view is up.
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        with self._writing():
            self._live.start()
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._timer.join()
        with self._writing():
            self._live.stop()

    def __call__(self, event: events.Event) -> None:
        """Take one event; plan, finished iterations and notices are printed above the view."""
        with self._writing():
            self._board.update(event, self._clock())
            # As Text: a plain string would be read as rich's markup.
            if isinstance(event, events.Plan):
                self._console.print(Text(cost(event), style="dim"))
            elif isinstance(event, events.IterationFinished):
                self._console.print(Text(iteration_line(event.metrics, self._board.plan)))
                self._live.refresh()  # or the frame below would still show the time before
            elif isinstance(event, events.Notice):
                style = "yellow" if event.warning else "dim"
                self._console.print(Text(notice_line(event), style=style))

    def frame(self) -> RenderableType:
        """Draw the view as it is now; whoever else may write has to wait meanwhile."""
        now = self._clock()
        parts: list[RenderableType] = [_header(self._board, self._console.width, now)]
        # A frame taller than the terminal could not be wiped any more.
        rows = min(ROWS, max(self._console.height - _FIXED_LINES, 1))
        if self._board.rows or self._board.running:
            parts.append(_task_table(self._board, rows, self._spinner, now))
        if self._board.metas:
            parts.append(_meta_table(self._board, self._spinner, now))
        return Group(*parts)

    def _draw(self) -> None:
        while not self._over.wait(self._pause):
            with self._lock, suppress(OSError):
                self._live.refresh()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        # A signal that broke off a movement half way would leave the next one without its start.
        with held_back(), self._lock, suppress(OSError):
            yield


def _header(board: Board, width: int, now: float) -> Text:
    parts = []
    if (tasks := board.tasks()) is not None:
        parts.append(f"{tasks[0]:,} of {tasks[1]:,} tasks")
    parts.append(duration(now - board.started))
    if left := board.seconds_left(now):
        parts.append(f"about {duration(left)} left")
    text = " · ".join(parts)
    if board.iteration:
        start = f"iteration {place(board.iteration, board.plan)} · "
        if not board.stage:
            return Text(start + text, style="bold", no_wrap=True, overflow="ellipsis")
        # The stage gives way, so that the time left is never what is cut off.
        room = max(width - cells(start) - cells(text) - 3, _LEAST_STAGE)
        text = f"{start}{brief(board.stage, room)} · {text}"
    return Text(text, style="bold", no_wrap=True, overflow="ellipsis")


def _task_table(board: Board, rows: int, spinner: Spinner, now: float) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("", width=1)
    table.add_column("kind", width=10)
    table.add_column("task", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("status", min_width=7, no_wrap=True)
    for name, width in (("turns", 5), ("tokens", 7), ("overseer", 8), ("time", 7)):
        table.add_column(name, min_width=width, justify="right", no_wrap=True)
    for event in islice(board.rows, max(len(board.rows) - rows, 0), None):
        table.add_row(*_finished(event))
    for key, started in islice(board.running.items(), _RUNNING_SHOWN):
        table.add_row(*_running(key, started, spinner, now))
    if len(board.running) > _RUNNING_SHOWN:
        table.add_row("", "", Text(f"and {len(board.running) - _RUNNING_SHOWN:,} more", "dim"))
    return table


def _finished(event: events.TaskFinished) -> Iterator[RenderableType]:
    result = event.result
    yield ""
    yield STAGE_NAMES[event.phase]
    yield Text(brief(prefix(event) + event.label, _LABEL))
    yield Text(status_word(result), style="red" if result.refuted else _STYLES[result.status])
    yield count(result.turns)
    yield count(result.tokens)
    yield "yes" if result.overseer_called else ""
    yield "saved" if event.replayed else duration(result.elapsed_ms / 1000)


def _running(key: Key, started: float, spinner: Spinner, now: float) -> Iterator[RenderableType]:
    yield spinner
    yield STAGE_NAMES[key.phase]
    yield Text(brief(key.label, _LABEL))
    yield Text("running", style="cyan")
    yield from ("", "", "")
    yield duration(now - started)


def _meta_table(board: Board, spinner: Spinner, now: float) -> Table:
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(width=10)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(min_width=7, justify="right", no_wrap=True)
    for row in board.metas:
        table.add_row(*_meta(row, spinner, now))
    return table


def _meta(row: MetaRow, spinner: Spinner, now: float) -> Iterator[RenderableType]:
    running = row.elapsed_ms is None
    yield spinner if running else ""
    yield Text(STAGE_NAMES[row.name])
    yield Text(brief(row.text, _LABEL))
    if row.replayed:
        yield "saved"
    else:
        yield duration(now - row.started if row.elapsed_ms is None else row.elapsed_ms / 1000)
