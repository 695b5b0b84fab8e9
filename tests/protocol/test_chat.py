"""Of a chat answer the text is read, or the cause why there is none, and whether it was cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.errors import ShapeError
from battery.protocol import Json
from battery.protocol.chat import chat_answer, chat_content, chat_cut, finish_reason
from tests.protocol.test_protocol import documents

chats = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries(
                {"message": st.fixed_dictionaries({"content": documents}) | documents},
                optional={"finish_reason": documents},
            )
            | documents,
            max_size=2,
        )
    }
)


def holding(content: object, *, message: Json | None = None, **choice: object) -> Json:
    whole = {"role": "assistant", "content": content, **(message or {})}
    return {"choices": [{"index": 0, "message": whole, **choice}]}


def wrong(answer: object) -> ShapeError:
    with pytest.raises(ShapeError) as caught:
        chat_content(answer)
    return caught.value


@settings(deadline=None)
@given(documents | chats)
def test_any_document_is_a_chat_answer_or_says_what_is_wrong(document: Any) -> None:
    chat_cut(document)
    content = why = ""
    try:
        content = chat_content(document)
    except ShapeError as error:
        why = error.why
    assert bool(content.strip()) != bool(why)
    if content:
        given = document["choices"][0]["message"]["content"]
        assert given == content or not isinstance(given, str)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", "plain"),
        ([{"type": "text", "text": "one "}, {"type": "text", "text": "two"}], "one two"),
        (["half a ", "sentence"], "half a sentence"),
        ([{"type": "output_text", "text": "said", "annotations": []}], "said"),
        ([{"type": "text", "text": {"value": "said", "annotations": []}}], "said"),
        ({"type": "text", "text": "said"}, "said"),
        ({"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "said"}]}, "said"),
        (
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "reasoning", "text": "hm"},
                {"type": "image_url", "image_url": {"url": "x"}},
                {"type": "tool_use", "name": "look", "content": "hm"},
                {"type": "text", "text": "said"},
                {"type": "text", "text": None},
                None,
                7,
            ],
            "said",
        ),
        ([{"type": "THINKING", "text": "hm"}, {"type": "TEXT", "text": "said"}], "said"),
        (
            [
                {"type": "text", "channel": "analysis", "text": "hm"},
                {"type": "text", "channel": "final", "text": "said"},
            ],
            "said",
        ),
        (["## What worked", "## What failed"], "## What worked\n\n## What failed"),
        (["1. one\n", "2. two"], "1. one\n2. two"),
        (["It is 3", ".5 s - fine"], "It is 3.5 s - fine"),
        ("\u200b!\ufeff", "\u200b!\ufeff"),
        ("\N{GRINNING FACE}", "\N{GRINNING FACE}"),
    ],
    ids=str,
)
def test_a_text_is_read_however_it_is_wrapped(content: object, text: str) -> None:
    assert chat_content(holding(content)) == text


@pytest.mark.parametrize(
    "content",
    [
        *("", " \n", "\u200b\u200d\n\ufeff", "\u2060", "\u00ad", "\u202e\u202c", "\ufe0f"),
        *("\u3164", "\u2800", [], {}, [""], ["\u200b"], [{"type": "text", "text": ""}], None),
    ],
    ids=ascii,
)
def test_what_nobody_can_see_is_no_text(content: object) -> None:
    error = wrong(holding(content))
    assert error.place == "choices[0].message.content"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (holding("", message={"reasoning": "hm"}, finish_reason="length"),
         "only reasoning (at reasoning); finish_reason is 'length'"),
        (holding(None, message={"reasoning_content": "hm"}), "reasoning (at reasoning_content)"),
        (holding("", message={"thinking": "hm"}), "only reasoning (at thinking)"),
        (holding([{"type": "thinking", "thinking": "hm"}]), "only parts of other types"),
        (holding(None, message={"refusal": "I cannot judge"}), "the model refused: I cannot judge"),
        (holding([{"type": "refusal", "refusal": "not this one"}]), "refused: not this one"),
        (holding([{"type": "Refusal", "text": "nor this"}]), "refused: nor this"),
        (holding("", message={"refusal": {"text": "nor that"}}), "refused: nor that"),
        (holding("", refusal="never"), "refused: never"),
        (holding("", message={"error": {"message": "deep in it"}}), "an error: deep in it"),
        (holding(None, message={"tool_calls": [{"id": "x"}]}, finish_reason="tool_calls"),
         "only calls of tools; finish_reason is 'tool_calls'"),
        (holding(None, message={"function_call": {"name": "x"}}), "only calls of tools"),
        (holding("", finish_reason="content_filter"), "finish_reason is 'content_filter'"),
        (holding("\ufeff"), "content: a text was expected, got characters that nobody can see"),
        (holding(7), "content: a string was expected, got a number"),
        (holding(""), "content: a text was expected, got an empty string"),
    ],
    ids=str,
)  # fmt: skip
def test_an_answer_without_a_text_says_why(answer: Json, words: str) -> None:
    assert words in str(wrong(answer))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"message": {"content": "said"}, "done": True}, "a text is at message.content"),
        ({"id": 1, "message": {"content": [{"type": "text", "text": "said"}]}},
         "a text is at message.content"),
        ({"type": "message", "content": [{"type": "text", "text": "said"}]}, "is at content"),
        ({"candidates": [{"content": {"parts": [{"text": "said"}]}}]}, "at candidates[0].content"),
        ({"choices": [{"text": "said"}]}, "choices[0].message: an object was expected, got nothing"
         "; a text is at choices[0].text"),
        ({"choices": [], "message": "ok"}, 'got nothing; the answer is {"choices":[]'),
        ({"choices": [], "base_resp": {"status_code": 0, "status_msg": "success"}},
         'got nothing; the answer is {"choices":[]'),
    ],
    ids=str,
)  # fmt: skip
def test_an_answer_of_another_shape_is_not_called_an_error(answer: Json, words: str) -> None:
    error = wrong(answer)
    assert words in str(error)
    assert "reports an error" not in str(error)
    assert error.hint is None


@pytest.mark.parametrize(
    "answer",
    [
        holding(None, message={"refusal": "I cannot judge"}),
        *(holding("", finish_reason=end) for end in ("content_filter", "SAFETY", "refusal")),
    ],
    ids=str,
)
def test_a_refusal_has_a_hint_of_its_own(answer: Json) -> None:
    assert "another `models.overseer_cloud`" in (wrong(answer).hint or "")


def test_a_model_that_only_thought_has_a_hint_of_its_own() -> None:
    assert "more tokens" in (wrong(holding("", message={"reasoning": "hm"})).hint or "")
    assert wrong(holding("")).hint is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": {"message": "tenant 9 is over budget", "type": "budget"}},
         "tenant 9 is over budget (type budget)"),
        ({"error": {"message": "no"}, "choices": []}, "reports an error: no"),
        ({"error": "model is loading", "choices": None}, "model is loading"),
        ({"choices": [{"error": {"message": "gone", "code": 502}, "message": {"content": ""}}]},
         "gone (code 502)"),
        ({"code": "Throttled", "message": "slow down"}, "slow down (code Throttled)"),
        ([{"error": {"message": "wrapped in a list"}}], "wrapped in a list"),
        ({"fault": {"faultstring": "spike arrest"}}, "spike arrest"),
        ("upstream went away", "upstream went away"),
    ],
    ids=str,
)  # fmt: skip
def test_what_the_provider_says_is_told(answer: object, words: str) -> None:
    assert words in str(wrong(answer))


def test_a_message_of_success_is_no_error() -> None:
    error = wrong({**holding(""), "code": 0, "msg": "success"})
    assert "success" not in str(error)


def test_a_text_is_taken_though_an_error_is_next_to_it() -> None:
    for answer in (
        {**holding("said"), "error": "late"},
        holding("said", error={"message": "late"}),
    ):
        assert chat_content(answer) == "said"
        assert chat_cut(answer) == "may be cut: it reports an error: late"
    assert chat_cut(holding("said", message={"error": {"code": 502}})) is not None


@pytest.mark.parametrize(
    "next_to_it",
    [
        {"error": None, "message": "success"},
        {"error": {"code": 0, "message": "success"}},
        {"error": "none"},
        {"error": False},
        {"base_resp": {"status_code": 0, "status_msg": "success"}},
    ],
    ids=str,
)
def test_no_error_is_made_of_what_says_that_all_is_well(next_to_it: Json) -> None:
    assert chat_cut({**holding("said"), **next_to_it}) is None


@pytest.mark.parametrize(
    "reason",
    ["stop", "STOP", "end_turn", "eos", "FinishReason.STOP", "FINISH_REASON_STOP", "", None, 1, {}],
)
def test_an_answer_that_ended_by_itself_is_whole(reason: object) -> None:
    assert chat_cut(holding("said", finish_reason=reason)) is None


@pytest.mark.parametrize(
    "reason",
    ["length", "max_tokens", "FinishReason.MAX_TOKENS", "content_filter", "SAFETY", "model_length"],
)
def test_a_limit_and_a_filter_cut_an_answer(reason: str) -> None:
    assert (
        chat_cut(holding("said", finish_reason=reason)) == f"was cut: finish_reason is {reason!r}"
    )


def test_any_other_end_may_be_a_cut() -> None:
    for reason in ("tool_calls", "abort", "error", "x" * 999):
        assert (chat_cut(holding("said", finish_reason=reason)) or "").startswith("may be cut: ")


@pytest.mark.parametrize(
    "answer",
    [
        holding("said", finish_reason={"type": "length", "length": 512}),
        holding("said", finish_reason=None, stop_reason="length"),
        {**holding("said"), "done_reason": "length"},
        {**holding("said"), "stop_reason": "length"},
        {**holding("said", finish_reason="stop"), "stopReason": "length"},
        holding("said", finish_reason="", message={"stop_reason": "length"}),
        holding("said", finishReason="length"),
        holding("said", finish_reason="stop", native_finish_reason="length"),
        {**holding("said"), "status": "incomplete", "incomplete_details": {"reason": "length"}},
    ],
    ids=str,
)
def test_the_end_is_told_in_several_places(answer: Json) -> None:
    assert finish_reason(answer) == "length"
    cut = chat_cut(answer) or ""
    assert cut.startswith("was cut: ")
    assert cut.endswith(" is 'length'")


@pytest.mark.parametrize("state", [{"truncated": True}, {"status": "incomplete"}], ids=str)
def test_a_state_tells_the_end_as_well(state: Json) -> None:
    assert (chat_cut({**holding("said", finish_reason="stop"), **state}) or "").startswith("was ")
    assert chat_cut({**holding("said"), "truncated": False, "status": "ok"}) is None


def test_a_long_end_is_shown_in_short_and_closed() -> None:
    assert (chat_cut(holding("said", finish_reason="a\n" * 99)) or "").endswith("…'")


def test_the_embedded_gateway_writes_what_the_client_reads() -> None:
    answer = chat_answer("Fine.", "rules", {}, "length")
    assert (chat_content(answer), finish_reason(answer)) == ("Fine.", "length")
    assert finish_reason(chat_answer("Fine.", "rules", {})) is None
