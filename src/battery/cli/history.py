"""`battery history`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from battery.cli import options
from battery.cli.grouped import argument, option
from battery.cli.output import print_record
from battery.commands import history as stage
from battery.report.terminal.results import print_history

Searched = Annotated[Path, argument("FOLDER", "Folder to search, with all folders below it.")]


Tagged = Annotated[
    list[str] | None,
    option("--tag WORD", "Only batteries with this tag; if repeated, with all of them."),
]


def history(
    folder: Searched = Path("data"),
    tag: Tagged = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """List all batteries under a folder, with a trend.

    One line each, oldest first, archived ones included. Batteries of the same tasks and system are
    a set, and each set has its own trend. Writes nothing.

    \b
    Examples:
      battery history
      battery history runs --tag new-prompt --json
    """
    listed = stage.history(folder, tag or ())
    print_record(listed, lambda: print_history(listed, sys.stdout), as_json=as_json)
