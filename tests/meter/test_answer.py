"""What is read of answers while they pass."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from battery.meter.answer import MAX_TEXT, Answer, DocumentReader, EventReader
from battery.protocol import limits
from tests.support.endpoint import event, usage_of

USAGE = usage_of(11, 5)


def read(document: Any, status: int = 200, coding: str = "") -> Answer:
    answer = Answer()
    reader = DocumentReader(answer, status, coding, None)
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    assert reader.feed(data) == data
    assert reader.end() == b""
    assert answer.complete
    return answer


def stream(*documents: Any) -> Answer:
    answer = Answer()
    reader = EventReader(answer, "", hides_usage=False)
    for document in documents:
        data = event(document)
        assert reader.feed(data) == data
    return answer


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"choices": [{"message": {"content": "a"}}]}, "a"),
        ({"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {}]}}]}, "a"),
        ({"choices": [{"message": {"content": None, "tool_calls": [{}]}}]}, ""),
        ({"choices": [{"text": "a"}]}, "a"),
        ({"choices": []}, ""),
        ({"choices": ["odd"]}, ""),
        (
            {
                "output": [
                    {"type": "reasoning", "summary": [{"text": "hm"}]},
                    {"type": "message", "content": [{"type": "output_text", "text": "a"}]},
                ]
            },
            "a",
        ),
        ({"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}]}, "a"),
        ({"data": [{"embedding": [1]}]}, ""),
    ],
)
def test_the_text_of_an_answer_is_what_the_model_says(document: Any, text: str) -> None:
    assert read(document).text == text


def test_the_events_of_a_response_end_with_its_usage() -> None:
    whole = {"model": "m-2", "usage": {"input_tokens": 11, "output_tokens": 5}}
    answer = stream(
        {"type": "response.created", "response": {"model": "m-2", "usage": None}},
        {"type": "response.reasoning_summary_text.delta", "delta": "hm"},
        {"type": "response.output_text.delta", "delta": "He"},
        {"type": "response.output_text.delta", "delta": "llo"},
        {"type": "response.completed", "response": whole},
    )
    assert (answer.text, answer.model, answer.usage) == ("Hello", "m-2", whole["usage"])
    assert answer.complete


def test_counts_that_come_in_two_events_are_one_usage() -> None:
    answer = stream(
        {"type": "message_start", "message": {"model": "c", "usage": {"input_tokens": 11}}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    )
    assert answer.usage == {"input_tokens": 11, "output_tokens": 5}
    assert (answer.text, answer.model, answer.complete) == ("Hello", "c", True)


def test_a_stream_is_finished_before_it_is_complete() -> None:
    answer = Answer()
    reader = EventReader(answer, "", hides_usage=True)
    reader.feed(event({"choices": [{"delta": {}, "finish_reason": "stop"}]}))
    assert answer.finished
    assert not answer.complete
    assert reader.feed(event({"choices": [], "usage": USAGE})) == b""
    assert answer.usage == USAGE
    reader.feed(event("[DONE]"))
    assert answer.complete


def test_with_the_last_byte_that_was_announced_an_answer_is_complete() -> None:
    answer, data = Answer(), json.dumps({"usage": USAGE}).encode()
    reader = DocumentReader(answer, 200, "", len(data))
    reader.feed(data[:-1])
    assert not answer.complete
    reader.feed(data[-1:])
    assert (answer.complete, answer.usage) == (True, USAGE)


def test_a_compressed_answer_is_read_and_passed_on_as_it_is() -> None:
    assert read(gzip.compress(json.dumps({"usage": USAGE}).encode()), coding="GZIP").usage == USAGE
    assert "compressed" in read(b"\x1b", coding="br").error
    assert "compressed" in read(b"no gzip", coding="gzip").error


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"error": {"message": "no quota", "code": "q"}}, "no quota"),
        (b"<html>Bad\nGateway</html>", "<html>Bad Gateway</html>"),
    ],
)
def test_a_refusal_has_the_endpoints_words(document: Any, words: str) -> None:
    assert words in read(document, status=500).error
    assert read(document, status=200).error == ""


def test_what_is_too_large_passes_and_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 100)
    answer = read({"usage": USAGE, "text": "x" * 200})
    assert answer.usage == {}
    assert "too large" in answer.error
    bomb = gzip.compress(json.dumps({"usage": USAGE, "text": "x" * 10_000}).encode())
    assert "too large" in read(bomb, coding="gzip").error


def test_events_of_text_alone_are_read_later_and_in_their_place() -> None:
    answer = stream(
        {"model": "m", "choices": [{"delta": {"content": "a"}}]},
        {"choices": [{"delta": {"content": "b"}, "finish_reason": None}], "usage": None},
        {"choices": [{"delta": {"content": "c"}, "finish_reason": "stop"}]},
        {"choices": [{"delta": {"content": 'd "usage": {"total_tokens": 9}'}}]},
    )
    assert answer.usage == {}
    before = answer.text
    answer.settle()
    assert before == answer.text == 'abcd "usage": {"total_tokens": 9}'


def test_a_long_text_is_cut() -> None:
    event = {"choices": [{"delta": {"content": "x" * 999}}]}
    assert len(stream(*[event] * 50).text) == MAX_TEXT
