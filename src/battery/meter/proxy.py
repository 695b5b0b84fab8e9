"""The proxy: every request goes on to the endpoint, and every answer comes back as it is.

Nothing is retried: whether to ask again is the agent's business, and a call asked twice is paid
twice. There is one exception. A chat that streams tells its usage only when it is asked to, so it
is asked to; an endpoint that refuses to be asked is asked as the agent wrote it. The first request
was refused, so it cost nothing.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import httpx
from starlette.types import Receive, Scope, Send

from battery.base import jsonio
from battery.base.network import KEEPALIVE_S, cause_of, open_client, proxy_note, proxy_secrets
from battery.base.redact import Redactor
from battery.base.text import brief
from battery.inputs.secrets import header_secrets
from battery.inputs.settings import Target
from battery.meter.answer import MAX_ERROR, DocumentReader, EventReader, Reader
from battery.meter.ledger import Entry, Ledger
from battery.meter.request import Request
from battery.protocol import WORDS

# Some programs stop listening once the model has said all, a moment before the usage comes.
#: Seconds that a finished answer is read on for its usage once the agent has left.
SETTLE_S: Final = 1.0

_EVENT_STREAM: Final = "text/event-stream"
_JSON: Final = "application/json"
#: Headers of one connection, which say nothing of the message, and those that are made anew.
_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"}
    | {"te", "trailer", "transfer-encoding", "upgrade"}
)
_MADE_ANEW: Final = frozenset({"host", "content-length", "expect", "accept-encoding"})
#: What an endpoint answers to an option that it does not know.
_REFUSALS: Final = frozenset({400, 422})
_FAILED_BEFORE: Final = (
    *(httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol),
    httpx.InvalidURL,
)
_Headers = list[tuple[bytes, bytes]]


class Proxy:
    """Forward requests to one endpoint, and write down the calls of models among them."""

    def __init__(self, endpoint: Target, tls: ssl.SSLContext, ledger: Ledger) -> None:
        """Raise `UnreachableError` for a proxy of the environment that cannot be used."""
        parts = urlsplit(endpoint.url)
        self._endpoint = endpoint
        self._origin = httpx.URL(f"{parts.scheme}://{parts.netloc}")
        self._ledger = ledger
        #: Paths where the endpoint refused to be asked for the usage of a stream.
        self._refusing: set[str] = set()
        pool = httpx.Limits(keepalive_expiry=KEEPALIVE_S)
        self._http = open_client(endpoint.url, tls, pool)

    async def aclose(self) -> None:
        """Close the connections to the endpoint."""
        await self._http.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, whose body comes in one piece."""
        body = (await receive()).get("body", b"")
        request = Request.of(scope["method"], scope["path"], body)
        headers = self._headers(scope["headers"])
        entry = Entry(request, _redactor(tuple(headers)), 0)
        if request.is_call:
            entry = self._ledger.begin(request, entry.redact)
        work = asyncio.ensure_future(self._exchange(entry, scope, headers, send))
        gone = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and entry.answer.finished:
                await asyncio.wait({work}, timeout=SETTLE_S)
            if not work.done():
                entry.aborted = True
        finally:
            gone.cancel()
            # Cancelled, it closes the call to the endpoint, as the agent's own client would.
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    def _headers(self, headers: Iterable[tuple[bytes, bytes]]) -> _Headers:
        """Return the headers for the endpoint: the agent's own, and what its URL held."""
        named = {name.lower().encode(): value for name, value in self._endpoint.headers.items()}
        own = [pair for pair in _end_to_end(headers, _MADE_ANEW) if pair[0].lower() not in named]
        # On loopback there is nothing to save, and what is compressed cannot be read in passing.
        plain = (b"accept-encoding", b"identity")
        return [*own, *((name, value.encode()) for name, value in named.items()), plain]

    async def _exchange(self, entry: Entry, scope: Scope, headers: _Headers, send: Send) -> None:
        try:
            try:
                response, asked_for_usage = await self._ask(entry.request, scope, headers)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                await self._unanswered(entry, error, send)
                return
            try:
                await self._pass_on(entry, response, send, hides_usage=asked_for_usage)
            finally:
                await response.aclose()
        finally:
            if entry.request.is_call:
                self._ledger.finish(entry)
            entry.answer.settle()

    async def _ask(
        self, request: Request, scope: Scope, headers: _Headers
    ) -> tuple[httpx.Response, bool]:
        """Send a request; return the answer, and whether the usage was asked for."""
        url = self._origin.copy_with(raw_path=_raw_path(scope))

        async def sent(body: bytes) -> httpx.Response:
            made = httpx.Request(scope["method"], url, headers=headers, content=body or None)
            return await self._http.send(made, stream=True, follow_redirects=False)

        altered = None if request.path in self._refusing else request.with_usage()
        response = await sent(altered or request.body)
        if altered is None or response.status_code not in _REFUSALS:
            return response, altered is not None
        await response.aclose()
        again = await sent(request.body)
        if again.is_success:
            self._refusing.add(request.path)
        return again, False

    async def _pass_on(
        self, entry: Entry, response: httpx.Response, send: Send, *, hides_usage: bool
    ) -> None:
        entry.status = response.status_code
        reader = _reader(entry, response, hides_usage=hides_usage)
        altered = isinstance(reader, EventReader) and reader.hides_usage
        dropped = {"content-length", "content-encoding"} if altered else frozenset()
        headers = list(_end_to_end(response.headers.raw, dropped))
        await send({"type": "http.response.start", "status": entry.status, "headers": headers})
        try:
            async for chunk in response.aiter_raw():
                passed = reader.feed(chunk)
                await self._give(entry, passed, send)
        except (httpx.HTTPError, httpx.StreamError) as error:
            entry.answer.error = f"the answer broke off: {self._words(entry, error)}"
            # The agent must see that the answer is not whole: the server closes its connection.
            raise
        rest = reader.end()
        await self._give(entry, rest, send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _give(self, entry: Entry, body: bytes, send: Send) -> None:
        # Counted before the agent can know that the answer is whole: it may be done with its task
        # the moment after, and then this call has to be in the books.
        if entry.answer.complete and entry.request.is_call:
            self._ledger.finish(entry)
        if body:
            await send({"type": "http.response.body", "body": body, "more_body": True})

    async def _unanswered(self, entry: Entry, error: Exception, send: Send) -> None:
        """Tell the agent that there is no answer, in the form of an endpoint's own errors."""
        entry.unsent = isinstance(error, _FAILED_BEFORE)
        url = self._endpoint.url
        what = "cannot connect to" if entry.unsent else "got no answer from"
        words = f"battery's meter {what} {url}{proxy_note(url)}: {self._words(entry, error)}"
        entry.answer.error = words
        document = {"error": {"message": words, "type": "meter_error", "code": None}}
        body = jsonio.dumps(document)
        headers = [
            (b"content-type", _JSON.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        if entry.request.is_call:
            self._ledger.finish(entry)
        await send({"type": "http.response.start", "status": 502, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    @staticmethod
    def _words(entry: Entry, error: Exception) -> str:
        entry.redact.error(error)
        return brief(cause_of(error), MAX_ERROR)


def _reader(entry: Entry, response: httpx.Response, *, hides_usage: bool) -> Reader:
    kind = response.headers.get("content-type", "").lower()
    coding = response.headers.get("content-encoding", "")
    # Some servers name another type.
    streams = entry.request.streams and not kind.startswith(_JSON) and response.is_success
    if kind.startswith(_EVENT_STREAM) or streams:
        return EventReader(entry.answer, coding, hides_usage=hides_usage)
    length = response.headers.get("content-length", "")
    whole = int(length) if length.isdecimal() else None
    return DocumentReader(entry.answer, response.status_code, coding, whole)


async def _left(receive: Receive) -> None:
    """Wait until the agent has closed its connection, or has its answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _raw_path(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path


def _end_to_end(
    headers: Iterable[tuple[bytes, bytes]], dropped: Iterable[str]
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the headers of a message without those of its connection."""
    listed = list(headers)
    named = (value for name, value in listed if name.lower() == b"connection")
    words = b",".join(named).decode("latin-1").lower().split(",")
    left_out = {*_HOP_BY_HOP, *dropped, *(word.strip() for word in words)}
    return (pair for pair in listed if pair[0].decode("latin-1").lower() not in left_out)


@lru_cache(maxsize=32)
def _redactor(headers: tuple[tuple[bytes, bytes], ...]) -> Redactor:
    named: Mapping[str, str] = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in headers
    }
    return Redactor([*header_secrets(named), *proxy_secrets()], WORDS)
