"""Frames of whatever is drawn; `test_live.py` has them on terminals of every kind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from itertools import count

import pytest
from rich.text import Text

from battery.report.terminal.frames import Live
from tests.report.rush import PAUSE_S, Tape
from tests.support.screens import Screen


class Numbered:
    """Draws a number, the next one in each frame."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.drawn = threading.Semaphore(0)
        self._numbers = count(1)
        self._screen = Screen()

    def draw(self, _width: int, _height: int) -> list[Text]:
        """Draw two lines."""
        self.drawn.release()
        return [Text(f"frame {next(self._numbers)}"), Text("below it")]

    def screen(self) -> Screen:
        """Return what a terminal shows of all that was written."""
        return self._screen.feed(self.tape.getvalue().replace("\n", "\r\n").encode())


@pytest.fixture
def numbered(monkeypatch: pytest.MonkeyPatch) -> Numbered:
    for name, value in (("COLUMNS", "80"), ("LINES", "24"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    return Numbered()


def stay(text: str) -> list[Text]:
    return [Text(text)]


def test_what_is_to_stay_is_above_the_frame_and_the_frame_is_gone_at_the_end(
    numbered: Numbered,
) -> None:
    with Live(numbered.tape, numbered.draw, PAUSE_S) as live:
        for number in range(3):
            numbered.drawn.acquire()
            live.change(partial(stay, f"line {number}"))
    screen = numbered.screen()
    assert screen.everything == ["line 0", "line 1", "line 2"]
    assert screen.cursor_shown


def test_a_change_that_leaves_nothing_draws_nothing_by_itself(numbered: Numbered) -> None:
    changed = []

    def change() -> Iterator[Text]:
        changed.append(1)
        yield from ()

    with Live(numbered.tape, numbered.draw, pause=3600) as live:
        live.change(change)
        live.change(change)
    assert len(changed) == 2
    assert not numbered.tape.getvalue()


def test_an_error_leaves_a_clean_terminal_too(numbered: Numbered) -> None:
    with pytest.raises(RuntimeError, match="gone"):
        fail(numbered)
    screen = numbered.screen()
    assert (screen.everything, screen.cursor_shown) == (["it stays"], True)


def fail(numbered: Numbered) -> None:
    with Live(numbered.tape, numbered.draw, PAUSE_S) as live:
        numbered.drawn.acquire()
        live.change(partial(stay, "it stays"))
        raise RuntimeError("gone")
