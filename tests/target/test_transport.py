"""Connections: whom a proxy may catch, and what a stream may hold."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpcore
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.errors import UnreachableError
from battery.protocol import limits
from battery.target import transport
from tests.support.calls import CALLS, asking, assert_one_message, run_battery, run_here
from tests.support.misbehaving import Server, Server6, deserted_port, http, sending

pytestmark = pytest.mark.slow

PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def proxied_by(url: str) -> dict[str, str]:
    """Name a proxy in every variable that is in use for it."""
    return {name: url for lower in PROXIES for name in (lower, lower.upper())}


@pytest.fixture
def dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in proxied_by(f"http://127.0.0.1:{deserted_port()}").items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("dead_proxy")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_no_proxy_catches_a_call_to_this_machine(host: str) -> None:
    with Server() as server:
        asking(f"http://{host}:{server.port}", *CALLS)
    assert server.calls == [*CALLS]


@pytest.mark.usefixtures("dead_proxy")
def test_no_proxy_catches_a_call_to_this_machine_by_ipv6() -> None:
    try:
        server = Server6()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback address")
    with server:
        asking(server.url, "respond")
    assert server.calls == ["respond"]


def test_no_proxy_catches_the_command_on_this_machine(tmp_path: Path) -> None:
    dead = proxied_by(f"http://127.0.0.1:{deserted_port()}")
    with Server() as server:
        assert run_here(tmp_path, server.url, env=dead).returncode == 0
    assert server.calls == ["respond", "distill", "chat", "chat"]


def test_a_call_to_another_host_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        asking("http://gateway.example", *CALLS)
    assert [request.target for request in proxy.requests] == [
        "http://gateway.example/v1/respond",
        "http://gateway.example/api/run?mode=distill",
        "http://gateway.example/v1/chat",
    ]
    assert {request.headers["host"] for request in proxy.requests} == {"gateway.example"}


def test_a_tls_call_to_another_host_is_tunnelled_and_shows_the_proxy_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusing = sending(http("no tunnels", status="403 Forbidden"))
    with Server(**{"gateway.example:443": refusing}) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(UnreachableError, match="403 Forbidden"):
            asking("https://gateway.example", "respond", authorization="Bearer sesame-1")
    (request,) = proxy.requests
    assert request.method == "CONNECT"
    assert b"sesame-1" not in request.head


def test_the_command_reaches_another_host_through_the_proxy_only(tmp_path: Path) -> None:
    with Server() as proxy:
        done = run_battery(tmp_path, "http://gateway.example", env={"http_proxy": proxy.url})
    assert done.returncode == 0, done.stderr
    assert {request.headers["host"] for request in proxy.requests} == {"gateway.example"}
    assert len(proxy.calls) == 4


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1", "gopher://127.0.0.1:1", "http://user:hunter22/"]
)
def test_a_proxy_that_cannot_be_used_is_named(tmp_path: Path, proxy: str) -> None:
    done = run_here(tmp_path, "http://gateway.example", env={"all_proxy": proxy})
    assert_one_message(done, 1, "proxy", "http://gateway.example", "NO_PROXY")
    assert "hunter22" not in done.stdout + done.stderr


class Chunks(httpx.AsyncByteStream):
    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk

    async def aclose(self) -> None:
        self.closed = True


def read(stream: transport.Answer | transport.EventStream) -> bytes:
    async def work() -> bytes:
        data = b"".join([chunk async for chunk in stream])
        await stream.aclose()
        return data

    return asyncio.run(work())


def answering(body: Chunks, connection: Chunks | None = None, coding: str = "") -> transport.Answer:
    """Make an answer of these chunks, as a pool hands it out."""
    network = {"network_stream": connection or Chunks([])}
    headers = [("Content-Encoding", coding)] if coding else []
    return transport.Answer(
        httpcore.Response(200, headers=headers, content=body, extensions=network)
    )


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=10))
def test_an_answer_passes_all_up_to_its_limit_and_nothing_beyond(
    chunks: list[bytes],
) -> None:
    whole = b"".join(chunks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_ANSWER_BYTES", len(whole))
        assert read(answering(Chunks(chunks))) == whole
        with pytest.raises(limits.TooLargeError, match="is larger than"):
            read(answering(Chunks([*chunks, b"x"])))


def test_an_event_stream_ends_with_a_blank_line() -> None:
    below = Chunks([b"data: ", b"1"])
    stream = transport.EventStream(answering(below))
    assert read(stream) == b"data: 1\n\n"
    assert stream.head == b"data: 1"


@pytest.mark.parametrize(
    ("coding", "named"),
    [
        ("gzip", "gzip"),
        ("identity, BR", "identity, BR"),
        ("x-gzip", "x-gzip"),
        ("snappy", "snappy"),
        ("UTF-8", ""),
        ("identity", ""),
        ("", ""),
    ],
)
def test_no_answer_is_unpacked_and_a_packed_one_is_known(coding: str, named: str) -> None:
    packed = zlib.compress(b"text")
    answer = answering(Chunks([packed]), coding=coding)
    assert answer.coding == named
    assert asyncio.run(answer.read()) == packed


def test_a_connection_is_closed_where_it_is_not_known_what_has_arrived_on_it() -> None:
    body, connection = Chunks([]), Chunks([])
    asyncio.run(answering(body, connection).aclose())
    assert body.closed
    assert connection.closed
