"""The wire of the gateway: what it refuses, how, and what its answers look like."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from battery.protocol.wire import (
    CHAT_PATH,
    DISTILL_PATH,
    RESPOND_PATH,
    Json,
    chat_content,
    read_respond,
)
from tests.embedded.conftest import Serve
from tests.embedded.helpers import MODELS, ask, distil

TASK: Json = {
    "task_class": "staffing.fill",
    "operation": "fill: Welder x2 in Toledo, OH",
    "spec": {"role": "Welder", "count": 2, "city": "Toledo, OH"},
} | MODELS
CHAT: Json = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.1}
DISTILL = f"{DISTILL_PATH}?mode=distill"


def test_health_counts_what_the_gateway_holds(serve: Serve) -> None:
    client = serve()
    empty = {"status": "ok", "workers": 2000, "playbook_entries": 0, "frozen": False}
    assert client.get("/v1/health").json() == empty
    ask(client, TASK["spec"])
    distil(client)
    assert client.get("/v1/health").json() == empty | {"playbook_entries": 1}
    assert serve(frozen=True).get("/v1/health").json() == empty | {"frozen": True}


def test_an_answer_is_what_the_wire_promises(shared: httpx.Client) -> None:
    answer = shared.post(RESPOND_PATH, json=TASK).json()
    read = read_respond(answer)
    assert (read.status, read.iterations, read.error) == ("ok", 2, None)
    usage = answer["artifact"]["usage"]
    assert read.tokens == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["estimated"] is True
    assert all({"kind", "turn", "text"} <= entry.keys() for entry in answer["log"])


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (RESPOND_PATH, {key: TASK[key] for key in TASK if key != "operation"}, "operation"),
        (RESPOND_PATH, TASK | {"spec": "none"}, "spec"),
        (RESPOND_PATH, TASK | {"task_class": 1}, "task_class"),
        (RESPOND_PATH, TASK | {"phase": "alpha"}, "phase"),
        (RESPOND_PATH, [], ""),
        (CHAT_PATH, CHAT | {"messages": [{"role": "user"}]}, "messages[0].content"),
        (CHAT_PATH, CHAT | {"temperature": "warm"}, "temperature"),
        (DISTILL, {"source": "everything"}, "source"),
        (DISTILL, {"source": "outcomes_tail:0"}, "source"),
        (DISTILL, {"mode": "forget"}, "mode"),
        (DISTILL_PATH, {}, "mode"),
        (f"{DISTILL_PATH}?mode=forget", {}, "mode"),
    ],
)
def test_a_malformed_body_is_a_422_that_names_the_field(
    shared: httpx.Client, path: str, body: Any, field: str
) -> None:
    response = shared.post(path, json=body)
    assert response.status_code == 422
    assert response.json()["field"] == field
    assert response.json()["error"].startswith(field)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"spec": NaN}'])
def test_a_body_that_is_not_json_is_a_422(shared: httpx.Client, body: bytes) -> None:
    response = shared.post(RESPOND_PATH, content=body)
    assert response.status_code == 422
    assert "the body is not JSON" in response.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/v1/completions", 404),
        ("GET", RESPOND_PATH, 405),
        ("DELETE", "/v1/health", 405),
    ],
)
def test_what_is_not_offered_is_said_in_json(
    shared: httpx.Client, method: str, path: str, status: int
) -> None:
    response = shared.request(method, path)
    assert response.status_code == status
    assert response.json() == {"error": f"{method} {path} is not offered"}


def test_a_spec_that_does_not_parse_is_blocked_and_leaves_no_outcome(serve: Serve) -> None:
    client = serve()
    answer = ask(client, {"role": "Welder", "count": 0, "city": "Toledo, OH"})
    read = read_respond(answer)
    assert (read.status, read.iterations, read.tokens) == ("blocked", 0, 0)
    assert read.error
    assert read.error.startswith("spec.count: ")
    assert "Read 0 outcomes" in distil(client).text()


def test_distilling_tells_of_its_work_and_ends_with_what_was_learned(serve: Serve) -> None:
    client = serve()
    ask(client, {"role": "Sparky", "count": 2, "city": "Memphis, TN"})
    events = distil(client).events
    roles = [event["role"] for event in events]
    assert roles == ["status", "status", "lesson", "lesson", "status", "final"]
    final = events[-1]["text"]
    assert "2 lessons learned" in final
    assert 'Where a task says role "Sparky", search for Electrician.' in final


def test_distilling_again_adds_nothing(serve: Serve) -> None:
    client = serve()
    ask(client, {"role": "Sparky", "count": 2, "city": "Memphis, TN"})
    distil(client)
    again = distil(client)
    assert again.events[-1]["learned"] == 0
    assert "Nothing new" in again.text()
    assert client.get("/v1/health").json()["playbook_entries"] == 2


def test_only_the_tail_that_is_named_is_read(serve: Serve) -> None:
    client = serve()
    for city in ("Memphis, TN", "Omaha, NE", "Topeka, KS"):
        ask(client, {"role": "Plumber", "count": 1, "city": city})
    assert distil(client, "outcomes_tail:2").events[-1]["learned"] == 2
    assert distil(client, "outcomes_tail:3").events[-1]["learned"] == 1


def test_a_frozen_gateway_says_that_it_learns_nothing(serve: Serve) -> None:
    (event,) = distil(serve(frozen=True)).events
    assert event["role"] == "final"
    assert "frozen" in event["text"]


def test_a_chat_about_anything_else_is_answered_honestly_and_signed(shared: httpx.Client) -> None:
    answer = shared.post(CHAT_PATH, json=CHAT).json()
    text = chat_content(answer)
    assert "No language model is attached" in text
    assert text.rstrip().endswith("— rules (no language model)")
    assert answer["usage"]["estimated"] is True
