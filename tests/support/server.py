"""The one HTTP server of tests and benchmarks: raw sockets on loopback, and a script for answers.

A script has the request and the wire in hand and writes the answer, byte for byte. What a gateway,
a model or a collector of traces answers is such a script; so is every way of answering wrongly.
"""

from __future__ import annotations

import atexit
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, Self

JSON = "application/json"
#: How a client begins that wants to speak TLS.
TLS_HELLO = b"\x16\x03"
#: Seconds that scripts are given to end with the test; one that waits for something else stays.
LEAVE_S = 1.0


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

    def __init__(self, request: Request, wire: socket.socket, server: Server) -> None:
        self.request = request
        self._wire = wire
        self._server = server
        self.keep_open = True

    def send(self, *chunks: bytes) -> None:
        """Write bytes, each chunk on its own; raises OSError once the client has gone."""
        for chunk in chunks:
            self._wire.sendall(chunk)

    def wait(self, seconds: float | None = None) -> bool:
        """Do nothing for a while, or until the test is over; tell whether it is."""
        return self._server.stopped.wait(seconds)

    def client_leaves(self) -> bool:
        """Wait until the client has closed the connection; tell whether it did just that."""
        return self._wire.recv(1) == b""

    def say_no_more(self) -> None:
        """Let it be known that nothing new will be sent."""
        self._server.spoken.set()

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


class Server:
    """Serve on loopback until the `with` block ends; every request is on record.

    Each connection has a thread. What a script raises as `OSError` closes the connection. When the
    server ends it takes its open connections with it, as a gateway that dies does.
    """

    host = "127.0.0.1"

    def __init__(self, script: Script) -> None:
        self._script = script
        #: Set when the test is over.
        self.stopped = threading.Event()
        #: Set when a script has nothing new to say, and lets its client wait.
        self.spoken = threading.Event()
        self._threads: list[threading.Thread] = []
        self._wires: set[socket.socket] = set()
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
        """The calls that arrived, in order; a look at the front page is none."""
        return [request.call for request in self.requests if request.method == "POST"]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        # A thread that waits in accept() is woken by a connection and by nothing else.
        with suppress(OSError):
            socket.create_connection(self._address, timeout=5).close()
        with self._lock:
            for wire in self._wires:
                with suppress(OSError):
                    wire.shutdown(socket.SHUT_RDWR)
        until = time.monotonic() + LEAVE_S
        for thread in self._threads:
            thread.join(max(0, until - time.monotonic()))
        self._listener.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            wire, _ = self._listener.accept()
            with self._lock:
                if self.stopped.is_set():
                    wire.close()
                    return
                self._wires.add(wire)
            self.connections += 1
            self._start(self._serve, wire, self.connections)

    def _serve(self, wire: socket.socket, number: int) -> None:
        with suppress(OSError), wire:
            # An answer in two writes would wait 40 ms for the first to be acknowledged.
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (request := _read(wire, number)) is not None:
                with self._lock:
                    self.requests.append(request)
                exchange = Exchange(request, wire, self)
                self._script(exchange)
                if not exchange.keep_open:
                    break
        with self._lock:
            self._wires.discard(wire)
        self.hung_up.set()


def _read(wire: socket.socket, number: int) -> Request | None:
    """Read the next request; None when the client has left instead."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = wire.recv(65536)
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
        chunk = wire.recv(65536)
        if not chunk:
            return None
        body += chunk
    method, target, _ = lines[0].split(" ")
    return Request(method, target, headers, body, head, number)


def unused_port() -> int:
    """Find a port to listen on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def deserted_port() -> int:
    """Take a port on which nobody listens, and keep it, so that no test next door gets it."""
    probe = socket.socket()
    atexit.register(probe.close)
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
        # How many fit into a queue of none differs by system; not one is waited for.
        for _ in range(16):
            waiting = socket.socket()
            self._queued.append(waiting)
            waiting.setblocking(False)
            waiting.connect_ex(self._listener.getsockname())
        return self

    def __exit__(self, *_: object) -> None:
        for wire in [*self._queued, self._listener]:
            wire.close()
