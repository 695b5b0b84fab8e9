"""What is new in a battery's files since the last look, as the events of its own display.

Reads the manifest, the tasks and the journals, opens nothing for writing and takes no lock: the
run does not notice. The metrics of an iteration are read once it is done.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Final

from battery.base import jsonio
from battery.base.errors import ArtifactError, ShapeError
from battery.protocol import Json
from battery.protocol.distill import distilled
from battery.records import events
from battery.records.manifest import Manifest
from battery.records.models import ELAPSED_KEY, FROZEN, LEARN, Phase, Tasks
from battery.records.stages import (
    CONFIRM_TITLE,
    META_STAGES,
    TASK_STAGES,
    CallKey,
    ChatStage,
    MetaStage,
)
from battery.review.chats import CHATS, Earlier, first_line
from battery.runner.schedule import Schedule
from battery.store.battery_dir import BatteryDir
from battery.store.documents import cannot_read, read_back, wrong
from battery.store.iteration_dir import IterationDir

_CLAIMED: Final = (
    "calls are shown as the system reports them; the line of an iteration, once it is done, counts "
    "what passed its checks"
)
_METAS: Final = {stage.key: stage for stage in META_STAGES}


class IterationTail:
    """One iteration of a battery that may still be running, read as it grows.

    Keeps an offset and the keys of the calls, not the answers.
    """

    def __init__(self, files: IterationDir, schedule: Schedule) -> None:
        self.number = files.number
        #: The calls that events have told of.
        self.recorded: set[CallKey] = set()
        #: The stage that was told last.
        self.stage: events.StageStarted | None = None
        self._files = files
        #: By call, what it is called and the round that it is of.
        self._asks: dict[CallKey, tuple[str, events.StageStarted]] = {}
        #: By round, in order, how many of its calls have not finished.
        self._left: Counter[events.StageStarted] = Counter()
        self._labels = {task.task_id: task.label for task in schedule.tasks}
        for tasks in schedule.rounds(files.number):
            stage = events.StageStarted(files.number, tasks.phase, tasks.title)
            asks = [ask for unit in tasks.units for ask in unit]
            self._asks |= {ask.key: (ask.entry.label, stage) for ask in asks}
            self._left[stage] += len(asks)
        self._offset = 0
        self._answers: dict[str, str] = {}

    @property
    def tasks_done(self) -> int:
        """How many of the planned task calls have finished; confirmations are on top of them."""
        return sum(key in self._asks for key in self.recorded)

    def news(self, *, replayed: bool = False) -> Iterator[events.Event]:
        """Yield what the journal has got since the last call; raise `ArtifactError`.

        A stage is told when its first call has finished, or as soon as it is sure to have begun.
        `replayed` is what the events say of themselves.
        """
        # Looked at before the journal, so that the journal has everything that came before it.
        tasks_complete = self._files.has_runs()
        for entry in self._entries():
            try:
                yield from self._events(entry, replayed)
            except ShapeError as error:
                raise wrong(self._files.journal, error) from error
            except (KeyError, TypeError, ValueError) as error:
                raise self._no_call() from error
        if self._offset or self._files.journal.exists():
            yield from self._enter(self._stage_ahead(tasks_complete))

    def _entries(self) -> Iterator[Json]:
        """Yield the whole lines that are new; a torn last one is left for the next time."""
        try:
            with self._files.journal.open("rb") as file:
                # A line that could not be synced is taken back; what comes instead begins there.
                self._offset = min(self._offset, file.seek(0, os.SEEK_END))
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    self._offset += len(line)
                    yield self._parsed(line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise cannot_read(self._files.journal, error) from error

    def _parsed(self, line: bytes) -> Json:
        try:
            entry = jsonio.loads(line)
        except ValueError as error:
            raise self._no_call() from error
        if not isinstance(entry, dict):
            raise self._no_call()
        return entry

    def _no_call(self) -> ArtifactError:
        place = f"the line that ends at byte {self._offset}"
        return wrong(self._files.journal, ShapeError(place, "it is not a finished call"))

    def _events(self, entry: Json, replayed: bool) -> Iterator[events.Event]:
        # By key and not by place in the file: lines may be taken back and written again.
        key = CallKey.of(entry)
        if key.call == "tell" or key in self.recorded:
            return  # no call of its own, or one whose line was taken back after it had been told
        yield from self._enter(self._stage_of(key, entry))
        yield (self._meta if key in _METAS else self._task)(key, entry, replayed)
        self.recorded.add(key)

    def _task(self, key: CallKey, entry: Json, replayed: bool) -> events.TaskFinished:
        label = self._labels.get(key.task_id) or str(entry["task"]["operation"])
        if key in self._asks:
            label, stage = self._asks[key]
            self._left[stage] -= 1
        return events.TaskFinished(
            self.number,
            Phase(entry["phase"]),
            label,
            self._files.priced(read_back(entry["result"])[0]),
            replayed,
            arm=FROZEN if key.arm == FROZEN else LEARN,
            repeat=key.repeat,
            confirm=key.call == "confirm",
            sibling=key.call == "sibling",
        )

    def _meta(self, key: CallKey, entry: Json, replayed: bool) -> events.MetaFinished:
        stage, failed = _METAS[key], False
        if isinstance(stage, ChatStage):
            answer = self._answers[stage.role] = str(entry["content"])
            detail = CHATS[stage.role].read(answer, Earlier(answers=self._answers)).detail
        else:
            outcome = distilled(entry["events"])
            detail, failed = first_line(outcome.text), outcome.failed
        return events.MetaFinished(
            self.number, stage.name, int(entry[ELAPSED_KEY]), detail, replayed, failed=failed
        )

    def _stage_of(self, key: CallKey, entry: Json) -> events.StageStarted:
        if key in _METAS:
            return self._meta_started(_METAS[key])
        if key in self._asks:
            return self._asks[key][1]
        phase = Phase(entry["phase"])
        title = CONFIRM_TITLE if key.call == "confirm" else TASK_STAGES[phase].title
        return events.StageStarted(self.number, phase, title)

    def _stage_ahead(self, tasks_complete: bool) -> events.StageStarted | None:
        """Name the stage that the battery is in; None where only the next call can tell."""
        for round_, left in self._left.items():
            if left > 0:
                return round_
        # Tasks may be asked again after gamma, for as long as the runs are not written.
        for stage in META_STAGES if tasks_complete else ():
            if stage.key not in self.recorded:
                return self._meta_started(stage)
        return None

    def _meta_started(self, stage: MetaStage) -> events.StageStarted:
        return events.StageStarted(self.number, stage.name, stage.noun)

    def _enter(self, stage: events.StageStarted | None) -> Iterator[events.StageStarted]:
        if stage is not None and stage != self.stage:
            self.stage = stage
            yield stage


class Follower:
    """Reports on a battery from where it is: the plan, what is finished, then what comes."""

    def __init__(self, folder: BatteryDir, tasks: Tasks, manifest: Manifest) -> None:
        self.schedule = Schedule.of(manifest, tasks)
        #: Known after the first look.
        self.plan: events.Plan | None = None
        self._folder = folder
        #: The iteration after the finished ones, whether it has begun or not.
        self.current = self._tail(manifest.iterations_finished + 1)

    def news(self, manifest: Manifest, *, shown: int = 0) -> Iterator[events.Event]:
        """Yield what happened since the last call, in order; raise `ArtifactError`.

        `manifest` is the one on disk, read before this call. The first call tells of the finished
        iterations beyond the `shown` ones, a line each, and of the calls of the one under way.
        """
        if self.plan is None:
            yield from self._so_far(manifest, shown)
        while self.current.number <= manifest.iterations_finished:
            yield from self.current.news()
            yield self._iteration_finished(self.current.number)
            self.current = self._tail(self.current.number + 1)
        yield from self.current.news()

    def _so_far(self, manifest: Manifest, shown: int) -> Iterator[events.Event]:
        finished, wanted = manifest.iterations_finished, manifest.iterations_wanted
        # Read first, because the plan says how much is on disk; events are small.
        begun = list(self.current.news(replayed=True))
        self.plan = self.schedule.plan(finished, wanted, self.current.recorded)
        yield self.plan
        if self.plan.graded and finished < wanted:
            yield events.Notice(_CLAIMED)
        yield from map(self._iteration_finished, range(shown + 1, finished + 1))
        yield from begun

    def _iteration_finished(self, number: int) -> events.IterationFinished:
        files = self._folder.iteration(number)
        return events.IterationFinished(files.read_metrics(), files.twin_metrics())

    def _tail(self, number: int) -> IterationTail:
        return IterationTail(self._folder.iteration(number), self.schedule)
