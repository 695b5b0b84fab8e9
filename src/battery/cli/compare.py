"""`battery compare`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

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

Before = Annotated[Path, options.argument("A", "Folder of the battery before.")]
After = Annotated[Path, options.argument("B", "Folder of the battery after.")]
Output = Annotated[
    Path | None, options.option("--output -o PAGE.html", "Also write the comparison as a page.")
]
Printed = Annotated[
    Literal["text", "md", "json"],
    options.option("--format", "Print text for people, Markdown for a pull request, or JSON."),
]
FailOn = Annotated[
    str | None,
    options.option(
        "--fail-on WORDS",
        "End with exit code 3 on any of these, with commas between them: "
        f"{', '.join(OF_COMPARISON)}. MIXED also counts as worse.",
    ),
]


def compare(
    before: Before,
    after: After,
    output: Output = None,
    form: Printed = "text",
    fail_on: FailOn = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Compare two batteries, task by task.

    Reports whether B is better or worse than A on the same tasks, by how much, which tasks flipped,
    and what else differs. Reads both folders, archived ones too, and writes into neither.

    \b
    Examples:
      battery compare data/battery/archive/2026-01-31T12-00-00Z data/battery
      battery compare data/main data/branch --format md --fail-on worse,flips
    """
    conditions = parse(fail_on, OF_COMPARISON)
    # Refused before the work: a minute of statistics for a page that may not be written is wasted.
    if output:
        for folder in (before, after):
            BatteryDir(folder).require_no_artifact(output)
    comparison = stage.compare(before, after)
    # The page first: with a gate that is not met, whoever looks into why needs it.
    if output:
        write(page(comparison), output)
    with then(lambda: require_of_comparison(comparison, conditions)):
        if as_json or form == "json":
            print_json(comparison.model_dump(mode="json"))
        elif form == "md":
            typer.echo(markdown(comparison), nl=False)
        else:
            print_comparison(comparison, sys.stdout)
