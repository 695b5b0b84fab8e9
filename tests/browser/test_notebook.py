"""The report in the frame in which a notebook shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

import battery
from tests.support.browser import Visit, expect

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def notebook(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a page around it that names no encoding, as an exported notebook may not."""
    page = tmp_path_factory.mktemp("notebook") / "notebook.html"
    page.write_text(f"<title>mine</title>{battery.load(report.parent)._repr_html_()}")
    return page


def test_transcripts_open_and_close_within_the_frame_and_nothing_is_asked_for(
    visit: Visit, notebook: Path
) -> None:
    page = visit.open(notebook)
    frame = page.frame_locator("iframe")
    link, dialog = frame.locator("a[href='#call-2-frozen-4-1']"), frame.locator("dialog")
    # Twice: closing it has to take the call out of the address.
    for _ in range(2):
        link.click()
        expect(dialog).to_be_visible()
        frame.locator("#close").click()
        expect(dialog).to_be_hidden()
    frame.locator("a[href='#tasks']").first.click()
    expect(link).to_be_visible()
    assert [frame.url.partition("#")[0] for frame in page.frames] == [page.url, "about:srcdoc"]
    assert visit.complaints == []
    assert visit.requests == [page.url]


def test_scripts_of_the_page_cannot_reach_the_notebook(visit: Visit, notebook: Path) -> None:
    [_, frame] = visit.open(notebook).frames
    said = "() => { try { return parent.document.title } catch (error) { return error.name } }"
    assert frame.evaluate(said) == "SecurityError"
