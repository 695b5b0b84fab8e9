"""`battery run`."""

from __future__ import annotations

import sys

import typer

from battery.base import loop
from battery.cli import given, options
from battery.cli.output import print_json, progress, show_summary, then
from battery.inputs.settings import Settings
from battery.report.terminal.lines import outlook_document, print_outlook
from battery.runner import run as stage
from battery.target.kinds import read
from battery.tracing import traced
from battery.verdict.conditions import parse, require


def run(
    ctx: typer.Context,
    iterations: options.Iterations = None,
    directory: options.Dir = None,
    config: options.ConfigFile = None,
    tasks: options.TasksFile = None,
    gateway: options.Gateway = None,
    llm_team: options.LlmTeam = None,
    header: options.Header = None,
    llm_team_header: options.LlmTeamHeader = None,
    control_gateway: options.ControlGateway = None,
    control_header: options.ControlHeader = None,
    no_control: options.NoControl = False,
    repeats: options.Repeats = None,
    seed: options.Seed = None,
    limit: options.Limit = None,
    respond_timeout: options.RespondTimeout = Settings.respond_timeout,
    meta_timeout: options.MetaTimeout = Settings.meta_timeout,
    concurrency: options.Concurrency = None,
    resume: options.Resume = False,
    max_tokens: options.MaxTokens = None,
    max_cost: options.MaxCost = None,
    feedback: options.Feedback = None,
    meter: options.Meter = None,
    prepare: options.Prepare = None,
    keep_going: options.KeepGoing = False,
    dry_run: options.DryRun = False,
    repo: options.Repo = None,
    model_url: options.ModelUrl = None,
    reviewer: options.Reviewer = None,
    model_timeout: options.ModelTimeout = None,
    name: options.Name = None,
    note: options.Note = None,
    tag: options.Tag = None,
    fail_on: options.FailOn = None,
    full: options.Full = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Run a battery from the start, or resume one.

    In each iteration the system does the tasks and then learns from them, and a large model reviews
    the result. A twin of the system does the same tasks and never learns, so that you see what
    learning changed.

    Without --target, battery starts the embedded gateway, which needs no network and costs nothing.
    A live gateway needs a second deployment as its twin: --control-gateway. For all other systems,
    battery makes the twin itself.

    If learner and twin differ in iteration 1 already, the run stops before anything is learned,
    unless battery itself gave both the same memory. --keep-going goes on.

    A finished battery in the folder moves to archive/ first. An unfinished one is refused without
    --resume.

    \b
    Examples:
      battery run --iterations 3
      battery run --target http://localhost:3100
      battery run --target python:agent.py:Agent
      battery run --name "v2, larger memory" --tag nightly
      battery run --resume
      battery run --max-tokens 500000
      battery run --repeats 3 --dry-run
      battery run --fail-on regressed,dishonest,not-learned
    """
    settings, conditions = given.settings(ctx, read), parse(fail_on)
    # Before the traces: a dry run asks nobody anything, so there is nothing to trace.
    if dry_run:
        with progress(quiet=quiet) as tell:
            outlook = stage.dry_run(settings, tell)
        if as_json:
            print_json(outlook_document(outlook))
        else:
            print_outlook(outlook, sys.stdout)
        return
    with progress(quiet=quiet) as show, traced("run", show) as trace:
        summary = loop.run(stage.run, settings, trace.tell)
        trace.conclude(summary)
    # After the trace: a gate that is not met is a result, and no error of the run.
    with then(lambda: require(summary, conditions)):
        show_summary(summary, settings.folder, as_json=as_json, full=full, quiet=quiet)
