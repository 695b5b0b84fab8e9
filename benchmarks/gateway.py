"""A gateway that answers at once, in a process of its own: what is left is the caller's cost.

`python -m benchmarks.gateway` prints its URL and serves until it is stopped. It keeps
connections open and reads no more of a request than where it ends.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from benchmarks.processes import environment, module

_LENGTH: Final = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
_REVIEW: Final = """\
## What worked

All tasks ended ok in 2 turns.

## What failed

None.

## Proposed changes for iteration 2

### Remember the city

**Target file**: memory.py
**Rationale**: 412 tokens a task
**Expected impact**: `total_tokens` falls
**Verdict**: REVISE
**Reason**: name the task
"""


@contextmanager
def serving() -> Iterator[str]:
    """Serve in another process; yield the base URL."""
    command = module("gateway")
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def respond_answer() -> dict[str, Any]:
    """Make an answer as a small agent loop gives it: evidence, usage, a log; about 1.5 kB."""
    names = [f"W{number:04}" for number in range(10)]
    found = ", ".join(names)
    workers = [
        {"id": name, "role": "Welder", "city": "Toledo, OH", "pay": 28, "from": "2026-12-09"}
        for name in names
    ]
    log = [
        {"turn": 1, "kind": "search", "text": f"Welder in Toledo, OH: 10 found ({found})"},
        {"turn": 1, "kind": "review", "text": "More people are needed than were chosen."},
        {"turn": 2, "kind": "fill", "text": f"send {found}"},
        {"turn": 2, "kind": "review", "text": "The database agrees.", "accepted": True},
    ]
    usage = {"prompt_tokens": 380, "completion_tokens": 32, "total_tokens": 412}
    artifact = {"usage": usage, "workers": workers, "searches": ["Welder in Toledo, OH"]}
    return {"status": "ok", "iterations": 2, "artifact": artifact, "log": log, "error": None}


def _http(content_type: str, body: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def _answers() -> dict[bytes, bytes]:
    event = {"role": "final", "text": "Nothing new in the last 20 outcomes."}
    chat = {"choices": [{"index": 0, "message": {"role": "assistant", "content": _REVIEW}}]}
    return {
        b"/v1/respond": _http("application/json", json.dumps(respond_answer())),
        b"/v1/chat": _http("application/json", json.dumps(chat)),
        b"/api/run": _http("text/event-stream", f"data: {json.dumps(event)}\n\n"),
    }


class _Connection(asyncio.Protocol):
    """Answer each whole request on one connection."""

    answers: Final = _answers()

    def __init__(self) -> None:
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            head = self._pending[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._pending) < whole:
                return
            self._pending = self._pending[whole:]
            self._transport.write(self.answers[head.split(b" ", 2)[1].partition(b"?")[0]])


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
