"""Make one real call of each kind, and say what was read: `battery doctor --try`.

A gateway is asked the first task of the tasks file. A system whose memory battery can put back is
told a word that nobody can guess, and asked for it again, before and after its memory was put back.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from battery.base.errors import BatteryError
from battery.base.numbers import counted, duration, money
from battery.commands.doctor import Check
from battery.inputs.settings import Settings
from battery.inputs.tasks import find_tasks, plan
from battery.pricing import Pricing
from battery.protocol import Json
from battery.records.models import FROZEN, LEARN, RunResult, Task, Tasks
from battery.records.stages import CHAT_STAGES
from battery.review.chats import first_line
from battery.store.battery_dir import BatteryDir
from battery.target import targets
from battery.target.system import (
    Chatting,
    Connection,
    DistillReply,
    Feedback,
    Learner,
    Worker,
    is_learner,
)

_PROMPT: Final = "Answer in one word: can you read this?"
_MISSING: Final = (
    "have it report `iterations` and `artifact.usage.total_tokens`, or `turns` and `usage` of a "
    "Reply; --meter counts what a system that battery starts asks of its models"
)
_KEEPS: Final = (
    "it keeps memory where battery cannot put it back, such as a file elsewhere or a service of "
    "its own; until that changes it has no real twin"
)


def teaches(settings: Settings) -> str:
    """Say what a try leaves behind in the target."""
    if settings.restores:
        return "trying the gateway; its memory is put back afterwards"
    if targets.is_elsewhere(settings):
        return "sending the gateway a task, a distillation and a chat; it learns from them"
    return "trying the system with a scratch memory; nothing is kept"


async def try_out(settings: Settings) -> list[Check]:
    """Ask, have it learn, and have it reviewed, once each; return what each call brought.

    Stops at the first call that fails.
    """
    # One arm, unless only another user in it stands for a memory that is put back.
    settings = replace(settings, no_control=targets.keeps_memory(settings), feedback="answer")
    tasks, _ = find_tasks(settings.tasks_path)
    trial: list[Check] = []
    try:
        async with _opened(settings, tasks, trial) as calls:
            system = calls.worker[LEARN]
            await (calls.canary(system) if is_learner(system) else calls.gateway(system))
    except BatteryError as error:
        trial.append(Check("try", False, error.message, error.hint))
    return trial


@asynccontextmanager
async def _opened(settings: Settings, tasks: Tasks, trial: list[Check]) -> AsyncIterator[_Calls]:
    async with AsyncExitStack() as stack:
        memory = stack.enter_context(tempfile.TemporaryDirectory(prefix="battery-"))
        opened = targets.opened(
            settings, BatteryDir(Path(memory)), lambda _event: None, targets.Asked(tasks=tasks)
        )
        workers = await stack.enter_async_context(opened)
        yield _Calls(
            settings,
            tasks,
            workers[0],
            await stack.enter_async_context(targets.learning_side(settings, workers)),
            await stack.enter_async_context(targets.reviewing_side(settings, workers)),
            trial,
        )


@dataclass(frozen=True)
class _Calls:
    """The calls of a try, and what they brought so far."""

    settings: Settings
    tasks: Tasks
    worker: Worker
    team: Connection
    reviewing: Chatting
    trial: list[Check]

    async def gateway(self, system: Connection) -> None:
        """Make the three calls of the wire."""
        await self._respond("respond", system, plan(self.tasks)[0].task)
        reply = await self.team.distill(lambda _event: None, self.settings.meta_timeout)
        self._distilled("distill", reply)
        await self._chat()

    async def canary(self, system: Learner) -> None:
        """Ask, tell, have it learn, ask again; then put its memory back and ask once more."""
        word = f"canary-{secrets.token_hex(4)}"
        told = self._task(f"Remember the code word of today: {word}. Answer with it.", word)
        asked = self._task("What is the code word of today? Answer with it alone.", word)
        await system.put_back([])
        answer, first = await self._respond("ask", system, told)
        await self._tell(system, Feedback(told, answer, None))
        await self._learn(Feedback(told, answer, None))
        answer, _ = await self._respond("ask again", system, asked)
        kept = word in json.dumps(answer)
        self._add("remembers", True, f"{'repeats' if kept else 'does not repeat'} what it was told")
        # Where nothing can be put back, another user stands for a memory that is empty.
        twin = self.worker.get(FROZEN, system)
        if twin is system:
            await system.put_back([])
        answer, last = await self._respond("ask after a reset", twin, asked)
        self._add("reset", *_reset(kept, word in json.dumps(answer), first, last))
        await self._chat()

    def _task(self, sentence: str, word: str) -> Task:
        """Make a task of one's own kind that says a sentence wherever it may be looked for."""
        first = plan(self.tasks)[0].task
        # They would be asked in place of the prompt.
        spec = {key: value for key, value in first.spec.items() if key != "messages"}
        return first.model_copy(
            update={
                "operation": sentence,
                "spec": spec | {"prompt": sentence},
                "teach": f"The code word is {word}.",
                "checks": [],
                "siblings": [],
            }
        )

    async def _respond(self, name: str, system: Connection, task: Task) -> tuple[Json, str | None]:
        """Ask for one task; return the answer and the fingerprint of the memory."""
        answer, result, _ = await system.respond(
            task, self.tasks.models, self.settings.respond_timeout
        )
        priced = Pricing.of(self.tasks.prices, None).priced(result)
        hint = _MISSING if None in {result.turns, result.tokens} else None
        self._add(name, True, described(priced), hint)
        return answer, result.fingerprint

    async def _tell(self, system: Learner, feedback: Feedback) -> None:
        told = await system.tell(feedback, self.settings.meta_timeout)
        said = f"took {_took(told.elapsed_ms)}" if told else "it is not told how tasks ended"
        self._add("tell", True, said)

    async def _learn(self, feedback: Feedback) -> None:
        timeout_s = self.settings.meta_timeout
        if is_learner(self.team):
            reply = await self.team.learn([feedback], lambda _event: None, timeout_s)
        else:
            reply = await self.team.distill(lambda _event: None, timeout_s)
        self._distilled("learn", reply)

    def _distilled(self, name: str, reply: DistillReply) -> None:
        events = counted(len(reply.events), "event")
        text = f"{first_line(reply.result.text)} ({events}, {_took(reply.elapsed_ms)})"
        self._add(
            name,
            not reply.result.failed,
            text,
            "look at the log of the learning side" if reply.result.failed else None,
        )

    async def _chat(self) -> None:
        stage, model = CHAT_STAGES[0], self.tasks.models.overseer_cloud
        reply = await self.reviewing.chat(
            stage.role, _PROMPT, model, stage.temperature, self.settings.meta_timeout
        )
        self._add("chat", True, f"{first_line(reply.content)} ({_took(reply.elapsed_ms)})")

    def _add(self, name: str, ok: bool, finding: str, hint: str | None = None) -> None:
        self.trial.append(Check(name, ok, finding, hint))


