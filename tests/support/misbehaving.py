"""A server on raw sockets: well behaved by default, and wrong in any single byte when told so.

Each of the battery's calls has a script that writes the answer. Replacing one script breaks one
call and leaves the others alone.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Self

RESPOND = {
    "status": "ok",
    "iterations": 2,
    "artifact": {"usage": {"total_tokens": 321}},
    "log": [{"kind": "turn"}],
    "error": None,
}
EVENTS = [{"role": "worker", "text": "reading"}, {"role": "final", "text": "one playbook"}]
CHAT = {"choices": [{"message": {"role": "assistant", "content": "## What worked\n\nEnough."}}]}

JSON = "application/json"
SSE = "text/event-stream"
#: How a client begins that wants to speak TLS.
TLS_HELLO = b"\x16\x03"


class Request(NamedTuple):
    """One request as it arrived; header names are lower case, values and body untouched."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    head: bytes
    #: Number of the connection it came on, counted from 1.
    connection: int

    @property
    def call(self) -> str:
        path = self.target.partition("?")[0]
        names = {"/v1/respond": "respond", "/api/run": "distill", "/v1/chat": "chat"}
        return next((name for end, name in names.items() if path.endswith(end)), path)


class Exchange:
    """What a script has in hand: the request, the wire, and the server's patience."""

    def __init__(self, request: Request, wire: socket.socket, stopped: threading.Event) -> None:
        self.request = request
        self._wire = wire
        self._stopped = stopped
        self.keep_open = True

    def send(self, *chunks: bytes) -> None:
        """Write bytes, each chunk on its own; raises OSError once the client has gone."""
        for chunk in chunks:
            self._wire.sendall(chunk)

    def wait(self, seconds: float | None = None) -> bool:
        """Do nothing for a while, or until the test is over; tell whether it is."""
        return self._stopped.wait(seconds)

    def hang_up(self) -> None:
        """Close the connection after this."""
        self.keep_open = False

    def reset(self) -> None:
        """Let the connection end with a reset instead of an orderly close."""
        self._wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.hang_up()


Script = Callable[[Exchange], None]


def http(
    body: bytes | str = b"",
    *,
    status: str = "200 OK",
    kind: str = JSON,
    headers: Sequence[str] = (),
    length: int | None = None,
) -> bytes:
    """Write a whole answer; `length` may lie about the body."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", *headers]
    lines.append(f"content-length: {len(data) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + data


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
        exchange.wait()
        exchange.hang_up()

    return script


def repeating(first: bytes, chunk: bytes, *, pause_s: float, times: int = 2**62) -> Script:
    """Send one chunk again and again; the client decides when it had enough."""

    def script(exchange: Exchange) -> None:
        exchange.send(first)
        for _ in range(times):
            if pause_s and exchange.wait(pause_s):
                break
            exchange.send(chunk)
        exchange.hang_up()

    return script


def answer_of(call: str) -> Script:
    """Answer a call as the wire promises."""
    if call == "distill":
        return closing(sse_head() + sse(*EVENTS))
    return sending(http(json.dumps(RESPOND if call == "respond" else CHAT)))


class Server:
    """Serve on loopback until the `with` block ends; every request is on record."""

    host = "127.0.0.1"

    def __init__(self, **scripts: Script) -> None:
        calls = ("respond", "distill", "chat")
        self._scripts = {**{call: answer_of(call) for call in calls}, **scripts}
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.requests: list[Request] = []
        self.connections = 0
        #: Set whenever the server has closed a connection.
        self.hung_up = threading.Event()
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, 0), family=family)
        self._address = self._listener.getsockname()[:2]

    @property
    def port(self) -> int:
        return int(self._address[1])

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def calls(self) -> list[str]:
        """The calls that arrived, in order."""
        return [request.call for request in self.requests]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        # A thread that waits in accept() is woken by a connection and by nothing else.
        with suppress(OSError):
            socket.create_connection(self._address, timeout=5).close()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            wire, _ = self._listener.accept()
            if self._stopped.is_set():
                wire.close()
                return
            self.connections += 1
            self._start(self._serve, wire, self.connections)

    def _serve(self, wire: socket.socket, number: int) -> None:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The timeout lets the thread look up now and then whether the test is over.
        wire.settimeout(0.05)
        with suppress(OSError), wire:
            while (request := self._read(wire, number)) is not None:
                with self._lock:
                    self.requests.append(request)
                wire.settimeout(5)
                exchange = Exchange(request, wire, self._stopped)
                self._scripts.get(request.call, sending(http("{}")))(exchange)
                wire.settimeout(0.05)
                if not exchange.keep_open:
                    break
        self.hung_up.set()

    def _read(self, wire: socket.socket, number: int) -> Request | None:
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self._receive(wire)
            if not chunk:
                return None
            data += chunk
            if data.startswith(TLS_HELLO):
                wire.sendall(http(status="400 Bad Request"))
                return None
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:])
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        while len(body) < int(headers.get("content-length", 0)):
            body += self._receive(wire)
        method, target, _ = lines[0].split(" ")
        return Request(method, target, headers, body, head, number)

    def _receive(self, wire: socket.socket) -> bytes:
        while not self._stopped.is_set():
            with suppress(TimeoutError):
                return wire.recv(65536)
        return b""


class Server6(Server):
    """The same on the loopback address of IPv6."""

    host = "::1"


def unused_port() -> int:
    """Find a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Deaf:
    """A host that never accepts: its queue of connections is full, so connecting hangs."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._queued: list[socket.socket] = []

    def __enter__(self) -> Self:
        # How many fit into a queue of none differs by system; one that must wait fills it.
        for _ in range(16):
            waiting = socket.socket()
            self._queued.append(waiting)
            waiting.settimeout(0.1)
            try:
                waiting.connect(self._listener.getsockname())
            except TimeoutError:
                return self
        raise RuntimeError("this system queues connections without end")

    def __exit__(self, *_: object) -> None:
        for wire in [*self._queued, self._listener]:
            wire.close()
