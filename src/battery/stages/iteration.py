"""The six stages of one iteration, each from what lies on disk to one new artifact.

Every call goes through the journal: what an earlier run has on record is read back instead of
asked again, so a resumed iteration and an uninterrupted one take the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from battery.artifacts import IterationDir
from battery.client import Client
from battery.clock import now
from battery.journal import DISTILL_KEY, Journal, respond_key
from battery.metrics import measure
from battery.models import ELAPSED_KEY, Metrics, Models, Phase, RunResult
from battery.progress import (
    DistillEvent,
    IterationFinished,
    MetaFinished,
    Notice,
    Observer,
    StageStarted,
    TaskFinished,
    TaskStarted,
)
from battery.runner import ask_all
from battery.settings import Settings
from battery.stages.reviews import Reviewer
from battery.tasks import PlannedTask
from battery.wire import Json

_PHASE_TITLES: Final = {
    Phase.ALPHA: "baseline",
    Phase.BETA: "drift",
    Phase.GAMMA: "impossible",
}


@dataclass(frozen=True)
class Iteration:
    """One iteration at work: its files, its journal and whom to ask."""

    files: IterationDir
    journal: Journal
    plan: Sequence[PlannedTask]
    models: Models
    #: One client a worker; the first one also asks for the reviews.
    gateway: Sequence[Client]
    llm_team: Client
    settings: Settings
    tell: Observer

    async def run(self) -> None:
        """Run all six stages, in order; raise `BatteryError` at the first that fails."""
        for phase in Phase:
            await self.ask_tasks(phase)
        self.write_runs()
        await self.distill()
        metrics = self.measure()
        reviewer = self.reviewer()
        await reviewer.review(metrics)
        await reviewer.judge()
        self.tell(IterationFinished(metrics))

    async def ask_tasks(self, phase: Phase) -> None:
        """Ask the tasks of one phase that are not on record yet."""
        self.tell(StageStarted(self.files.number, phase, _PHASE_TITLES[phase]))
        waiting = []
        for entry in self.plan:
            if entry.phase is not phase:
                continue
            recorded = self.journal.get(respond_key(entry.task_id))
            if recorded is None:
                waiting.append(entry)
            else:
                self._task_done(entry, RunResult.of(recorded["result"]), replayed=True)
        await ask_all(waiting, self.gateway, self._ask_task)

    def write_runs(self) -> None:
        """Write the whole answers in task order, read back from the journal one at a time."""
        self.files.write_runs(
            {
                "task": entry.task.model_dump(),
                "phase": entry.phase,
                "result": self.journal.read(respond_key(entry.task_id))["result"],
            }
            for entry in self.plan
        )

    async def distill(self) -> None:
        """Let the learning side distil, and write what it said."""
        self.tell(StageStarted(self.files.number, "delta", "distill"))
        replayed = DISTILL_KEY in self.journal
        if not replayed:
            await self._ask_distill()
        recorded = self.journal.read(DISTILL_KEY)
        self.files.write_distill(recorded["text"], recorded["events"])
        if recorded["broken"]:
            text = f"{recorded['broken']} distill event(s) were not JSON and are left out"
            self.tell(Notice(f"iteration {self.files.number}: {text}", warning=True))
        elapsed_ms = recorded[ELAPSED_KEY]
        detail = recorded["text"].strip().partition("\n")[0]
        self.tell(MetaFinished(self.files.number, "delta", elapsed_ms, detail, replayed))

    def measure(self) -> Metrics:
        """Compute the metrics from `runs.json`."""
        metrics = measure(self.files.number, self.files.read_runs())
        self.files.write_metrics(metrics)
        return metrics

    def reviewer(self) -> Reviewer:
        """Make the one who asks for epsilon and zeta."""
        return Reviewer(
            files=self.files,
            journal=self.journal,
            client=self.gateway[0],
            model=self.models.overseer_cloud,
            timeout_s=self.settings.meta_timeout,
            tell=self.tell,
            repo=self.settings.repo,
        )

    async def _ask_distill(self) -> None:
        reply = await self.llm_team.distill(self._distill_event, self.settings.meta_timeout)
        self.journal.append(
            DISTILL_KEY,
            {
                "at": now(),
                ELAPSED_KEY: reply.elapsed_ms,
                "text": reply.text,
                "broken": reply.broken,
                "events": reply.events,
            },
        )

    def _distill_event(self, event: Json) -> None:
        role, text = str(event.get("role") or "event"), str(event.get("text") or "")
        self.tell(DistillEvent(self.files.number, role, text))

    async def _ask_task(self, client: Client, entry: PlannedTask) -> None:
        self.tell(TaskStarted(self.files.number, entry.phase, entry.label))
        timeout_s = self.settings.respond_timeout
        answer, result = await client.respond(entry.task, self.models, timeout_s)
        content = {
            "phase": entry.phase,
            "at": now(),
            "task": entry.task.model_dump(),
            "result": answer,
        }
        self.journal.append(respond_key(entry.task_id), content)
        self._task_done(entry, result, replayed=False)

    def _task_done(self, entry: PlannedTask, result: RunResult, *, replayed: bool) -> None:
        self.tell(TaskFinished(self.files.number, entry.phase, entry.label, result, replayed))
