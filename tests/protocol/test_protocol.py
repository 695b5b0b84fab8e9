"""Any document is either what the wire promises or refused with the place that is wrong."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery import protocol
from battery.base.errors import ShapeError

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
#: Documents that get past the first look: the right keys with anything below them.
answers = st.fixed_dictionaries(
    {"status": st.sampled_from(["ok", "failed", "blocked"]) | documents},
    optional={
        "iterations": scalars,
        "artifact": st.fixed_dictionaries(
            {"usage": st.fixed_dictionaries({"total_tokens": scalars}) | documents}
        )
        | documents,
        "log": st.lists(st.fixed_dictionaries({"kind": scalars}) | documents, max_size=3)
        | documents,
        "error": scalars,
    },
)


@settings(deadline=None)
@given(documents | answers)
def test_any_document_is_a_respond_answer_or_names_what_is_wrong(document: Any) -> None:
    wrong = None
    try:
        answer = protocol.read_respond(document)
    except ShapeError as error:
        wrong = error
    if wrong is not None:
        assert wrong.why
        # Only a document that is no object at all is wrong at no place in particular.
        assert bool(wrong.place) == isinstance(document, dict)
        return
    assert answer.status in {"ok", "failed", "blocked"}
    assert 0 <= (answer.iterations or 0) <= protocol.MOST_COUNTED
    assert 0 <= (answer.tokens or 0) <= protocol.MOST_COUNTED
    assert isinstance(answer.overseer_called, bool)


@pytest.mark.parametrize(("sent", "read"), [(3, 3), (3.0, 3), (0, 0), (None, None)])
def test_whole_numbers_count_however_they_are_written(sent: object, read: int | None) -> None:
    assert protocol.read_respond({"status": "ok", "iterations": sent}).iterations == read
    assert protocol.read_respond(spending(sent)).tokens == read


def spending(tokens: object) -> protocol.Json:
    return {"status": "ok", "artifact": {"usage": {"total_tokens": tokens}}}


MOST = protocol.MOST_COUNTED


@pytest.mark.parametrize("sent", ["3", 3.5, True, False, -1, -1.0, [3], {}, MOST + 1, 1e300])
def test_nothing_else_counts_as_a_whole_number(sent: object) -> None:
    with pytest.raises(ShapeError, match=r"^iterations: "):
        protocol.read_respond({"status": "ok", "iterations": sent})
    with pytest.raises(ShapeError, match=r"^artifact\.usage\.total_tokens: "):
        protocol.read_respond(spending(sent))


def test_a_count_beyond_belief_is_refused_with_the_most_that_is_taken() -> None:
    assert protocol.read_respond(spending(MOST)).tokens == MOST
    with pytest.raises(ShapeError, match="less than or equal to 9007199254740992, got 1000"):
        protocol.read_respond(spending(10**300))


def test_a_long_wrong_value_is_shown_in_short() -> None:
    with pytest.raises(ShapeError) as caught:
        protocol.read_respond(spending("x" * 10_000))
    assert len(caught.value.why) < 200


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": {"message": "quota is used up", "code": 429}}, "quota is used up (code 429)"),
        ({"error": "no such model"}, "no such model"),
        ({"errors": [{"code": 7000, "message": "no route"}], "success": False},
         "no route (code 7000)"),
        ({"detail": [{"loc": ["body"], "msg": "field required", "type": "missing"}]},
         "field required (type missing)"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}},
         "busy (type overloaded_error)"),
        ({"object": "error", "message": "too long", "type": "BadRequest", "code": 400},
         "too long (type BadRequest, code 400)"),
        ([{"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}],
         "overloaded (code 503, status UNAVAILABLE)"),
        ({"error": {"message": "provider failed", "metadata": {"raw": "out of memory"}}},
         "provider failed: out of memory"),
        ({"error": {"error": {"message": "inner", "code": "x"}, "code": 1}}, "inner (code x)"),
        ({"error": True, "message": "broken", "code": False}, "broken"),
        ({"error": {"number": 5}}, '{"number":5}'),
        ({"error": ["first", "second"]}, "first"),
        ({"error": None, "message": "  "}, None),
        ({"error": "", "choices": []}, None),
        ({"ok": False, "result": {"error": {"message": "far inside", "code": 9}}},
         "far inside (code 9)"),
        ({"data": [{"errors": [{"message": "in a list"}]}]}, "in a list"),
        ({"choices": [{"message": {"error": "in a message"}}]}, "in a message"),
        ({"fault": {"faultstring": "spike arrest"}}, "spike arrest"),
        ({"error": True}, "true"),
        ({"error": {"code": 0, "message": "quota"}}, "quota"),
        ({"code": 0, "message": "success", "data": {"error": "inside"}}, "inside"),
        ({"base_resp": {"status_code": 1008, "status_msg": "no balance"}},
         "no balance (status_code 1008)"),
        ({"base_resp": {"status_code": 0, "status_msg": "success"}}, None),
        ({"error": {"code": 0, "message": "Success."}}, None),
        ({"error": {"code": 0, "message": ""}}, None),
        ({"error": "none", "message": "Queued"}, None),
        ({"success": True, "message": "Queued"}, None),
        ({"status": "ok", "detail": "three of three"}, None),
        ({"choices": [], "message": "OK"}, None),
        ({"message": {"role": "assistant", "content": "hello"}}, None),
        ({"data": {"message": "hello"}, "output": ["hello"]}, None),
        ([], None),
        (7, None),
    ],
    ids=str,
)  # fmt: skip
def test_a_failure_is_told_in_the_words_of_whoever_failed(
    answer: object, words: str | None
) -> None:
    told = protocol.reported_failure(answer)
    assert told == words if words is None else words in (told or "")


def test_a_failure_is_told_in_short() -> None:
    assert len(protocol.reported_failure({"error": {"message": "x" * 9999}}) or "") == 300


def test_an_answer_without_status_that_reports_a_failure_says_so() -> None:
    with pytest.raises(ShapeError, match=r"^status: is missing; .* error: no quota \(code 5\)$"):
        protocol.read_respond({"error": {"message": "no quota", "code": 5}})
    with pytest.raises(ShapeError, match=r"^status: .*got 'error'; .* error: no quota$"):
        protocol.read_respond({"status": "error", "message": "no quota"})
    with pytest.raises(ShapeError, match=r"^error: .*; the answer reports an error: no quota$"):
        protocol.read_respond({"status": "failed", "error": {"message": "no quota"}})
    with pytest.raises(ShapeError, match=r"got a list; the answer reports an error: no quota$"):
        protocol.read_respond([{"error": {"message": "no quota"}}])


@pytest.mark.parametrize("answer", ["out of order", {"state": "out of order"}, ["out of order"]])
def test_an_answer_that_reports_nothing_is_shown(answer: object) -> None:
    with pytest.raises(ShapeError, match=r"; the answer is .*out of order"):
        protocol.read_respond(answer)


def test_a_failure_is_found_quickly_however_the_answer_is_nested() -> None:
    # A place that is looked at twice on each level is never looked at to the end.
    answer: object = {}
    for key in ("message", "error", "data", "errors") * 45:
        answer = {key: [answer]}
    assert protocol.reported_failure(answer)


def test_the_embedded_gateway_writes_what_the_client_reads() -> None:
    event = {"role": "final", "text": "a\nb\u2028c"}
    written = protocol.sse_event(event)
    assert written.endswith(b"\n\n")
    assert written.count(b"\n") == 2
    assert orjson.loads(written.removeprefix(b"data: ")) == event


def test_a_respond_request_knows_no_other_key() -> None:
    keys = {"task_class", "operation", "spec", "executor_model", "reviewer_model"}
    assert set(protocol.RespondRequest.model_fields) == keys
    body: protocol.Json = {**dict.fromkeys(keys, "x"), "spec": {}}
    with pytest.raises(ValueError, match="more"):
        protocol.RespondRequest.model_validate({**body, "more": 1})
