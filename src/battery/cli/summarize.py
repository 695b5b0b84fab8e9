"""`battery summarize`."""

from __future__ import annotations

import typer

from battery.artifacts import BatteryDir
from battery.cli import options
from battery.cli.output import show_summary
from battery.conditions import parse, require
from battery.stages import summarize as stage


def summarize(
    ctx: typer.Context,
    folder: options.Folder = None,
    directory: options.Dir = None,
    fail_on: options.FailOn = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Rebuild metrics and summary from saved runs.

    Uses no network at all. Works in folders of the original battery too.

    \b
    Examples:
      battery summarize data/battery
      battery summarize data/battery --fail-on regressed,dishonest,not-learned
    """
    conditions = parse(fail_on)
    root = options.folder(ctx.params)
    summary = stage.summarize(BatteryDir(root))
    show_summary(summary, root, as_json=as_json)
    require(summary, conditions)
