"""Lines that fit a stream: tables, and texts that are wrapped."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.base.text import cells
from battery.report.terminal.look import Look, say, table

LOOK = Look("▲", "▼", "→", "…", colour=False)
HEADS = ["", "iter 1", "effect, iter 2-3", "94% interval"]
ROWS = [["tokens per task", "1,502", "-40.2%", "-54.9% to -17.6%"], ["turns", "3.75", "0.0%", ""]]


class Tty(io.StringIO):
    """A terminal of 80 columns."""

    def isatty(self) -> bool:
        return True


def laid(width: int) -> list[str]:
    found = table(HEADS, ROWS, LOOK._replace(width=width), (3, 1))
    return [*found.heads, *found.rows]


def test_heads_are_folded_before_any_column_goes_and_names_are_cut_last() -> None:
    assert laid(80) == [
        "                 iter 1  effect, iter 2-3      94% interval",
        "tokens per task   1,502            -40.2%  -54.9% to -17.6%",
        "turns              3.75              0.0%",
    ]
    assert laid(52) == [
        "                          effect,",
        "                 iter 1  iter 2-3      94% interval",
        "tokens per task   1,502    -40.2%  -54.9% to -17.6%",
        "turns              3.75      0.0%",
    ]
    assert laid(41)[1] == "tokens per task   1,502            -40.2%"
    assert laid(26)[2] == "tokens per task    -40.2%"
    assert laid(22)[2] == "tokens per…     -40.2%"


def test_what_had_no_room_is_named() -> None:
    assert table(HEADS, ROWS, LOOK, (3, 1)).left_out == []
    assert table(HEADS, ROWS, LOOK._replace(width=41), (3, 1)).left_out == [3]
    assert table(HEADS, ROWS, LOOK._replace(width=10), (3, 1)).left_out == [3, 1]


@given(
    heads=st.lists(st.text("ab 日-", max_size=40), min_size=3, max_size=3),
    rows=st.lists(st.lists(st.text("1語", max_size=8), min_size=3, max_size=3), max_size=3),
    width=st.integers(40, 80),
)
def test_a_table_with_room_for_its_values_fits(
    heads: list[str], rows: list[list[str]], width: int
) -> None:
    found = table(["", *heads], [["name", *row] for row in rows], LOOK._replace(width=width), (3,))
    assert all(cells(line) <= width for line in [*found.heads, *found.rows])


def test_heads_take_more_lines_where_two_have_no_room() -> None:
    heads = ["", "abc-defghijklmn-op日", "abcdefghij-klmnopq日日日日日", ""]
    assert table(heads, [["name", "", "1", ""]], LOOK._replace(width=40), (3,)).heads == [
        "                          abcdefghij",
        "      abc-defghijklmn-  -klmnopq日日",
        "                  op日        日日日",
    ]


def test_a_terminal_breaks_between_words_and_a_pipe_nowhere() -> None:
    text = "error: " + "something went wrong " * 6 + "/a/path/that/is/whole"
    pipe, terminal = io.StringIO(), Tty()
    say(text, pipe)
    assert pipe.getvalue() == f"{text}\n"
    say(text, terminal, " " * 7)
    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(line.strip() for line in lines) == text
    assert all(line.startswith(" " * 7) for line in lines[1:])


@pytest.mark.parametrize("after", ["", "; nothing else helps"])
def test_a_command_to_copy_is_in_one_line(after: str) -> None:
    command = "battery run --resume --dir data/battery --keep-going"
    terminal = Tty()
    say(
        f"empty the memory of both deployments and start again; or go on with: {command}{after}",
        terminal,
    )
    assert any(line.startswith(command) for line in terminal.getvalue().splitlines())
