"""A gateway that answers at once, in a process of its own: what is left is the caller's cost.

`python -m benchmarks.gateway ANSWERS` prints its URL and serves until it is stopped. It keeps
connections open and reads no more of a request than where it ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.support.server import Exchange, Server, http

from battery.protocol.limits import MAX_ANSWER_BYTES, MAX_ANSWER_VALUES
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
def serving(*words: str, server: str = "gateway") -> Iterator[str]:
    """Serve in another process, with these answers of `RESPONDS`; yield the base URL.

    `server` names the module, and the words are its own.
    """
    command = module(server, *(words or ("small",)))
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


def _small() -> bytes:
    return json.dumps(respond_answer()).encode()


def _long_text() -> bytes:
    # One character beyond the basic plane: in memory all of them take four bytes.
    text = "x" * (MAX_ANSWER_BYTES - 100) + "\U0001f600"
    return json.dumps({"status": "ok", "artifact": text}, ensure_ascii=False).encode()


def _many_values() -> bytes:
    objects = [{"a": number} for number in range(MAX_ANSWER_VALUES // 2 - 10)]
    return json.dumps({"status": "ok", "artifact": objects}).encode()


def _long_log() -> bytes:
    turns = range(MAX_ANSWER_VALUES // 4 - 10)
    log = [{"kind": "turn", "turn": turn, "text": f"step {turn}"} for turn in turns]
    return json.dumps({"status": "ok", "log": log}).encode()


#: What `respond` is answered with: as a small agent loop does, or just below the limits.
RESPONDS: Final = {
    "small": _small,
    "one long text": _long_text,
    "very many values": _many_values,
    "a very long log": _long_log,
}


def answers(name: str) -> dict[str, bytes]:
    """Make the answers of a gateway: that of `RESPONDS` to a task, and to reviews and the like."""
    event = {"role": "final", "text": "Nothing new in the last 20 outcomes."}
    chat = {"choices": [{"index": 0, "message": {"role": "assistant", "content": _REVIEW}}]}
    return {
        "respond": http(RESPONDS[name]()),
        "chat": http(json.dumps(chat)),
        "distill": http(f"data: {json.dumps(event)}\n\n", kind="text/event-stream"),
    }


def _model() -> tuple[bytes, bytes]:
    """Make the answer of a model's endpoint, whole and as a stream of 100 events."""
    usage = {"prompt_tokens": 380, "completion_tokens": 32, "total_tokens": 412}
    message = {"role": "assistant", "content": "word " * 100}
    whole = {"model": "m-1", "choices": [{"message": message}], "usage": usage}
    said = [{"model": "m-1", "choices": [{"delta": {"content": "word "}}]}] * 98
    last = {"model": "m-1", "choices": [], "usage": usage}
    events = [f"data: {json.dumps(event)}\n\n" for event in [*said, last]]
    stream = "".join([*events, "data: [DONE]\n\n"])
    return http(json.dumps(whole)), http(stream, kind="text/event-stream")


def _serve() -> None:
    whole, stream = _model()
    known = answers(sys.argv[1])

    def answer(exchange: Exchange) -> None:
        is_stream = b'"stream": true' in exchange.request.body
        model = stream if is_stream else whole
        exchange.send(known.get(exchange.request.call, model))

    with Server(answer) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    _serve()
