"""The connection to a system that battery starts itself, on a memory folder that battery keeps."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from battery.base.clock import awake
from battery.base.errors import AnswerError, ArtifactError, CallTimeoutError, ShapeError
from battery.inputs.settings import DEFAULT_FEEDBACK, RULES, FeedbackLevel, Target
from battery.protocol import SESSION_KEY, Json
from battery.protocol.distill import DistillStream
from battery.records.events import Notice
from battery.records.models import FROZEN, Arm, Models, Task
from battery.system import Outcome, Verbs
from battery.target.answers import answer_of
from battery.target.attempts import Attempts, Talk, talk_of
from battery.target.driver import Driver, Seat
from battery.target.memory import FolderMemory, Kept, RestlessError, folder_of
from battery.target.metered import Meters, metering_arms
from battery.target.reviewing import Rules, open_reviewer
from battery.target.system import (
    ChatReply,
    Connection,
    DistillReply,
    Feedback,
    Finding,
    Kind,
    Opening,
    RespondReply,
    Told,
    Worker,
)

#: The start of a system that copies its memory by itself.
_OWN: Final = "start.own"
#: Below the memories: a folder per arm for everything that is not memory.
SCRATCH: Final = "scratch"
#: What the learning step of a system without one says.
_NO_STEP: Final = "The system has no learning step of its own."
#: What stands for one that says nothing.
_SILENT: Final = {"role": "final", "text": "The learning step said nothing."}


class Local:
    """One arm of a local system: what its driver does not know, from the twin to the clock.

    As the twin, the system is ended, its folder put back, and started anew before each call:
    whatever it keeps, in files, globals or objects, is gone.
    """

    def __init__(
        self, driver: Driver, seat: Seat, kept: Kept, attempts: Attempts, meters: Meters
    ) -> None:
        self._driver = driver
        self._meters = meters
        self._seat = seat
        self._kept = kept
        self._folder = FolderMemory(seat.memory, kept)
        self._attempts = attempts
        #: While it runs.
        self._verbs: Verbs | None = None
        #: The memory that the next call finds; None before the first.
        self._known: str | None = None
        #: What its folder was once it ran, of one that may go on running; a database may be new.
        self._idle: str | None = None
        #: Copies that are wanted for good: of the start, and of the end of each iteration.
        self._wanted: set[str] = set()
        #: Why the last memory could not be kept.
        self._broken: ArtifactError | None = None

    async def respond(self, task: Task, models: Models, timeout_s: float) -> RespondReply:
        """Ask for one task; raise `CallError`."""
        await self._ready()
        before = self._known
        talks = self._verbs is not None and self._verbs.one_turn
        talk = Talk(task, self._attempts if talks else replace(self._attempts, most=1), models)
        try:
            said = await talk.held(self._driver, timeout_s)
            answer = answer_of(said, before) | {SESSION_KEY: talk.session}
            answer = await self._meters.answered(self._seat.arm, answer, talk.overseer_spent)
            reply = RespondReply.of(answer, talk.elapsed_ms)
        except ShapeError as error:
            raise AnswerError(
                f"respond for {task.operation!r}: the answer of the system is not what it may "
                f"return: {error}",
                hint="return a text, a dict or a battery.Reply",
            ) from error
        return reply if self._is_twin else reply._replace(memory=await self._keep())

    async def tell(self, feedback: Feedback, timeout_s: float) -> Told | None:
        """Tell how a task ended; None where the system does not listen."""
        await self._ready()
        if self._verbs is None or not self._verbs.tell:
            return None
        start = awake()
        await self._driver.tell(outcome_of(feedback, self._attempts.level), timeout_s)
        elapsed_ms = _elapsed_ms(start)
        metered = await self._meters.taken(self._seat.arm)
        return Told(await self._keep(), elapsed_ms, metered.usage if metered else None)

    async def learn(
        self, outcomes: Sequence[Feedback], on_event: Callable[[Json], None], timeout_s: float
    ) -> DistillReply:
        """Have the system learn from the outcomes of an iteration; raise `CallError`."""
        await self._ready()
        start = awake()
        if self._verbs and self._verbs.learn:
            told = [outcome_of(each, self._attempts.level) for each in outcomes]
            events = await self._driver.learn(told, on_event, timeout_s)
        else:
            events = [{"role": "final", "text": _NO_STEP}]
        elapsed_ms = _elapsed_ms(start)
        reply = DistillReply.of(DistillStream(events or [dict(_SILENT)]), elapsed_ms)
        metered = await self._meters.taken(self._seat.arm)
        memory = await self._keep()
        self._wanted.update({memory} if memory else ())
        return reply._replace(memory=memory, usage=metered.usage if metered else None)

    async def distill(self, on_event: Callable[[Json], None], timeout_s: float) -> DistillReply:
        """Have the system learn from nothing that it has not been told."""
        return await self.learn((), on_event, timeout_s)

    async def chat(
        self, role: str, prompt: str, model: str, temperature: float, timeout_s: float
    ) -> ChatReply:
        """Have rules review and judge: a local system is asked nothing about itself."""
        return await Rules().chat(role, prompt, model, temperature, timeout_s)

    async def put_back(self, memories: Sequence[str]) -> None:
        """Go on from the last of the memories that are wanted; of none, from the start."""
        self._wanted.update(memories)
        await self._begin_from(memories[-1] if memories else None)
        self._kept.clear(self._wanted)

    async def probe(self, timeout_s: float) -> Finding:
        """Find out whether the system can be started."""
        try:
            async with asyncio.timeout(timeout_s):
                system = await self._driver.look()
        except TimeoutError:
            raise CallTimeoutError(
                f"the system did not start within {timeout_s:g} s",
                hint="a run waits longer, so it may still work",
            ) from None
        return await self._meters.looked(system, timeout_s)

    async def aclose(self) -> None:
        """End the system."""
        await self._driver.stop()

    @property
    def _is_twin(self) -> bool:
        return self._seat.arm == FROZEN

    async def _ready(self) -> None:
        """See to it that the system runs; the twin is one that remembers nothing."""
        if self._broken:
            raise self._broken
        if self._known is None or (self._is_twin and not await self._is_as_at_the_start()):
            await self._begin_from(None)
            return
        # What the calls before this one left is on record by now.
        self._kept.clear(self._wanted | {self._known})
        if self._verbs is None:
            self._verbs = await self._run()

    async def _is_as_at_the_start(self) -> bool:
        """Return whether a twin that may go on running has nothing new in its folder."""
        if self._verbs is None or not self._verbs.stays:
            return False
        return await asyncio.to_thread(self._folder.fingerprint) == self._idle

    async def _begin_from(self, name: str | None) -> None:
        """Start the system anew with a kept memory; None is that of the start."""
        await self._driver.stop()
        # What the process that is gone had under way belongs to no call that is still to come.
        await self._meters.taken(self._seat.arm)
        self._verbs = None
        # In threads, here and below: a signal has to be heard while a disk is at work.
        start = await asyncio.to_thread(self._folder.begin, goes_on=name is not None)
        self._wanted.add(start)
        folder = name if name and not self._kept.start(_OWN) else start
        await asyncio.to_thread(self._folder.put_back, folder)
        self._verbs = await self._run()
        self._known = folder
        if self._verbs.memory:
            self._known = await self._restored(name)
        if self._verbs.stays:
            self._idle = await asyncio.to_thread(self._folder.fingerprint)

    async def _run(self) -> Verbs:
        shutil.rmtree(self._seat.scratch, ignore_errors=True)
        self._seat.scratch.mkdir(parents=True)
        return await self._driver.start()

    async def _restored(self, name: str | None) -> str:
        """Have a system restore its memory that keeps copies of it by itself; return which."""
        start = self._kept.start(_OWN)
        if start is None:
            start = await self._snapshot()
            self._kept.name_start(_OWN, start)
        self._wanted.add(start)
        await self._driver.restore(self._kept.copy(name or start))
        return name or start

    async def _snapshot(self) -> str:
        name = await self._driver.fingerprint()
        if self._kept.has(name):
            return name
        unfinished = self._kept.begin(name)
        await self._driver.snapshot(unfinished)
        return self._kept.finish(unfinished, name)

    async def _copied(self) -> str:
        try:
            return await asyncio.to_thread(self._folder.keep)
        except RestlessError:
            # What writes all the time stands still once it is ended. Its next call starts it again:
            # the answer that has come goes to disk first.
            await self._driver.stop()
            self._verbs = None
            return await asyncio.to_thread(self._folder.keep)

    async def _keep(self) -> str | None:
        """Keep a copy of the memory as it is now; None where that cannot be done.

        Then the next call raises why: the answer that has come is paid for, and goes to disk first.
        """
        try:
            if self._verbs and self._verbs.memory:
                self._known = await self._snapshot()
            else:
                self._known = await self._copied()
        except ArtifactError as error:
            self._broken = error
            return None
        return self._known


def outcome_of(feedback: Feedback, level: FeedbackLevel) -> Outcome:
    """Return how a task ended as far as a system is told."""
    task, checked = feedback.task, feedback.checked
    ask, talk = talk_of(task, feedback.answer)
    outcome = Outcome(ask=ask, messages=talk)
    if level == "none":
        return outcome
    passed = checked.ok if checked else feedback.answer["status"] == "ok"
    outcome = replace(outcome, passed=passed, reward=float(passed))
    # Of a sibling no more than the grade: it is there to see what was learned from its task.
    if passed or level != "answer" or feedback.sibling:
        return outcome
    return replace(outcome, why=checked.reason if checked else None, correction=task.teach)


def _elapsed_ms(start: float) -> int:
    return round((awake() - start) * 1000)


class Elsewhere(Local):
    """One arm of a system whose memory is not battery's to keep, as it is behind a URL."""

    async def put_back(self, memories: Sequence[str]) -> None:
        """Go on from whatever it remembers."""

    async def _ready(self) -> None:
        if self._verbs is None:
            self._verbs = await self._driver.start()

    async def _keep(self) -> None:
        pass


