"""A gateway that counts: real HTTP on loopback, which outlives the batteries that tests kill."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

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

    def answer(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[str, bytes]:
        with self._lock:
            self.requests.append((path, body))
            self.headers.append(headers)
        self.before(path, body)
        time.sleep(self.delay)
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


@contextmanager
def serving() -> Iterator[Gateway]:
    """Serve a fresh gateway for the duration."""
    gateway = Gateway()
    connections: list[socket.socket] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        #: Head and body are two writes; without this the second may wait 40 ms for the first.
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            connections.append(self.connection)

        def do_GET(self) -> None:
            self.send_error(404)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kind, answer = gateway.answer(self.path, body, headers)
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A battery that was killed breaks its connection: that is the test."""

    server = Server(("127.0.0.1", 0), Handler)
    gateway.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
        # A gateway that dies takes its open connections with it.
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
