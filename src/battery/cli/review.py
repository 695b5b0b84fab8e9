"""`battery review`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from battery.base import loop
from battery.cli import given, options
from battery.cli.grouped import Group, option
from battery.cli.output import print_record, progress
from battery.inputs.settings import Settings
from battery.records.stages import CHAT_STAGES
from battery.report.terminal.results import print_reviews
from battery.runner import review as stage
from battery.target.kinds import read
from battery.tracing import traced

if TYPE_CHECKING:
    Role = str
else:
    # The choices that help and errors name are the table's.
    Role = Literal[tuple(stage.role for stage in CHAT_STAGES)]
Iteration = Annotated[
    int | None,
    option(
        "--iteration N", "Which iteration [default: the last complete one].", Group.REVIEWS, min=1
    ),
]
Only = Annotated[
    Role | None,
    option(
        "--only",
        f"Redo only {' or only '.join(f'the {stage.noun}' for stage in CHAT_STAGES)}.",
        Group.REVIEWS,
    ),
]


def review(
    ctx: typer.Context,
    folder: options.Folder = None,
    directory: options.Dir = None,
    config: options.ConfigFile = None,
    iteration: Iteration = None,
    only: Only = None,
    repo: options.Repo = None,
    tasks: options.TasksFile = None,
    gateway: options.Gateway = None,
    header: options.Header = None,
    meta_timeout: options.MetaTimeout = Settings.meta_timeout,
    model_url: options.ModelUrl = None,
    reviewer: options.Reviewer = None,
    model_timeout: options.ModelTimeout = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Redo review and judgment of an iteration.

    Works from saved files: no task runs again, and the older texts are kept next to the new ones.

    Also reads folders of the original battery. There the model's name comes from --tasks, else from
    the original summary, else from the usual tasks file.

    \b
    Examples:
      battery review data/battery --iteration 2 --only scrum
      battery review data/battery --repo ~/src/my-gateway
    """
    settings = given.settings(ctx, read)
    with progress(quiet=quiet) as show, traced("review", show) as trace:
        outcome = loop.run(stage.review, settings, iteration, only, trace.tell)
    print_record(
        outcome, lambda: print_reviews(outcome, settings.folder, sys.stdout), as_json=as_json
    )