def _reset(
    kept: bool, leaked: bool, first: str | None, last: str | None
) -> tuple[bool, str, str | None]:
    """Say whether a system forgets: by what it answers, and by the fingerprint of its memory."""
    if leaked:
        return False, "it repeats what it was told although its memory was put back", _KEEPS
    if first != last:
        return False, f"its memory was {first}, but is {last} after it was put back", _KEEPS
    seen = (
        "forgets what it was told"
        if kept
        else "it remembered nothing, so there was nothing to forget"
    )
    same = "no fingerprint says more" if first is None else "its fingerprint is that of the start"
    return True, f"{seen}; {same}", None


def described(result: RunResult) -> str:
    """Say what was read of an answer."""
    cached = result.spent.kinds.cached
    facts = [
        result.status,
        "no turns" if result.turns is None else counted(result.turns, "turn"),
        "no tokens" if result.tokens is None else counted(result.tokens, "token"),
        "no cost" if result.cost_usd is None else money(result.cost_usd),
        "" if cached is None else counted(cached, "cached token"),
        "from a cache" if result.cached else "",
        "the overseer corrected" if result.overseer_called else "no overseer",
        f"memory {result.fingerprint}" if result.fingerprint else "no memory fingerprint",
        f"error: {result.error}" if result.error else "no error",
        _took(result.elapsed_ms),
    ]
    return ", ".join(filter(None, facts))


def _took(elapsed_ms: int) -> str:
    return duration(elapsed_ms / 1000)
