"""`battery export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from battery.base.text import write_line
from battery.cli import given, options
from battery.cli.grouped import argument, option
from battery.cli.output import print_json
from battery.commands import export as stage
from battery.records.models import ARM_NAMES
from battery.store.battery_dir import BatteryDir

Format = Annotated[
    Literal["inspect"], argument("FORMAT", "Which format: inspect (Inspect AI logs).")
]
Output = Annotated[Path, option("--output -o FOLDER", "Folder to write the files to.")]


def export(
    ctx: typer.Context,
    kind: Format,
    folder: options.Folder = None,
    directory: options.Dir = None,
    config: options.ConfigFile = None,
    output: Output = Path("logs"),
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write a battery in the format of another tool.

    For Inspect AI: a log each for learner and twin, a sample for each task, an epoch for each
    iteration. Inspect looks for logs in the folder `logs` by default.

    \b
    Examples:
      battery export inspect
      battery export inspect data/battery --output inspect-logs
    """
    written = stage.inspect(BatteryDir(given.folder(ctx)), output)
    if as_json:
        files = [{**log._asdict(), "path": str(log.path)} for log in written]
        print_json({"format": kind, "files": files})
        return
    for log in written:
        write_line(sys.stdout, f"{log.path}: {log.samples:,} samples of the {ARM_NAMES[log.arm]}")
    write_line(sys.stdout, f"look at them with: inspect view --log-dir {output}")
