"""A gateway that answers at once, in a process of its own: what is left is the caller's cost.

`python -m benchmarks.gateway` prints its URL and serves until it is stopped. It keeps
connections open and reads no more of a request than where it ends.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.support.server import Server, http

from benchmarks.processes import environment, module

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


def _answers() -> dict[str, bytes]:
    event = {"role": "final", "text": "Nothing new in the last 20 outcomes."}
    chat = {"choices": [{"index": 0, "message": {"role": "assistant", "content": _REVIEW}}]}
    return {
        "respond": http(json.dumps(respond_answer())),
        "chat": http(json.dumps(chat)),
        "distill": http(f"data: {json.dumps(event)}\n\n", kind="text/event-stream"),
    }


def _serve() -> None:
    answers = _answers()
    with Server(lambda exchange: exchange.send(answers[exchange.request.call])) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    _serve()
