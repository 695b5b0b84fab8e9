"""`battery report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from battery.artifacts import BatteryDir
from battery.cli import options
from battery.cli.output import print_json
from battery.render.text import printable, write_line
from battery.stages import report as stage

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="Where to write the page [default: report.html in the folder].",
    ),
]


def report(
    ctx: typer.Context,
    folder: options.Folder = None,
    directory: options.Dir = None,
    output: Output = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write the report: one page that opens anywhere.

    It holds the verdict, every number behind it, every review and the transcript of every call, and
    loads nothing from anywhere. Computed from the saved runs, without network and without touching
    another file; of a battery that is still running it shows the iterations whose tasks are done.

    \b
    Examples:
      battery report data/battery
      battery report data/battery --output before.html
    """
    battery = BatteryDir(options.folder(ctx.params))
    if output and output.resolve() != battery.report_path.resolve():
        battery.require_no_artifact(output)
    written = stage.make_report(battery, output)
    if as_json:
        print_json({"path": str(written.path), "bytes": written.bytes, "verdict": written.verdict})
        return
    if written.unfinished:
        write_line(sys.stderr, f"note: {written.unfinished}")
    write_line(sys.stdout, printable(str(written.path)))
