"""Connections as a measurement needs them: one per client, bounded, and direct on this machine.

Nothing is retried here either: httpx is left at its default of no retries.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from typing import Final, cast

import anyio
import anyio.lowlevel
import httpcore
import httpx

from battery import __version__
from battery.base.network import KEEPALIVE_S, PLAIN_CODINGS, open_client, pool_of
from battery.inputs.settings import Target
from battery.protocol import limits
from battery.protocol.distill import STREAM_END

# More than is shown, because a character may take several bytes and runs of white space shrink; not
# all of it, because an error page may have no end.
#: What a call may raise; it has no common base.
HTTP_ERRORS: Final = (
    httpx.InvalidURL,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)
#: Bytes that are read of a body that an error message shows.
EXCERPT_BYTES: Final = 8000

#: A line that ends an event stream, and as many bytes as it may have.
_SENTINEL: Final = re.compile(
    rb"[\r\n]data:[ \t]*%b[ \t]*(?:[\r\n]|\Z)" % re.escape(STREAM_END.encode())
)
_SENTINEL_BYTES: Final = 64
#: A last event that lacks its blank line is an event all the same, however the stream ended.
_BLANK_LINE: Final = b"\n\n"


class Wire:
    """One connection to one place, over which requests go out and answers come as they are.

    httpcore alone makes the calls: what httpx adds, which redirects, unpacks and retries nothing
    here, takes a tenth of their time. It chooses proxies and certificates, and keeps cookies.
    """

    def __init__(self, target: Target, tls: ssl.SSLContext) -> None:
        """Prepare a connection; raise `UnreachableError` for an unusable proxy."""
        self._client = _open(target, tls)
        self._pool = pool_of(self._client, target.url)
        #: Of every request, name and value; by the names in lower case.
        self._headers = {name.lower(): (name, value) for name, value in self._client.headers.raw}
        self._bounds = {"timeout": self._client.timeout.as_dict()}

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> Answer:
        """Send a request; return its answer once the headers are there.

        `headers` come before those of the target. Raises `HTTP_ERRORS`.
        """
        known, address, host = _address(url)
        own = {**self._cookie(method, known), **headers}
        if content is not None or method == "POST":
            own["Content-Length"] = str(len(content or b""))
        sent = {b"host": (b"Host", host), **self._headers}
        for name, value in own.items():
            sent[name.lower().encode()] = (name.encode(), value.encode())
        request = httpcore.Request(
            method, address, headers=list(sent.values()), content=content, extensions=self._bounds
        )
        answer = Answer(await self._pool.handle_async_request(request))
        if answer.header("set-cookie"):
            # Some gateways know by it which of their instances has been asked before.
            self._client.cookies.extract_cookies(answer.for_httpx(httpx.Request(method, known)))
        return answer

    def _cookie(self, method: str, url: httpx.URL) -> dict[str, str]:
        """Return the header of the cookies that the place has set; a cookie of the user's stays."""
        if b"cookie" in self._headers or not self._client.cookies:
            return {}
        # Not every cookie is for every page.
        found = httpx.Request(method, url, cookies=self._client.cookies).headers.get("cookie")
        return {"Cookie": found} if found else {}

    async def aclose(self) -> None:
        """Close the connection, which the first request opened."""
        await self._client.aclose()


