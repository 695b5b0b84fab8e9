"""`battery grade`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from battery.cli import given, options
from battery.cli.deliver import tell
from battery.cli.grouped import option
from battery.cli.output import print_record, show_summary
from battery.commands import grade as stage
from battery.report.terminal.grading import print_regrading
from battery.store.battery_dir import BatteryDir

# Not that of `run`, with its variable: a default of the shell is no wish to replace what the
# battery is graded by.
TasksFile = Annotated[
    Path | None,
    option(
        "--tasks PATH",
        "Tasks file with the same tasks and other checks [default: the one in DIR].",
        dir_okay=False,
    ),
]


def grade(
    ctx: typer.Context,
    folder: options.Folder = None,
    directory: options.Dir = None,
    config: options.ConfigFile = None,
    tasks_file: TasksFile = None,
    full: options.Full = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Grade saved answers again after checks changed.

    Shows which grades changed, then rebuilds metrics and summary. Uses no network. Runs the Python
    and command checks that the tasks file names.

    \b
    Examples:
      battery grade data/battery
      battery grade data/battery --tasks my-tasks.json
    """
    root = given.folder(ctx)
    regrading, summary = stage.grade(BatteryDir(root), tasks_file, tell)
    print_record(regrading, lambda: print_regrading(regrading, sys.stdout), as_json=as_json)
    if not as_json:
        show_summary(summary, root, full=full)
