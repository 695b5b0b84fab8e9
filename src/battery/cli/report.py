"""`battery report`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from battery.base.errors import UsageError
from battery.base.text import printable, write_line
from battery.cli import given, options
from battery.cli.deliver import note, write
from battery.cli.grouped import option
from battery.cli.output import print_json
from battery.report.html.report import report_page, require_place, write_page
from battery.store.battery_dir import BatteryDir

Output = Annotated[
    Path | None,
    option("--output -o PATH", "Where to write the page [default: report.html in the folder]."),
]


def report(
    ctx: typer.Context,
    folder: options.Folder = None,
    directory: options.Dir = None,
    config: options.ConfigFile = None,
    output: Output = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write the report: one page that opens anywhere.

    The page has the verdict, every number behind it, every review and the transcript of every call.
    It loads nothing from elsewhere. Uses no network, and changes no other file. While a battery
    runs, the page shows the iterations whose tasks are done.

    \b
    Examples:
      battery report data/battery
      battery report data/battery --output before.html
    """
    battery = BatteryDir(given.folder(ctx))
    path = output or battery.report_path
    in_place = path.resolve() == battery.report_path.resolve()
    if not in_place:
        battery.require_no_artifact(path)
    # Before the work, and not after it.
    if output and output.is_dir():
        raise UsageError(
            f"cannot write {output}: it is a folder", hint="name a file with --output PATH"
        )
    if not output:
        require_place(path)
    page = report_page(battery, in_place=in_place)
    sizes: list[int] = []
    chunks = _measured(page.chunks, sizes)
    if output:
        write(chunks, output)
    else:
        write_page(path, chunks)
    if as_json:
        print_json(
            {
                "path": str(path),
                "bytes": sum(sizes),
                "verdict": page.verdict,
                "unfinished": page.unfinished,
            }
        )
        return
    if page.unfinished:
        note(page.unfinished)
    # Where the page went to standard output or a pipe, a path behind it would spoil it.
    if path.is_file():
        write_line(sys.stdout, printable(str(path)))


def _measured(chunks: Iterable[bytes], sizes: list[int]) -> Iterator[bytes]:
    """Pass the pieces on and note their sizes: what went into a pipe cannot be measured after."""
    for chunk in chunks:
        sizes.append(len(chunk))
        yield chunk
