from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.text import (
    brief,
    can_show,
    cells,
    fit,
    pad,
    printable,
    spans,
    visible,
    write_line,
)

# Everything, lone surrogates included, with more of what matters than chance would bring.
anything = st.text(st.characters(categories=None) | st.sampled_from("\x1b\x9b\r\n\t\u202e\ud800漢́"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fill: Welder x2", "fill: Welder x2"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("one\r\n two\tthree\u2028four", "one two three four"),
        ("a\x1cb\x7f", r"a\x1cb\x7f"),
        ("abc\u202edef\u200b", r"abc\u202edef\u200b"),
        ("\ud800", r"\ud800"),
        ("Zürich 漢字 [red]", "Zürich 漢字 [red]"),
    ],
)
def test_foreign_text_becomes_one_harmless_line(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("ab cdef", 4, "ab…"),
        ("漢字漢字", 8, "漢字漢字"),
        ("漢字漢字", 7, "漢字漢…"),
        ("漢字漢字", 6, "漢字…"),
        ("e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"),
    ],
)
def test_a_cut_counts_columns_and_says_that_it_cut(text: str, width: int, shown: str) -> None:
    assert fit(text, width) == shown


def test_no_line_gives_a_pipeline_a_command() -> None:
    assert printable("a ##[add-mask]b") == "a ## [add-mask]b"
    assert printable("a ::error::b\n::stop") == "a : :error::b : :stop"
    assert printable("std::vector, `::` 1::2") == "std::vector, `::` 1::2"


@given(anything)
@settings(deadline=None)
def test_what_is_printable_stays_so(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert printable(shown) == shown


@given(anything)
@settings(deadline=None)
def test_what_is_visible_keeps_its_lines_and_shows_no_more(text: str) -> None:
    shown = visible(text)
    assert shown.count("\n") == text.count("\n")
    assert all(line.isprintable() for line in shown.split("\n"))
    assert visible(f"  a   {shown}") == f"  a   {shown}"


@given(anything, st.integers(3, 100), st.sampled_from(["…", "..."]))
@settings(deadline=None)
def test_nothing_gets_wider_than_asked(text: str, width: int, ellipsis: str) -> None:
    assert cells(brief(text, width, ellipsis=ellipsis)) <= width
    assert cells(pad(printable(text), width, ellipsis=ellipsis)) == width


@given(anything, st.sampled_from(["ascii", "latin-1", "utf-8"]))
@settings(deadline=None)
def test_a_line_is_written_whatever_the_encoding(text: str, encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    write_line(stream, printable(text))
    assert raw.getvalue().count(b"\n") == 1
    assert raw.getvalue().endswith(b"\n")


def test_what_an_encoding_lacks_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w", encoding="ascii") as stream:
        write_line(stream, "Zürich → done")
        assert not can_show(stream, "→")
    assert path.read_text(encoding="ascii") == "Z\\xfcrich \\u2192 done\n"


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([3], "3"),
        ([1, 2], "1 and 2"),
        ([1, 2, 3], "1 to 3"),
        ([1, 2, 4, 5, 6, 9], "1, 2, 4 to 6 and 9"),
    ],
)
def test_numbers_that_follow_each_other_are_a_span(numbers: list[int], words: str) -> None:
    assert spans(numbers) == words
