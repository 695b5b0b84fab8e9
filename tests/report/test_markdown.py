"""Foreign text in Markdown is read as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from battery.report.markdown import code, plain, row, table


@pytest.mark.parametrize(
    "text", ["# a", "1. a", "- a", "*a* _b_ `c`", "<b>", "[a](b)", "a|b", "~~a~~"]
)
def test_what_looks_like_markup_is_shown_as_it_is(text: str) -> None:
    (paragraph,) = MarkdownIt().enable(["table", "strikethrough"]).parse(plain(text))[1:-1]
    children = paragraph.children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    assert "".join(child.content for child in children) == text


def test_file_names_stay_readable() -> None:
    assert plain("overseer_review.md") == "overseer_review.md"


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1))
def test_code_holds_any_number_of_backticks(text: str) -> None:
    (paragraph,) = MarkdownIt().parse(f"x {code(text)} x")[1:-1]
    assert [child.content for child in paragraph.children or [] if child.type == "code_inline"] == [
        text
    ]


def test_columns_of_numbers_are_aligned_right() -> None:
    lines = table(["Metric", "A", "B"], [["tokens", "1", "2"]]).splitlines()
    assert lines == [row(["Metric", "A", "B"]), "| --- | ---: | ---: |", "| tokens | 1 | 2 |"]
