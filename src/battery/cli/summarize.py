"""`battery summarize`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from battery.cli import given, options
from battery.cli.deliver import chosen_format, deliver, format_option, tell
from battery.cli.output import show_summary, then
from battery.report.machine import FORMATS
from battery.runner import summarize as stage
from battery.store.battery_dir import BatteryDir
from battery.verdict.conditions import parse, require

if TYPE_CHECKING:
    Name = str
else:
    # The choices that help and errors name are the table's.
    Name = Literal[tuple(FORMATS)]
Wanted = Annotated[Name | None, format_option(FORMATS)]


def summarize(
    ctx: typer.Context,
    folder: options.Folder = None,
    directory: options.Dir = None,
    config: options.ConfigFile = None,
    wanted: Wanted = None,
    output: options.OutputFile = None,
    fail_on: options.FailOn = None,
    full: options.Full = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Rebuild metrics and summary from saved runs.

    Uses no network. Also works in folders of the original battery.

    \b
    Examples:
      battery summarize data/battery
      battery summarize data/battery --fail-on regressed,dishonest,not-learned
      battery summarize data/battery --format csv > calls.csv
      battery summarize data/battery --format junit --output battery.xml
    """
    # First of all, so that a mistyped word costs no wait.
    conditions, chosen = parse(fail_on), chosen_format(FORMATS, wanted, output, as_json=as_json)
    root = given.folder(ctx)
    if output:
        # Named like an artifact, the output would overwrite the record of calls that were paid for.
        BatteryDir(root).require_no_artifact(output)
    summary = stage.summarize(BatteryDir(root), tell, elsewhere=chosen is not None)
    with then(lambda: require(summary, conditions)):
        if chosen is None:
            show_summary(summary, root, full=full)
            return
        deliver(chosen, output, summary, lambda: chosen.make(summary, BatteryDir(root)))
