"""The page of a comparison in a real browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from battery.report.html.compare import page
from tests.report.comparisons import CASES, HOSTILE, hostile
from tests.support.browser import Scheme, expect, visiting

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


def test_tasks_are_found_in_the_picture_and_in_every_table(
    browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"".join(page(CASES["worse"], path)))
    with visiting(browser) as visit:
        opened = visit.open(path)
        rows, dots = opened.locator("#all ~ details tbody tr"), opened.locator("#by-task circle")
        expect(dots).to_have_count(2 * 8)
        opened.get_by_role("button", name="Flipped").click()
        expect(opened.locator("[data-count]")).to_have_text("2 of 8 tasks")
        expect(rows.filter(visible=True)).to_have_count(2)
        expect(dots).to_have_count(2 * 2)
        opened.get_by_label("Find tasks").fill("gamma")
        expect(opened.locator("[data-count]")).to_have_text("1 of 8 tasks")
        expect(opened.locator("#flips ~ .scroll tbody tr").filter(visible=True)).to_have_count(1)
        opened.get_by_label("Find tasks").fill("nothing of the kind")
        expect(dots).to_have_count(0)
        assert visit.complaints == []


def test_folders_run_ids_and_the_command_can_be_copied(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"".join(page(CASES["worse"], path)))
    with visiting(browser) as visit:
        opened = visit.open(path)
        assert opened.locator("button.copy").count() == 5
        opened.get_by_role("button", name="Copy the command").click()
        expect(opened.locator("#said")).to_have_text(re.compile("the command"))


def test_without_scripts_all_numbers_are_there(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"".join(page(hostile(), Path("page.html"))))
    with visiting(browser, scripts=False) as visit:
        opened = visit.open(path)
        assert opened.locator(".finder").is_hidden()
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
