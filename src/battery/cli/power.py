"""`battery power`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from battery.cli import options
from battery.cli.grouped import Group, option
from battery.cli.output import print_record
from battery.commands import power as stage
from battery.report.terminal.results import text
from battery.verdict.runs.power import MOST_RUNS

TaskCount = Annotated[
    int | None,
    option(
        "--task-count N", "How many tasks [default: those of the tasks file].", Group.SIZE, min=1
    ),
]
Noise = Annotated[
    float | None,
    option(
        "--noise S",
        "Standard deviation of the log tokens of one call [default: 0.3].",
        Group.ASSUMED,
        min=0,
        # A spread of 5 is a factor of 150 between calls: no noise, but a typing error.
        max=5,
    ),
]
From = Annotated[
    list[Path] | None,
    option(
        "--from DIR",
        "Battery with a twin; it gives every value that you do not name. May be repeated with "
        "--runs: several show how memories differ.",
        Group.ASSUMED,
    ),
]
Drop = Annotated[
    float | None,
    option(
        "--drop SHARE",
        "The drop to look for: 0.1 is 10% fewer tokens from iteration to iteration.",
        Group.ASSUMED,
        min=0.001,
        max=0.95,
    ),
]
Runs = Annotated[
    int | None,
    option(
        "--runs N",
        "Also ask what a campaign of so many runs could see.",
        Group.SIZE,
        min=2,
        max=MOST_RUNS,
    ),
]
Spread = Annotated[
    float | None,
    option(
        "--spread S",
        "Standard deviation, as a log, of what one memory is worth and the next [default: 0.15].",
        Group.ASSUMED,
        min=0,
        max=2,
    ),
]


def power(
    task_count: TaskCount = None,
    tasks: options.TasksFile = None,
    iterations: options.Iterations = None,
    repeats: options.Repeats = None,
    noise: Noise = None,
    runs: Runs = None,
    folder: From = None,
    drop: Drop = None,
    spread: Spread = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Estimate what a run could detect.

    For each question of the verdict, prints the smallest drop that most batteries of this size
    show. With --drop, also prints the chance to see this drop, and how many iterations, tasks or
    repeats would be enough. Calls no system.

    \b
    Examples:
      battery power --iterations 5 --noise 0.3
      battery power --from data/battery --drop 0.1
      battery power --runs 5 --drop 0.2
    """
    prospects = stage.power(
        stage.Wanted(
            task_count, tasks, iterations, repeats, noise, folder or (), drop, runs, spread
        )
    )
    print_record(prospects, lambda: typer.echo(text(prospects)), as_json=as_json)
