"""Any JSON can be read without knowing JSON, and nothing of it is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.report.html.readable import readable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ({}, ""),
        ("two\nlines", "two\nlines"),
        ({"shelf": "K7", "count": 2, "found": True}, "shelf: K7\ncount: 2\nfound: true"),
        ({"ids": [1, 2], "none": [], "missing": None}, "ids: 1, 2\nnone: none\nmissing: none"),
        ({"mixed": [2**70, True, None, 1.5, "a"]}, f"mixed: {2**70}, true, none, 1.5, a"),
        ({"people": [{"id": "W1", "pay": 3}]}, "people:\n  - id W1, pay 3"),
        ({"text": "a\nb"}, "text:\n  a\n  b"),
        ([["a", ["b"]]], "- - a\n  - b"),
        ({"x": [{"id": 1, "in": [2]}]}, "x:\n  - id: 1\n    in: 2"),
    ],
)
def test_a_name_and_its_value_per_line(value: Any, text: str) -> None:
    assert readable(value) == text


def test_what_nests_a_thousandfold_is_written_as_json_from_some_depth_on() -> None:
    value: Any = "end"
    for _ in range(100):
        value = {"in": [value]}
    assert readable(value).endswith("]}" * 96)


@given(JSON)
def test_every_text_and_number_is_there(value: Any) -> None:
    found = readable(value)
    for text in _leaves(value):
        assert all(line.strip() in found for line in text.split("\n"))


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _leaves(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _leaves(inner)]
    return [value] if isinstance(value, str) else [str(value)] if type(value) is int else []
