"""The system under test behind HTTP: a gateway, its learning side or its control.

Each worker has a client, and so a connection, of its own: in a shared pool calls wait for each
other, which falsifies their elapsed times.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Final

from httpx_sse import EventSource

from battery import protocol
from battery.base.errors import AnswerError, BrokenAnswerError, CallTimeoutError, ShapeError
from battery.base.network import tls_context
from battery.inputs.settings import Target
from battery.protocol import Json, limits
from battery.protocol.distill import DistillStream
from battery.records.models import Models, Task
from battery.target.caller import Call, Caller
from battery.target.system import ChatReply, DistillReply, RespondReply
from battery.target.transport import EventStream, load_backend

_EVENT_STREAM: Final = "text/event-stream"


class Client(Caller):
    """One connection to one gateway, learning side or control."""

    async def respond(self, task: Task, models: Models, timeout_s: float) -> RespondReply:
        """Ask for one task; raise `CallError`."""
        request = protocol.RespondRequest(
            task_class=task.task_class,
            operation=task.operation,
            spec=task.spec,
            executor_model=models.executor_cloud,
            reviewer_model=models.reviewer_cloud,
        )
        call = self._call(f"respond for {task.operation!r}", protocol.RESPOND_PATH, timeout_s)
        answer, elapsed_ms = await self._ask(call, request.model_dump())
        try:
            return RespondReply.of(answer, elapsed_ms)
        except ShapeError as error:
            raise self._wrong_answer(call, error) from error

    async def chat(
        self, role: str, prompt: str, model: str, temperature: float, timeout_s: float
    ) -> ChatReply:
        """Ask a large model one question; raise `CallError`, also for an answer without content.

        `role`, a chat stage's, only names the call in messages.
        """
        message = protocol.ChatMessage(role="user", content=prompt)
        request = protocol.ChatRequest(model=model, messages=[message], temperature=temperature)
        call = self._call(
            f"chat for the {role} with model {model!r}", protocol.CHAT_PATH, timeout_s
        )
        return await self._chat(call, request.model_dump())

    async def distill(self, on_event: Callable[[Json], None], timeout_s: float) -> DistillReply:
        """Ask the learning side to distil; call `on_event` as each event arrives.

        Raises `CallError`, also for a stream without any event.
        """
        call = self._call("distill", f"{protocol.DISTILL_PATH}?{protocol.DISTILL_QUERY}", timeout_s)
        stream = DistillStream(clean=self._redact.document)
        start, cut = self._clock(), ""
        try:
            shown = await self._collect(call, stream, on_event)
        except (BrokenAnswerError, CallTimeoutError) as error:
            # The outcome is there; without it a resume would distil a second time.
            if not stream.settled:
                raise
            shown, cut = "", error.message
        try:
            return DistillReply.of(stream, self._elapsed_ms(start), cut)
        except ShapeError as error:
            raise self._wrong_answer(call, error, shown) from error

    async def _collect(
        self, call: Call, stream: DistillStream, on_event: Callable[[Json], None]
    ) -> str:
        """Read an event stream to its end or its `[DONE]`; return how the body begins."""
        async with self._stream(call, protocol.DistillRequest().model_dump()) as answer:
            kind = self._content_type(answer)
            body = EventStream(answer)
            count = limits.ValueCount()
            async with aclosing(EventSource(body.response()).aiter_sse()) as events:
                async for event in events:
                    count.add_event(event.data.encode())
                    for added in stream.add(event.data, event.event):
                        on_event(added)
        if not body.head.strip() or stream.events or kind.lower().startswith(_EVENT_STREAM):
            return self._shown(body.head)
        raise AnswerError(
            f"{call.name}: {call.url} answered no event stream (content-type {kind}): "
            f"{self._shown(body.head)}",
            hint="does this URL belong to the learning side? set it with --llm-team",
        )


@asynccontextmanager
async def open_clients(
    target: Target, count: int, client: type[Client] = Client, secrets: Collection[str] = ()
) -> AsyncIterator[Sequence[Client]]:
    """Open `count` clients, one per worker, all with one TLS context, which is slow to make."""
    await load_backend()
    tls = tls_context(target.url)
    async with AsyncExitStack() as stack:
        own = [client(target, secrets=secrets, tls=tls) for _ in range(count)]
        yield [await stack.enter_async_context(aclosing(each)) for each in own]
