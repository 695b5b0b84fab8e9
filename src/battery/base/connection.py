"""A plain connection read and written by asyncio alone, for the calls that httpx makes over it.

What httpx brings for this works under other event loops as well, for which it pays a tenth of what
a call costs. Connections are still made by it, and those with TLS are left to it altogether.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Iterable
from typing import Any, Final

import httpcore
import httpx

#: Bytes that may wait to be read before the sender is held up.
_MOST_WAITING: Final = 1 << 18


def read_plainly(client: httpx.AsyncClient) -> None:
    """Let a client use such connections; it must not bound how long it reads or writes.

    A client of another version, which keeps its connections elsewhere, stays as it is.
    """
    for transport in (client._transport, *client._mounts.values()):
        pool = getattr(transport, "_pool", None)
        if pool and hasattr(pool, "_network_backend"):
            pool._network_backend = PlainBackend()


class PlainBackend(httpcore.AnyIOBackend):
    """Makes connections as httpx does, and hands out those that asyncio reads."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore names it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect; raise `httpcore.ConnectError` or `ConnectTimeout`."""
        made = await super().connect_tcp(host, port, timeout, local_address, socket_options)
        transport = getattr(getattr(made, "_stream", None), "_transport", None)
        # Where another version keeps it elsewhere: slower, but right. So is what has heard
        # something already: no server of HTTP speaks first.
        if not isinstance(transport, asyncio.Transport) or _is_heard(transport.get_protocol()):
            return made
        return PlainStream(made, transport)


def _is_heard(protocol: object) -> bool:
    """Return whether anything has arrived, or nobody can tell."""
    arrived = getattr(protocol, "read_event", None)
    return arrived is None or bool(arrived.is_set())


class PlainStream(httpcore.AsyncNetworkStream):
    """A connection that is made, until TLS begins on it.

    How long reading and writing may take is left to the caller.
    """

    def __init__(self, made: httpcore.AsyncNetworkStream, transport: asyncio.Transport) -> None:
        self._made = made
        self._transport = transport
        self._before = transport.get_protocol()
        self._arrived = _Arrived(transport)
        transport.set_protocol(self._arrived)
        transport.resume_reading()

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - as httpcore names it
    ) -> bytes:
        """Return what has arrived, empty at the end; raise `httpcore.ReadError`."""
        try:
            return await self._arrived.take(max_bytes)
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - as httpcore names it
    ) -> None:
        """Send bytes; raise `httpcore.WriteError` where the connection is broken."""
        if self._transport.is_closing():
            raise httpcore.WriteError("the connection is closed") from self._arrived.error
        # What is sent is in memory anyway, so nothing is saved by sending it bit by bit.
        self._transport.write(buffer)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._made.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore names it
    ) -> httpcore.AsyncNetworkStream:
        """Give the connection back to what made it, which begins TLS."""
        self._transport.pause_reading()
        self._transport.set_protocol(self._before)
        return await self._made.start_tls(ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks for; whether something has arrived that nobody asked for."""
        if info == "is_readable":
            return self._arrived.has_news()
        return self._made.get_extra_info(info)


class _Arrived(asyncio.Protocol):
    """What has come over a connection and was not read yet."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._socket: int = transport.get_extra_info("socket").fileno()
        self._data = bytearray()
        self._ended = False
        self._reader: asyncio.Future[None] | None = None
        #: Why the connection broke; None where it did not.
        self.error: Exception | None = None

    async def take(self, most: int) -> bytes:
        """Wait for bytes and return so many at most, none at the end; raise `OSError`."""
        if not self._data and not self._ended:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        taken = bytes(self._data[:most])
        del self._data[:most]
        if not taken and self.error:
            raise self.error
        if not self._data:
            self._transport.resume_reading()
        return taken

    def has_news(self) -> bool:
        """Return whether reading would not have to wait."""
        if self._data or self._ended:
            return True
        look = select.poll()
        look.register(self._socket, select.POLLIN)
        return bool(look.poll(0))

    def data_received(self, data: bytes) -> None:
        """Keep it, and hold the sender up once it is too much."""
        self._data += data
        if len(self._data) > _MOST_WAITING:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Note the end; what is still to be sent may be sent."""
        self._end()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and why."""
        self.error = exc
        self._end()

    def _end(self) -> None:
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._reader and not self._reader.done():
            self._reader.set_result(None)
