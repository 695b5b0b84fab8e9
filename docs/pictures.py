"""Take the pictures of docs/images again: `python -m docs.pictures`, from the repository's root.

Needs Chromium and the test extra. Real batteries, a fixed seed: what changes from one time to the
next is the time that calls took.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

from docs import samples
from playwright.sync_api import Browser
from tests.support.browser import browsing, screenshot, visiting

IMAGES: Final = Path(__file__).parent / "images"
DESK: Final = {"width": 1440, "height": 900}
PHONE: Final = {"width": 390, "height": 844, "scale": 2}
#: A niche task in iteration 1: the executor misses, and the overseer steps in.
TRANSCRIPT: Final = "#call-1-learn-4-1"
#: First screens: the page and how it is looked at.
SCREENS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "report.png": ("report.html", DESK),
    "report-dark.png": ("report.html", {**DESK, "scheme": "dark"}),
    "report-phone.png": ("report.html", PHONE),
    "transcript.png": ("report.html", {**DESK, "anchor": TRANSCRIPT}),
    "comparison.png": ("comparison.html", DESK),
}
#: Sections of the report, by the id of their heading.
SECTIONS: Final = {"metrics.png": "metrics", "tasks.png": "tasks"}
MARGIN: Final = 24


def main() -> None:
    """Make the pages, open each in a browser and write its pictures."""
    with tempfile.TemporaryDirectory() as name, browsing() as browser:
        pages = Path(name)
        samples.write_report(pages / "report.html")
        samples.write_comparison(pages / "comparison.html")
        for picture, (page, options) in SCREENS.items():
            screenshot(browser, pages / page, IMAGES / picture, **options)
        _take_sections(browser, pages / "report.html")


def _take_sections(browser: Browser, report: Path) -> None:
    with visiting(browser, width=1440) as visit:
        opened = visit.open(report)
        for picture, heading in SECTIONS.items():
            section = opened.locator(f"section[aria-labelledby={heading}]")
            section.locator("svg, canvas, table").first.wait_for()
            box = section.bounding_box()
            if box is None:
                raise RuntimeError(f"the report does not show its section {heading}")
            opened.screenshot(
                path=IMAGES / picture,
                full_page=True,
                clip={
                    "x": box["x"] - MARGIN,
                    "y": box["y"] - MARGIN,
                    "width": box["width"] + 2 * MARGIN,
                    "height": box["height"] + 2 * MARGIN,
                },
            )


if __name__ == "__main__":
    main()
