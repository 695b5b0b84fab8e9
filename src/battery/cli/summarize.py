"""`battery summarize`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from battery.base.errors import UsageError
from battery.cli import options
from battery.cli.deliver import report_to_github, write
from battery.cli.output import show_summary, then
from battery.recorded.open import open_battery
from battery.recorded.rows import call_rows
from battery.records.models import Summary
from battery.report.machine.csv import csv_chunks
from battery.report.machine.junit import junit
from battery.report.machine.parquet import parquet_chunks, require_parquet
from battery.report.markdown.summary import markdown
from battery.run import summarize as stage
from battery.store.battery_dir import BatteryDir
from battery.store.documents import dump_record
from battery.verdict.conditions import parse, require


class Format(StrEnum):
    """What the result may be written as, other than words on the terminal."""

    MD = "md"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    JUNIT = "junit"
    GITHUB = "github"


Wanted = Annotated[
    Format | None,
    typer.Option(
        "--format",
        metavar="|".join(Format),
        help="Write the result for a program: summary as Markdown or JSON, a row per call as CSV "
        "or Parquet, JUnit test results, or step summary and annotations for GitHub Actions.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        dir_okay=False,
        help="Write that to this file, whole or not at all, instead of standard output.",
    ),
]


def summarize(
    ctx: typer.Context,
    folder: options.Folder = None,
    directory: options.Dir = None,
    wanted: Wanted = None,
    output: Output = None,
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
      battery summarize data/battery --format csv > calls.csv
      battery summarize data/battery --format junit --output battery.xml
    """
    conditions, chosen = parse(fail_on), _chosen(wanted, output, as_json=as_json)
    root = options.folder(ctx.params)
    if output:
        BatteryDir(root).require_no_artifact(output)
    summary = stage.summarize(BatteryDir(root))
    with then(lambda: require(summary, conditions)):
        if chosen is None:
            show_summary(summary, root, as_json=False)
        elif chosen is Format.GITHUB:
            report_to_github(summary, output)
        else:
            write(_document(chosen, summary, BatteryDir(root)), output)


def _chosen(wanted: Format | None, output: Path | None, *, as_json: bool) -> Format | None:
    """Settle the format before anything is computed; raise `UsageError`."""
    if as_json and wanted not in {None, Format.JSON}:
        raise UsageError(f"--json and --format {wanted} contradict each other", hint="name one")
    chosen = Format.JSON if as_json else wanted
    if output and chosen is None:
        raise UsageError(
            "--output needs a format", hint=f"name one with --format: {', '.join(Format)}"
        )
    if chosen is Format.PARQUET:
        require_parquet()
        if output is None and sys.stdout.isatty():
            raise UsageError(
                "Parquet is not for a terminal", hint="name a file: --output calls.parquet"
            )
    return chosen


def _document(chosen: Format, summary: Summary, folder: BatteryDir) -> Iterable[bytes]:
    match chosen:
        case Format.CSV:
            return csv_chunks(call_rows(open_battery(folder)))
        case Format.PARQUET:
            return parquet_chunks(call_rows(open_battery(folder)))
        case Format.JUNIT:
            return [junit(summary, call_rows(open_battery(folder)))]
        case Format.MD:
            return [markdown(summary).encode()]
        case _:
            return [dump_record(summary)]
