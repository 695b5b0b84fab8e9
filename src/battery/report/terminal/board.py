"""What the live view knows of a battery: the iteration under way, task by task.

It holds a bounded number of tasks, and each event costs the same, whether it is the tenth or the
ten-thousandth.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from battery.records import events
from battery.records.models import Arm, Phase
from battery.records.stages import DISTILL, META_STAGES
from battery.report.terminal.lines import outcome

#: Tasks that are kept: more than a terminal has lines for.
ROWS: Final = 100
#: Steps to have seen before a guess at the time left is worth showing.
_ENOUGH: Final = 3


class Key(NamedTuple):
    """What tells the rows of an iteration apart."""

    phase: Phase
    label: str
    #: What sets it apart from a task of the same name; mostly empty.
    mark: str = ""


@dataclass(slots=True)
class Cell:
    """One task in one arm: the calls that are done, and since when one is under way."""

    outcomes: Counter[str] = field(default_factory=Counter)
    #: Of all its calls; None where one does not report any.
    tokens: int | None = 0
    started: float | None = None

    def finish(self, event: events.TaskFinished) -> None:
        """Take the end of a call."""
        tokens = event.result.tokens
        self.started = None
        self.outcomes[outcome(event.phase, event.result)] += 1
        self.tokens = None if tokens is None or self.tokens is None else self.tokens + tokens

    @property
    def calls(self) -> int:
        """How many calls are done: one, or more with repeats."""
        return self.outcomes.total()


@dataclass(slots=True)
class Row:
    """One task in all its arms."""

    cells: dict[Arm, Cell] = field(default_factory=dict)
    #: Counts up from event to event: which row was in use last.
    touched: int = 0

    @property
    def running(self) -> bool:
        """Whether a call of it is under way."""
        return any(cell.started is not None for cell in self.cells.values())


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
    #: Whether the calls are made elsewhere: when it began to look says nothing about them.
    watched: bool = False
    #: When a call finished last; None before the first.
    news: float | None = None
    plan: events.Plan | None = None
    iteration: int = 0
    stage: str = ""
    tasks_done: int = 0
    metas_done: int = 0
    #: By task, in the order in which they were first asked.
    rows: dict[Key, Row] = field(default_factory=dict)
    metas: list[MetaRow] = field(default_factory=list)
    #: Steps that really took place since the start, for the pace.
    _paid: int = 0
    _touches: int = 0

    def update(self, event: events.Event, now: float) -> None:
        """Take one event; a notice changes nothing here."""
        if isinstance(event, events.TaskFinished | events.MetaFinished):
            self.news = now
        match event:
            case events.Plan():
                self.plan = event
            case events.StageStarted():
                self._start_stage(event, now)
            case events.TaskStarted():
                self._cell(event).started = now
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

    def calls(self) -> tuple[int, int] | None:
        """Return how many calls are done and how many there are; None before the plan."""
        if self.plan is None:
            return None
        done = self.tasks_done + self.metas_done
        # One more iteration of an old battery may be numbered beyond the plan.
        if self.iteration > self.plan.iterations:
            return done, self.plan.calls_of(self.iteration)
        # From the iteration's number, not from a count: a resume starts in the middle.
        return sum(map(self.plan.calls_of, range(1, self.iteration))) + done, self.plan.calls

    def seconds_left(self, now: float) -> float | None:
        """Guess the time left from the pace so far; None while there is too little to go by.

        Each call counts as one step. Replayed ones took no time and are left out of the pace.
        """
        calls = self.calls()
        if calls is None or self._paid < _ENOUGH:
            return None
        return (now - self.started) / self._paid * max(calls[1] - calls[0], 0)

    def latest(self, count: int) -> list[tuple[Key, Row]]:
        """Return so many rows, at least one: those in use last, in their order."""
        touched = sorted(row.touched for row in self.rows.values())
        least = touched[-count] if count < len(touched) else 0
        return [(key, row) for key, row in self.rows.items() if row.touched >= least]

    def _start_stage(self, event: events.StageStarted, now: float) -> None:
        if event.iteration != self.iteration:
            self._clear()
            self.iteration = event.iteration
        self.stage = event.title
        if event.name in {stage.name for stage in META_STAGES}:
            self.metas.append(MetaRow(event.name, "", now))

    def _finish_task(self, event: events.TaskFinished) -> None:
        self._cell(event).finish(event)
        # A confirmation is no step of the plan: nobody knew before that it would be needed.
        self.tasks_done += not event.confirm
        # A replayed task took no time now, whatever its record says.
        self._paid += not event.replayed

    def _cell(self, event: events.TaskStarted | events.TaskFinished) -> Cell:
        mark = "again" if event.confirm else "new" if event.sibling else ""
        row = self.rows.setdefault(Key(event.phase, event.label, mark), Row())
        self._touches += 1
        row.touched = self._touches
        if len(self.rows) > ROWS:
            # What is under way stays, however many workers there are.
            idle = ((row.touched, key) for key, row in self.rows.items() if not row.running)
            del self.rows[min(idle)[1]]
        return row.cells.setdefault(event.arm, Cell())

    def _finish_meta(self, event: events.MetaFinished, now: float) -> None:
        row = self._last_meta(event.name, now)
        row.text, row.elapsed_ms, row.replayed = event.detail, event.elapsed_ms, event.replayed
        self.metas_done += 1
        self._paid += not event.replayed

    def _finish_iteration(self, event: events.IterationFinished) -> None:
        # Set, not counted: an iteration that was finished before a resume comes without events.
        self._clear()
        self.iteration, self.stage = event.metrics.iteration, ""
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
        self.metas.clear()
        self.tasks_done = self.metas_done = 0
