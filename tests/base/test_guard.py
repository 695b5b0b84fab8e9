"""Who is let in: programs that name the gateway and send JSON; no web page, no endless body."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from battery.base.guard import MAX_BODY_BYTES, Guard, Place
from battery.embedded.server import GatewayOptions, serving
from battery.protocol import CHAT_PATH, DISTILL_PATH, RESPOND_PATH
from tests.embedded.helpers import MODELS

pytestmark = pytest.mark.slow

TASK = {
    "task_class": "t",
    "operation": "o",
    "spec": {"role": "Welder", "count": 1, "city": "Toledo, OH"},
} | MODELS
JSON = "content-type: application/json"


class Answer(NamedTuple):
    status: int
    head: str
    body: bytes

    def error(self) -> str:
        """Return the reason of a refusal."""
        (reason,) = json.loads(self.body).values()
        return str(reason)


class Door(NamedTuple):
    """A gateway's port and memory, seen from outside."""

    port: int
    store: Path

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def send(
        self, first: str, *lines: str, body: bytes = b"", host: str | None = "127.0.0.1:{}"
    ) -> Answer:
        """Send one request, byte for byte, and read the answer to its end."""
        head = [f"{first} HTTP/1.1", "connection: close", *lines]
        if host is not None:
            head.append(f"host: {host.format(self.port)}")
        with self.connect() as wire:
            wire.sendall("\r\n".join([*head, "", ""]).encode() + body)
            return read(wire)

    def post(self, *lines: str, path: str = RESPOND_PATH, document: Any = TASK) -> Answer:
        body = json.dumps(document).encode()
        return self.send(f"POST {path}", f"content-length: {len(body)}", *lines, body=body)

    def outcomes(self) -> int:
        """Count what the gateway was taught."""
        path = self.store / "outcomes.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0


def read(wire: socket.socket) -> Answer:
    data = b""
    while chunk := wire.recv(65536):
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ", 2)[1]), head.decode().lower(), body)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with serving(GatewayOptions(store=tmp_path)) as url:
        yield Door(int(url.rpartition(":")[2]), tmp_path)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:{}", "localhost:{}", "LOCALHOST.:{}", "a.localhost:{}", "127.1:{}", "[::1]:{}"],
)
def test_a_loopback_name_with_the_port_is_let_in(door: Door, host: str) -> None:
    assert door.send("GET /v1/health", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "attacker.example:{}",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.attacker.example:{}",
        "127.0.0.1.attacker.example:{}",
        "notlocalhost:{}",
        "user@127.0.0.1:{}",
        "127.0.0.1:{}@attacker.example",
        "0.0.0.0:{}",
        "192.0.2.1:{}",
        "[::ffff:192.0.2.1]:{}",
        "127.0.0.1:{}\r\nhost: attacker.example",
    ],
)
def test_another_host_is_refused_before_anything_is_done(door: Door, host: str | None) -> None:
    body = json.dumps(TASK).encode()
    for path in (RESPOND_PATH, CHAT_PATH, DISTILL_PATH, "/v1/health", "/"):
        answer = door.send(
            f"POST {path}", JSON, f"content-length: {len(body)}", host=host, body=body
        )
        # What the HTTP library itself refuses never reaches the gateway.
        assert answer.status in {400, 421}
    assert door.outcomes() == 0


def test_a_refused_host_is_named_with_the_one_that_would_do(door: Door) -> None:
    reason = door.send("GET /v1/health", host="attacker.example:80").error()
    assert "attacker.example:80" in reason
    assert f"http://127.0.0.1:{door.port}" in reason


def test_a_request_without_any_host_is_refused(door: Door) -> None:
    with door.connect() as wire:
        wire.sendall(b"GET /v1/health HTTP/1.0\r\n\r\n")
        assert read(wire).status == 421


@pytest.mark.parametrize(
    "mark",
    [
        "origin: http://attacker.example",
        "origin: null",
        "origin:",
        "origin: http://localhost:{}",
        "sec-fetch-site: cross-site",
        "sec-fetch-site: same-site",
        "sec-fetch-site: same-origin",
    ],
)
def test_what_a_web_page_sends_is_refused_and_teaches_nothing(door: Door, mark: str) -> None:
    answer = door.post(JSON, mark.format(door.port))
    assert answer.status == 403
    assert "web pages" in answer.error()
    assert door.outcomes() == 0


def test_an_address_typed_into_a_browser_is_answered(door: Door) -> None:
    assert door.send("GET /v1/health", "sec-fetch-site: none").status == 200


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "text/plain; application/json",
        "application/jsonx",
        "",
        None,
        "application/json\r\ncontent-type: text/plain",
    ],
)
def test_a_body_of_another_type_is_refused_and_teaches_nothing(
    door: Door, kind: str | None
) -> None:
    answer = door.post(*([] if kind is None else [f"content-type: {kind}"]))
    assert answer.status == 415
    assert "application/json" in answer.error()
    assert door.outcomes() == 0


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON ;a=b"])
def test_json_is_taken_with_parameters_and_in_any_case(door: Door, kind: str) -> None:
    assert door.post(f"content-type: {kind}").status == 200
    assert door.outcomes() == 1


def test_a_browser_that_asks_first_is_told_no(door: Door) -> None:
    asking = ("origin: http://attacker.example", "access-control-request-method: POST")
    answer = door.send(f"OPTIONS {RESPOND_PATH}", *asking)
    assert answer.status == 403
    assert "access-control" not in answer.head
    assert door.send(f"OPTIONS {RESPOND_PATH}").status == 405


