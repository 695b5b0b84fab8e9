"""Take the pictures of docs/images again: `make pictures`, from the repository's root.

Needs Chromium, pdftoppm (of poppler-utils, for the pages of the print) and the test extra. Real
batteries, a fixed seed: what changes from one time to the next is the time that calls took.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docs import samples
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text
from tests.support.browser import browsing, printed, screenshot, visiting
from tests.support.screens import Screen, on_terminal

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pyte.screens import Char

IMAGES: Final = Path(__file__).parent / "images"
DESK: Final = {"width": 1280, "height": 800}
TABLET: Final = {"width": 820, "height": 1000}
PHONE: Final = {"width": 390, "height": 844}
DARK: Final = {"scheme": "dark"}
#: A niche task in iteration 1: the executor misses, and the overseer steps in.
TRANSCRIPT: Final = "#call-1-learn-4-1"
#: First screens: the page and how it is looked at.
SCREENS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "report.png": ("report.html", DESK),
    "report-dark.png": ("report.html", DESK | DARK),
    "report-tablet.png": ("report.html", TABLET),
    "report-tablet-dark.png": ("report.html", TABLET | DARK),
    "report-phone.png": ("report.html", PHONE),
    "report-phone-dark.png": ("report.html", PHONE | DARK),
    "transcript.png": ("report.html", {**DESK, "anchor": TRANSCRIPT}),
    "comparison.png": ("comparison.html", DESK),
}
#: Sections of the report, by the id of their heading.
SECTIONS: Final = {"metrics.png": "metrics", "tasks.png": "tasks"}
PRINT: Final = "print.png"
TERMINAL: Final = "terminal.svg"
#: Everything that is taken; nothing else belongs into the folder.
PICTURES: Final = {*SCREENS, *SECTIONS, PRINT, TERMINAL}
MARGIN: Final = 24
#: As rich has it, without the fonts that it would load from a network.
_SVG: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px;
  line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    """Make the pages, open each in a browser and write its pictures."""
    with tempfile.TemporaryDirectory() as name, browsing() as browser:
        pages = Path(name)
        samples.write_report(pages / "report.html")
        samples.write_comparison(pages / "comparison.html")
        for picture, (page, options) in SCREENS.items():
            screenshot(browser, pages / page, IMAGES / picture, **options)
        _take_sections(browser, pages / "report.html")
        _take_print(browser, pages / "report.html")
        _take_terminal(pages)
    for old in set(IMAGES.iterdir()) - {IMAGES / picture for picture in PICTURES}:
        old.unlink()


def _take_sections(browser: Browser, report: Path) -> None:
    with visiting(browser, width=DESK["width"]) as visit:
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


def _take_print(browser: Browser, report: Path) -> None:
    """Print the report, and put its first pages next to each other."""
    pages = printed(browser, report, report.with_name("print"), last=4)
    sheet = report.with_name("print.html")
    images = "".join(f'<img src="{page.relative_to(sheet.parent)}">' for page in pages)
    style = "body{background:#ccc;margin:8px;display:flex;gap:8px;width:max-content}"
    sheet.write_text(f"<!doctype html><style>{style}</style>{images}", "utf-8")
    with visiting(browser, width=1800) as visit:
        visit.open(sheet).locator("body").screenshot(path=IMAGES / PRINT)


def _take_terminal(folder: Path) -> None:
    """Draw the last screen of a run."""
    words = ("run", "--iterations", 3, "--seed", samples.SEED)
    screen = on_terminal(*words, cwd=folder)
    (IMAGES / TERMINAL).write_text(drawn(screen, "battery run --iterations 3"), "utf-8")


def drawn(screen: Screen, title: str) -> str:
    """Draw what a terminal shows as SVG, with its colours."""
    console = Console(record=True, file=io.StringIO(), width=80, force_terminal=True)
    for line in screen.cells:
        console.print(Text.assemble(*_spans(line)), no_wrap=True, crop=True)
    return console.export_svg(title=title, theme=MONOKAI, code_format=_SVG, unique_id="battery")


def _spans(line: list[Char]) -> Iterator[tuple[str, Style]]:
    """Join neighbours of one style."""
    for style, cells in groupby(line, _style):
        yield "".join(cell.data for cell in cells), style


def _style(cell: Char) -> Style:
    return Style(
        color=_color(cell.fg),
        bgcolor=_color(cell.bg),
        bold=cell.bold,
        italic=cell.italics,
        underline=cell.underscore,
        reverse=cell.reverse,
    )


def _color(name: str) -> str | None:
    """Translate a color of pyte, a name or six hexadecimal digits."""
    if name == "default":
        return None
    if len(name) == 6 and set(name) <= set("0123456789abcdef"):
        return f"#{name}"
    bright, _, rest = name.rpartition("bright")
    plain = "yellow" if rest == "brown" else rest
    return f"bright_{plain}" if bright or name.startswith("bright") else plain


if __name__ == "__main__":
    main()
