"""`battery compare`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from battery.base.errors import UsageError
from battery.cli import given, options
from battery.cli.deliver import write
from battery.cli.grouped import argument, option
from battery.cli.output import print_json, then
from battery.commands import compare as stage
from battery.report.html.compare import page
from battery.report.markdown.compare import markdown
from battery.report.terminal.compare import Way, print_comparison
from battery.store.battery_dir import BatteryDir
from battery.verdict.conditions import OF_COMPARISON, parse, require_of_comparison

Before = Annotated[
    Path | None,
    argument("A", "Folder of the battery before; with --last, of the current one [data/battery]."),
]
After = Annotated[Path | None, argument("B", "Folder of the battery after.")]
Last = Annotated[
    bool,
    option(
        "--last",
        "Compare the current battery (after) with the newest archived one of the same tasks "
        "(before).",
    ),
]
Output = Annotated[
    Path | None, option("--output -o PAGE.html", "Also write the comparison as a page.")
]
Printed = Annotated[
    Literal["text", "md", "json"],
    option("--format", "Print text for people, Markdown for a pull request, or JSON."),
]
Full = Annotated[
    bool,
    option("--full", "Also print what it rests on: every flip, the twins, what else differs."),
]
FailOn = Annotated[
    str | None,
    option(
        "--fail-on WORDS",
        "End with exit code 3 on any of these words, separated by commas: "
        f"{', '.join(OF_COMPARISON)}. MIXED also counts as worse.",
    ),
]


def compare(
    before: Before = None,
    after: After = None,
    last: Last = False,
    output: Output = None,
    full: Full = False,
    form: Printed = "text",
    fail_on: FailOn = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Compare two batteries, task by task.

    Says whether B is better or worse than A on the same tasks, by how much, which tasks flipped,
    and what else differs. Shows each by its name, or by the part of its folder's path that differs.
    Archived folders work too. Writes into neither.

    \b
    Examples:
      battery compare --last
      battery compare data/battery/archive/2026-01-31T12-00-00Z data/battery
      battery compare data/main data/branch --format md --fail-on worse,flips
    """
    conditions = parse(fail_on, OF_COMPARISON)
    folders = _folders(before, after, last=last)
    # Refused before the work: a minute of statistics for a page that may not be written is wasted.
    if output:
        for folder in folders:
            BatteryDir(folder).require_no_artifact(output)
    comparison = stage.compare(*folders)
    # The page first: with a gate that is not met, whoever looks into why needs it.
    if output:
        write(page(comparison, output), output)
    with then(lambda: require_of_comparison(comparison, conditions)):
        if as_json or form == "json":
            print_json(comparison.model_dump(mode="json"))
        elif form == "md":
            typer.echo(markdown(comparison), nl=False)
        else:
            way = Way(_command(before, after, last=last), output)
            print_comparison(comparison, sys.stdout, way, full=full)


def _folders(before: Path | None, after: Path | None, *, last: bool) -> tuple[Path, Path]:
    """Return the folders to compare: those that were named, or the last two of one folder."""
    if last and after is not None:
        raise UsageError("--last takes one folder", hint="battery compare --last [FOLDER]")
    if last:
        current = before or Path(os.environ.get("BATTERY_DIR") or given.DEFAULT_FOLDER)
        return stage.last_before(current), current
    if before is None or after is None:
        raise UsageError(
            "compare takes two folders of batteries",
            hint="battery compare BEFORE AFTER; or the last two of one folder: "
            "battery compare --last FOLDER",
        )
    return before, after


def _command(before: Path | None, after: Path | None, *, last: bool) -> list[str]:
    """Return the words of this command, which those for more of it begin with."""
    named = [str(folder) for folder in (before, after) if folder]
    return ["compare", *(["--last"] if last else []), *named]
