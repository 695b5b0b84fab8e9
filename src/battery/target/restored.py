"""A live gateway as its own twin: its memory is put back before each call, over HTTP.

The gateway keeps the copies, under names that battery gives them. The twin asks it with the
memory of the start, and puts the learner's back afterwards.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Final

from battery import protocol
from battery.base.errors import AnswerError, CallError
from battery.protocol import Json, idempotency
from battery.records.models import LEARN, Arm, Models, Task
from battery.target.http import Client
from battery.target.memory import Kept
from battery.target.system import (
    ChatReply,
    Connection,
    DistillReply,
    Feedback,
    Finding,
    Opening,
    RespondReply,
    Told,
    Worker,
)

#: Seconds that a gateway may take to copy its memory.
_TIMEOUT_S: Final = 120.0
_START: Final = "start.gateway"
_HINT: Final = (
    "`--control-gateway restore` needs POST /v1/memory/snapshot and /v1/memory/restore, and GET "
    "/v1/memory/fingerprint; without them, name a second deployment"
)


class MemoryClient(Client):
    """A client that can also ask a gateway to keep its memory and to put it back."""

    async def snapshot(self, name: str) -> None:
        """Have the memory kept under a name; raise `CallError`."""
        await self._change("snapshot", {"name": name})

    async def restore(self, name: str) -> None:
        """Have a kept memory put back; raise `CallError`."""
        await self._change("restore", {"name": name})

    async def reset(self) -> None:
        """Have everything forgotten; raise `CallError`."""
        await self._change("reset", {})

    async def fingerprint(self) -> str:
        """Ask what the memory is; raise `CallError`."""
        call = self._call("fingerprint of the memory", protocol.FINGERPRINT_PATH, _TIMEOUT_S)
        document, _ = await self._ask(call, None, method="GET")
        text = document.get("fingerprint") if isinstance(document, dict) else None
        if not isinstance(text, str) or not text:
            raise AnswerError(
                f"{call.name}: {call.url} answered no text at `fingerprint`", hint=_HINT
            )
        return text

    async def _change(self, verb: str, body: Json) -> None:
        call = self._call(f"{verb} of the memory", f"{protocol.MEMORY_PATH}/{verb}", _TIMEOUT_S)
        # It is part of another call, or comes before the first, and may be done twice.
        with idempotency.named(None):
            await self._fetch(call, body)


@contextmanager
def _advised() -> Iterator[None]:
    """Say with an error of the block what a gateway needs to be its own twin."""
    try:
        yield
    except CallError as error:
        error.hint = _HINT
        raise


class _Shared:
    """One gateway, and what battery knows of its memory."""

    def __init__(self, client: MemoryClient, home: Path) -> None:
        self.client = client
        self._kept = Kept(home)
        #: Names of the kept memories.
        self.start = ""
        self.learned = ""
        self._start_is = ""
        #: Why the memory is not what it should be.
        self.broken: CallError | None = None

    async def begin(self, memory: str | None) -> None:
        """Keep the memory of the start, or go on from a kept one."""
        with _advised():
            recorded = self._kept.start(_START)
            if recorded is None:
                await self._keep_start()
            else:
                self.start, self._start_is = recorded.split()
            self.learned = memory or self.start
            await self.client.restore(self.learned)

    async def _keep_start(self) -> None:
        self._start_is = await self.client.fingerprint()
        self.start = await self.keep()
        self._kept.name_start(_START, f"{self.start} {self._start_is}")

    async def keep(self) -> str:
        """Keep the memory as it is now; return its name."""
        # A name of its own each time: what is no lesson yet, such as an outcome, need not show in
        # a fingerprint.
        name = f"battery-{token_hex(8)}"
        await self.client.snapshot(name)
        self.learned = name
        return name

    async def kept(self) -> str | None:
        """Keep the memory; None where the gateway fails to, which the next call reports."""
        # The answer that has come is paid for, and goes to disk first.
        try:
            return await self.keep()
        except CallError as error:
            self.broken = error
            return None

    async def remember(self) -> None:
        """Put back what the learner knows; where the gateway fails to, the next call reports it."""
        try:
            await self.client.restore(self.learned)
        except CallError as error:
            self.broken = error

    async def forget(self) -> None:
        """Put back the memory of the start; raise `AnswerError` where it is not that one."""
        await self.client.restore(self.start)
        now = await self.client.fingerprint()
        if now != self._start_is:
            raise AnswerError(
                f"the gateway says that it put its memory back, but its fingerprint is {now}, not "
                f"{self._start_is}",
                hint="without that there is no twin: look at the gateway, or name a second "
                "deployment with --control-gateway",
            )


class Restored:
    """One arm of such a gateway."""

    def __init__(self, arm: Arm, shared: _Shared, team: Connection | None = None) -> None:
        self._arm = arm
        self._shared = shared
        self._client = shared.client
        #: The learning side.
        self._team = team or shared.client

    def taught_by(self, team: Connection) -> Restored:
        """Return the same arm with a learning side at another address."""
        return Restored(self._arm, self._shared, team)

    async def respond(self, task: Task, models: Models, timeout_s: float) -> RespondReply:
        """Ask for one task; the twin has the memory of the start."""
        if self._shared.broken:
            raise self._shared.broken
        if self._arm == LEARN:
            reply = await self._client.respond(task, models, timeout_s)
            return reply._replace(memory=await self._shared.kept())
        await self._shared.forget()
        reply = await self._client.respond(task, models, timeout_s)
        await self._shared.remember()
        return reply

    async def tell(self, feedback: Feedback, timeout_s: float) -> Told | None:
        """Tell nothing: a gateway keeps its own outcomes."""
        del feedback, timeout_s
        return None

    async def learn(
        self, outcomes: Sequence[Feedback], on_event: Callable[[Json], None], timeout_s: float
    ) -> DistillReply:
        """Have the learning side distil, and the gateway keep what came of it."""
        del outcomes
        reply = await self._team.distill(on_event, timeout_s)
        return reply._replace(memory=await self._shared.kept())

    async def distill(self, on_event: Callable[[Json], None], timeout_s: float) -> DistillReply:
        """Have the learning side distil."""
        return await self.learn((), on_event, timeout_s)

    async def chat(
        self, role: str, prompt: str, model: str, temperature: float, timeout_s: float
    ) -> ChatReply:
        """Ask the gateway's large model."""
        return await self._client.chat(role, prompt, model, temperature, timeout_s)

    async def probe(self, timeout_s: float) -> Finding:
        """Find out whether the gateway is there, and has a memory to put back."""
        finding = await self._client.probe(timeout_s)
        with _advised():
            await self._client.fingerprint()
        return finding

    async def put_back(self, memories: Sequence[str]) -> None:
        """Go on from the last of some kept memories; of none, keep the one of the start."""
        await self._shared.begin(memories[-1] if memories else None)


@asynccontextmanager
async def open_restored(opening: Opening) -> AsyncIterator[Sequence[Worker]]:
    """Open one connection to the gateway, for all arms and a single worker."""
    client = MemoryClient(opening.target, secrets=opening.secrets)
    async with aclosing(client):
        shared = _Shared(client, opening.memories)
        yield [{arm: Restored(arm, shared) for arm in opening.arms}]
