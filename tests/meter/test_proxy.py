"""Byte for byte: what an agent sends arrives, and what comes back is what the endpoint sent."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import httpx
import pytest

from battery.inputs.settings import Target, make_target
from battery.meter.meter import Meter, metering
from tests.support.endpoint import chunk, event, streamed, usage_of
from tests.support.server import Exchange, Request, Server, http

#: An emoji, the line separators of JavaScript, a carriage return of a Windows server.
TRICKY = "a\u2028b\u2029c\x85d \U0001f600 ü\r\n"
USAGE = event({"model": "m-1", "choices": [], "usage": usage_of(11, 5)})
EVENTS = [
    b": hello\n\n",
    b'data: {"choices": [], "prompt_filter_results": []}\n\n',
    event(chunk(TRICKY)),
    b'event: x\r\nid: 1\r\ndata: {"choices": [{"delta":\r\ndata: {"content": "y"}}]}\r\n\r\n',
    b"data: not JSON\n\n",
    event(chunk("", "stop")),
]
END = event("[DONE]")
#: What an agent sends that asks for a stream, as it would spell it.
ASKING = b'{"stream" : true, "temperature": 1.0, "model": "m-1", "messages": [] }\n'


@contextmanager
def answering(
    *answers: bytes, target: Callable[[str], Target] | None = None
) -> Iterator[tuple[Meter, Sequence[Request]]]:
    """Serve a meter before an endpoint that sends these bytes, each on its own."""

    def script(exchange: Exchange) -> None:
        exchange.send(*answers)

    made = target or (lambda url: make_target(f"{url}/v1", {}))
    with Server(script) as server, metering(made(server.url)) as meter:
        yield meter, server.requests


def post(meter: Meter, body: bytes = ASKING, path: str = "chat/completions") -> httpx.Response:
    headers = {"content-type": "application/json"}
    with httpx.stream("POST", f"{meter.url}/{path}", content=body, headers=headers) as answer:
        answer.read()
        return answer


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_a_stream_arrives_as_it_was_sent_wherever_it_is_cut(size: int) -> None:
    body = b"".join([*EVENTS, USAGE, END])
    with answering(*streamed(cut(body, size))) as (meter, requests):
        asking = b'{"model":"m-1","stream":true,"stream_options":{"include_usage":true}}'
        answer = post(meter, asking)
        metered = asyncio.run(meter.taken())
    assert answer.content == body
    assert requests[0].body == asking
    assert metered.usage["total_tokens"] == 16
    assert metered.calls[0].text == TRICKY + "y"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_of_a_stream_that_was_asked_for_its_usage_only_that_is_left_out(size: int) -> None:
    with answering(*streamed(cut(b"".join([*EVENTS, USAGE, END]), size))) as (meter, requests):
        answer = post(meter)
        metered = asyncio.run(meter.taken())
    assert answer.content == b"".join([*EVENTS, END])
    assert json.loads(requests[0].body) == {
        **json.loads(ASKING),
        "stream_options": {"include_usage": True},
    }
    assert metered.usage["total_tokens"] == 16


@pytest.mark.parametrize("last", [EVENTS[2], EVENTS[2].rstrip(), USAGE, USAGE.rstrip()])
def test_a_stream_without_an_end_is_whole(last: bytes) -> None:
    with answering(*streamed([EVENTS[5], last])) as (meter, _):
        answer = post(meter)
    assert answer.content == EVENTS[5] + (b"" if last in USAGE else last)


def test_an_event_reaches_the_agent_before_the_next_one_is_sent() -> None:
    head, first, *rest = streamed([EVENTS[2], EVENTS[5], END])
    seen: list[bool] = []

    def script(exchange: Exchange) -> None:
        exchange.send(head, first)
        # The agent answers to the event by leaving, so this ends only if it got it.
        seen.append(exchange.client_leaves())

    with Server(script) as server, metering(make_target(f"{server.url}/v1", {})) as meter:
        url = f"{meter.url}/chat/completions"
        with httpx.stream("POST", url, content=ASKING, timeout=30) as answer:
            assert next(answer.iter_raw()) == EVENTS[2]
        asyncio.run(meter.taken(5))
    assert rest
    assert seen == [True]


def test_a_counted_last_chunk_that_says_something_stays() -> None:
    """Some servers put the usage next to the last choice."""
    last = event({**chunk("lo.", "stop"), "usage": usage_of(11, 5)})
    with answering(*streamed([EVENTS[2], last, END])) as (meter, _):
        assert post(meter).content == EVENTS[2] + last + END
        assert asyncio.run(meter.taken()).usage["total_tokens"] == 16


def test_a_stream_by_another_name_is_read_as_one() -> None:
    with answering(*streamed([*EVENTS, USAGE, END], kind="text/plain")) as (meter, _):
        assert post(meter).content == b"".join([*EVENTS, END])


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_stream_that_is_compressed_all_the_same_is_read(coding: str) -> None:
    whole = b"".join([*EVENTS, USAGE, END])
    body = gzip.compress(whole) if coding == "gzip" else zlib.compress(whole)
    answers = streamed(cut(body, 5), headers=[f"content-encoding: {coding}"])
    with answering(*answers) as (meter, requests):
        assert post(meter).content == b"".join([*EVENTS, END])
        assert asyncio.run(meter.taken()).usage["total_tokens"] == 16
    assert requests[0].headers["accept-encoding"] == "identity"


def test_what_cannot_be_unpacked_passes_and_is_not_counted() -> None:
    answers = streamed([b"\x1b\x00\x80"], headers=["content-encoding: br"])
    with answering(*answers) as (meter, _), httpx.Client() as agent:
        url = f"{meter.url}/chat/completions"
        with agent.stream("POST", url, content=ASKING) as answer:
            assert b"".join(answer.iter_raw()) == b"\x1b\x00\x80"
        (call,) = asyncio.run(meter.taken()).calls
    assert call.is_unknown
    assert "compressed" in call.error


def test_an_endpoint_that_refuses_to_be_asked_is_asked_as_the_agent_wrote_it() -> None:
    def script(exchange: Exchange) -> None:
        refused = b"stream_options" in exchange.request.body
        whole = http("no such option", status="400 Bad Request")
        exchange.send(*([whole] if refused else streamed([EVENTS[5], END])))

    with Server(script) as server, metering(make_target(f"{server.url}/v1", {})) as meter:
        answers = [post(meter).content for _ in range(2)]
        metered = asyncio.run(meter.taken())
    assert answers == [EVENTS[5] + END] * 2
    asked = [request.body == ASKING for request in server.requests]
    assert asked == [False, True, True], "the second time it is known"
    assert metered.turns == 2
    assert metered.usage["total_tokens"] is None


def test_an_answer_that_breaks_off_breaks_off_for_the_agent_too() -> None:
    def script(exchange: Exchange) -> None:
        exchange.send(*streamed([EVENTS[2]])[:2])
        exchange.hang_up()

    with Server(script) as server, metering(make_target(f"{server.url}/v1", {})) as meter:
        with pytest.raises(httpx.RemoteProtocolError):
            post(meter)
        (call,) = asyncio.run(meter.taken()).calls
    assert "broke off" in call.error
    assert call.is_unknown


def test_every_path_and_query_arrives_as_it_was_written() -> None:
    with answering(http('{"data": []}')) as (meter, requests):
        host = meter.url.removesuffix("/v1")
        for path in ("/v1/models?limit=2&x=%2F", "/anything/a%20b%2Fc", "/"):
            assert httpx.get(host + path).json() == {"data": []}
        assert asyncio.run(meter.taken()).calls == []
    assert [request.target for request in requests] == [
        "/v1/models?limit=2&x=%2F",
        "/anything/a%20b%2Fc",
        "/",
    ]


def test_headers_go_both_ways_but_for_those_of_a_connection() -> None:
    lines = ["x-request-id: r-1", "set-cookie: a=1", "set-cookie: b=2", "connection: x-hop"]
    with answering(http("{}", headers=[*lines, "x-hop: 1"])) as (meter, requests):
        sent = {"authorization": "Bearer sk-agent-1", "x-own": "1", "connection": "x-mine"}
        answer = httpx.post(
            f"{meter.url}/chat/completions", json={}, headers={**sent, "x-mine": "2"}
        )
    assert answer.headers["x-request-id"] == "r-1"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert "x-hop" not in answer.headers
    (request,) = requests
    assert request.headers["authorization"] == "Bearer sk-agent-1"
    assert request.headers["x-own"] == "1"
    assert "x-mine" not in request.headers
    assert request.headers["host"] != httpx.URL(meter.url).netloc.decode()


def test_the_credentials_of_the_url_take_the_place_of_the_agents() -> None:
    def target(url: str) -> Target:
        return make_target(url.replace("://", "://me:sesame-1@"), {})

    with answering(http("{}"), target=target) as (meter, requests):
        httpx.post(f"{meter.url}/responses", json={}, headers={"authorization": "Bearer none"})
    assert requests[0].headers["authorization"].startswith("Basic ")
    assert "sesame" not in meter.url


def test_no_secret_is_written_down() -> None:
    answer = {"choices": [{"message": {"content": "your key is sk-agent-1!"}}]}
    with answering(http(json.dumps(answer))) as (meter, _):
        messages = [{"role": "user", "content": "my key is sk-agent-1"}]
        httpx.post(
            f"{meter.url}/chat/completions",
            json={"model": "m", "messages": messages},
            headers={"authorization": "Bearer sk-agent-1"},
        )
        log = asyncio.run(meter.taken()).log
    assert "your key is [redacted]" in log[0]["text"]
    assert "sk-agent-1" not in json.dumps(log)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"origin": "http://page.example"}, 403), ({"host": "page.example"}, 421)],
)
def test_web_pages_are_not_let_through(headers: dict[str, str], status: int) -> None:
    with answering(http("{}")) as (meter, requests):
        answer = httpx.post(f"{meter.url}/chat/completions", content=b"{}", headers=headers)
    assert answer.status_code == status
    assert "this meter" in answer.json()["error"]
    assert not requests


def test_a_body_by_another_name_arrives_and_is_read() -> None:
    """As curl names it."""
    with answering(http(json.dumps({"usage": usage_of(2, 1)}))) as (meter, _):
        data = b'{"model": "m", "messages": []}'
        kind = {"content-type": "application/x-www-form-urlencoded"}
        httpx.post(f"{meter.url}/chat/completions", content=data, headers=kind)
        assert asyncio.run(meter.taken()).usage["total_tokens"] == 3


def test_an_agent_that_leaves_in_the_middle_of_its_request_asked_for_nothing() -> None:
    with answering(http("{}")) as (meter, requests):
        port = httpx.URL(meter.url).port
        with socket.create_connection(("127.0.0.1", port or 0)) as wire:
            wire.sendall(
                b"POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n"
                b"content-length: 10\r\n\r\n{" % (port or 0)
            )
        assert httpx.get(f"{meter.url}/models").status_code == 200
        assert asyncio.run(meter.taken()).calls == []
    assert [request.method for request in requests] == ["GET"]
