"""Tokens by kind and by model, in the spellings that providers use."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.protocol import MOST_COUNTED as MOST
from battery.protocol.usage import Spent, Tokens, respond_spent, usage_numbers, usage_spent


def kinds(**usage: Any) -> Tokens:
    return usage_spent({"usage": usage}).kinds


def test_a_reported_nought_differs_from_what_is_not_reported() -> None:
    assert respond_spent({"artifact": {"usage": {"total_tokens": 0}}}).tokens == 0
    assert respond_spent({"artifact": {"usage": {"total_tokens": None}}}) == Spent()


@pytest.mark.parametrize("sent", [None, "7", 7.5, True, -1, MOST + 1, float("nan"), [7]])
def test_a_part_of_the_tokens_that_is_no_count_is_not_reported(sent: object) -> None:
    usage = {"total_tokens": 9, "prompt_tokens": sent, "output_tokens": 2}
    spent = usage_spent({"usage": usage})
    assert (spent.tokens, spent.kinds) == (9, Tokens(output=2))
    assert respond_spent({"artifact": {"usage": usage}}) == spent
    assert kinds(**usage, input_tokens=7).prompt == 7, "the other spelling is taken instead"


@pytest.mark.parametrize("usage", [None, "7", [7], {}])
def test_an_answer_may_report_no_tokens(usage: object) -> None:
    assert usage_spent({"usage": usage}) == Spent()


#: As the documents of each interface show it; the prompt is 100 with 60 of it cached, the output
#: 20 with 5 of reasoning.
SPELLINGS: dict[str, Any] = {
    "OpenAI chat": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 5},
    },
    "OpenAI responses": {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 120,
    },
    "Anthropic": {
        "input_tokens": 30,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 60,
        "cache_creation": {"ephemeral_5m_input_tokens": 10},
        "output_tokens": 20,
        "reasoning_tokens": 5,
    },
    "Bedrock": {
        "inputTokens": 30,
        "cacheWriteInputTokens": 10,
        "cacheReadInputTokens": 60,
        "outputTokens": 20,
        "totalTokens": 120,
        "reasoningTokens": 5,
    },
    "LiteLLM over Anthropic": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 60,
        "reasoning_tokens": 5,
    },
    "DeepSeek": {
        "prompt_tokens": 100,
        "prompt_cache_hit_tokens": 60,
        "prompt_cache_miss_tokens": 40,
        "completion_tokens": 20,
        "completion_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 120,
    },
    "Gemini": {
        "promptTokenCount": 90,
        "toolUsePromptTokenCount": 10,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": 15,
        "thoughtsTokenCount": 5,
        "totalTokenCount": 120,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 90}],
    },
    "Gemini in Python": {
        "prompt_token_count": 100,
        "cached_content_token_count": 60,
        "candidates_token_count": 15,
        "thoughts_token_count": 5,
    },
    "xAI, whose output leaves reasoning out": {
        "prompt_tokens": 100,
        "completion_tokens": 15,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 5},
    },
    "AI SDK": {
        "inputTokens": 100,
        "outputTokens": 20,
        "totalTokens": 120,
        "cachedInputTokens": 60,
        "reasoningTokens": 5,
    },
    "LangChain": {
        "input_tokens": 100,
        "output_tokens": 20,
        "input_token_details": {"cache_read": 60, "cache_creation": 10},
        "output_token_details": {"reasoning": 5},
    },
    "bare": {
        "prompt_tokens": 100,
        "cached_prompt_tokens": 60,
        "completion_tokens": 20,
        "reasoning_tokens": 5,
    },
    "bare, apart from the prompt": {
        "prompt_tokens": 40,
        "cached_tokens": 60,
        "completion_tokens": 20,
        "reasoning_tokens": 5,
    },
}


@pytest.mark.parametrize("usage", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_spelling_is_read_alike(usage: Any) -> None:
    assert usage_spent({"usage": usage}).kinds == Tokens(100, 60, 20, 5)


def test_a_cache_that_was_written_but_not_read_is_part_of_the_prompt() -> None:
    usage = {"input_tokens": 30, "cache_creation_input_tokens": 70, "output_tokens": 20}
    assert kinds(**usage) == Tokens(100, None, 20, None)


@pytest.mark.parametrize("key", ["by_model", "models", "modelUsage"])
def test_usage_by_model_is_read_by_model(key: str) -> None:
    usage = {
        "total_tokens": 36,
        key: {
            "gpt-5": {"prompt_tokens": 10, "completion_tokens": 5},
            "claude": {"input_tokens": 1, "cache_read_input_tokens": 19, "output_tokens": 1},
        },
    }
    spent = usage_spent({"usage": usage, "model": "gpt-4o"})
    assert spent.models == (("gpt-5", Tokens(10, None, 5)), ("claude", Tokens(20, 19, 1)))
    assert spent.kinds == Tokens(30, 19, 6), "together"


def test_a_list_by_model_names_each_and_may_name_one_twice() -> None:
    calls = [
        {"model": "a", "prompt_tokens": 1, "completion_tokens": 2},
        {"model": "a", "usage": {"prompt_tokens": 10, "completion_tokens": 20}},
        {"name": "b", "prompt_tokens": 5, "completion_tokens": 6},
        "c",
    ]
    spent = usage_spent({"usage": {"by_model": calls}})
    assert spent.models == (("a", Tokens(11, None, 22)), ("b", Tokens(5, None, 6)))


@pytest.mark.parametrize(
    ("place", "model"),
    [
        ({"usage": {"prompt_tokens": 1, "model": "a"}, "model": "b"}, "a"),
        ({"usage": {"prompt_tokens": 1}, "model": "b"}, "b"),
        ({"usage": {"prompt_tokens": 1, "models": ["a", "b"]}}, ""),
        ({"usage": {"prompt_tokens": 1, "model": 7}}, ""),
    ],
)
def test_the_model_is_the_one_that_the_answer_names(place: Any, model: str) -> None:
    assert usage_spent(place).models == ((model, Tokens(1)),)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([key for usage in SPELLINGS.values() for key in usage] + ["by_model"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(usage=JSON)
def test_whatever_a_usage_holds_what_is_read_is_a_count_or_nothing(usage: Any) -> None:
    spent = respond_spent({"artifact": {"usage": usage}})
    for tokens in (spent.kinds, *(tokens for _, tokens in spent.models)):
        assert all(each is None or each >= 0 for each in tokens)
        assert (tokens.cached or 0) <= (tokens.prompt or MOST)
    assert all(0 <= each <= MOST for each in usage_numbers({"artifact": {"usage": usage}}).values())