@asynccontextmanager
async def open_local(
    opening: Opening, driver: Callable[[Seat], Driver], system: type[Local] = Local
) -> AsyncIterator[Sequence[Worker]]:
    """Open one local system per worker and arm, each with a driver of its own."""
    home, settings = opening.memories.absolute(), opening.settings
    kept = Kept(home, lambda text: opening.tell(Notice(text, warning=True)))
    level = settings.feedback or DEFAULT_FEEDBACK
    async with AsyncExitStack() as stack:
        meters = stack.enter_context(
            metering_arms(
                opening.settings.meter,
                opening.arms,
                lambda text: opening.tell(Notice(text, warning=True)),
            )
        )
        workers: list[dict[Arm, Connection]] = [{} for _ in range(opening.workers)]
        for worker in workers:
            attempts = Attempts.of(opening.tasks, level, opening.judge)
            if attempts.overseer_after and settings.reviewer not in {None, RULES}:
                # One for each worker: a call that waits for another's takes longer than it takes.
                reviewer = await stack.enter_async_context(open_reviewer(settings, ()))
                attempts = replace(attempts, overseer=reviewer)
            for arm in opening.arms:
                memory = folder_of(arm, home) if system is Local else home / arm
                seat = Seat(
                    arm=arm,
                    memory=memory,
                    scratch=home / SCRATCH / memory.name,
                    model=opening.tasks.models.executor_cloud if opening.tasks else "",
                    environment={**opening.environment, **meters.environment(arm)},
                )
                local = system(driver(seat), seat, kept, attempts, meters)
                worker[arm] = await stack.enter_async_context(aclosing(local))
        yield workers


def local_kind(
    name: str,
    prefix: str,
    driver: Callable[[str, Seat], Driver],
    read: Callable[[str, Mapping[str, str]], Target],
    files: Callable[[str], Sequence[Path]] = lambda _text: (),
) -> Kind:
    """Return the kind of systems in a process of their own whose text begins with a prefix.

    `driver` makes a driver of that text, which `read` has checked; `files` are what the text names.
    """

    @asynccontextmanager
    async def opened(opening: Opening) -> AsyncIterator[Sequence[Worker]]:
        async with open_local(opening, partial(driver, opening.target.url)) as workers:
            yield workers

    return Kind(
        name=name,
        recognizes=lambda text: text.startswith(prefix),
        opened=opened,
        read=read,
        files=files,
        is_local=True,
        twin="the same one, with its folder put back before each call",
    )
