"""`battery summarize`."""

from __future__ import annotations

import typer

from battery.artifacts import BatteryDir
from battery.cli import options
from battery.cli.output import show_summary
from battery.stages import summarize as stage


def summarize(
    ctx: typer.Context,
    folder: options.Folder = None,
    directory: options.Dir = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Rebuild metrics and summary from saved runs.

    Uses no network at all. Works in folders of the original battery too.

    \b
    Example:
      battery summarize data/battery
    """
    root = options.folder(ctx.params)
    show_summary(stage.summarize(BatteryDir(root)), root, as_json=as_json)
