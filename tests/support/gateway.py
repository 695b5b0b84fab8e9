"""A gateway that counts: real HTTP on loopback, which outlives the batteries that tests kill."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.server import Exchange, Server, http

REVIEW = """## What worked
- everything
## What failed
- nothing
## Proposed changes for iteration N+1
""" + "".join(
    f"### {title}\n**Target file**: src/{title}.py\n**Rationale**: tokens\n"
    "**Expected impact**: total_tokens falls\n"
    for title in ("one", "two", "three")
)
SCRUM = "".join(
    f"### Proposal {n}: {title}\n**Verdict**: APPROVE\n**Reason**: fine\n"
    for n, title in enumerate(("one", "two", "three"), start=1)
)


class Gateway:
    """Answers respond, distill and chat; remembers every request it got."""

    def __init__(self) -> None:
        #: Seconds every answer takes.
        self.delay = 0.0
        #: (path, body) of every request, in order.
        self.requests: list[tuple[str, dict[str, Any]]] = []
        #: The headers of every request, in the same order.
        self.headers: list[dict[str, str]] = []
        #: Says how a task ends, by its body.
        self.status: Callable[[dict[str, Any]], str] = lambda _body: "ok"
        #: Called with path and body before an answer; may block.
        self.before: Callable[[str, dict[str, Any]], None] = lambda _path, _body: None
        #: What every answer reports of its usage, next to its tokens.
        self.usage: dict[str, float] = {}
        self.url = ""
        self._lock = threading.Lock()

    def count(self) -> Counter[str]:
        """Count requests by what was asked: the operation, `distill`, `overseer` or `scrum`."""
        with self._lock:
            return Counter(self.name(path, body) for path, body in self.requests)

    @staticmethod
    def name(path: str, body: dict[str, Any]) -> str:
        if path.endswith("/v1/respond"):
            return str(body["operation"])
        if path.endswith("/v1/chat"):
            return "scrum" if "## PR-ready" in body["messages"][0]["content"] else "overseer"
        return "distill"

    def script(self, exchange: Exchange) -> None:
        """Answer one request."""
        request = exchange.request
        if request.method != "POST":
            exchange.send(http(status="404 Not Found"))
            return
        body = json.loads(request.body)
        with self._lock:
            self.requests.append((request.target, body))
            self.headers.append(request.headers)
        self.before(request.target, body)
        exchange.wait(self.delay)
        kind, answer = self._answer(request.target, body)
        exchange.send(http(answer, kind=kind))

    def _answer(self, path: str, body: dict[str, Any]) -> tuple[str, bytes]:
        if path.endswith("/api/run?mode=distill"):
            return "text/event-stream", b'data: {"role": "final", "text": "learned"}\n\n'
        if path.endswith("/v1/chat"):
            content = SCRUM if self.name(path, body) == "scrum" else REVIEW
            answer: dict[str, Any] = {"choices": [{"message": {"content": content}}]}
        else:
            usage = {"usage": {"total_tokens": 100 + len(body["operation"]), **self.usage}}
            status = self.status(body)
            error = None if status == "ok" else "no supply"
            answer = {"status": status, "iterations": 2, "artifact": usage}
            answer |= {"log": [], "error": error}
        return "application/json", json.dumps(answer).encode()


class Blocking:
    """A gateway that answers some calls and then none until it is let go."""

    def __init__(self, gateway: Gateway, answered: int) -> None:
        self.reached, self.release = threading.Event(), threading.Event()
        self._gateway, self._answered = gateway, answered
        gateway.before = self._before

    def _before(self, _path: str, _body: dict[str, Any]) -> None:
        if len(self._gateway.requests) > self._answered:
            self.reached.set()
            self.release.wait(60)


@contextmanager
def serving() -> Iterator[Gateway]:
    """Serve a fresh gateway for the duration."""
    gateway = Gateway()
    with Server(gateway.script) as server:
        gateway.url = server.url
        yield gateway
