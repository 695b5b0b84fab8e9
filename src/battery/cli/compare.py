"""`battery compare`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from battery.cli import options
from battery.cli.deliver import write
from battery.cli.output import print_json, then
from battery.commands import compare as stage
from battery.report.html.compare import page
from battery.report.markdown.compare import markdown
from battery.report.terminal.compare import print_comparison
from battery.store.battery_dir import BatteryDir
from battery.verdict.conditions import OF_COMPARISON, parse, require_of_comparison


class Format(StrEnum):
    """How the comparison is printed."""

    TEXT = "text"
    MD = "md"
    JSON = "json"


Before = Annotated[Path, typer.Argument(metavar="A", help="Folder of the battery before.")]
After = Annotated[Path, typer.Argument(metavar="B", help="Folder of the battery after.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="PAGE.html", help="Write the comparison as a page, too."
    ),
]
Printed = Annotated[
    Format,
    typer.Option("--format", help="Print text for people, Markdown for a pull request, or JSON."),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="WORDS",
        help="End with exit code 3 on any of these, with commas between them: "
        f"{', '.join(OF_COMPARISON)}. A MIXED outcome is worse, too.",
    ),
]


def compare(
    before: Before,
    after: After,
    output: Output = None,
    form: Printed = Format.TEXT,
    fail_on: FailOn = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Compare two batteries, task by task.

    Says whether B is better or worse than A on the same tasks, by how much, which tasks flipped,
    and what else differs. Reads both folders, archived ones too, and writes into neither.

    \b
    Examples:
      battery compare data/battery/archive/2026-01-31T12-00-00Z data/battery
      battery compare data/main data/branch --format md --fail-on worse,flips
    """
    conditions = parse(fail_on, OF_COMPARISON)
    if output:
        for folder in (before, after):
            BatteryDir(folder).require_no_artifact(output)
    found = stage.compare(before, after)
    if output:
        write(page(found), output)
    with then(lambda: require_of_comparison(found, conditions)):
        if as_json or form is Format.JSON:
            print_json(found.model_dump(mode="json"))
        elif form is Format.MD:
            typer.echo(markdown(found), nl=False)
        else:
            print_comparison(found, sys.stdout)
