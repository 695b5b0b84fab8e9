"""`battery open`: which page it shows, in which browser, and when it only names it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support import campaigns, samples
from tests.support.calls import assert_one_message
from tests.support.commands import battery as program
from tests.support.screens import on_terminal

pytestmark = pytest.mark.slow

#: Nothing of the machine that the tests run on may open a browser.
NOWHERE = dict.fromkeys(("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "CI"), "")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the battery as shipped."""
    return samples.shipped(tmp_path_factory, 2, "data")


@pytest.fixture
def folder(shipped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped, tmp_path / "da ta"))


@pytest.fixture
def browser(tmp_path: Path) -> dict[str, str]:
    """Return the variables that name a browser which writes down what it is to show."""
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf %s "$1" >> "{tmp_path}/shown"\n')
    script.chmod(0o755)
    return {**NOWHERE, "BROWSER": str(script)}


def shown(tmp_path: Path) -> str:
    path = tmp_path / "shown"
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("where", [{}, {"SSH_CONNECTION": "1 2 3 4"}, {"CI": "true"}])
def test_the_browser_that_is_named_shows_the_page_and_the_address_is_printed(
    folder: Path, tmp_path: Path, browser: dict[str, str], where: dict[str, str]
) -> None:
    done = program("open", folder, cwd=tmp_path, env={**browser, **where})
    address = (folder / "report.html").as_uri()
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{address}\n", "")
    assert shown(tmp_path) == address
    assert "da%20ta" in address


def test_without_a_browser_it_only_prints_the_address(folder: Path, tmp_path: Path) -> None:
    address = (folder / "report.html").as_uri()
    elsewhere = {"DISPLAY": ":0", "SSH_CONNECTION": "1 2 3 4"}
    for env in (NOWHERE, {**NOWHERE, **elsewhere}, {**NOWHERE, "DISPLAY": ":0", "CI": "1"}):
        done = program("open", folder, cwd=tmp_path, env=env)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{address}\n", "")


def test_a_browser_that_fails_is_said_and_the_address_is_there(
    folder: Path, tmp_path: Path, browser: dict[str, str]
) -> None:
    (tmp_path / "browser").write_text("#!/bin/sh\nexit 1\n")
    done = program("open", folder, cwd=tmp_path, env=browser)
    assert (done.returncode, done.stdout) == (0, (folder / "report.html").as_uri() + "\n")
    assert done.stderr == "note: no browser could be opened; open the page by its path\n"


def test_a_page_is_written_where_there_is_none_or_an_older_one_and_else_left(
    folder: Path, tmp_path: Path
) -> None:
    page = folder / "report.html"
    before = page.read_bytes()
    page.write_bytes(b"kept")
    program("open", folder, cwd=tmp_path, env=NOWHERE)
    assert page.read_bytes() == b"kept"
    later = page.stat().st_mtime_ns + 1
    os.utime(folder / "iter_2" / "runs.json", ns=(later, later))
    program("open", folder, cwd=tmp_path, env=NOWHERE)
    assert page.read_bytes() == before
    page.unlink()
    program("open", folder, cwd=tmp_path, env=NOWHERE)
    assert page.read_bytes() == before


def test_on_a_terminal_the_address_is_a_link_that_reads_the_same(
    folder: Path, tmp_path: Path
) -> None:
    # The emulator's program gets no variable that names a browser or a display.
    screen = on_terminal("open", folder, cwd=tmp_path)
    assert "".join(screen.lines) == (folder / "report.html").as_uri()


def test_without_a_battery_no_browser_is_opened(tmp_path: Path, browser: dict[str, str]) -> None:
    done = program("open", tmp_path / "none", cwd=tmp_path, env=browser)
    assert_one_message(done, 2, "there is no battery in")
    assert shown(tmp_path) == ""


def test_of_a_campaign_its_report_is_shown_and_written_again(tmp_path: Path) -> None:
    made = campaigns.campaign(tmp_path, (0.3, 0.25, 0.35, 0.28))
    page = made.folder / "report.html"
    early = program("open", made.folder, env=NOWHERE)
    assert (early.returncode, early.stdout.strip()) == (0, page.resolve().as_uri())
    assert "4 of 5 planned runs are finished" in early.stderr
    campaigns.run(made, made.plan.cells[4], 0.32)
    assert program("open", made.folder, env=NOWHERE).stderr == ""
    assert "LEARNED</h1>" in page.read_text()
