"""What is read of a request, and how the usage of a stream is asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from battery.meter.request import Request

CHAT = "/v1/chat/completions"


def request(document: Any, path: str = CHAT, method: str = "POST") -> Request:
    return Request.of(method, path, json.dumps(document).encode())


@pytest.mark.parametrize(
    ("path", "is_turn"),
    [
        (CHAT, True),
        ("/v1beta/openai/chat/completions/", True),
        ("/v1/completions", True),
        ("/v1/responses", True),
        ("/v1/messages", True),
        ("/v1/embeddings", False),
    ],
)
def test_a_model_is_asked_at_these_paths(path: str, is_turn: bool) -> None:
    asked = request({}, path)
    assert asked.is_call
    assert asked.is_turn is is_turn
    assert not request({}, path, "GET").is_call


def test_whoever_names_a_model_asks_it() -> None:
    assert request({"model": "m"}, "/api/generate").is_turn
    assert request({"model": "m"}, "/v1/rerank").is_call
    assert not request({"model": "m"}, "/v1/rerank").is_turn
    assert not request({"model": "m"}, "/v1/messages/count_tokens").is_call
    assert not request({"name": "m"}, "/v1/threads").is_call


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff", b'"text"', b"null"])
def test_a_body_of_any_form_is_a_request(body: bytes) -> None:
    asked = Request.of("POST", CHAT, body)
    assert asked.is_call
    assert asked.with_usage() is None
    assert asked.messages() == []


def test_the_usage_of_a_stream_is_asked_for_without_touching_the_rest() -> None:
    body = b'{ "stream": true,\n "temperature": 1.0, "seed": 12345678901234567890 } \n'
    asked = Request.of("POST", CHAT, body).with_usage()
    assert asked is not None
    assert asked.startswith(
        b'{ "stream": true,\n "temperature": 1.0, "seed": 12345678901234567890 '
    )
    assert json.loads(asked) == {
        **json.loads(body),
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False, "x": 1}, "wrong"])
def test_options_that_do_not_ask_for_it_do_so_then(options: Any) -> None:
    asked = request({"stream": True, "stream_options": options}).with_usage()
    assert asked is not None
    known = options if isinstance(options, dict) else {}
    assert json.loads(asked)["stream_options"] == {**known, "include_usage": True}


def test_the_usage_is_asked_for_only_where_that_is_needed() -> None:
    assert request({"model": "m"}).with_usage() is None
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    assert request(asked).with_usage() is None
    assert request({"stream": True}, "/v1/responses").with_usage() is None


@pytest.mark.parametrize(
    ("document", "path", "messages"),
    [
        (
            {"messages": [{"role": "user", "content": "a"}]},
            CHAT,
            [{"role": "user", "content": "a"}],
        ),
        ({"prompt": "a"}, "/v1/completions", [{"role": "user", "content": "a"}]),
        (
            {"instructions": "s", "input": "a"},
            "/v1/responses",
            [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}],
        ),
        ({"input": [{"role": "user"}]}, "/v1/responses", [{"role": "user"}]),
        ({"input": ["a", "b"]}, "/v1/embeddings", [{"content": ["a", "b"]}]),
    ],
)
def test_what_a_model_is_told_has_one_form(document: Any, path: str, messages: list[Any]) -> None:
    assert request(document, path).messages() == messages


def test_what_is_kept_is_small_and_counts_the_same() -> None:
    asked = request({"model": "m", "messages": [{"content": "x"}]})
    kept = asked.kept(whole=False)
    assert (kept.body, kept.messages()) == (b"", [])
    assert (kept.model, kept.is_turn) == ("m", True)
    assert asked.kept(whole=True).messages() == asked.messages()
