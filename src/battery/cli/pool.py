"""`battery pool`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from battery.base.errors import FolderError
from battery.campaign import plan as planning
from battery.cli import options
from battery.cli.grouped import argument, option
from battery.cli.output import print_record, then
from battery.commands import pool as stage
from battery.records.findings import QuestionName
from battery.report.terminal.runs import print_runs
from battery.verdict.conditions import OF_CAMPAIGN, parse, require_of_campaign

Folders = Annotated[
    list[Path] | None, argument("FOLDERS", "Folders of batteries: all that were run.")
]
Primary = Annotated[
    QuestionName,
    option("--primary QUESTION", "The question that is asked first; others only after a yes."),
]
Full = Annotated[bool, option("--full", "Print every run and all that the verdict rests on.")]
FailOn = Annotated[
    str | None,
    option(
        "--fail-on WORDS",
        "End with exit code 3 on any of these, with commas between them: "
        f"{', '.join(OF_CAMPAIGN)}.",
    ),
]


def pool(
    folders: Folders = None,
    primary: Primary = "cost",
    fail_on: FailOn = None,
    full: Full = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Judge the system from several batteries that exist already.

    The battery is the unit: each has one memory, from one run. Batteries of other tasks or of
    another system, unfinished ones and the same run twice are refused; those that are INVALID are
    left out and counted. Name all that were run: to choose among them is to choose the verdict.
    Writes nothing.

    \b
    Examples:
      battery pool runs/1 runs/2 runs/3 runs/4 runs/5
      battery pool runs/* --primary success --fail-on not-learned
    """
    conditions = parse(fail_on, OF_CAMPAIGN)
    _refuse_campaigns(folders or [])
    summary = stage.pool(folders or [], primary)
    words = ["pool", *map(str, folders or [])]
    words += ["--primary", primary] if primary != "cost" else []
    with then(lambda: require_of_campaign(summary, conditions)):
        print_record(
            summary, lambda: print_runs(summary, words, sys.stdout, full=full), as_json=as_json
        )


def _refuse_campaigns(folders: Sequence[Path]) -> None:
    for folder in folders:
        if planning.is_in(folder):
            name = shlex.quote(str(folder))
            raise FolderError(
                f"{folder} is the folder of a campaign, not of a battery",
                hint=f"judge its runs: battery campaign verdict {name}; or name each of them, such "
                f"as {name}/cells/001/1",
            )
