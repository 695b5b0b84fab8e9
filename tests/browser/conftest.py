"""A browser, and the reports that it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.browser.folders import make_report, write_battery
from tests.browser.hostile import write_hostile
from tests.support.browser import Visit, browsing, visiting
from tests.support.commands import battery
from tests.support.samples import sample

if TYPE_CHECKING:
    from playwright.sync_api import Browser


#: A name of somebody else, which leads to this machine as a rebound one does.
FOREIGN: Final = "attacker.example"


# Not for the whole session: while it is open, no other test of this process can run asyncio.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Run one Chromium for all tests of this folder."""
    with browsing(f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1") as opened:
        yield opened


@pytest.fixture(scope="package")
def window(browser: Browser) -> Iterator[Visit]:
    """Keep one window open: a new one for each test would take most of its time."""
    with visiting(browser) as visit:
        yield visit


@pytest.fixture
def visit(window: Visit) -> Visit:
    """Return the window, empty and as new."""
    window.clear()
    return window


@pytest.fixture(scope="package")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report of a small battery with two arms and two repeats."""
    folder = write_battery(tmp_path_factory.mktemp("plain"), repeats=2)
    return make_report(folder)


@pytest.fixture(scope="package")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of a real battery: the packaged tasks, three iterations."""

    def make(folder: Path) -> None:
        # In a process of its own: next to an open browser this one can run no other loop.
        words = ("run", "-n", 3, "--seed", 7, "--quiet", "--dir", folder)
        done = battery(*words, cwd=folder.parent)
        assert done.returncode == 0, done.stderr

    return sample(tmp_path_factory, "browsed", make) / "report.html"


@pytest.fixture(scope="package")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report of a battery in which every text is an attack."""
    return make_report(write_hostile(tmp_path_factory.mktemp("hostile")))
