"""Connections that asyncio reads alone: real servers, in the same loop, with and without TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import httpcore
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base import connection
from battery.base.connection import PlainStream
from battery.base.network import open_client, tls_context

#: Of nobody: a certificate that signed itself, for this machine and `gateway.example`, and its key.
CERTIFICATE = Path(__file__).parents[1] / "support" / "localhost.pem"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve on loopback; yield the port. In the end all connections are closed."""
    at_work: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await handler(reader, writer)

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(handle(reader, writer))
        task.add_done_callback(lambda _: writer.transport.abort())
        at_work.add(task)

    async with await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]
        for task in at_work:
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)


@contextlib.asynccontextmanager
async def client_of(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(url, tls_context(url), httpx.Limits(max_connections=1)) as client:
        yield client


def head(length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """Read a request whole; return its body."""
    text = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = text.partition(b"content-length:")[2].split(b"\r\n")[0] or b"0"
    return await reader.readexactly(int(length))


def asked(handler: Handler, work: Callable[[httpx.AsyncClient, str], Awaitable[object]]) -> None:
    """Do something with a client of a server."""

    async def all_of_it() -> None:
        async with serving(handler) as port:
            url = f"http://127.0.0.1:{port}"
            async with client_of(url) as client, asyncio.timeout(10):
                await work(client, url)

    asyncio.run(all_of_it())


@pytest.mark.parametrize("heard", [False, True])
def test_plain_calls_are_read_by_asyncio_alone_unless_something_has_arrived_already(
    heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if heard:
        monkeypatch.setattr(connection, "_is_heard", lambda _: True)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(head(2) + b"ok")

    async def work(client: httpx.AsyncClient, url: str) -> None:
        async with client.stream("GET", url) as response:
            assert await response.aread() == b"ok"
        stream = response.extensions["network_stream"]
        assert isinstance(stream, PlainStream) is not heard

    asked(handler, work)


@settings(max_examples=20)
@given(
    st.lists(st.integers(1, 300_000), min_size=1, max_size=8), st.integers(0, 2_000_000), st.data()
)
def test_bodies_of_any_size_in_any_pieces_come_whole_over_one_connection(
    pieces: list[int], sent: int, data: st.DataObject
) -> None:
    whole, calls = b"".join(bytes([at % 251]) * size for at, size in enumerate(pieces)), 2
    pauses = data.draw(st.lists(st.booleans(), min_size=len(pieces), max_size=len(pieces)))
    connections: list[list[bytes]] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append([])
        for _ in range(calls):
            connections[-1].append(await request_of(reader))
            writer.write(head(len(whole)))
            start = 0
            for size, pause in zip(pieces, pauses, strict=True):
                writer.write(whole[start : (start := start + size)])
                await asyncio.sleep(0.001 * pause)

    async def work(client: httpx.AsyncClient, url: str) -> None:
        for _ in range(calls):
            assert (await client.post(url, content=b"b" * sent)).content == whole

    asked(handler, work)
    assert connections == [[b"b" * sent] * calls]


def test_what_comes_behind_an_answer_costs_the_connection_and_is_no_answer() -> None:
    connections = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        number = connections
        await request_of(reader)
        writer.write(head(1) + b"%d" % number)
        await asyncio.sleep(0.01)
        writer.write(head(4) + b"evil")
        await reader.read()

    async def work(client: httpx.AsyncClient, url: str) -> None:
        for number in (b"1", b"2"):
            assert (await client.get(url)).content == number
            await asyncio.sleep(0.05)

    asked(handler, work)
    assert connections == 2


def test_a_server_that_ends_its_side_is_heard_and_one_that_resets_is_an_error() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nup to the end")
        writer.write_eof()
        await reader.read()

    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(head(100) + b"half of it")
        await writer.drain()
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await request_of(reader)

    async def whole(client: httpx.AsyncClient, url: str) -> None:
        assert (await client.get(url)).text == "up to the end"

    async def fails(client: httpx.AsyncClient, url: str) -> None:
        with pytest.raises(httpx.ReadError):
            await client.get(url)

    async def without_a_word(client: httpx.AsyncClient, url: str) -> None:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await client.get(url)

    asked(half, whole)
    asked(broken, fails)
    asked(silent, without_a_word)


def test_a_server_that_sends_faster_than_it_is_read_is_held_up() -> None:
    sent = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await request_of(reader)
        writer.write(head(10**12))
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()
            sent += 1 << 16

    async def work(client: httpx.AsyncClient, url: str) -> None:
        async with client.stream("GET", url) as response:
            chunks = response.aiter_raw()
            await anext(chunks)
            before = -1
            while sent > before:
                before = sent
                await asyncio.sleep(0.1)
            await anext(chunks)
        # What the buffers of the system hold, and not all that it could send meanwhile.
        assert sent < 50 << 20

    asked(handler, work)


def test_with_tls_a_connection_stays_with_what_made_it_through_a_proxy_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            body = await request_of(reader)
            writer.write(head(len(body)) + body)

    async def tunnel(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await request_of(reader)) == b""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        try:
            await asyncio.gather(relay(reader, far_writer), relay(far_reader, writer))
        finally:
            far_writer.transport.abort()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            writer.write(piece)

    async def work() -> None:
        async with (
            serving(handler, tls) as port,
            serving(partial(tunnel, port)) as proxy,
            asyncio.timeout(20),
        ):
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy}")
            for url in (f"https://localhost:{port}", "https://gateway.example"):
                async with client_of(url) as client:
                    for size in (10, 300_000, 10):
                        async with client.stream("POST", url, content=bytes(size)) as answer:
                            assert await answer.aread() == bytes(size)
                        stream = answer.extensions["network_stream"]
                        assert isinstance(stream, httpcore.AsyncNetworkStream)
                        assert stream.get_extra_info("ssl_object")

    asyncio.run(work())
