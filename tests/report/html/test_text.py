"""Foreign text keeps its lines and shows what would not be seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from battery.report.html.text import visible


def test_lines_tabs_and_indentation_stay() -> None:
    text = "first\r\n\n\tcode:\n    x =  1\u00a0\u3000中文"
    assert visible(text) == text.replace("\r\n", "\n")


def test_what_steers_a_terminal_or_the_direction_is_written_out() -> None:
    assert visible("a\x1b[2Jb\u202ec\x00") == r"a\x1b[2Jb\u202ec\x00"


@given(st.text())
def test_the_result_holds_nothing_that_cannot_be_seen(text: str) -> None:
    shown = visible(text)
    assert all(char.isprintable() or char in "\n\t\u00a0\u3000" for char in shown)
    assert visible(shown) == shown
