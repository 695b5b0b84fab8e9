"""What a person sees of a command on a terminal of 80 columns and 24 lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.screens import Screen, on_terminal

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Screen:
    here: Path = tmp_path_factory.mktemp("screen")
    return on_terminal("run", "-n", 3, "--seed", 7, cwd=here)


def test_the_last_screen_of_a_run_has_the_word_and_the_sentence(screen: Screen) -> None:
    text = " ".join(screen.lines)
    assert "LEARNED" in text
    assert "fewer tokens" in text
    assert screen.cursor_shown
