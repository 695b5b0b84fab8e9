"""HTTP calls to one place: bounded in time and size, explained where they fail, never repeated.

Nothing is retried, here or in the transport: a repeated call would teach the system twice, and one
that was answered already would be counted as a call that never was.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, ClassVar, Final, NamedTuple

import httpcore

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
from battery.base.network import (
    CONNECT_TIMEOUT_S,
    cause_of,
    proxy_note,
    proxy_secrets,
    tls_context,
)
from battery.base.redact import Redactor, without_user
from battery.base.text import printable
from battery.inputs.secrets import header_secrets
from battery.inputs.settings import Target
from battery.protocol import Json, idempotency, limits
from battery.protocol.chat import chat_content
from battery.target.system import ChatReply, Finding
from battery.target.transport import EXCERPT_BYTES, HTTP_ERRORS, Answer, Wire

#: Statuses of what is at another place.
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
# About five lines: enough for the cause, and the next step is still on the screen.
#: Characters of a body that an error message shows.
EXCERPT: Final = 500

Clock = Callable[[], float]


class Call(NamedTuple):
    """What the messages need to know of a call."""

    name: str
    url: str
    timeout: float


class Caller:
    """One connection to one target.

    `secrets` are those of other targets, which may know them: a learning side reads logs.
    """

    #: What the hints call whoever answers.
    noun: ClassVar[str] = "gateway"
    #: What to do where credentials are asked for.
    credentials: ClassVar[str] = (
        "set GATEWAY_TOKEN (LLM_TEAM_TOKEN for the learning side, CONTROL_GATEWAY_TOKEN for the "
        "twin) or give --header"
    )
    #: Where it is written what an answer holds.
    promise: ClassVar[str] = (
        "fix the gateway; `battery schema` prints what an answer holds, by respond, distill or chat"
    )

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
        self._wire = Wire(target, tls or tls_context(target.url))

    async def aclose(self) -> None:
        """Close the connection, which the first call opened."""
        await self._wire.aclose()

    async def probe(self, timeout_s: float) -> Finding:
        """Ask for the target's front page; raise `CallError` when nobody answers.

        Any answer below 500 will do: a gateway need not have a front page.
        """
        # The front page, because no other path is sure to be free of charge and to teach nothing.
        call = self._call("look-up", "/", timeout_s)
        status = await self._status(call)
        if status in {401, 403}:
            text = f"{self._base} asks for credentials (HTTP {status} at /)"
            return Finding(True, text, "if runs are refused too, set a token or --header")
        hint = None if status < 500 else "look at its log: it answers, but with an error"
        return Finding(status < 500, f"{self._base} answers (HTTP {status} at /)", hint)

    async def _status(self, call: Call) -> int:
        """Look at a page; return the status of its answer, whatever that is."""
        async with self._translated(call), aclosing(await self._sent("GET", call)) as answer:
            return answer.status

    def _call(self, name: str, path: str, timeout_s: float) -> Call:
        return Call(name, self._base + path, timeout_s)

    def _elapsed_ms(self, start: float) -> int:
        return round((self._clock() - start) * 1000)

    async def _ask(
        self,
        call: Call,
        body: Json | None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> tuple[Any, int]:
        """Make a call; return the JSON of its answer, and how long it took."""
        content, elapsed_ms, kind = await self._fetch(call, body, headers, method)
        return self._document(call, content, kind), elapsed_ms

    async def _chat(self, call: Call, body: Json) -> ChatReply:
        """Make a call that a large model answers; raise `CallError` for one without content."""
        answer, elapsed_ms = await self._ask(call, body)
        try:
            # A secret that was cut into parts is whole only in the text that they make.
            return ChatReply(self._redact.text(chat_content(answer)), answer, elapsed_ms)
        except ShapeError as error:
            raise self._wrong_answer(call, error) from error

    async def _fetch(
        self,
        call: Call,
        body: Json | None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> tuple[bytes, int, str]:
        """Make a call; return the answer's bytes, how long it took, and its content type."""
        start = self._clock()
        async with self._stream(call, body, headers, method) as answer:
            content = await answer.read()
            limits.ValueCount().add(content)
        # The last byte stops the clock, since a gateway that trickles takes that long; reading the
        # JSON is our own time and not the gateway's.
        return content, self._elapsed_ms(start), self._content_type(answer)

    def _document(self, call: Call, body: bytes, kind: str) -> Any:
        try:
            return self._redact.document(jsonio.loads(body, jsonio.MAX_DEPTH), body)
        except ValueError as error:
            self._redact.error(error)
            # What is JSON but for one thing did come from the gateway.
            verdict, hint = (
                "is not JSON",
                f"does this URL belong to the {self.noun}? check it with `battery doctor`",
            )
            if isinstance(error, jsonio.UnfitError):
                verdict, hint = "cannot be read", error.hint
            raise AnswerError(
                f"{call.name}: the answer of {call.url} {verdict} ({printable(str(error))}; "
                f"content-type {kind}): {self._shown(body)}",
                hint=hint,
            ) from error

    @asynccontextmanager
    async def _stream(
        self,
        call: Call,
        body: Json | None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> AsyncIterator[Answer]:
        """Send one request and hand out its answer, once its status is 2xx."""
        async with (
            self._translated(call),
            aclosing(await self._sent(method, call, body, headers)) as answer,
        ):
            self._answering = True
            coding = self._clean(answer.coding)
            if not answer.is_fine:
                raise await self._bad_status(call, answer, coding)
            if coding:
                raise self._compressed(call, coding)
            yield answer

    async def _sent(
        self,
        method: str,
        call: Call,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request; return its answer once the headers are there."""
        kind = {} if body is None else {"content-type": "application/json"}
        # A look asks for nothing that could be done twice.
        name = {} if method == "GET" else idempotency.headers()
        content = None if body is None else jsonio.dumps(body)
        return await self._wire.send(method, call.url, {**kind, **name, **(headers or {})}, content)

    @asynccontextmanager
    async def _translated(self, call: Call) -> AsyncIterator[None]:
        """Bound the whole call and turn what it raises into errors a user understands."""
        self._answering = False
        try:
            async with asyncio.timeout(call.timeout):
                yield
        except (TimeoutError, limits.TooLargeError, *HTTP_ERRORS) as error:
            self._redact.error(error)
            raise self._failure(call, error) from error

    def _failure(self, call: Call, error: Exception) -> CallError:
        if isinstance(error, TimeoutError):
            what = "the answer was not complete" if self._answering else "no answer"
            return CallTimeoutError(
                f"{call.name}: {what} from {call.url} within {call.timeout:g} s",
                hint=f"look at the {self.noun}'s log, or allow more: --respond-timeout, "
                "--meta-timeout",
            )
        if isinstance(error, httpcore.ConnectTimeout):
            return UnreachableError(
                f"{call.name}: no connection to {call.url} within {CONNECT_TIMEOUT_S:g} s",
                hint="is the host right, and is it up? check with `battery doctor`",
            )
        if isinstance(
            error, httpcore.ConnectError | httpcore.ProxyError | httpcore.UnsupportedProtocol
        ):
            return UnreachableError(
                f"{call.name}: cannot connect to {call.url}{proxy_note(call.url)}: "
                f"{cause_of(error)}",
                hint="is it running, and is the URL right? check with `battery doctor`",
            )
        if isinstance(error, limits.TooLargeError):
            return BrokenAnswerError(
                f"{call.name}: the answer of {call.url} {error}",
                hint=f"let the {self.noun} leave files and long logs out of its answer: up to "
                f"{limits.MAX_ANSWER_BYTES >> 20} MiB and {limits.MAX_ANSWER_VALUES:,} values are "
                f"taken, and {limits.MAX_EVENTS:,} events of a stream",
            )
        return BrokenAnswerError(
            f"{call.name}: the connection to {call.url} broke: {cause_of(error)}",
            hint=f"look at the {self.noun}'s log; what finished is on disk",
        )

    async def _bad_status(self, call: Call, answer: Answer, coding: str) -> CallError:
        shown = await self._excerpt(answer, coding)
        where = self._header(answer, "location")
        moved = f" (to {without_user(where)})" if where and answer.status in _MOVED else ""
        return StatusError(
            f"{call.name}: {call.url} answered HTTP {answer.status}{moved}: {shown}",
            status=answer.status,
            hint=self._status_hint(answer.status),
        )

    def _compressed(self, call: Call, coding: str) -> CallError:
        return AnswerError(
            f"{call.name}: {call.url} answered with content-encoding {coding}, "
            "though a plain answer was asked for",
            hint=f"switch compression off in the {self.noun} or in the proxy before it",
        )

    async def _excerpt(self, answer: Answer, coding: str) -> str:
        if coding:
            return f"(a body with content-encoding {coding}, which is not unpacked)"
        body = b""
        async for chunk in answer:
            body += chunk
            if len(body) > EXCERPT_BYTES:
                break
        return self._shown(body)

    def _shown(self, body: bytes) -> str:
        """Excerpt a body for a message."""
        text = body[:EXCERPT_BYTES].decode("utf-8", "replace")
        # Secrets go first: half of one, at the end of what was cut off, would not be recognized.
        return printable(self._redact.excerpt(text))[:EXCERPT] or "(empty)"

    def _content_type(self, answer: Answer) -> str:
        return self._header(answer, "content-type") or "none"

    def _header(self, answer: Answer, name: str) -> str:
        return self._clean(answer.header(name))

    def _clean(self, header: str) -> str:
        return printable(self._redact.text(header))[:EXCERPT]

    def _wrong_answer(self, call: Call, error: ShapeError, shown: str = "") -> AnswerError:
        body = f": {shown}" if shown else ""
        return AnswerError(
            f"{call.name}: the answer of {call.url} has a wrong form: "
            f"{printable(str(error))}{body}",
            hint=error.hint or self.promise,
        )

    def _status_hint(self, status: int) -> str:
        if status in {401, 403}:
            return self.credentials
        if status == 404:
            return f"is this the {self.noun}'s base URL? check it with `battery doctor`"
        # A redirect followed would repeat the call, and send its headers to a host nobody named.
        # 304 and its like name no other place.
        if status in _MOVED:
            return "redirects are not followed: name the final URL"
        return f"look at the {self.noun}'s log; what finished is on disk"