class Answer:
    """An answer whose bytes come as they are: not unpacked, and not without end."""

    def __init__(self, response: httpcore.Response) -> None:
        self.status = response.status
        self._headers = response.headers
        self._stream = cast(httpx.AsyncByteStream, response.stream)
        self._connection = response.extensions["network_stream"]

    @property
    def is_fine(self) -> bool:
        """Whether the status is 2xx."""
        return self.status // 100 == 2

    @property
    def coding(self) -> str:
        """The compression that was applied; empty for a plain answer."""
        # Unpacked, a few hundred bytes can fill the memory.
        coding = self.header("content-encoding")
        plain = all(each.strip().lower() in PLAIN_CODINGS for each in coding.split(","))
        return "" if plain else coding

    def header(self, name: str) -> str:
        """Return a header by its name in lower case; empty where there is none."""
        wanted = name.encode()
        found = [value for key, value in self._headers if key.lower() == wanted]
        return b", ".join(found).decode("utf-8", "replace")

    def for_httpx(self, request: httpx.Request) -> httpx.Response:
        """Return status and headers as httpx has them."""
        return httpx.Response(self.status, headers=self._headers, request=request)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes as they come; raise `TooLargeError` once they are too many."""
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > limits.MAX_ANSWER_BYTES:
                most, whole = limits.MAX_ANSWER_BYTES >> 20, max(size, self._announced) / 2**20
                raise limits.TooLargeError(f"is larger than {most} MiB (at least {whole:,.1f} MiB)")
            yield chunk

    async def read(self) -> bytes:
        """Return all of it; raise `TooLargeError`."""
        return b"".join([chunk async for chunk in self])

    async def aclose(self) -> None:
        """Close the answer, and its connection if more than the answer came over it."""
        await self._stream.aclose()
        if _has_surplus(self._stream):
            await self._connection.aclose()

    @property
    def _announced(self) -> int:
        return int(self.header("content-length") or 0)


class EventStream(httpx.AsyncByteStream):
    """An event stream by whatever content type, as httpx-sse reads it."""

    def __init__(self, answer: Answer) -> None:
        self._inner = answer
        #: How the body begins, for messages.
        self.head = b""

    def response(self) -> httpx.Response:
        """Return it as the answer that httpx-sse expects."""
        # Many servers name another type, and what lines begin with `data:` is an event stream.
        kind = {"content-type": "text/event-stream"}
        response = httpx.Response(self._inner.status, headers=kind, stream=self)
        # The specification says UTF-8, whatever the header claims, and allows a byte order mark,
        # which would otherwise hide the first event.
        response.encoding = "utf-8-sig"
        return response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._up_to_sentinel():
                yield chunk
        except (Exception, asyncio.CancelledError):
            yield _BLANK_LINE
            raise
        yield _BLANK_LINE

    async def _up_to_sentinel(self) -> AsyncIterator[bytes]:
        tail = b"\n"
        async for chunk in self._inner:
            self.head += chunk[: max(0, EXCERPT_BYTES - len(self.head))]
            # Some servers leave the connection open behind the sentinel, or keep it alive. Looked
            # for in bytes: nothing may come any more that would complete the line.
            if end := _SENTINEL.search(tail + chunk):
                yield chunk[: end.end() - len(tail)]
                break
            yield chunk
            tail = (tail + chunk)[-_SENTINEL_BYTES:]


def _has_surplus(stream: object) -> bool:
    """Return whether bytes behind a finished answer have arrived with it.

    On a connection that is used again they would be taken for the next answer. What arrives later,
    before the next request goes out, httpcore notices itself; what arrives after it nobody can.
    """
    # h11 knows, and httpcore neither asks it nor passes it on.
    for name in ("_stream", "_connection", "_h11_state"):
        stream = getattr(stream, name, None)
    # Where another version keeps it elsewhere, no connection is used again: slow, but right.
    trailing = getattr(stream, "trailing_data", None)
    return trailing is None or bool(trailing[0])


async def load_backend() -> None:
    """Load what httpx would load during its first call, whose elapsed time that would falsify."""
    await anyio.lowlevel.checkpoint()


def _open(target: Target, tls: ssl.SSLContext) -> httpx.AsyncClient:
    """Open a client that keeps one connection; raise `UnreachableError` for an unusable proxy."""
    headers = {
        "user-agent": f"battery/{__version__}",
        # Unpacking would be counted as the gateway's time.
        "accept-encoding": "identity",
        **target.headers,
    }
    one = httpx.Limits(max_connections=1, keepalive_expiry=KEEPALIVE_S)
    return open_client(target.url, tls, one, headers)


@lru_cache(maxsize=64)
def _address(url: str) -> tuple[httpx.URL, httpcore.URL, bytes]:
    """Read a URL; raise `httpx.InvalidURL`. Done for each call, it takes a tenth of its time."""
    read = httpx.URL(url)
    address = httpcore.URL(
        scheme=read.raw_scheme, host=read.raw_host, port=read.port, target=read.raw_path
    )
    return read, address, read.netloc
