"""`battery open`."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path

import typer

from battery.base.errors import ArtifactError, is_forbidden
from battery.base.text import printable, write_line
from battery.campaign import plan as planning
from battery.campaign import verdict as judging
from battery.cli import given, options
from battery.cli.deliver import note, tell
from battery.cli.grouped import Grouped
from battery.report.html.report import report_page, require_place, write_page
from battery.report.terminal.look import Look
from battery.store.battery_dir import BatteryDir

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Grouped)
def open_report(
    ctx: typer.Context,
    folder: options.Folder = None,
    directory: options.Dir = None,
    config: options.ConfigFile = None,
    debug: options.Debug = False,
) -> None:
    """Open the report of a battery, or of a campaign, in the browser.

    Writes the page first if there is none, or if the battery has gone on since. Prints its path.
    Without a browser, such as over ssh or in a pipeline, that is all.

    \b
    Examples:
      battery open
      battery open data/battery/archive/2026-01-31T12-00-00Z
      battery open campaign
    """
    root = given.folder(ctx)
    path = _page_of_campaign(root) if planning.is_in(root) else _current_page(BatteryDir(root))
    write_line(sys.stdout, Look.of(sys.stdout).link(printable(path.resolve().as_uri()), path))
    sys.stdout.flush()
    if _has_browser() and not webbrowser.open(path.resolve().as_uri()):
        note("no browser could be opened; open the page by its path")


def _page_of_campaign(root: Path) -> Path:
    """Judge a campaign once more, which takes no longer than to look what changed."""
    campaign = planning.open_campaign(root, tell)
    path, summary = judging.report_path(campaign), judging.judge(campaign)
    if not path.exists():
        require_place(path)
    judging.write(campaign, summary, tell)
    if summary.evidence.verdict is None:
        note(summary.evidence.sentence)
    return path


def _current_page(battery: BatteryDir) -> Path:
    """Return the page, written again where the battery has gone on since; raise `BatteryError`."""
    path = battery.report_path
    if not _is_outdated(battery):
        return path
    page = report_page(battery, in_place=True)
    if page.unfinished:
        note(page.unfinished)
    try:
        require_place(path)
        write_page(path, page.chunks)
    except ArtifactError as error:
        # One that somebody else wrote into a folder that may only be read is better than none.
        if not (is_forbidden(error) and path.exists()):
            raise
        note(f"{error.message}; this page was drawn before the battery went on")
    return path


def _is_outdated(battery: BatteryDir) -> bool:
    path = battery.report_path
    if not path.exists():
        return True
    written = path.stat().st_mtime_ns
    files = (battery.root / name for name in battery.listing(report=False))
    return any(file.stat().st_mtime_ns > written for file in files if file.exists())


def _has_browser() -> bool:
    """Return whether a browser would show up where somebody looks."""
    if os.environ.get("BROWSER"):
        return True
    # Over ssh or in a pipeline, what opens is a text browser in place of the terminal, or nothing.
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    has_windows = sys.platform in {"darwin", "win32"}
    return has_windows or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
