"""`battery watch`."""

from __future__ import annotations

import shlex
import sys
import time
from typing import Annotated

import typer

from battery.base.errors import InterruptedRunError
from battery.base.text import printable, write_line
from battery.campaign import plan as planning
from battery.cli import campaign_status, given, options
from battery.cli.grouped import option
from battery.cli.output import print_json, progress, show_summary
from battery.recorded import open_battery
from battery.recorded.summary import summary_of
from battery.records.events import Notice
from battery.report.terminal.lines import fitted
from battery.report.terminal.look import GAP, Look, say
from battery.store.artifacts import MANIFEST
from battery.store.battery_dir import BatteryDir
from battery.watch import watch as following
from battery.watch.watch import status_of

#: Seconds between two looks at the folder: soon enough to look live, seldom enough to cost nothing.
_PAUSE_S = 0.5

Once = Annotated[bool, option("--once", "Print how far the battery is now, and exit.")]


def watch(
    ctx: typer.Context,
    folder: options.Folder = None,
    directory: options.Dir = None,
    config: options.ConfigFile = None,
    once: Once = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Follow a battery from another terminal.

    Shows what the run itself shows, and the summary when the battery is finished. It only reads, so
    you can start and end it at any time. For a folder of the original script it shows the summary
    at once. Of a campaign it shows all runs, as `battery campaign status --follow` does.

    If the run stops early, a watch on a terminal says so and waits for somebody to resume it.
    Elsewhere it exits with 1, or with 4 if the battery paused.

    \b
    Examples:
      battery watch data/battery
      battery watch --once --json
    """
    root = given.folder(ctx)
    if planning.is_in(root):
        campaign_status.show(root, follow=not once, as_json=as_json)
        return
    battery = BatteryDir(root)
    if not (once and as_json) and _was_never_followed(battery):
        with progress(quiet=False) as tell:
            tell(Notice(f"{root} has no {MANIFEST.name} to follow; this is what it holds"))
        show_summary(summary_of(open_battery(battery), report=False), root, as_json=as_json)
        return
    if once:
        status = status_of(battery)
        if as_json:
            print_json(status.document())
        elif status.look.finished:
            show_summary(following.summed_up(battery), root, as_json=False)
        else:
            _print(battery, status)
        return
    try:
        summary = following.watch(
            battery,
            lambda: progress(quiet=False, watching=True),
            # A script that reads either stream must not hang because nobody is at a terminal.
            wait=sys.stdout.isatty() and sys.stderr.isatty(),
            pause=lambda: time.sleep(_PAUSE_S),
        )
    except KeyboardInterrupt as error:
        again = (
            f"the battery was not touched; watch again with: battery watch {shlex.quote(str(root))}"
        )
        raise InterruptedRunError("stopped watching", hint=again) from error
    show_summary(summary, root, as_json=as_json)


def _print(battery: BatteryDir, status: following.Status) -> None:
    """Write how far a battery is; a terminal gets lines that are broken between their parts."""
    look = Look.of(sys.stdout)
    for row in map(look.change, following.iterations_of(status)):
        write_line(sys.stdout, fitted(row, look.width) if sys.stdout.isatty() else row)
    for text in following.standing(battery, status):
        say(printable(text), sys.stdout, GAP)


def _was_never_followed(battery: BatteryDir) -> bool:
    """Return whether a folder is the original script's: no manifest and no journal."""
    if battery.has_manifest():
        return False
    steps = battery.complete()
    return bool(steps) and not any(step.journal.exists() for step in steps)
