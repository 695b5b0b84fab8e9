"""The schemas of the three calls say what is really sent, and what may be answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.base.errors import ShapeError
from battery.embedded.server import GatewayOptions, serving
from battery.protocol import read_respond
from battery.protocol.chat import chat_content
from battery.records.exchanges import EXCHANGES
from battery.store.schemas import schema
from tests.support.calls import command_here
from tests.support.gateway import Gateway

# It has no types; a module imported by name is checked as one without.
jsonschema: Any = import_module("jsonschema")
VALIDATORS = {name: jsonschema.Draft202012Validator(schema(name)) for name in EXCHANGES}
#: A valid answer of each call, which the tests below spoil.
GOOD: dict[str, Any] = {
    "respond": {"status": "ok", "iterations": 2, "artifact": {"usage": {"total_tokens": 9}}},
    "distill": [{"role": "final", "text": "learned"}],
    "chat": {"choices": [{"message": {"content": "fine"}}]},
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2**54) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def answer_of(response: httpx.Response) -> Any:
    if "event-stream" not in response.headers["content-type"]:
        return response.json()
    lines = [line.partition(":")[2] for line in response.text.splitlines() if line]
    return [json.loads(line) for line in lines]


def is_valid(name: str, answer: Any) -> bool:
    body = VALIDATORS[name].evolve(
        schema={**VALIDATORS[name].schema["properties"]["answer"], "$defs": schema(name)["$defs"]}
    )
    return bool(body.is_valid(answer))


@pytest.mark.slow
def test_real_requests_with_the_answers_of_the_embedded_gateway_are_valid(
    gateway: Gateway, tmp_path: Path
) -> None:
    words = ("run", "-n", 1, "--gateway", gateway.url, "--llm-team", gateway.url, "--quiet")
    assert command_here(*words, cwd=tmp_path).returncode == 0
    seen = set()
    with serving(GatewayOptions(tmp_path / "memory")) as url, httpx.Client(base_url=url) as client:
        for path, request in gateway.requests:
            answer = answer_of(client.post(path, json=request))
            name = path.split("?")[0].replace("/api/run", "/distill").rpartition("/")[2]
            VALIDATORS[name].validate({"request": request, "answer": answer})
            seen.add(name)
            for spoiled in ({**request, "model": 1, "mode": "x", "phase": "alpha"}, {}):
                assert not VALIDATORS[name].is_valid({"request": spoiled, "answer": answer})
    assert seen == set(EXCHANGES)


@pytest.mark.parametrize("name", EXCHANGES)
def test_a_schema_is_one_and_a_good_answer_is_valid(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    assert is_valid(name, GOOD[name])


@given(st.sampled_from(["status", "iterations", "artifact", "log", "error", "more"]), ANYTHING)
def test_a_respond_answer_is_valid_where_battery_reads_it(key: str, value: Any) -> None:
    answer = GOOD["respond"] | {key: value}
    assert is_valid("respond", answer) == is_read(read_respond, answer)


@given(ANYTHING)
def test_usage_is_valid_where_battery_reads_it(usage: Any) -> None:
    for artifact in ({"usage": usage}, {"usage": {"total_tokens": usage}}):
        answer = GOOD["respond"] | {"artifact": artifact}
        assert is_valid("respond", answer) == is_read(read_respond, answer)


@given(ANYTHING)
def test_what_the_schema_of_a_chat_refuses_battery_refuses(value: Any) -> None:
    for answer in (
        value,
        {"choices": value},
        {"choices": [value]},
        {"choices": [{"message": value}]},
        {"choices": [{"message": {"content": value}}]},
    ):
        assert is_valid("chat", answer) or not is_read(chat_content, answer)


@pytest.mark.parametrize("answer", [[], {}, ["text"], None])
def test_a_distillation_without_an_event_is_not_valid(answer: Any) -> None:
    assert not is_valid("distill", answer)


def is_read(read: Callable[[Any], object], answer: Any) -> bool:
    try:
        read(answer)
    except ShapeError:
        return False
    return True
