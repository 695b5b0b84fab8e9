"""`battery power`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from battery.cli import options
from battery.cli.output import print_json
from battery.commands import power as stage
from battery.report.terminal.results import text

TaskCount = Annotated[
    int | None,
    typer.Option(
        "--task-count",
        metavar="N",
        min=1,
        help="How many tasks [default: those of the tasks file].",
    ),
]
Repeats = Annotated[
    int | None,
    typer.Option(
        "--repeats",
        metavar="R",
        min=1,
        help="How often each task is asked per iteration and arm [default: 1].",
    ),
]
Noise = Annotated[
    float | None,
    typer.Option(
        "--noise",
        metavar="S",
        min=0,
        max=5,
        help="Standard deviation of the log tokens of one call [default: 0.3].",
    ),
]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="Take what is not given from this battery, which has a frozen arm.",
    ),
]
Drop = Annotated[
    float | None,
    typer.Option(
        "--drop",
        metavar="SHARE",
        min=0.001,
        max=0.95,
        help="Ask about this drop: 0.1 is 10% fewer tokens from iteration to iteration.",
    ),
]


def power(
    task_count: TaskCount = None,
    tasks: options.TasksFile = None,
    iterations: options.Iterations = None,
    repeats: Repeats = None,
    noise: Noise = None,
    folder: From = None,
    drop: Drop = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Say before a run what it could see.

    Prints for each question of the verdict the smallest drop that a battery of this size shows in
    8 of 10 cases; with --drop also the chance that this drop is seen, and how many iterations,
    tasks or repeats would be enough. Nothing is asked of any gateway.

    \b
    Examples:
      battery power --iterations 5 --noise 0.3
      battery power --from data/battery --drop 0.1
    """
    found = stage.power(stage.Wanted(task_count, tasks, iterations, repeats, noise, folder, drop))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        typer.echo(text(found))
