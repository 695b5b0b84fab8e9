from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from battery.embedded.tokens import Usage, count_tokens, estimate


@given(st.text(), st.text())
def test_a_longer_text_never_counts_fewer_tokens(one: str, more: str) -> None:
    assert count_tokens(one) <= count_tokens(one + more)


def test_four_characters_are_a_token_and_a_rest_is_one_more() -> None:
    assert [count_tokens(text) for text in ("", "abc", "abcd", "abcde")] == [0, 1, 1, 2]


def test_an_estimate_says_that_it_is_one_and_taints_a_sum() -> None:
    total = Usage(10, 5) + estimate("eight ch", "four")
    assert total.as_json() == {
        "prompt_tokens": 12,
        "completion_tokens": 6,
        "total_tokens": 18,
        "estimated": True,
    }
    assert not (Usage(1, 1) + Usage(2, 2)).estimated
