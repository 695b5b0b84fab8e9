"""What goes out and what comes back; `test_http_errors` has what goes wrong on the way."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base import errors
from battery.inputs.settings import Target
from battery.protocol import Json
from battery.records.models import ELAPSED_KEY
from battery.target.http import Client, open_clients
from battery.target.system import DistillReply, Finding, RespondReply
from tests.support.calls import CALLS, ask, asking, failing
from tests.support.impatience import impatient
from tests.support.misbehaving import (
    EVENTS,
    RESPOND,
    SSE,
    Exchange,
    Script,
    Server,
    closing,
    http,
    repeating,
    sending,
    sse,
    sse_head,
    stalling,
)

pytestmark = pytest.mark.slow


def distilled(*chunks: bytes) -> DistillReply:
    """Distill from a stream that arrives in these chunks."""
    with Server(distill=closing(sse_head(), *chunks)) as server:
        reply: DistillReply = asking(server.url, "distill")[0]
    return reply


def responded(answer: object) -> RespondReply:
    with Server(respond=sending(http(json.dumps(answer)))) as server:
        reply: RespondReply = asking(server.url, "respond")[0]
    return reply


# What goes out


@pytest.mark.parametrize(
    ("call", "target", "body"),
    [
        (
            "respond",
            "/v1/respond",
            b'{"task_class":"staffing","operation":"fill: Welder","spec":{"count":2},'
            b'"executor_model":"small-1","reviewer_model":"small-2"}',
        ),
        (
            "distill",
            "/api/run?mode=distill",
            b'{"mode":"distill","prompt":"battery iteration distill","source":"outcomes_tail:20"}',
        ),
        (
            "chat",
            "/v1/chat",
            b'{"model":"large-1","messages":[{"role":"user","content":"What now?"}],'
            b'"temperature":0.2,"think":true,"provider":"ollama_cloud"}',
        ),
    ],
)
def test_each_call_sends_exactly_the_promised_bytes(call: str, target: str, body: bytes) -> None:
    with Server() as server:
        asking(server.url, call)
    (request,) = server.requests
    assert (request.method, request.target, request.body) == ("POST", target, body)
    assert request.headers["content-type"] == "application/json"
    assert request.head.lower().count(b"content-type:") == 1
    assert request.headers["content-length"] == str(len(body))


def test_a_base_url_with_a_path_keeps_it() -> None:
    with Server() as server:
        asking(f"{server.url}/behind/proxy", "respond")
    assert server.requests[0].target == "/behind/proxy/v1/respond"


def test_one_client_makes_all_its_calls_over_one_connection() -> None:
    keeping = sending(http(sse(*EVENTS), kind=SSE))
    with Server(distill=keeping) as server:
        asking(server.url, *CALLS, *CALLS)
    assert server.calls == [*CALLS, *CALLS]
    assert server.connections == 1


@pytest.mark.parametrize(
    ("cookie", "own", "sent"),
    [
        (b"instance=7", {}, [None, "instance=7"]),
        (b"instance=7; path=/elsewhere", {}, [None, None]),
        (b"instance=7", {"cookie": "session=mine"}, ["session=mine", "session=mine"]),
    ],
)
def test_a_cookie_goes_back_with_the_next_call_unless_the_user_gives_one(
    cookie: bytes, own: dict[str, str], sent: list[str | None]
) -> None:
    def script(exchange: Exchange) -> None:
        body = json.dumps({"status": "ok"})
        exchange.send(http(body).replace(b"\r\n", b"\r\nset-cookie: %b\r\n" % cookie, 1))

    with Server(respond=script) as server:
        asking(server.url, "respond", "respond", **own)
    assert [each.headers.get("cookie") for each in server.requests] == sent


def test_each_worker_has_a_connection_of_its_own() -> None:
    async def work(url: str) -> None:
        async with open_clients(Target(url), 3) as clients:
            await asyncio.gather(*(ask(client, "respond") for client in clients))

    with Server() as server:
        asyncio.run(work(server.url))
    assert server.connections == 3


ANSWER = http(json.dumps(RESPOND))
LATER = http(json.dumps({**RESPOND, "iterations": 9}))
CHUNKS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        [ANSWER + LATER],
        [ANSWER + LATER[:9]],
        [ANSWER[:-3], ANSWER[-3:] + LATER],
        [CHUNKS + b"f\r\n" + b'{"status":"ok"}' + b"\r\n0\r\n\r\n" + LATER],
    ],
    ids=["whole", "begun", "in two", "chunked"],
)
def test_what_arrives_behind_an_answer_is_not_the_next_one(sent: list[bytes]) -> None:
    calls = 0

    def twice_at_first(exchange: Exchange) -> None:
        nonlocal calls
        calls += 1
        for chunk in sent if calls == 1 else [ANSWER]:
            exchange.send(chunk)
            exchange.wait(0.02)

    with Server(respond=twice_at_first) as server:
        replies = asking(server.url, "respond", "respond", "respond")
    assert [reply.result.turns for reply in replies[1:]] == [2, 2]
    assert [request.connection for request in server.requests] == [1, 2, 2]


def test_a_connection_that_the_server_closed_is_replaced_before_the_next_request() -> None:
    async def work(server: Server) -> None:
        async with aclosing(Client(Target(server.url))) as client:
            await ask(client, "respond")
            await asyncio.to_thread(server.hung_up.wait)
            await ask(client, "respond")

    with Server(respond=closing(http(json.dumps(RESPOND)))) as server:
        asyncio.run(work(server))
    assert [request.connection for request in server.requests] == [1, 2]


# What comes back


def test_an_answer_is_kept_as_it_came_and_gets_its_elapsed_time() -> None:
    extra = {"trace_id": 2**70 + 1, "nested": [{"ünïcode": None}, 0.1], "b": 1, "a": 2}
    reply = responded({**RESPOND, **extra})
    elapsed = reply.answer.pop(ELAPSED_KEY)
    assert isinstance(elapsed, int)
    assert reply.result.elapsed_ms == elapsed >= 0
    assert reply.answer == {**RESPOND, **extra}
    assert list(reply.answer)[-4:] == ["trace_id", "nested", "b", "a"]
    assert (reply.result.turns, reply.result.tokens) == (2, 321)


@pytest.mark.parametrize(
    "sparse",
    [
        {},
        {"iterations": None, "artifact": None, "log": None, "error": None},
        {"artifact": {}},
        {"artifact": {"usage": None}},
        {"artifact": {"usage": {}}},
        {"artifact": {"usage": {"total_tokens": None}}},
        {"artifact": "a string"},
        {"artifact": [1, 2], "log": [{}]},
        {"artifact": 7, "log": [{"kind": None}]},
    ],
    ids=str,
)
def test_what_an_answer_leaves_out_counts_as_nothing(sparse: dict[str, Any]) -> None:
    result = responded({"status": "failed", **sparse}).result
    assert (result.status, result.turns, result.tokens) == ("failed", None, None)
    assert (result.overseer_called, result.error) == (False, None)


def test_a_log_entry_of_its_kind_says_that_the_overseer_stepped_in() -> None:
    log = [{"kind": "turn"}, {"kind": "overseer_correction", "more": 1}]
    assert responded({"status": "blocked", "log": log}).result.overseer_called


def test_a_log_entry_may_be_anything_and_only_an_object_has_a_kind() -> None:
    log = [
        "overseer_correction",
        ["overseer_correction"],
        None,
        7,
        {"kind": ["overseer_correction"]},
    ]
    reply = responded({"status": "ok", "log": log})
    assert not reply.result.overseer_called
    assert reply.answer["log"] == log


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([], "a JSON object was expected, got a list"),
        (7, "a JSON object was expected, got a number"),
        ("ok", "a JSON object was expected, got a string"),
        (None, "a JSON object was expected, got nothing"),
        ({}, "status: is missing"),
        ({"status": "done"}, "status: input should be 'ok', 'failed' or 'blocked', got 'done'"),
        ({"status": None}, "status: "),
        ({"status": "ok", "iterations": "2"}, "iterations: "),
        ({"status": "ok", "iterations": 1.5}, "iterations: "),
        ({"status": "ok", "iterations": True}, "iterations: "),
        ({"status": "ok", "iterations": -1}, "iterations: "),
        ({"status": "ok", "iterations": 10**30}, "iterations: "),
        ({"status": "ok", "log": "none"}, "log: "),
        ({"status": "ok", "log": {"kind": "a"}}, "log: "),
        ({"status": "ok", "error": {"code": 5}}, "error: "),
        ({"status": "ok", "artifact": {"usage": 5}}, "artifact.usage: "),
        (
            {"status": "ok", "artifact": {"usage": {"total_tokens": "12"}}},
            "artifact.usage.total_tokens: input should be a valid integer, got '12'",
        ),
        ({"status": "ok", "artifact": {"usage": {"total_tokens": -1}}}, "total_tokens: "),
        ({"status": "ok", "artifact": {"usage": {"total_tokens": True}}}, "total_tokens: "),
        ({"status": "ok", "artifact": {"usage": {"total_tokens": 1e300}}}, "total_tokens: "),
    ],
    ids=str,
)
def test_a_respond_answer_of_another_shape_is_refused_with_its_field(
    answer: object, words: str
) -> None:
    said = failing(errors.AnswerError, "respond", sending(http(json.dumps(answer))))
    assert "has a wrong form: " in said
    assert words in said
    assert "respond for 'fill: Welder'" in said


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "choices: a list was expected, got nothing"),
        ({"choices": [{"message": {}}]}, "choices[0].message.content: a text was expected"),
        ({"error": {"message": "quota\n is used up\x1b[1m"}}, r"error: quota is used up\x1b[1m"),
        ({"choices": [{"message": {"refusal": "no\nway"}}]}, "content: the model refused: no way"),
    ],
    ids=str,
)
def test_a_chat_answer_without_content_is_refused_with_its_cause(
    answer: object, words: str
) -> None:
    said = failing(errors.AnswerError, "chat", sending(http(json.dumps(answer))))
    assert words in said
    assert "chat for the overseer with model 'large-1'" in said


# Event streams


def test_events_are_told_as_they_arrive() -> None:
    go_on = threading.Event()
    texts: list[str] = []

    def first_then_wait(exchange: Exchange) -> None:
        exchange.send(sse_head(), sse({"text": "first"}))
        # The last event goes out only after the first one was told.
        assert go_on.wait(60)
        exchange.send(sse({"role": "final", "text": "last"}))
        exchange.hang_up()

    def told(event: Json) -> None:
        texts.append(event["text"])
        go_on.set()

    async def work(url: str) -> DistillReply:
        async with aclosing(Client(Target(url))) as client:
            return await client.distill(told, 20)

    with Server(distill=first_then_wait) as server:
        reply = asyncio.run(work(server.url))
    assert texts == ["first", "last"]
    assert reply.result.text == "last"


ODD = {"role": "final", "text": "a\u2028b\u0085c\u2029d\x1ee ü 🙂"}
RAW = json.dumps(ODD, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("chunks", "text"),
    [
        ([sse(*EVENTS)], "one playbook"),
        ([sse({"role": "final", "text": "x"}, {"role": "worker", "text": "y"})], "x"),
        ([sse({"role": "final", "text": "x"}, {"role": "final", "text": "y"})], "y"),
        ([sse({"text": "x"}, {"role": "worker", "text": "y"})], "y"),
        ([sse({"role": "final", "score": 1.5})], '{"role":"final","score":1.5}'),
        ([sse({"note": "é" * 300})], '{"note":"' + "é" * 191),
        ([sse({"role": "final", "text": ""})], '{"role":"final","text":""}'),
        ([sse(EVENTS[1]), b"data: [DONE]\n\n"], "one playbook"),
        ([b": hello\n\n", sse(EVENTS[1]), b":\n\nevent: ping\n\nid: 7\n\n"], "one playbook"),
        ([b"retry: 10\nevent: x\nid: 1\ndata:" + RAW + b"\nunknown: y\n\n"], ODD["text"]),
        ([b"data: " + RAW + b"\n\n"], ODD["text"]),
        ([b"data: " + RAW], ODD["text"]),
        ([b"data: " + RAW + b"\n"], ODD["text"]),
        ([b"data: " + RAW + b"\r\r"], ODD["text"]),
        ([b"data: " + RAW + b"\r\n\r\n"], ODD["text"]),
        ([b"data: " + RAW + b"\r", b"\n\r", b"\n"], ODD["text"]),
        ([b"\xef\xbb\xbfdata: " + RAW + b"\n\n"], ODD["text"]),
        ([b'data: {\ndata: "role": "final",\ndata: "text": "x"}\n\n'], "x"),
        ([bytes([byte]) for byte in b"data: " + RAW + b"\n\n"], ODD["text"]),
        ([b"data: {}\n\n"], "{}"),
    ],
)
def test_every_spelling_of_an_event_stream_gives_its_text(chunks: list[bytes], text: str) -> None:
    reply = distilled(*chunks)
    assert (reply.result.text, reply.broken) == (text, 0)


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 60), min_size=1, max_size=30),
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_neither_cuts_nor_line_ends_change_the_events(cuts: list[int], end: bytes) -> None:
    stream = (b": note\n\ndata: " + RAW + b"\n\n" + sse(*EVENTS)).replace(b"\n", end)
    chunks = []
    for cut in cuts:
        chunks.append(stream[:cut])
        stream = stream[cut:]
    assert distilled(*chunks, stream).events == [ODD, *EVENTS]


def test_broken_events_are_counted_and_left_out() -> None:
    reply = distilled(b"data: {oops\n\n", sse(7, ["list"], *EVENTS), b"data: \xff\n\n")
    assert (reply.result.text, reply.events, reply.broken) == ("one playbook", EVENTS, 4)


def test_an_event_that_the_end_of_the_stream_cut_is_counted_as_broken() -> None:
    reply = distilled(sse({"text": "whole"}), b'data: {"role": "final", "te')
    assert (reply.result.text, reply.broken) == ("whole", 1)


def test_numbers_of_events_are_kept_whole() -> None:
    assert distilled(sse({"text": "x", "id": 2**70 + 1})).events == [{"text": "x", "id": 2**70 + 1}]


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (b"", "the stream ended without any event"),
        (b": ping\n\nevent: x\n\ndata: [DONE]\n\ndata:\n\n", "without any event"),
        (b"data: oops\n\ndata: 7\n\n", "without any event; 2 were no JSON objects"),
    ],
    ids=["empty", "only comments", "only broken ones"],
)
def test_a_stream_without_any_event_is_an_error(stream: bytes, words: str) -> None:
    assert words in failing(errors.AnswerError, "distill", closing(sse_head(), stream))


@pytest.mark.parametrize("kind", ["text/html; charset=latin-1", "TEXT/Event-Stream", "x/y", None])
def test_a_stream_is_read_by_any_content_type(kind: str | None) -> None:
    head = sse_head() if kind is None else sse_head(kind=kind)
    head = head.replace(f"content-type: {SSE}\r\n".encode(), b"") if kind is None else head
    with Server(distill=closing(head, b"data: " + RAW + b"\n\n")) as server:
        reply: DistillReply = asking(server.url, "distill")[0]
    assert reply.result.text == ODD["text"]


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", "text/plain"])
def test_what_came_in_place_of_events_is_shown(kind: str) -> None:
    script = sending(http('{"detail": "memory is being rebuilt"}', kind=kind))
    assert '{"detail": "memory is being rebuilt"}' in failing(errors.AnswerError, "distill", script)


pinging = partial(repeating, chunk=b": ping\n\n", pause_s=0.01)


@pytest.mark.parametrize(
    ("end", "then"),
    [
        *((end, then) for end in (b" [DONE]\n\n", b"[DONE] \n") for then in (stalling, pinging)),
        (b"\t[DONE]\r\r", pinging),
        # Only here is it known to be a line of its own: what follows would lengthen it.
        (b" [DONE]", stalling),
    ],
)
def test_a_stream_is_complete_at_its_sentinel(end: bytes, then: Callable[[bytes], Script]) -> None:
    with Server(distill=then(sse_head() + sse(*EVENTS) + b"data:" + end)) as server:
        first, second = asking(server.url, "distill", "distill")
    assert first.events == second.events == EVENTS
    assert not first.cut


@pytest.mark.parametrize("line", ["[DONE] with it", "[DONE]: saving", "[DONE]."])
def test_a_line_that_only_begins_like_the_sentinel_ends_nothing(line: str) -> None:
    reply = distilled(f"data: {line}\n\n".encode(), sse(*EVENTS))
    assert (reply.events, reply.broken) == (EVENTS, 1)


def test_lines_without_blank_lines_between_them_are_events_of_their_own() -> None:
    lines = sse(*EVENTS, {"text": "more"}).replace(b"\n\n", b"\n")
    reply = distilled(lines + b"data: oops\ndata: [DONE]\n\n")
    assert (reply.events, reply.broken) == ([*EVENTS, {"text": "more"}], 1)


def test_an_error_event_is_a_reply_that_says_what_failed() -> None:
    reply = distilled(b'event: error\ndata: {"message": "no room"}\n\ndata: [DONE]\n\n')
    assert reply.result == ("The distillation failed: no room", "no room", True)


def test_a_page_in_place_of_a_stream_points_to_the_llm_team() -> None:
    said = failing(errors.AnswerError, "distill", sending(http("<html>", kind="text/html")))
    assert "answered no event stream (content-type text/html): <html>" in said
    assert "--llm-team" in said


def breaking_off(chunk: bytes) -> Script:
    head = sse_head("transfer-encoding: chunked")
    return closing(head + f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")


def test_a_stream_that_breaks_off_says_so() -> None:
    said = failing(errors.BrokenAnswerError, "distill", breaking_off(sse(EVENTS[0])))
    assert "broke: " in said


ONE = "one playbook"
FULL = "The distillation failed: disk full"


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        (sse(*EVENTS), ONE),
        (sse(*EVENTS).rstrip() + b"\n", ONE),
        (sse(*EVENTS).rstrip() + b'\nid: 2\ndata: {"role": "fi', ONE),
        (b'event: error\ndata: {"message": "disk full"}\n', FULL),
        (b"event: error\ndata: disk full\n\n", FULL),
        (sse({"error": "disk full"}, EVENTS[0]), FULL),
    ],
)
@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (breaking_off, "broke: "),
        (lambda stream: stalling(sse_head() + stream), "was not complete"),
    ],
    ids=["broken", "open"],
)
def test_an_outcome_that_had_come_outlives_the_end_of_its_stream(
    stream: bytes, text: str, ending: Callable[[bytes], Script], words: str
) -> None:
    with Server(distill=ending(stream)) as server, impatient(server):
        reply: DistillReply = asking(server.url, "distill")[0]
    assert reply.result.text == text
    assert words in reply.cut


@pytest.mark.parametrize(
    "chunk", [sse({"text": "still busy"}), b": ping\n\n"], ids=["events", "comments"]
)
def test_a_stream_that_never_ends_is_given_up(chunk: bytes) -> None:
    script = repeating(sse_head(), chunk, pause_s=0.01)
    said = failing(errors.CallTimeoutError, "distill", script)
    assert "the answer was not complete" in said


# The look-up of `battery doctor`


@pytest.mark.parametrize(
    ("status", "says", "ok", "plain"),
    [
        ("200 OK", "answers", True, True),
        ("302 Found", "answers", True, True),
        ("403 No", "asks for credentials", True, False),
        ("404 Gone", "answers", True, True),
        ("500 Oops", "answers", False, False),
    ],
)
def test_a_probe_takes_any_status_and_sends_no_call(
    status: str, says: str, ok: bool, plain: bool
) -> None:
    async def probe(url: str) -> Finding:
        async with aclosing(Client(Target(url))) as client:
            return await client.probe(20)

    with Server(**{"/": sending(http(status=status))}) as server:
        found = asyncio.run(probe(server.url))
    assert found.text == f"{server.url} {says} (HTTP {status[:3]} at /)"
    assert (found.ok, found.hint is None) == (ok, plain)
    assert [(request.method, request.target) for request in server.requests] == [("GET", "/")]
