"""The stages of one iteration, each from what is on disk to one new artifact.

Every call goes through the journal: what an earlier run has on record is read back instead of
asked again, so a resumed iteration and an uninterrupted one take the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TypeVar

from battery.base.clock import now
from battery.base.errors import BatteryError, ShapeError
from battery.grading import Grader
from battery.inputs.settings import Settings
from battery.inputs.tasks import PlannedTask
from battery.protocol import Json
from battery.records import events
from battery.records.checks import Checked
from battery.records.lines import (
    RecordedRun,
    TaskCall,
    TellCall,
)
from battery.records.models import (
    CONFIRMATIONS,
    FROZEN,
    LEARN,
    SOLVABLE,
    Arm,
    Models,
    Run,
    RunResult,
)
from battery.records.stages import (
    CHAT_STAGES,
    CONFIRM_TITLE,
    DISTILL,
    CallKey,
    confirm_key,
    tell_key,
)
from battery.runner.budget import Budget
from battery.runner.distiller import Distiller
from battery.runner.preflight import FirstAnswer
from battery.runner.reviewer import Reviewer, write_metrics
from battery.runner.schedule import Ask, Outcomes, Schedule, confirmations, outcomes, to_confirm
from battery.runner.start import require_alike
from battery.store.battery_dir import BatteryDir
from battery.store.documents import read_back, wrong
from battery.store.iteration_dir import IterationDir
from battery.store.journal import Journal
from battery.target.system import Chatting, Connection, Feedback, Worker, is_learner

W = TypeVar("W")
A = TypeVar("A")


@dataclass(frozen=True)
class Iteration:
    """One iteration at work: its files, its journal and whom to ask."""

    files: IterationDir
    journal: Journal
    schedule: Schedule
    models: Models
    workers: Sequence[Worker]
    llm_team: Connection
    reviewing: Chatting
    settings: Settings
    tell: events.Observer
    grader: Grader
    #: The iterations before this one, in order.
    earlier: Sequence[IterationDir] = ()
    #: Is asked before each task in all its arms, and before each call about the iteration.
    budget: Budget = field(default_factory=Budget)
    #: Shared by all iterations of a run.
    first_answer: FirstAnswer | None = None
    #: What the checks say of the calls on record.
    _checked: dict[CallKey, Checked] = field(default_factory=dict)
    #: The finished calls of the learner.
    _learned_from: list[Ask] = field(default_factory=list)
    #: What came of each call that was asked or replayed, graded.
    _results: dict[CallKey, RunResult] = field(default_factory=dict)

    async def run(self) -> None:
        """Run all stages, in order; raise `BatteryError` at the first that fails."""
        await self.ask_tasks()
        confirmed = await self.confirm()
        known = self.files.has_runs()
        self.write_runs(confirmed)
        # What was there before this run was looked at before its first call.
        if self.files.number == 1 and not known:
            self.require_alike()
        await self.distill()
        metrics = write_metrics(self.files)
        reviewer = self.reviewer()
        for stage in CHAT_STAGES:
            await reviewer.ask(stage)
        self.tell(events.IterationFinished(metrics, self.files.twin_metrics()))

    async def ask_tasks(self) -> None:
        """Ask the tasks that are not on record yet, round by round."""
        for tasks in self.schedule.rounds(self.files.number):
            self._start(tasks.phase, tasks.title)
            # Waited for each time: a task asked twice at once would be one stroke of luck, not two.
            await self._ask(tasks.units)

    async def confirm(self) -> list[PlannedTask]:
        """Ask tasks again that learning may have lost; return them."""
        tasks = self._to_confirm()
        if DISTILL.key in self.journal:
            # Since then the gateway has learned more. What checks that changed put into doubt only
            # now can no longer be asked as it was.
            tasks = [task for task in tasks if confirm_key(task.task_id, 1) in self.journal]
        for phase in SOLVABLE:
            doubtful = [task for task in tasks if task.phase is phase]
            if doubtful:
                self._start(phase, CONFIRM_TITLE)
            # In turns, like repeats: five in a row would all meet the same bad minute.
            for repeat in range(1, CONFIRMATIONS + 1):
                await self._ask(confirmations(doubtful, repeat))
        return tasks

    def write_runs(self, confirmed: Sequence[PlannedTask]) -> None:
        """Write the whole answers in task order, read back from the journal one at a time."""
        if confirmed:
            repeats = range(1, CONFIRMATIONS + 1)
            asks = [
                Ask(task, LEARN, repeat, confirm=True) for task in confirmed for repeat in repeats
            ]
            self.files.write_confirmations(self._recorded(asks))
        new = self.schedule.siblings(self.files.number)
        for arm in reversed(self.schedule.arms) if new else ():
            self._write(self.files.siblings, new, arm)
        # The learner's first repeat comes last. Its file is what tells everybody else, from
        # `watch` to a report of a running battery, that the iteration's tasks are complete; a
        # process that is killed half way must not leave it next to repeats that are missing.
        for arm in reversed(self.schedule.arms):
            for repeat in range(self.schedule.repeats, 0, -1):
                self._write(self.files, self.schedule.tasks, arm, repeat)

    def _write(
        self, files: IterationDir, entries: Sequence[PlannedTask], arm: Arm, repeat: int = 1
    ) -> None:
        asks = [Ask(entry, arm, repeat) for entry in entries]
        runs = [
            Run(ask.entry.task, ask.entry.phase, self._results[ask.key], ask.entry.sibling_of)
            for ask in asks
        ]
        files.write_runs(self._recorded(asks), arm, repeat, runs)

    def require_alike(self) -> None:
        """Refuse to go on with arms that differ before anything was learned."""
        # Before the distillation: it, the review and the judgment would be paid for in vain.
        folder = BatteryDir(self.files.root.parent)
        anyway = folder.hint_to_keep_going
        require_alike(self.files, self.tell, keep_going=self.settings.keep_going, anyway=anyway)

    async def distill(self) -> None:
        """Let the learning side distil, and write what it said."""
        distiller = Distiller(self.files, self.journal, self.llm_team, self.settings, self.tell)
        if DISTILL.key not in self.journal:
            self.budget.require()
        await distiller.distill(self._outcomes_told)

    def reviewer(self) -> Reviewer:
        """Make what runs the chat stages."""
        model = self.models.overseer_cloud
        return Reviewer(
            self.files,
            self.journal,
            self.reviewing,
            model,
            self.settings,
            self.tell,
            before_call=self.budget.require,
        )

    def _outcomes_told(self) -> Iterator[Feedback]:
        """Yield how each call of the learner ended, in the order in which they were made."""
        for ask in self._learned_from:
            yield self._feedback(ask, self.journal.read(ask.key)["result"])

    async def _ask(self, units: Iterable[Sequence[Ask]]) -> None:
        """Replay what is on record and ask for the rest."""
        whole = list(units)
        waiting = [[ask for ask in unit if not await self._replay(ask)] for unit in whole]
        pairs = list(zip(whole, waiting, strict=True))
        # What was under way when an earlier run ended is finished, whatever was spent: otherwise
        # one arm would have a call that the other lacks.
        begun = [left for unit, left in pairs if len(left) < len(unit)]
        await ask_all(begun, self.workers, self._ask_task)
        ahead = [left for unit, left in pairs if len(left) == len(unit)]
        await ask_all(
            takewhile(lambda _unit: not self.budget.is_reached, ahead),
            self.workers,
            self._ask_task,
        )
        if any(ask.key not in self.journal for unit in ahead for ask in unit):
            self.budget.require()

    async def _replay(self, ask: Ask) -> bool:
        """Replay a call that is on record, graded again; return whether it is."""
        recorded = self.journal.get(ask.key)
        if recorded is None:
            return False
        result = await self._graded(ask, recorded["result"], self._result(recorded))
        # A process that was killed in between has asked, and not told.
        await self._tell(self.workers[0], ask, recorded["result"])
        self._task_done(ask, result, None)
        return True

    def _result(self, recorded: Json) -> RunResult:
        try:
            return read_back(recorded["result"])[0]
        except ShapeError as error:
            raise wrong(self.files.journal, error.below("result")) from error

    async def _ask_task(self, worker: Worker, ask: Ask) -> None:
        planned = ask.entry
        started = events.TaskStarted(
            self.files.number,
            planned.phase,
            planned.label,
            ask.arm,
            ask.repeat,
            ask.confirm,
            sibling=ask.entry.sibling_of is not None,
            model=self.models.executor_cloud,
            task=planned.task,
        )
        with self.journal.asking(ask.key):
            self.tell(started)
            answer, result, memory = await worker[ask.arm].respond(
                planned.task, self.models, self.settings.respond_timeout
            )
        # On disk before the worker's next call goes out: a call that is killed later has taught
        # the gateway already, and asking again would pay for it twice and teach it twice.
        call = TaskCall(phase=planned.phase, at=now(), task=planned.task.asked, result=answer)
        if memory:
            call["memory"] = memory
        self.journal.append(ask.key, call)
        if self.first_answer:
            self.first_answer.look(result, ask.arm)
        # Before the worker's next call: a check that breaks stops the run while little is paid for.
        graded = await self._graded(ask, answer, result)
        await self._tell(worker, ask, answer)
        self._task_done(ask, graded, answer)

    async def _tell(self, worker: Worker, ask: Ask, answer: Json) -> None:
        """Tell the learner how a task ended, once, and record that it was told."""
        system, key = worker[ask.arm], tell_key(ask.key)
        # What is told after the distillation would be learned in the next iteration.
        known = key in self.journal or DISTILL.key in self.journal
        if ask.arm != LEARN or known or not is_learner(system):
            return
        with self.journal.asking(key):
            told = await system.tell(self._feedback(ask, answer), self.settings.meta_timeout)
        if told is None:
            return
        call = TellCall(at=now(), _elapsed_ms=told.elapsed_ms)
        if told.memory:
            call["memory"] = told.memory
        if told.usage is not None:
            call["usage"] = told.usage
        self.journal.append(key, call)

    def _feedback(self, ask: Ask, answer: Json) -> Feedback:
        sibling = ask.entry.sibling_of is not None
        return Feedback(ask.entry.task, answer, self._checked.get(ask.key), sibling)

    async def _graded(self, ask: Ask, answer: Json, result: RunResult) -> RunResult:
        """Hold an answer that is on disk to the checks of its task; raise `CheckError`."""
        task, phase = ask.entry.task, ask.entry.phase
        if task.checks:
            # In a thread, as a check may take seconds: the calls of other workers must not wait.
            checked = await asyncio.to_thread(self.grader.grade, task, phase, answer)
        else:
            checked = self.grader.grade(task, phase, answer)
        if checked is not None:
            self._checked[ask.key] = checked
        graded = self._results[ask.key] = result.graded(checked)
        return graded

    def _task_done(self, ask: Ask, result: RunResult, answer: Json | None) -> None:
        """Report a finished call; without an answer it is a replayed one."""
        if ask.arm == LEARN:
            self._learned_from.append(ask)
        self.tell(
            events.TaskFinished(
                self.files.number,
                ask.entry.phase,
                ask.entry.label,
                self.files.priced(result),
                replayed=answer is None,
                arm=ask.arm,
                repeat=ask.repeat,
                confirm=ask.confirm,
                sibling=ask.entry.sibling_of is not None,
                answer=answer,
            )
        )

    def _recorded(self, asks: Sequence[Ask]) -> Iterator[RecordedRun]:
        entries = self.journal.entries(ask.key for ask in asks)
        for ask, entry in zip(asks, entries, strict=True):
            recorded = RecordedRun(
                task=ask.entry.task.asked,
                phase=ask.entry.phase,
                result=entry["result"],
            )
            if ask.key in self._checked:
                recorded["checked"] = self._checked[ask.key].model_dump()
            if ask.entry.sibling_of:
                recorded["sibling_of"] = ask.entry.sibling_of
            yield recorded

    def _to_confirm(self) -> list[PlannedTask]:
        if not self.earlier:
            return []
        now = self._outcomes(LEARN)
        # Mostly there is nothing to confirm, and then no file has to be read.
        if all(all(runs) for runs in now.values()):
            return []
        learn = [outcomes(step.runs_of(LEARN)) for step in self.earlier]
        frozen = [outcomes(step.runs_of(FROZEN)) for step in self.earlier]
        if FROZEN in self.schedule.arms:
            frozen.append(self._outcomes(FROZEN))
        reruns = [outcomes(step.read_confirmations()) for step in self.earlier]
        return to_confirm(self.schedule.tasks, [*learn, now], frozen, reruns)

    def _outcomes(self, arm: Arm) -> Outcomes:
        """Collect how the tasks of this iteration that can be done ended in an arm."""
        repeats = range(1, self.schedule.repeats + 1)
        return {
            task.task_id: [
                self._results[Ask(task, arm, repeat).key].status == "ok" for repeat in repeats
            ]
            for task in self.schedule.tasks
            if task.phase in SOLVABLE
        }

    def _start(self, stage: str, title: str) -> None:
        self.tell(events.StageStarted(self.files.number, stage, title))


async def ask_all(
    units: Iterable[Sequence[A]], workers: Sequence[W], ask: Callable[[W, A], Awaitable[None]]
) -> None:
    """Ask everything once, in order; with one worker strictly one call after the other.

    A unit is what one worker does in one go, such as a task in both arms. `ask` makes one call
    and records the answer; the worker's next call waits until it is done.

    After an error no further call goes out. Those that other workers have under way are waited
    for, because they are paid for; then the first error is raised.
    """
    # One queue for all, so that nobody is idle while there is something left to ask.
    queue = iter(units)
    errors: list[BatteryError] = []

    async def work(worker: W) -> None:
        for call in (call for unit in queue for call in unit):
            try:
                await ask(worker, call)
            except BatteryError as error:
                errors.append(error)
            if errors:
                return

    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(work(worker))
    if errors:
        raise errors[0]
