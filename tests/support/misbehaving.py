"""Answers of the battery's three calls: as the wire promises, and wrong in any single byte.

Replacing the script of one call breaks that call and leaves the others alone.
"""

from __future__ import annotations

import json
from typing import Any

from tests.support import server
from tests.support.server import JSON, Deaf, Exchange, Request, Script, deserted_port, http

__all__ = ["JSON", "Deaf", "Exchange", "Request", "Script", "deserted_port", "http"]

RESPOND = {
    "status": "ok",
    "iterations": 2,
    "artifact": {"usage": {"total_tokens": 321}},
    "log": [{"kind": "turn"}],
    "error": None,
}
EVENTS = [{"role": "worker", "text": "reading"}, {"role": "final", "text": "one playbook"}]
CHAT = {"choices": [{"message": {"role": "assistant", "content": "## What worked\n\nEnough."}}]}

SSE = "text/event-stream"


def sse_head(*headers: str, kind: str = SSE) -> bytes:
    """Open an answer that ends when the connection does."""
    lines = ["HTTP/1.1 200 OK", f"content-type: {kind}", "connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


def sse(*events: Any) -> bytes:
    """Write events the plain way: one data line each."""
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def sending(*chunks: bytes) -> Script:
    """Send these bytes and be ready for the next request."""

    def script(exchange: Exchange) -> None:
        exchange.send(*chunks)

    return script


def closing(*chunks: bytes) -> Script:
    """Send these bytes and close the connection."""

    def script(exchange: Exchange) -> None:
        exchange.send(*chunks)
        exchange.hang_up()

    return script


def stalling(*chunks: bytes) -> Script:
    """Send these bytes and then nothing, for as long as the client cares to wait."""

    def script(exchange: Exchange) -> None:
        exchange.send(*chunks)
        exchange.say_no_more()
        exchange.wait()
        exchange.hang_up()

    return script


def repeating(first: bytes, chunk: bytes, *, pause_s: float, times: int = 2**62) -> Script:
    """Send one chunk again and again; the client decides when it had enough."""

    def script(exchange: Exchange) -> None:
        exchange.send(first)
        for sent in range(times):
            if pause_s and exchange.wait(pause_s):
                break
            exchange.send(chunk)
            if sent == 1:
                exchange.say_no_more()
        exchange.hang_up()

    return script


def answer_of(call: str) -> Script:
    """Answer a call as the wire promises."""
    if call == "distill":
        return closing(sse_head() + sse(*EVENTS))
    return sending(http(json.dumps(RESPOND if call == "respond" else CHAT)))


class Server(server.Server):
    """Answer as the wire promises, except where a script is given for a call or a path."""

    def __init__(self, **scripts: Script) -> None:
        calls = ("respond", "distill", "chat")
        known = {**{call: answer_of(call) for call in calls}, **scripts}
        other = sending(http("{}"))
        super().__init__(lambda exchange: known.get(exchange.request.call, other)(exchange))


class Server6(Server):
    """The same on the loopback address of IPv6."""

    host = "::1"
