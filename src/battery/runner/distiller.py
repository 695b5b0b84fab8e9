"""The stage that lets the learning side distil: ask once, record it, write what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Final

from battery.base.clock import now
from battery.inputs.settings import Settings
from battery.protocol import Json
from battery.protocol.distill import distilled, event_error
from battery.records.events import DistillEvent, MetaFinished, Notice, Observer, StageStarted
from battery.records.lines import DistillCall, distill_warnings
from battery.records.models import ELAPSED_KEY
from battery.records.stages import DISTILL
from battery.review.chats import first_line
from battery.store.iteration_dir import IterationDir
from battery.store.journal import Journal
from battery.target.system import Connection, DistillReply, Feedback, is_learner

#: So many events are told, then every one of so many.
TOLD_EVENTS: Final = 100

#: Yields how the calls of the learner ended, in the order in which they were made.
Outcomes = Callable[[], Iterable[Feedback]]


@dataclass(frozen=True)
class Distiller:
    """Lets the learning side distil in one iteration."""

    files: IterationDir
    journal: Journal
    llm_team: Connection
    settings: Settings
    tell: Observer

    async def distill(self, outcomes: Outcomes) -> None:
        """Have it distil, unless that is on record, and write what it said."""
        number = self.files.number
        self.tell(StageStarted(number, DISTILL.name, DISTILL.noun))
        replayed = DISTILL.key in self.journal
        if not replayed:
            await self._ask(outcomes)
        recorded = self.journal.read(DISTILL.key)
        # Again, as an older line may have an error for its text.
        outcome = distilled(recorded["events"])
        self.files.write_distill(outcome.text, recorded["events"])
        for text in distill_warnings(recorded):
            self.tell(Notice(f"iteration {number}: {text}", warning=True))
        self.tell(
            MetaFinished(
                number,
                DISTILL.name,
                recorded[ELAPSED_KEY],
                first_line(outcome.text),
                replayed,
                failed=outcome.failed,
            )
        )

    async def _ask(self, outcomes: Outcomes) -> None:
        with self.journal.asking(DISTILL.key):
            reply = await self._reply(outcomes)
        call = DistillCall(
            at=now(),
            _elapsed_ms=reply.elapsed_ms,
            text=reply.result.text,
            failed=reply.result.failed,
            broken=reply.broken,
            events=reply.events,
        )
        if reply.cut:
            call["cut"] = reply.cut
        if reply.memory:
            call["memory"] = reply.memory
        if reply.usage is not None:
            call["usage"] = reply.usage
        self.journal.append(DISTILL.key, call)

    async def _reply(self, outcomes: Outcomes) -> DistillReply:
        heard, timeout_s = count(1), self.settings.meta_timeout

        def on_event(event: Json) -> None:
            self._hear(event, next(heard))

        if is_learner(self.llm_team):
            return await self.llm_team.learn(list(outcomes()), on_event, timeout_s)
        return await self.llm_team.distill(on_event, timeout_s)

    def _hear(self, event: Json, number: int) -> None:
        # A stream may bring a text token by token, and each event is a line of the log.
        if number <= TOLD_EVENTS or number % TOLD_EVENTS == 0:
            role, text = str(event.get("role") or "event"), str(event.get("text") or "")
            if error := event_error(event):
                role, text = "error", error
            self.tell(DistillEvent(self.files.number, role, text))
