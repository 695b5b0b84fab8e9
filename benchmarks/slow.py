"""A gateway that takes its time and knows how long: `python -m benchmarks.slow SECONDS`.

It prints its URL, serves any number of connections in one event loop, and answers `/times` with the
seconds between the last byte of each task and the first byte of its answer, by its own clock.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Final

from tests.support.server import http

from battery.protocol import CHAT_PATH, DISTILL_PATH, RESPOND_PATH
from benchmarks.gateway import answers

TIMES_PATH: Final = "/times"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
#: Connections that may wait to be accepted: all batteries begin at once.
_BACKLOG: Final = 1000


class _Connection(asyncio.Protocol):
    """One client, whose requests follow one another."""

    def __init__(self, takes_s: float, times: list[float]) -> None:
        self._takes_s = takes_s
        self._times = times
        self._received = b""
        small = answers("small")
        self._answers = {
            CHAT_PATH: small["chat"],
            DISTILL_PATH: small["distill"],
            RESPOND_PATH: small["respond"],
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or len(body) < int(length[1] if length else 0):
            return
        self._received = b""
        path = head.split(b" ", 2)[1].split(b"?")[0].decode()
        loop = asyncio.get_running_loop()
        if path == RESPOND_PATH:
            loop.call_later(self._takes_s, self._respond, loop.time())
        elif path == TIMES_PATH:
            self._transport.write(http(json.dumps(self._times)))
            self._times.clear()
        else:
            self._transport.write(self._answers.get(path, self._answers[CHAT_PATH]))

    def _respond(self, start: float) -> None:
        self._times.append(asyncio.get_running_loop().time() - start)
        self._transport.write(self._answers[RESPOND_PATH])


async def _serve(takes_s: float) -> None:
    times: list[float] = []
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(takes_s, times), "127.0.0.1", 0, backlog=_BACKLOG
    )
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
