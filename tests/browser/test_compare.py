"""The page of a comparison in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from battery.report.html.compare import page
from tests.report.comparisons import CASES, HOSTILE, hostile
from tests.support.browser import Scheme, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_the_page_draws_every_task_and_neither_runs_nor_loads_what_others_wrote(
    browser: Browser, tmp_path: Path, width: int, scheme: Scheme
) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"".join(page(hostile(), Path("page.html"))))
    with visiting(browser, width=width, scheme=scheme) as visit:
        opened = visit.open(path)
        opened.locator("#by-task svg").wait_for()
        assert opened.locator("#by-task circle").count() == 2 * 8, "a ring and a dot a task"
        assert opened.locator("h1").inner_text() == "WORSE"
        assert HOSTILE[:20] in opened.locator("main").inner_text()
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        assert visit.complaints == []
        assert len(visit.requests) == 1


def test_without_scripts_all_numbers_are_there(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"".join(page(hostile(), Path("page.html"))))
    with visiting(browser, scripts=False) as visit:
        opened = visit.open(path)
        opened.locator("summary", has_text="All 8 tasks").click()
        assert opened.locator("#all ~ details tbody tr").count() == 8


def test_the_print_has_every_task_and_no_licences(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"".join(page(CASES["worse"], path)))
    with visiting(browser) as visit:
        opened = visit.open(path)
        opened.emulate_media(media="print")
        assert opened.get_by_text("Licences of the drawing libraries").is_hidden()
        rows = opened.locator("#all ~ details tbody tr")
        assert rows.count() == 8
        assert rows.first.is_visible()
