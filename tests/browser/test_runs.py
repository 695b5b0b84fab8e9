"""The page of a campaign in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from battery.campaign import verdict
from tests.support.browser import Scheme, expect, visiting
from tests.support.campaigns import campaign

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

SAVED = (0.3, 0.12, 0.41, -0.06, 0.22)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report of a campaign whose runs differ."""
    made = campaign(tmp_path_factory.mktemp("campaign"), SAVED, name="Desk agent")
    verdict.write(made, verdict.judge(made), lambda _event: None)
    return verdict.report_path(made)


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (820, "light"), (1280, "light")])
def test_the_page_fits_and_loads_nothing(
    browser: Browser, report: Path, width: int, scheme: Scheme
) -> None:
    with visiting(browser, width=width, scheme=scheme) as visit:
        opened = visit.open(report)
        assert "INCONCLUSIVE" in opened.locator("h1").inner_text()
        runs = opened.locator("ul.dots").first.locator(".interval:visible")
        assert runs.count() == 6, "five runs and their mean"
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        assert visit.complaints == []
        assert len(visit.requests) == 1


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_the_answers_are_on_the_first_screen(
    browser: Browser, report: Path, width: int, height: int
) -> None:
    with visiting(browser, width=width) as visit:
        opened = visit.open(report)
        for shown in (".sentence", ".effect .note", ".work p", ".which p", ".scope h2"):
            box = opened.locator(shown).first.bounding_box()
            assert box, shown
            assert box["y"] < height, shown


def test_tasks_are_found_by_words_and_by_what_became_of_them(
    browser: Browser, report: Path
) -> None:
    with visiting(browser) as visit:
        opened = visit.open(report)
        rows = opened.locator("tr[data-task]")
        kinds = [str(row.get_attribute("data-is")) for row in rows.all()]
        opened.locator(f"button[data-rows={kinds[0]}]").click()
        expect(rows.filter(visible=True)).to_have_count(kinds.count(kinds[0]))
        opened.locator("button[data-rows=all]").click()
        opened.get_by_label("Find tasks").fill("nothing of the kind")
        expect(rows.filter(visible=True)).to_have_count(0)
        assert visit.complaints == []


def test_the_digest_can_be_copied_and_the_print_has_every_run(
    browser: Browser, report: Path
) -> None:
    with visiting(browser) as visit:
        opened = visit.open(report)
        assert opened.get_by_role("button", name="Copy Registration").is_visible()
        opened.emulate_media(media="print")
        assert opened.locator("#runs ~ .scroll tbody tr:visible").count() == 6
