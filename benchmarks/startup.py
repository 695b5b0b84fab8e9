"""How long a command takes that does next to nothing: help, and a summary from disk."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.processes import battery, in_turns, output, seconds
from benchmarks.table import Row, ratio_row


def help_page(_folder: Path, quick: bool) -> Iterator[Row]:
    """Compare `battery --help` with two Typer programs."""
    programs = [battery("--help"), _typer("plain"), _typer("default")]
    ours, plain, default = _medians(programs, quick=quick)
    yield ratio_row("`battery --help`, against Typer with plain help", ours, plain, 1.3)
    yield ratio_row("`battery --help`, against Typer as it comes", ours, default)


def summarize(folder: Path, quick: bool) -> Iterator[Row]:
    """Compare `battery summarize` of the packaged battery with Typer programs."""
    output(battery("run", "--iterations", "3", "--quiet", "--dir", str(folder)))
    bare = folder.with_name(f"{folder.name}-bare")
    shutil.copytree(folder, bare)
    # Summarize writes the page again where there is one.
    (bare / "report.html").unlink()
    commands = [battery("summarize", str(path)) for path in (bare, folder)]
    programs = [*commands, _typer("plain"), _typer("computing", "run")]
    ours, paged, plain, computing = _medians(programs, quick=quick)
    yield ratio_row("`battery summarize`, against Typer's plain help", ours, plain, 5)
    name = "`battery summarize`, against a Typer command that loads numpy"
    yield ratio_row(name, ours, computing, 1.5)
    yield ratio_row("the same with `report.html`, which it writes again", paged, computing)


def _typer(name: str, word: str = "--help") -> list[str]:
    # Imported, not run as a script: a script's bytecode is compiled anew each time.
    code = f"from benchmarks.typer_programs import {name}; {name}()"
    return [sys.executable, "-c", code, word]


def _medians(programs: list[list[str]], *, quick: bool) -> list[float]:
    return in_turns([partial(seconds, program) for program in programs], 1 if quick else 25)
