"""`battery export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from battery.base.text import write_line
from battery.cli import options
from battery.cli.output import print_json
from battery.commands import export as stage
from battery.store.battery_dir import BatteryDir

Format = Annotated[
    Literal["inspect"],
    typer.Argument(metavar="FORMAT", help="Whose format: inspect (Inspect AI logs)."),
]
Output = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FOLDER", help="Folder that the files are written to."),
]


def export(
    ctx: typer.Context,
    kind: Format,
    folder: options.Folder = None,
    directory: options.Dir = None,
    output: Output = Path("logs"),
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write a battery in the format of another tool.

    For Inspect AI: one log for each arm, a sample for each task, an epoch for each iteration.
    Inspect looks for logs in the folder `logs` unless it is told otherwise.

    \b
    Examples:
      battery export inspect
      battery export inspect data/battery --output inspect-logs
    """
    written = stage.inspect(BatteryDir(options.folder(ctx.params)), output)
    if as_json:
        files = [{**each._asdict(), "path": str(each.path)} for each in written]
        print_json({"format": kind, "files": files})
        return
    for each in written:
        write_line(sys.stdout, f"{each.path}: {each.samples:,} samples of the {each.arm} arm")
    write_line(sys.stdout, f"look at them with: inspect view --log-dir {output}")
