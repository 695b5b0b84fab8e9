"""What a person sees of a command on a terminal of 80 columns and 24 lines, once it has ended."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from battery.report.terminal.look import MOST_ROWS
from tests.support.calls import command_here
from tests.support.commands import read_json
from tests.support.screens import Screen, on_terminal

pytestmark = pytest.mark.slow

ENDED: Mapping[str, tuple[object, ...]] = {
    "run": ("run", "-n", 2, "--seed", 7),
    "iterate": ("iterate", "data/battery"),
    "summarize": ("summarize", "data/battery"),
    "watch": ("watch", "--once", "data/battery"),
    "compare": ("compare", "before", "data/battery"),
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("screen")


@pytest.fixture(scope="module")
def screens(here: Path) -> dict[str, Screen]:
    """Run the commands that end with a verdict, one after the other, in one folder."""
    found = {}
    for name, words in ENDED.items():
        found[name] = on_terminal(*words, cwd=here)
        if name == "run":
            shutil.copytree(here / "data/battery", here / "before")
    return found


@pytest.mark.parametrize("name", [name for name in ENDED if name != "compare"])
def test_the_last_screen_has_all_that_a_reader_wants_to_know(
    screens: dict[str, Screen], name: str
) -> None:
    lines = screens[name].lines
    iterations = 2 if name == "run" else 3
    start = lines.index(next(line for line in lines if line.startswith("8 tasks x ")))
    # The prompt of the shell has room below it.
    assert len(lines) <= 23
    assert len(lines) - start <= MOST_ROWS
    ending = "\n".join(lines[start:])
    assert ending.startswith(f"8 tasks x {iterations} iterations, with twin, ")
    assert ", seed 7, embedded gateway\n" in ending
    for number in ("tokens per task", "turns per task", "overseer", "possible tasks done     6/6"):
        assert f"\n{number} " in ending
    assert "−40.2%" in ending
    assert "\nLEARNED  With what it learned, the system used 40% fewer tokens than its" in ending
    assert "battery iterate data/battery" in ending
    assert "Holds for these 8 tasks, " in ending
    assert lines[-1] == "battery open data/battery  data/battery/report.html"
    assert screens[name].cursor_shown


@pytest.mark.parametrize("name", [name for name in ENDED if name != "compare"])
def test_the_answer_is_given_once_and_no_count_next_to_it(
    screens: dict[str, Screen], name: str
) -> None:
    text = "\n".join(screens[name].everything)
    assert "Architecture validated" not in text
    assert text.count("LEARNED  ") == 1


def test_the_last_screen_of_a_comparison_ends_with_its_word(screens: dict[str, Screen]) -> None:
    lines = screens["compare"].lines
    assert not screens["compare"].scrolled
    assert any(line.startswith("NO DIFFERENCE") for line in lines[-12:])


@pytest.mark.parametrize(
    ("columns", "told", "widest"), [(60, "", 60), (160, "", 80), (80, "60", 60)]
)
@pytest.mark.usefixtures("screens")
def test_the_end_fits_terminals_of_any_width(
    here: Path, columns: int, told: str, widest: int
) -> None:
    screen = on_terminal(
        "summarize", "data/battery", columns=columns, cwd=here, environment={"COLUMNS": told}
    )
    assert not screen.scrolled
    assert widest - 10 < max(map(len, screen.lines)) <= widest
    assert screen.lines[-1] == "battery open data/battery  data/battery/report.html"


@pytest.mark.usefixtures("screens")
def test_a_pipe_gets_the_same_without_colours_and_links(
    here: Path, screens: dict[str, Screen]
) -> None:
    piped = command_here("summarize", "data/battery", cwd=here).stdout
    assert piped.splitlines() == [line.replace("−", "-") for line in screens["summarize"].lines]


@pytest.mark.usefixtures("screens")
@pytest.mark.parametrize(
    ("environment", "colours", "links", "minus"),
    [
        ({}, True, True, "−"),
        ({"NO_COLOR": "1"}, False, True, "−"),
        ({"TERM": "dumb"}, False, False, "−"),
        (
            {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            True,
            True,
            "-",
        ),
    ],
)
def test_a_terminal_gets_what_it_can_show(
    here: Path, environment: dict[str, str], colours: bool, links: bool, minus: str
) -> None:
    screen = on_terminal("summarize", "data/battery", cwd=here, environment=environment)
    written = screen.written
    assert (b"\x1b[1m" in written) == colours
    assert (b"\x1b]8;;file:///" in written) == links
    assert f"{minus}40.2%".encode() in written


@pytest.mark.usefixtures("screens")
@pytest.mark.parametrize(("rows", "told", "most"), [(24, "", 22), (50, "", 48), (24, "40", 38)])
def test_a_tall_terminal_is_filled_but_for_the_rows_of_the_prompt(
    here: Path, rows: int, told: str, most: int
) -> None:
    warn(here / "noted", 60)
    screen = on_terminal(
        "summarize", "noted", rows=rows, cwd=here, environment={"LINES": told} if told else {}
    )
    shown = screen.everything
    assert len(shown) == most
    left = 60 - sum(line.startswith("warning: noted ") for line in shown)
    assert f"battery summarize --full noted  more: {left} warnings" in shown


def warn(folder: Path, count: int) -> None:
    """Make a battery with so many warnings, a row each."""
    if not folder.exists():
        shutil.copytree(folder.parent / "before", folder)
        path = folder / "battery.json"
        manifest = read_json(path)
        manifest["notes"] = [f"noted {number}" for number in range(count)]
        path.write_text(json.dumps(manifest))
