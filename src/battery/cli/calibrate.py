"""`battery calibrate`."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

import typer

from battery.base.errors import BatteryError
from battery.calibration.scenario import Preset
from battery.cli import options
from battery.cli.grouped import option
from battery.cli.output import print_record, progress
from battery.commands import calibrate as stage
from battery.gauntlet import SEEDS, table
from battery.records.findings import Record
from battery.report.markdown.calibration import text

Out = Annotated[Path, option("--output -o PATH", "Folder to save the table in.")]


def calibrate(
    preset: Annotated[
        Literal[Preset, "gauntlet"],
        option(
            "--preset NAME",
            "fast takes seconds, full and gauntlet take minutes, on two cores.",
        ),
    ] = "fast",
    seed: Annotated[int, option("--seed N", "Seed of all random numbers.", min=0)] = 1,
    jobs: Annotated[
        int | None, option("--jobs N", "How many processes [default: one per core].", min=1)
    ] = None,
    only: Annotated[
        str | None,
        option("--only TEXT", "Run only scenarios, or gauntlet systems, with this in the name."),
    ] = None,
    out: Out = Path("data/calibration"),
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Show how often each verdict is given when the truth is known.

    Simulates batteries, and campaigns of several runs, with a known truth: nothing learned, much
    learned, forgetting, bluffing. The same code judges them as real batteries. With --preset
    gauntlet, it runs whole batteries on systems that only seem to learn, and on some that do. Exits
    with 1 if a verdict is given more or less often than it may be.

    \b
    Examples:
      battery calibrate --preset full
      battery calibrate --preset full --only runs
      battery calibrate --preset gauntlet
    """
    jobs = jobs or os.cpu_count() or 1
    if preset == "gauntlet":
        record, shown, error = _gauntlet(only, seed, jobs, out)
    else:
        record, shown, error = _simulated(stage.experiment(preset, seed, only), jobs, out)
    print_record(record, lambda: typer.echo(shown), as_json=as_json)
    # After the table, which shows by how much a bound is broken.
    if error and as_json:
        # The document names the broken bounds; an error as well would be a second document.
        typer.echo(f"error: {error.message}\n next: {error.hint}", err=True)
        raise typer.Exit(error.exit_code)
    if error:
        raise error


def _simulated(
    experiment: stage.Experiment, jobs: int, out: Path
) -> tuple[Record, str, BatteryError | None]:
    with progress(quiet=False) as observe:
        calibration = stage.calibrate(experiment, jobs=jobs, out=out, observe=observe)
    return calibration, text(calibration), stage.broken(calibration, out)


def _gauntlet(
    only: str | None, seed: int, jobs: int, out: Path
) -> tuple[Record, str, BatteryError | None]:
    # Loaded when it is asked for: all of `battery run` comes with it.
    gauntlet = import_module("battery.commands.gauntlet")
    systems = gauntlet.chosen(only)
    with progress(quiet=False) as observe:
        seeds = range(seed, seed + SEEDS)
        result = gauntlet.gauntlet(systems, seeds, jobs=jobs, out=out, observe=observe)
    return result, table.text(result), gauntlet.broken(result, out)
