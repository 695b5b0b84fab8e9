"""Connections as a measurement needs them: one per client, bounded, and direct on this machine.

Nothing is retried here either: httpx is left at its default of no retries.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from typing import Final, cast

import anyio
import anyio.lowlevel
import httpx

from battery import __version__
from battery.base.network import KEEPALIVE_S, PLAIN_CODINGS, open_client
from battery.inputs.settings import Target
from battery.protocol import limits
from battery.protocol.distill import STREAM_END

# More than is shown, because a character may take several bytes and runs of white space shrink; not
# all of it, because an error page may have no end.
#: Bytes that are read of a body that an error message shows.
EXCERPT_BYTES: Final = 8000

#: A line that ends an event stream, and as many bytes as it may have.
_SENTINEL: Final = re.compile(
    rb"[\r\n]data:[ \t]*%b[ \t]*(?:[\r\n]|\Z)" % re.escape(STREAM_END.encode())
)
_SENTINEL_BYTES: Final = 64
#: A last event that lacks its blank line is an event all the same, however the stream ended.
_BLANK_LINE: Final = b"\n\n"


class _Wrapped(httpx.AsyncByteStream):
    """Takes the place of an answer's stream; closing it closes that one, too."""

    def __init__(self, response: httpx.Response) -> None:
        self._inner = cast(httpx.AsyncByteStream, response.stream)
        response.stream = self

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._inner.aclose()


class BoundedStream(_Wrapped):
    """An answer's bytes as they came, whatever its status: not unpacked, and not without end.

    Raises `TooLargeError` once they are too many.
    """

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(response)
        self._connection = response.extensions["network_stream"]
        self._announced = int(response.headers.get("content-length", 0))
        # Unpacked, a few hundred bytes can fill the memory. httpx unpacks what this header names,
        # so without it nothing that reads the answer can.
        #: The compression that was applied; empty for a plain answer.
        self.coding = response.headers.pop("content-encoding", "")
        if all(coding.strip().lower() in PLAIN_CODINGS for coding in self.coding.split(",")):
            self.coding = ""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > limits.MAX_ANSWER_BYTES:
                most, whole = limits.MAX_ANSWER_BYTES >> 20, max(size, self._announced) / 2**20
                raise limits.TooLargeError(f"is larger than {most} MiB (at least {whole:,.1f} MiB)")
            yield chunk

    async def aclose(self) -> None:
        """Close the answer, and its connection if more than the answer came over it."""
        await super().aclose()
        if _has_surplus(self._inner):
            await self._connection.aclose()


class EventStream(_Wrapped):
    """An event stream by whatever content type, as httpx-sse reads it."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(response)
        #: How the body begins, for messages.
        self.head = b""
        # Many servers name another type, and what lines begin with `data:` is an event stream.
        response.headers["content-type"] = "text/event-stream"
        # The specification says UTF-8, whatever the header claims, and allows a byte order mark,
        # which would otherwise hide the first event.
        response.encoding = "utf-8-sig"

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
    # h11 knows, and neither httpcore nor httpx asks it or passes it on.
    for name in ("_httpcore_stream", "_stream", "_connection", "_h11_state"):
        stream = getattr(stream, name, None)
    # Where another version keeps it elsewhere, no connection is used again: slow, but right.
    trailing = getattr(stream, "trailing_data", None)
    return trailing is None or bool(trailing[0])


async def load_backend() -> None:
    """Load what httpx would load during its first call, whose elapsed time that would falsify."""
    await anyio.lowlevel.checkpoint()


def open_http(target: Target, tls: ssl.SSLContext) -> httpx.AsyncClient:
    """Open a client that keeps one connection; raise `UnreachableError` for an unusable proxy."""
    headers = {
        "user-agent": f"battery/{__version__}",
        # Unpacking would be counted as the gateway's time.
        "accept-encoding": "identity",
        **target.headers,
    }
    one = httpx.Limits(max_connections=1, keepalive_expiry=KEEPALIVE_S)
    return open_client(target.url, tls, one, headers)
