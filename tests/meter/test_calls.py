"""What calls come to: their usage in the form of the wire, their log within its limits."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.base import jsonio
from battery.meter.calls import (
    CALL_KIND,
    LEFT_OUT_KIND,
    MAX_LOG_BYTES,
    Metered,
    MeteredCall,
    read_usage,
    repeated_messages,
)
from battery.meter.request import Request
from battery.protocol import limits
from battery.protocol.usage import Tokens, usage_spent
from tests.support.endpoint import usage_of

CALL = MeteredCall(
    path="/v1/chat/completions",
    model="m-1",
    status=200,
    total=16,
    tokens=Tokens(11, None, 5, None),
    is_paid=True,
    turn=1,
    messages=[],
    repeated=0,
    text="Hello.",
    started_at="2026-01-31T12:00:00Z",
    elapsed_ms=12,
)
counts = st.integers(0, 10**6)


@st.composite
def calls(draw: st.DrawFn) -> MeteredCall:
    prompt, output = draw(counts), draw(counts)
    tokens = Tokens(
        prompt,
        draw(st.none() | st.integers(0, prompt)),
        output,
        draw(st.none() | st.integers(0, output)),
    )
    model = draw(st.sampled_from(["", "m-1", "m-2"]))
    return replace(CALL, model=model, tokens=tokens, total=prompt + output)


@given(st.lists(calls(), min_size=1))
def test_the_sum_is_read_back_as_it_was_counted(listed: list[MeteredCall]) -> None:
    spent = usage_spent({"usage": Metered(listed).usage})
    models: dict[str, Tokens] = {}
    for call in listed:
        models[call.model] = models.get(call.model, Tokens()).plus(call.tokens)
    assert spent.tokens == sum(call.total or 0 for call in listed)
    assert dict(spent.models) == models
    assert spent.kinds.known == spent.tokens


def test_of_totals_alone_there_is_a_total_alone() -> None:
    totals = replace(CALL, tokens=Tokens(), total=9)
    assert Metered([CALL, totals]).usage == {"total_tokens": 25, "calls": 2}


def test_a_call_that_was_made_elsewhere_is_added() -> None:
    usage = Metered([CALL]).usage_with("m-2", usage_of(3, 1))
    assert (usage["total_tokens"], usage["calls"]) == (20, 2)
    assert usage["by_model"].keys() == {"m-1", "m-2"}
    assert Metered([CALL]).usage_with("m-2", {}) == Metered([CALL]).usage


def test_no_calls_took_no_tokens() -> None:
    usage = Metered().usage
    assert usage == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "calls": 0}


@pytest.mark.parametrize(
    ("usage", "total", "tokens"),
    [
        (usage_of(11, 5, cached=4, reasoning=2), 16, Tokens(11, 4, 5, 2)),
        ({"prompt_tokens": 11, "total_tokens": 11}, 11, Tokens(11, None, 0, None)),
        (
            {"input_tokens": 3, "cache_read_input_tokens": 8, "output_tokens": 5},
            16,
            Tokens(11, 8, 5),
        ),
        ({"total_tokens": 16}, 16, Tokens()),
        ({"prompt_tokens": 11}, None, Tokens(11)),
        ({}, None, Tokens()),
    ],
)
def test_the_usage_of_one_call(usage: Any, total: int | None, tokens: Tokens) -> None:
    assert read_usage(usage, "m") == (total, tokens)


@pytest.mark.parametrize(
    ("messages", "earlier", "repeated"),
    [([1, 2, 3], [1, 2], 2), ([1, 2], [1, 2, 3], 2), ([1], [2], 0), ([], [], 0), ([1], [], 0)],
)
def test_messages_that_an_earlier_call_had_are_counted(
    messages: list[object], earlier: list[object], repeated: int
) -> None:
    assert repeated_messages(messages, earlier) == repeated


def test_an_entry_says_what_happened_and_leaves_out_what_did_not() -> None:
    entry = CALL.entry()
    assert entry["kind"] == CALL_KIND
    assert entry["usage"] == {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
    assert not entry.keys() & {"late", "aborted", "error", "repeated"}
    assert replace(CALL, total=None).entry()["usage"] is None


def test_a_long_message_is_cut() -> None:
    picture = {"role": "user", "content": [{"image_url": "x" * 100_000}]}
    (message,) = replace(CALL, messages=[picture]).entry()["messages"]
    assert message["cut"] is True
    assert message["role"] == "user"
    assert len(json.dumps(message)) < 10_000


def test_a_log_stays_within_its_limits_and_says_so() -> None:
    long = replace(CALL, messages=[{"role": "user", "content": "ü" * 3000}] * 100)
    many = Metered([long] * 3000)
    log = many.log
    assert log[0]["cut"] is True, "its texts alone would fill the log"
    assert log[-1] == {"kind": LEFT_OUT_KIND, "calls": 3000 - len(log) + 1}
    written = jsonio.dumps(log)
    assert len(written) < MAX_LOG_BYTES + 100 < limits.MAX_ANSWER_BYTES
    assert many.usage["calls"] == 3000


def test_a_log_of_nothing_but_values_can_be_read_as_an_answer() -> None:
    wide = {"content": [0] * 3500}
    log = Metered([replace(CALL, messages=[wide] * 30)] * 5).log
    written = jsonio.dumps({"log": log})
    limits.ValueCount().add(written)
    assert [len(entry["messages"]) for entry in log] == [30, 30, 0, 0, 0]


def test_a_log_with_the_deepest_request_can_be_read_as_an_answer() -> None:
    body = b'{"messages": [' + b"[" * 188 + b"]" * 188 + b"]}"
    messages = Request.of("POST", "/v1/chat/completions", body).messages()
    assert messages
    written = jsonio.dumps({"log": Metered([replace(CALL, messages=messages)]).log})
    jsonio.loads(written, jsonio.MAX_DEPTH)
    deeper = body.replace(b"[]", b"[[]]")
    assert Request.of("POST", "/v1/chat/completions", deeper).messages() == []
