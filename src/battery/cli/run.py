"""`battery run`."""

from __future__ import annotations

import asyncio

import typer

from battery.cli import options
from battery.cli.output import progress, show_summary
from battery.settings import Settings
from battery.stages import run as stage


def run(
    ctx: typer.Context,
    iterations: options.Iterations = None,
    directory: options.Dir = None,
    tasks: options.TasksFile = None,
    gateway: options.Gateway = None,
    llm_team: options.LlmTeam = None,
    header: options.Header = None,
    llm_team_header: options.LlmTeamHeader = None,
    respond_timeout: options.RespondTimeout = Settings.respond_timeout,
    meta_timeout: options.MetaTimeout = Settings.meta_timeout,
    concurrency: options.Concurrency = None,
    resume: options.Resume = False,
    repo: options.Repo = None,
    model_url: options.ModelUrl = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Run a battery from the start, or resume one.

    Each iteration asks the tasks, lets the gateway distil what it learned, and has a large model
    review and judge the result.

    Without --gateway it starts the embedded gateway, which needs no network and costs nothing. A
    finished battery in the folder is moved to archive/ first; an unfinished one is refused unless
    --resume is given.

    \b
    Examples:
      battery run --iterations 3
      battery run --gateway http://localhost:3100
      battery run --resume
    """
    settings = options.settings(ctx.params)
    with progress(quiet=quiet) as tell:
        summary = asyncio.run(stage.run(settings, tell))
    show_summary(summary, settings.folder, as_json=as_json)
