"""The system under test behind HTTP: one client, one connection, no call ever made twice.

Nothing is retried, here or in the transport: a repeated respond would teach the gateway twice, and
one that the gateway had answered already would be counted as a call that never was. Each worker has
a client, and so a connection, of its own: in a shared pool calls wait for each other, which
falsifies their elapsed times.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, Final, NamedTuple

import httpx
from httpx_sse import EventSource
from pydantic import BaseModel

from battery import protocol
from battery.base import jsonio
from battery.base.clock import awake
from battery.base.errors import (
    AnswerError,
    BrokenAnswerError,
    CallError,
    CallTimeoutError,
    ShapeError,
    StatusError,
    UnreachableError,
)
from battery.base.network import CONNECT_TIMEOUT_S, cause_of, proxy_note, proxy_secrets, tls_context
from battery.base.redact import Redactor, without_user
from battery.base.text import printable
from battery.inputs.secrets import header_secrets
from battery.inputs.settings import Target
from battery.protocol import Json, limits
from battery.protocol.chat import chat_content
from battery.protocol.distill import DistillStream
from battery.records.models import Models, Task
from battery.target.system import ChatReply, DistillReply, Finding, RespondReply
from battery.target.transport import (
    EXCERPT_BYTES,
    BoundedStream,
    EventStream,
    load_backend,
    open_http,
)

# About five lines: enough for the cause, and the next step is still on the screen.
#: Characters of a body that an error message shows.
EXCERPT: Final = 500

_EVENT_STREAM: Final = "text/event-stream"
#: What httpx raises; it has no common base.
_HTTPX_ERRORS: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)

Clock = Callable[[], float]


class _Call(NamedTuple):
    """What the messages need to know of a call."""

    name: str
    url: str
    timeout: float


class Client:
    """One connection to one target.

    `secrets` are those of other targets, which may know them: a learning side reads logs.
    """

    def __init__(
        self,
        target: Target,
        *,
        secrets: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
        clock: Clock = awake,
    ) -> None:
        self._base = target.url
        self._clock = clock
        # A proxy is sent credentials, too, and shows what it was sent when it refuses a call.
        own = [*header_secrets(target.headers), *proxy_secrets()]
        self._redact = Redactor([*secrets, *own], spared=protocol.WORDS)
        #: Whether the present answer has begun; a client makes one call at a time.
        self._answering = False
        self._http = open_http(target, tls or tls_context(target.url))

    async def aclose(self) -> None:
        """Close the connection, which the first call opened."""
        await self._http.aclose()

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
        answer, elapsed_ms = await self._ask(call, request)
        try:
            return RespondReply.of(answer, elapsed_ms)
        except ShapeError as error:
            raise _wrong_answer(call, error) from error

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
        answer, elapsed_ms = await self._ask(call, request)
        try:
            # A secret that was cut into parts is whole only in the text that they make.
            return ChatReply(self._redact.text(chat_content(answer)), answer, elapsed_ms)
        except ShapeError as error:
            raise _wrong_answer(call, error) from error

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
            raise _wrong_answer(call, error, shown) from error

    async def _collect(
        self, call: _Call, stream: DistillStream, on_event: Callable[[Json], None]
    ) -> str:
        """Read an event stream to its end or its `[DONE]`; return how the body begins."""
        async with self._stream(call, protocol.DistillRequest()) as response:
            kind = self._content_type(response)
            body = EventStream(response)
            count = limits.ValueCount()
            async with aclosing(EventSource(response).aiter_sse()) as events:
                async for event in events:
                    count.add_event(event.data.encode())
                    for added in stream.add(event.data, event.event):
                        on_event(added)
        if not body.head.strip() or stream.events or kind.lower().startswith(_EVENT_STREAM):
            return self._shown(body.head)
        raise AnswerError(
            f"{call.name}: {call.url} answered no event stream (content-type {kind}): "
            f"{self._shown(body.head)}",
            hint="does this URL belong to the LLM team? set it with --llm-team",
        )

    async def probe(self, timeout_s: float) -> Finding:
        """Ask for the target's front page; raise `CallError` when nobody answers.

        Any answer below 500 will do: a gateway need not have a front page.
        """
        # The front page, because no other path is sure to be free of charge and to teach nothing.
        call = self._call("look-up", "/", timeout_s)
        async with self._translated(call), self._http.stream("GET", call.url) as response:
            status = response.status_code
        if status in {401, 403}:
            text = f"{self._base} asks for credentials (HTTP {status} at /)"
            return Finding(True, text, "if runs are refused too, set a token or --header")
        hint = None if status < 500 else "look at its log: it answers, but with an error"
        return Finding(status < 500, f"{self._base} answers (HTTP {status} at /)", hint)

    def _call(self, name: str, path: str, timeout_s: float) -> _Call:
        return _Call(name, self._base + path, timeout_s)

    def _elapsed_ms(self, start: float) -> int:
        return round((self._clock() - start) * 1000)

    async def _ask(self, call: _Call, request: BaseModel) -> tuple[Any, int]:
        start = self._clock()
        async with self._stream(call, request) as response:
            body = await response.aread()
            limits.ValueCount().add(body)
        # The last byte stops the clock, since a gateway that trickles takes that long; reading the
        # JSON is our own time and not the gateway's.
        elapsed_ms = self._elapsed_ms(start)
        try:
            document = self._redact.document(jsonio.loads(body, jsonio.MAX_DEPTH), body)
        except ValueError as error:
            self._redact.error(error)
            # What is JSON but for one thing did come from the gateway.
            verdict, hint = (
                "is not JSON",
                "does this URL belong to the gateway? check it with `battery doctor`",
            )
            if isinstance(error, jsonio.UnfitError):
                verdict, hint = "cannot be read", error.hint
            raise AnswerError(
                f"{call.name}: the answer of {call.url} {verdict} ({printable(str(error))}; "
                f"content-type {self._content_type(response)}): {self._shown(body)}",
                hint=hint,
            ) from error
        return document, elapsed_ms

    @asynccontextmanager
    async def _stream(self, call: _Call, request: BaseModel) -> AsyncIterator[httpx.Response]:
        """Send one request and hand out its answer, once its status is 2xx."""
        body = jsonio.dumps(request.model_dump())
        sent = self._http.stream(
            "POST", call.url, content=body, headers={"content-type": "application/json"}
        )
        async with self._translated(call), sent as response:
            self._answering = True
            coding = self._clean(BoundedStream(response).coding)
            if not response.is_success:
                raise await self._bad_status(call, response, coding)
            if coding:
                raise self._compressed(call, coding)
            yield response

    @asynccontextmanager
    async def _translated(self, call: _Call) -> AsyncIterator[None]:
        """Bound the whole call and turn what httpx raises into errors a user understands."""
        self._answering = False
        try:
            async with asyncio.timeout(call.timeout):
                yield
        except (TimeoutError, limits.TooLargeError, *_HTTPX_ERRORS) as error:
            self._redact.error(error)
            raise self._failure(call, error) from error

    def _failure(self, call: _Call, error: Exception) -> CallError:
        if isinstance(error, TimeoutError):
            what = "the answer was not complete" if self._answering else "no answer"
            return CallTimeoutError(
                f"{call.name}: {what} from {call.url} within {call.timeout:g} s",
                hint="look at the gateway's log, or allow more: --respond-timeout, --meta-timeout",
            )
        if isinstance(error, httpx.ConnectTimeout):
            return CallTimeoutError(
                f"{call.name}: no connection to {call.url} within {CONNECT_TIMEOUT_S:g} s",
                hint="is the host right, and is it up? check with `battery doctor`",
            )
        if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol):
            return UnreachableError(
                f"{call.name}: cannot connect to {call.url}{proxy_note(call.url)}: "
                f"{cause_of(error)}",
                hint="is it running, and is the URL right? check with `battery doctor`",
            )
        if isinstance(error, limits.TooLargeError):
            return BrokenAnswerError(
                f"{call.name}: the answer of {call.url} {error}",
                hint="let the gateway leave files and long logs out of its answer: up to "
                f"{limits.MAX_ANSWER_BYTES >> 20} MiB and {limits.MAX_ANSWER_VALUES:,} values are "
                f"taken, and {limits.MAX_EVENTS:,} events of a stream",
            )
        return BrokenAnswerError(
            f"{call.name}: the connection to {call.url} broke: {cause_of(error)}",
            hint="look at the gateway's log; what finished is on disk",
        )

    async def _bad_status(self, call: _Call, response: httpx.Response, coding: str) -> CallError:
        shown = await self._excerpt(response, coding)
        where = self._header(response, "location")
        moved = f" (to {without_user(where)})" if response.has_redirect_location else ""
        return StatusError(
            f"{call.name}: {call.url} answered HTTP {response.status_code}{moved}: {shown}",
            hint=_status_hint(response.status_code),
        )

    def _compressed(self, call: _Call, coding: str) -> CallError:
        return AnswerError(
            f"{call.name}: {call.url} answered with content-encoding {coding}, "
            "though a plain answer was asked for",
            hint="switch compression off in the gateway or in the proxy before it",
        )

    async def _excerpt(self, response: httpx.Response, coding: str) -> str:
        if coding:
            return f"(a body with content-encoding {coding}, which is not unpacked)"
        body = b""
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > EXCERPT_BYTES:
                break
        return self._shown(body)

    def _shown(self, body: bytes) -> str:
        """Excerpt a body for a message."""
        text = body[:EXCERPT_BYTES].decode("utf-8", "replace")
        # Secrets go first: half of one, at the end of what was cut off, would not be recognized.
        return printable(self._redact.excerpt(text))[:EXCERPT] or "(empty)"

    def _content_type(self, response: httpx.Response) -> str:
        return self._header(response, "content-type") or "none"

    def _header(self, response: httpx.Response, name: str) -> str:
        return self._clean(response.headers.get(name, ""))

    def _clean(self, header: str) -> str:
        return printable(self._redact.text(header))[:EXCERPT]


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


def _wrong_answer(call: _Call, error: ShapeError, shown: str = "") -> AnswerError:
    body = f": {shown}" if shown else ""
    return AnswerError(
        f"{call.name}: the answer of {call.url} is not what the wire promises: "
        f"{printable(str(error))}{body}",
        hint=error.hint or "fix the gateway; docs/reference/wire.md says what an answer holds",
    )


def _status_hint(status: int) -> str:
    if status in {401, 403}:
        return (
            "set GATEWAY_TOKEN (LLM_TEAM_TOKEN for the LLM team, CONTROL_GATEWAY_TOKEN for the "
            "control gateway) or give --header"
        )
    if status == 404:
        return "is this the gateway's base URL? check it with `battery doctor`"
    # A redirect followed would repeat the call, and send its headers to a host nobody named.
    # 304 and its like name no other place.
    if status in {301, 302, 303, 307, 308}:
        return "redirects are not followed: name the final URL"
    return "look at the gateway's log; what finished is on disk"
