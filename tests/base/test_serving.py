"""Serving: the socket."""

from __future__ import annotations

import socket

from battery.base.serving import listen


def test_the_listener_names_its_protocol() -> None:
    """Only then does asyncio turn off the delay that makes small answers 40 ms slower."""
    with listen("127.0.0.1", 0, "meter") as listener:
        assert listener.proto == socket.IPPROTO_TCP
