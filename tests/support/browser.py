"""Pages in a real headless Chromium, offline: what a reader would see, and what must not happen."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        Locator,
        Page,
        Playwright,
    )

Scheme = Literal["light", "dark"]

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET: Final = (
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--no-first-run", "--disable-gpu", "--disable-quic"),
)
_HINT: Final = "install Chromium, or name one in BATTERY_BROWSER"


def find_browser(playwright: Playwright) -> str:
    """Return the path of a Chromium; skip the test without one.

    Fails instead where `BATTERY_BROWSER` names something that is not there, or where
    `BATTERY_REQUIRE_BROWSER` is 1.
    """
    if named := os.environ.get("BATTERY_BROWSER"):
        if not Path(named).exists():
            pytest.fail(f"BATTERY_BROWSER names {named}, which is not there")
        return named
    own = playwright.chromium.executable_path
    found = next(filter(None, map(shutil.which, _NAMES)), own)
    if not Path(found).exists():
        if os.environ.get("BATTERY_REQUIRE_BROWSER") == "1":
            pytest.fail(f"no Chromium: {_HINT}")
        pytest.skip(f"no Chromium: {_HINT}")
    return found


@contextmanager
def browsing(*arguments: str) -> Iterator[Browser]:
    """Start one browser for the duration, with more arguments if needed."""
    # Loaded here, and not by every worker that only collects.
    with import_module("playwright.sync_api").sync_playwright() as playwright:
        # Root may not use the sandbox, and only in a container is anybody root.
        rights = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path=find_browser(playwright), args=[*_QUIET, *rights, *arguments]
        )
        try:
            yield browser
        finally:
            browser.close()


def expect(locator: Locator) -> Any:
    """Return what can be claimed of a part of a page, and is waited for."""
    return import_module("playwright.sync_api").expect(locator)


class Visit:
    """One page, opened from disk and offline, with all that it said and asked for."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        # What is not there within ten seconds will not come.
        self.page.set_default_timeout(10_000)
        #: Console messages, errors and dialogs; a page that is well has none.
        self.complaints: list[str] = []
        #: Addresses that were asked for, the page's own among them.
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def clear(self) -> None:
        """Leave the page and take the window back to how it was made."""
        self.page.goto("about:blank")
        self.page.set_viewport_size({"width": 1280, "height": 800})
        self.page.emulate_media(media="screen", color_scheme="light")
        self.complaints.clear()
        self.requests.clear()

    def open(self, path: Path, anchor: str = "") -> Page:
        """Open a file and wait until it is drawn."""
        self.page.goto(path.absolute().as_uri() + anchor)
        return self.page


@contextmanager
def visiting(
    browser: Browser,
    *,
    width: int = 1280,
    height: int = 800,
    scheme: Scheme = "light",
    scripts: bool = True,
    scale: float = 1,
) -> Iterator[Visit]:
    """Open a fresh, offline window; `scripts` False is a browser without JavaScript."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        java_script_enabled=scripts,
        device_scale_factor=scale,
        offline=True,
        reduced_motion="reduce",
    )
    try:
        yield Visit(context)
    finally:
        context.close()


def screenshot(
    browser: Browser,
    page: Path,
    target: Path,
    *,
    width: int = 1440,
    height: int = 900,
    scheme: Scheme = "light",
    anchor: str = "",
    whole: bool = False,
    scale: float = 1,
) -> None:
    """Write a picture (PNG) of a page; `anchor` such as `#call-2-learn-3-1` opens a transcript.

    `whole` takes the page down to its end and not only the first screen.
    """
    with visiting(browser, width=width, height=height, scheme=scheme, scale=scale) as visit:
        opened = visit.open(page, anchor)
        if anchor:
            opened.locator("dialog .sheet").first.wait_for()
        opened.screenshot(path=target, full_page=whole, animations="disabled")


def printed(browser: Browser, page: Path, folder: Path, *, last: int) -> list[Path]:
    """Print a page on A4, and make a picture of each sheet, up to the last one that is wanted.

    Needs pdftoppm, of poppler-utils. Small pictures: the layout can be seen, words hardly be read.
    """
    if shutil.which("pdftoppm") is None:
        raise SystemExit("no pdftoppm: install poppler-utils")
    folder.mkdir()
    with visiting(browser) as visit:
        visit.open(page).pdf(path=folder / "all.pdf", format="A4")
    words = ("pdftoppm", "-png", "-r", "50", "-l", str(last), folder / "all.pdf", folder / "page")
    subprocess.run(words, check=True)
    return sorted(folder.glob("page-*.png"))
