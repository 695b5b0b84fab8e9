"""What the events of a distillation amount to, also those that nobody would write."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.errors import ShapeError
from battery.protocol import Json
from battery.protocol.distill import STREAM_END, DistillStream, distilled, event_error

VALUES = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8)
KEYS = st.sampled_from(["role", "text", "error", "type"]) | st.text(max_size=8)
DOCUMENTS = VALUES | st.dictionaries(KEYS, VALUES | st.dictionaries(KEYS, VALUES), max_size=4)


@settings(deadline=None)
@given(st.lists(st.text(max_size=20) | DOCUMENTS.map(json.dumps), max_size=6))
def test_any_events_give_a_text_or_say_that_there_was_none(data: list[str]) -> None:
    stream = DistillStream()
    taken = [event for text in data for event in stream.add(text)]
    assert taken == stream.events
    passed_over = sum(not text.strip() or text.strip() == STREAM_END for text in data)
    assert len(stream.events) + stream.broken + passed_over == len(data)
    if stream.events:
        assert stream.result().text
    else:
        with pytest.raises(ShapeError, match="without any event"):
            stream.result()


FINAL = {"role": "final", "text": "two playbooks"}
NOTHING: list[object] = ["none", "NULL", "", "n/a", None, False, 0, [], {}, {"code": 0}]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"error": "disk full"}, "disk full"),
        ({"error": {"type": "overloaded", "message": "try later"}}, "try later (type overloaded)"),
        ({"error": {"detail": "no index"}}, "no index"),
        ({"error": {"code": 529}}, '{"code":529}'),
        ({"error": True, "message": "locked"}, "locked"),
        ({"type": "error", "message": "no model"}, "no model"),
        ({"role": "error", "text": "no rights"}, "no rights"),
        ({"kind": "Error", "detail": "gone"}, "gone"),
        ({"event": "error", "data": 1}, '{"event":"error","data":1}'),
        ({"type": "response.failed", "reason": "quota"}, "quota (type response.failed)"),
        ({"role": "final", "status": "failed", "text": "gave up"}, "gave up"),
        (
            {"role": "final", "text": "gave up", "error": "quota", "status": "failed"},
            "quota (status failed)",
        ),
        ({"role": "error", "text": "é" * 900}, "é" * 500),
        ({"role": "error", "text": "no disk", "reason": "stop"}, "no disk"),
        ({"detail": "sign in first"}, "sign in first"),
        ({"detail": "sign in first", "request_id": "r-1"}, "sign in first"),
        ({"success": False, "status": 503, "detail": "asleep"}, "asleep (status 503)"),
        ({"errors": [{"message": "bad key"}, {}]}, "bad key"),
        ({"error_message": "bad key"}, "bad key"),
        ({"err": "bad key"}, "bad key"),
        ({"exception": "OSError: full"}, "OSError: full"),
        ({"code": 401, "message": "who?"}, "who? (code 401)"),
        ({"code": "502", "message": "down"}, "down (code 502)"),
        ({"statusCode": 504}, '{"statusCode":504}'),
        ({"status_code": 500, "message": "oops"}, "oops (status_code 500)"),
        ({"ok": False, "reason": "empty"}, "empty"),
        ({"is_error": True, "text": "empty"}, "empty"),
        ({"level": "FATAL", "message": "gone"}, "gone"),
        ({"severity": "critical", "text": "gone"}, "gone"),
        ({"role": "err", "text": "gone"}, "gone"),
        ({"status": "timed out", "text": "gone"}, "gone"),
        ({"type": "run.canceled", "message": "stop"}, "stop (type run.canceled)"),
        ({"type": "RUN_ERROR", "message": "stop"}, "stop (type RUN_ERROR)"),
        ({"type": "TimeoutError", "text": "slow"}, "slow"),
        ({"type": "response.incomplete"}, '{"type":"response.incomplete"}'),
        ({"type": "x.failed", "response": {"error": {"message": "deep"}}}, "deep"),
    ],
)
def test_an_error_with_no_result_is_a_failed_distillation(event: Json, words: str) -> None:
    assert event_error(event) == words
    failed = distilled([{"role": "step", "text": "reading"}, event])
    assert failed == (f"The distillation failed: {words}", words, True)
    for events in ([event, FINAL], [FINAL, event]):
        assert distilled(events) == ("two playbooks", words, False)
    assert distilled([event, {"role": "final", "text": " "}]).failed


@pytest.mark.parametrize(
    "event",
    [
        FINAL,
        {**FINAL, "error": None},
        {**FINAL, "error": "", "errors": 0},
        {**FINAL, "error": {}, "status": "ok"},
        *({**FINAL, "error": nothing} for nothing in NOTHING),
        {**FINAL, "success": True, "code": 200, "detail": "all is well", "reason": "stop"},
        {**FINAL, "status": "no_error", "level": "info", "code": 20000, "ok": None},
        {"text": "the error is fixed", "type": "errors_fixed", "role": 5},
    ],
    ids=str,
)
def test_an_event_that_reports_no_error_is_none(event: Json) -> None:
    assert event_error(event) == ""
    assert distilled([event]) == (event["text"], "", False)


@pytest.mark.parametrize(
    "event", [{"error": "none"}, {"message": "reading"}, {"role": "step", "detail": "2 of 3"}]
)
def test_words_that_need_not_be_those_of_a_failure_are_no_error(event: Json) -> None:
    assert distilled([event]) == (json.dumps(event, separators=(",", ":")), "", False)


@pytest.mark.parametrize("error", ["2 skipped", {"message": "2 skipped"}, ["2 skipped"]])
def test_a_result_that_mentions_an_error_is_delivered(error: object) -> None:
    assert distilled([{**FINAL, "error": error}]) == ("two playbooks", "2 skipped", False)


def test_of_no_events_nothing_is_said() -> None:
    assert distilled([]) == ("", "", False)


@pytest.mark.parametrize(
    ("data", "event"),
    [
        ("", {"error": "an error event without a word"}),
        ("upstream is busy", {"error": "upstream is busy"}),
        ('{"message": "busy"}', {"error": {"message": "busy"}}),
        ('{"error": "busy"}', {"error": "busy"}),
        ('"busy"', {"error": "busy"}),
        ('["busy"]', {"error": ["busy"]}),
        ("null", {"error": "an error event without a word"}),
    ],
)
@pytest.mark.parametrize("name", ["error", "Exception", "run.failed", "timeout"])
def test_an_event_that_only_its_name_calls_an_error_is_kept_as_one(
    data: str, event: Json, name: str
) -> None:
    stream = DistillStream()
    assert stream.add(data, name) == [event]
    assert stream.result().failed
    assert stream.settled
