from __future__ import annotations

import io
import subprocess
import sys

import pytest

from battery.records.events import Notice
from battery.report.terminal.progress import PlainProgress, QuietProgress, make_progress
from tests.report.events import battery
from tests.report.ptys import run_on_terminal

LOADED = (
    "import sys, battery.report.terminal.progress, battery.report.terminal.summary\n"
    "import battery.report.markdown.summary;"
    "print('rich' in sys.modules)"
)


def test_a_pipe_gets_plain_lines_as_they_happen() -> None:
    stream = io.StringIO()
    with make_progress(quiet=False, stream=stream) as show:
        assert isinstance(show, PlainProgress)
        for event in battery(2, 1):
            show(event)
            assert stream.getvalue().endswith("\n")
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("12 calls: 6 tasks")
    assert lines[1].startswith("* marks")
    assert lines[2] == "1/2 alpha baseline"
    assert lines[-1].startswith("2/2 done")
    assert max(map(len, lines)) <= 80
    assert stream.getvalue().replace("\n", "").isprintable()


def test_quiet_shows_warnings_only() -> None:
    stream = io.StringIO()
    with make_progress(quiet=True, stream=stream) as show:
        assert isinstance(show, QuietProgress)
        for event in [*battery(1, 1), Notice("fine"), Notice("not fine", warning=True)]:
            show(event)
    assert stream.getvalue() == "warning: not fine\n"


def test_quiet_is_quiet_on_a_terminal_too() -> None:
    screen = run_on_terminal("tests.report.play", "quiet")
    assert screen.text() == r"warning: the stream had 1 broken event [bold]\x1b[31m"
    assert not screen.coloured


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "dumb"}, {"TERM": ""}, {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}],
    ids=["dumb", "unset", "ascii"],
)
def test_a_terminal_that_cannot_redraw_gets_plain_lines(environment: dict[str, str]) -> None:
    screen = run_on_terminal("tests.report.play", "whole", environment=environment)
    lines = screen.text().splitlines()
    assert lines[0].startswith("36 calls: 27 tasks")
    assert lines[-1].startswith("3/3 done")
    assert screen.widest <= 80
    assert not screen.coloured


def test_an_error_passes_through() -> None:
    with (
        pytest.raises(RuntimeError, match="gone"),
        make_progress(quiet=False, stream=io.StringIO()),
    ):
        raise RuntimeError("gone")


def test_plain_output_does_not_load_rich() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
