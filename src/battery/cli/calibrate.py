"""`battery calibrate`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from battery.calibration.scenario import Preset
from battery.cli import options
from battery.cli.output import print_record, progress
from battery.commands import calibrate as stage
from battery.report.markdown.calibration import text

Out = Annotated[Path, options.option("--out PATH", "Folder that the table is saved in.")]


def calibrate(
    preset: Annotated[
        Preset,
        options.option("--preset NAME", "fast takes seconds, full takes minutes, on two cores."),
    ] = "fast",
    seed: Annotated[int, options.option("--seed N", "Seed of all random numbers.", min=0)] = 1,
    jobs: Annotated[
        int | None, options.option("--jobs N", "How many processes [default: one per core].", min=1)
    ] = None,
    out: Out = Path("data/calibration"),
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Show how often each verdict is given on simulated batteries.

    Batteries are drawn with known truths: nothing learned, much learned, forgetting, bluffing. The
    verdict code that summarizes real ones judges them. Exits with 1 when a verdict is given more
    or less often than it may be.

    \b
    Example:
      battery calibrate --preset full
    """
    with progress(quiet=False) as observe:
        calibration = stage.calibrate(
            stage.Experiment(preset, seed),
            jobs=jobs or os.cpu_count() or 1,
            out=out,
            observe=observe,
        )
    print_record(calibration, lambda: typer.echo(text(calibration)), as_json=as_json)
    # After the table, which shows by how much a bound is broken.
    error = stage.broken(calibration, out)
    if error and as_json:
        # The document names the broken bounds; an error as well would be a second document.
        typer.echo(f"error: {error.message}\n next: {error.hint}", err=True)
        raise typer.Exit(error.exit_code)
    if error:
        raise error
