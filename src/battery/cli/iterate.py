"""`battery iterate`."""

from __future__ import annotations

import typer

from battery.base import loop
from battery.cli import given, options
from battery.cli.output import progress, show_summary
from battery.inputs.settings import Settings
from battery.runner import run as stage
from battery.target.kinds import read
from battery.tracing import traced


def iterate(
    ctx: typer.Context,
    folder: options.Folder = None,
    directory: options.Dir = None,
    config: options.ConfigFile = None,
    name: options.Name = None,
    note: options.Note = None,
    tag: options.Tag = None,
    gateway: options.Gateway = None,
    llm_team: options.LlmTeam = None,
    header: options.Header = None,
    llm_team_header: options.LlmTeamHeader = None,
    control_gateway: options.ControlGateway = None,
    control_header: options.ControlHeader = None,
    respond_timeout: options.RespondTimeout = Settings.respond_timeout,
    meta_timeout: options.MetaTimeout = Settings.meta_timeout,
    concurrency: options.Concurrency = None,
    max_tokens: options.MaxTokens = None,
    max_cost: options.MaxCost = None,
    meter: options.Meter = None,
    keep_going: options.KeepGoing = False,
    repo: options.Repo = None,
    model_url: options.ModelUrl = None,
    reviewer: options.Reviewer = None,
    model_timeout: options.ModelTimeout = None,
    full: options.Full = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Add one iteration to a finished battery.

    Runs the same tasks, as often as before, on the same system and twin, with the memory that they
    have by now. The summary is written again, with one more column.

    \b
    Example:
      battery iterate data/battery
    """
    # How large a battery is and what it asks is not an option here: that would make another one.
    settings = given.settings(ctx, read)
    with progress(quiet=quiet) as show, traced("iterate", show) as trace:
        summary = loop.run(stage.iterate, settings, trace.tell)
        trace.conclude(summary)
    show_summary(summary, settings.folder, as_json=as_json, full=full, quiet=quiet)
