"""What the live view shows, without drawing it: a few rows, however long the battery is.

Each event costs the same, whether it is the tenth or the ten-thousandth.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from battery.records.events import (
    DistillEvent,
    Event,
    IterationFinished,
    MetaFinished,
    Plan,
    StageStarted,
    TaskFinished,
    TaskStarted,
)
from battery.records.models import Phase
from battery.records.stages import DISTILL, META_STAGES
from battery.report.terminal.lines import prefix

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
    plan: Plan | None = None
    iteration: int = 0
    stage: str = ""
    tasks_done: int = 0
    metas_done: int = 0
    rows: deque[TaskFinished] = field(default_factory=lambda: deque(maxlen=ROWS))
    running: dict[Key, float] = field(default_factory=dict)
    metas: list[MetaRow] = field(default_factory=list)
    #: Steps that really took place since the start, for the pace.
    _paid: int = 0

    def update(self, event: Event, now: float) -> None:
        """Take one event; a notice changes nothing here."""
        match event:
            case Plan():
                self.plan = event
            case StageStarted():
                self._start_stage(event, now)
            case TaskStarted():
                # A dict keeps the order of starting and forgets by key, however many run.
                self.running[_key(event)] = now
            case TaskFinished():
                self._finish_task(event)
            case DistillEvent():
                self._last_meta(DISTILL.name, now).text = f"{event.role}: {event.text}"
            case MetaFinished():
                self._finish_meta(event, now)
            case IterationFinished():
                self._finish_iteration(event)
            case _:
                pass

    def tasks(self) -> tuple[int, int] | None:
        """Return how many task calls are done and how many there are; None before the plan."""
        if self.plan is None:
            return None
        each = self.plan.asks_per_iteration
        # One more iteration of an old battery may be numbered beyond the plan.
        if self.iteration > self.plan.iterations:
            return self.tasks_done, each
        before = max(self.iteration - 1, 0) * each
        return before + self.tasks_done, self.plan.iterations * each

    def seconds_left(self, now: float) -> float | None:
        """Guess the time left from the pace so far; None while there is too little to go by.

        Tasks and meta stages count as one step each. Replayed steps took no time and are left
        out of the pace.
        """
        if self.plan is None or self._paid < _ENOUGH:
            return None
        steps = self.plan.calls_per_iteration
        # From the iteration's number, not from a count: a resume starts in the middle.
        later = max(self.plan.iterations - self.iteration, 0)
        left = later * steps + max(steps - self.tasks_done - self.metas_done, 0)
        return (now - self.started) / self._paid * left

    def _start_stage(self, event: StageStarted, now: float) -> None:
        if event.iteration != self.iteration:
            self._clear()
            self.iteration = event.iteration
        self.stage = f"{event.name} {event.title}"
        if event.name in {stage.name for stage in META_STAGES}:
            self.metas.append(MetaRow(event.name, event.title, now))

    def _finish_task(self, event: TaskFinished) -> None:
        self.running.pop(_key(event), None)
        self.rows.append(event)
        # A confirmation is no step of the plan: nobody knew before that it would be needed.
        self.tasks_done += not event.confirm
        # A replayed task took no time now, whatever its record says.
        self._paid += not event.replayed

    def _finish_meta(self, event: MetaFinished, now: float) -> None:
        row = self._last_meta(event.name, now)
        row.text, row.elapsed_ms, row.replayed = event.detail, event.elapsed_ms, event.replayed
        self.metas_done += 1
        self._paid += not event.replayed

    def _finish_iteration(self, event: IterationFinished) -> None:
        # Set, not counted: an iteration that was finished before a resume comes without events.
        self._clear()
        self.iteration = event.metrics.iteration
        # The metrics are the learn arm's alone.
        self.tasks_done = self.plan.asks_per_iteration if self.plan else event.metrics.total_tasks
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


def _key(event: TaskStarted | TaskFinished) -> Key:
    return Key(event.phase, prefix(event) + event.label)
