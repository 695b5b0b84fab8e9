"""Texts compared by their words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.grading.words import WORD_KEYS, answer_text, has_phrase, text_of, words


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("It is on shelf K7-412.", "K7-412"),
        ("It is on shelf k7\N{EN DASH}412.", "Shelf K7-412"),
        ("\N{LEFT DOUBLE QUOTATION MARK}Caf\u00e9\N{RIGHT DOUBLE QUOTATION MARK}", "cafe\u0301"),
        ("it\N{RIGHT SINGLE QUOTATION MARK}s **cold**", "it's cold"),
        ("_cold_", "cold"),
        ("wel\N{SOFT HYPHEN}der", "welder"),
        ("1,200 welders", "1200"),
        ("pi is 3.14.", "3.14"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}nn", "Ann"),
        ("line\nend", "line end"),
        ("Stra\u00dfe", "STRASSE"),
        ("\u6211\u5728\u5927\u962a", "\u5927\u962a"),
        # Told in the documents: words are compared, not meaning.
        ("not cold", "cold"),
    ],
)
def test_a_phrase_is_found_however_it_is_written(text: str, phrase: str) -> None:
    assert has_phrase(words(text), words(phrase))


@pytest.mark.parametrize(
    ("text", "phrase"),
    [("start", "art"), ("3.14", "14"), ("41.5", "5"), ("K71", "K7"), ("cold not", "not cold")],
)
def test_parts_of_words_are_no_words(text: str, phrase: str) -> None:
    assert not has_phrase(words(text), words(phrase))


@pytest.mark.parametrize(
    ("artifact", "text"),
    [
        ("K7", "K7"),
        ({"answer": "K7"}, "K7"),
        ({"text": "It is", "message": "K7"}, "It is\nK7"),
        ({"choices": [{"message": {"role": "assistant", "content": "K7"}}]}, "K7"),
        ({"content": [{"type": "text", "text": "It is"}, {"type": "text", "text": "K7"}]}, None),
        (["It is", "K7"], "It is\nK7"),
        ({"answer": {"text": "K7"}}, "K7"),
        ({"answer": 7, "workers": [{"name": "Ann"}]}, ""),
        ({"text": "  \n"}, ""),
        ({}, ""),
        (None, ""),
        (7, ""),
    ],
)
def test_the_words_of_an_answer_are_found_where_answers_have_them(
    artifact: Any, text: str | None
) -> None:
    expected = "It is\nK7" if text is None else text or None
    assert answer_text({"artifact": artifact}) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["text", "answer"]), inner),
)


@given(JSON, st.text())
def test_no_value_is_too_strange(value: Any, phrase: str) -> None:
    found = text_of(value)
    assert found is None or (found.strip() and has_phrase(words(found), words(found)))
    has_phrase(words(found or ""), words(phrase))


def test_the_documents_say_where_words_are_looked_for() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "checks.md"
    listed = page.read_text().partition("### The words of an answer\n\n")[2].partition("\n\n")[0]
    assert [key for key in WORD_KEYS if f"`{key}`" not in listed] == []
