"""Serving: the socket, and the end."""

from __future__ import annotations

import socket
from threading import Event

import pytest
from starlette.types import Receive, Scope, Send

from battery.base import serving
from battery.base.serving import listen, running


def test_the_listener_names_its_protocol() -> None:
    """Only then does asyncio turn off the delay that makes small answers 40 ms slower."""
    with listen("127.0.0.1", 0, "meter") as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_connection_that_comes_with_the_end_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop is held up by a call, and learns of both at once."""
    called, stopping = Event(), Event()
    stop = serving._Server.stop

    def stop_then_go_on(server: serving._Server) -> None:
        stop(server)
        stopping.set()

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        if scope["type"] == "http":
            called.set()
            stopping.wait(60)

    monkeypatch.setattr(serving._Server, "stop", stop_then_go_on)
    with listen("127.0.0.1", 0, "server") as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as first:
            with running(app, listener, "server"):
                first.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert called.wait(60)
                last = socket.create_connection(address, timeout=60)
            with last:
                assert last.recv(1) == b""