def test_no_answer_allows_another_origin(door: Door) -> None:
    assert "access-control" not in door.send("GET /v1/health").head
    assert "access-control" not in door.post(JSON).head


def test_a_body_that_says_it_is_too_large_is_refused_unread(door: Door) -> None:
    answer = door.send(f"POST {RESPOND_PATH}", JSON, f"content-length: {MAX_BODY_BYTES + 1}")
    assert answer.status == 413
    assert "16 MiB" in answer.error()


def test_a_body_in_chunks_is_counted_while_it_is_read(door: Door) -> None:
    sent = 0
    with door.connect() as wire:
        head = f"POST {RESPOND_PATH} HTTP/1.1\r\nhost: 127.0.0.1:{door.port}\r\n{JSON}\r\n"
        wire.sendall(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        try:
            while sent < 64 * MAX_BODY_BYTES:
                wire.sendall(chunk)
                sent += 65536
        except OSError:
            pass
        answer = wire.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert sent < 64 * MAX_BODY_BYTES


def test_a_body_of_the_largest_size_is_read(door: Door) -> None:
    answer = door.post(JSON, document={"padding": " " * (MAX_BODY_BYTES - 100)})
    assert answer.status == 422


def test_a_client_that_leaves_in_the_middle_of_its_body_has_asked_for_nothing(door: Door) -> None:
    body = json.dumps(TASK).encode()
    with door.connect() as wire:
        head = f"POST {RESPOND_PATH} HTTP/1.1\r\nhost: 127.0.0.1:{door.port}\r\n{JSON}\r\n"
        wire.sendall(f"{head}content-length: {len(body) + 1}\r\n\r\n".encode() + body)
    assert door.post(JSON).status == 200
    assert door.outcomes() == 1


def test_a_body_that_trickles_is_given_up() -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("half a body was passed on")

    sent: list[Message] = []

    async def trickle() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1:80"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "headers": headers}
    guard = Guard(app, Place("127.0.0.1", "127.0.0.1", 80), body_s=0.05)
    asyncio.run(guard(scope, trickle, send))
    assert sent[0]["status"] == 408
    assert b"within 0.05 s" in sent[1]["body"]


@pytest.mark.parametrize(
    ("place", "host"),
    [
        (Place("192.0.2.7", "192.0.2.7", 3100), "192.0.2.7:3100"),
        (Place("desk.example", "192.0.2.7", 3100), "Desk.example:3100"),
        (Place("2001:db8::7", "2001:db8::7", 3100), "[2001:DB8:0::7]:3100"),
        (Place("127.0.0.1", "127.0.0.1", 80), "localhost"),
        # A container's published port is another one than that inside.
        (Place("0.0.0.0", "0.0.0.0", 3100), "192.0.2.7:8080"),
        (Place("0.0.0.0", "0.0.0.0", 3100), "localhost:3100"),
        (Place("::", "::", 3100), f"{socket.gethostname()}:3100"),
    ],
)
def test_a_place_goes_by_its_own_names(place: Place, host: str) -> None:
    assert place.accepts(host)


@given(
    address=st.sampled_from(["0.0.0.0", "::", "192.0.2.7", "127.0.0.1"]),
    name=st.builds(
        "{}.{}".format,
        st.text("abz019-", min_size=1, max_size=20),
        st.sampled_from(["example", "test", "1", "localhost.example"]),
    ),
)
def test_no_place_goes_by_a_name_that_a_page_can_own(address: str, name: str) -> None:
    assert not Place(address, address, 3100).accepts(f"{name}.example:3100")


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:3100"),
        ("::", "http://[::1]:3100"),
        ("192.0.2.7", "http://192.0.2.7:3100"),
    ],
)
def test_a_place_that_others_reach_warns_and_has_a_url_for_callers(address: str, url: str) -> None:
    place = Place(address, address, 3100)
    assert place.url == url
    assert "credentials" in (place.warning() or "")
    assert Place("localhost", "127.0.0.1", 3100).warning() is None


def test_a_gateway_on_every_address_still_refuses_foreign_names(tmp_path: Path) -> None:
    told: list[str] = []
    with serving(GatewayOptions(store=tmp_path), "0.0.0.0", warn=told.append) as url:
        door = Door(int(url.rpartition(":")[2]), tmp_path)
        assert door.send("GET /v1/health").status == 200
        assert door.send("GET /v1/health", host="attacker.example:{}").status == 421
        assert door.post(JSON, "origin: null").status == 403
    assert len(told) == 1


def test_a_connection_serves_one_request_after_the_other(door: Door) -> None:
    """Reading a body ahead of the application leaves the next request where it was."""
    body = json.dumps(TASK).encode()
    head = f"POST {RESPOND_PATH} HTTP/1.1\r\nhost: 127.0.0.1:{door.port}\r\n{JSON}\r\n"
    request = f"{head}content-length: {len(body)}\r\n".encode()
    with closing(door.connect()) as wire:
        wire.sendall(request + b"\r\n" + body + request + b"connection: close\r\n\r\n" + body)
        data = b""
        while chunk := wire.recv(65536):
            data += chunk
    assert data.count(b"HTTP/1.1 200 OK") == 2
    assert door.outcomes() == 2
