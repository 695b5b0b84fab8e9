"""`battery campaign`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from battery.base import loop
from battery.base.numbers import counted
from battery.campaign import engine
from battery.campaign import plan as planning
from battery.campaign import verdict as judging
from battery.campaign.spent import Caps, caps_of, tell_of_change
from battery.campaign.work import Worker, in_lines, left
from battery.cli import given, options
from battery.cli.campaign_options import (
    ControlGateways,
    Jobs,
    Lease,
    LlmTeams,
    MaxCost,
    MaxTokens,
    NewMaxCost,
    NewMaxTokens,
    On,
    Output,
    Primary,
    Reset,
    Runs,
    Slots,
    Targets,
    TasksArgument,
    UntilEof,
    Wait,
)
from battery.cli.campaign_status import CampaignFolder, showing, status
from battery.cli.deliver import chosen_format, deliver, format_option, tell
from battery.cli.grouped import Grouped
from battery.cli.output import print_record, then
from battery.cli.pool import FailOn, Full
from battery.inputs.settings import Settings
from battery.records.campaign import CampaignSummary
from battery.report.machine import OF_CAMPAIGN, OutputFormat
from battery.report.terminal.runs import print_runs
from battery.target.kinds import read
from battery.verdict.conditions import OF_CAMPAIGN as CONDITIONS
from battery.verdict.conditions import parse, require_finished_run, require_of_campaign

if TYPE_CHECKING:
    Format = str
else:
    Format = Literal[tuple(OF_CAMPAIGN)]

app = typer.Typer(
    help="Make a claim about the system: plan several runs, run and judge them.\n\n\b\nExamples:\n"
    "  battery campaign plan --runs 5\n"
    "  battery campaign run campaign -j 2",
    rich_markup_mode=None,
    add_completion=False,
)

_NOT_OF_A_RUN = frozenset(
    {"runs", "primary", "output", "lease", "reset", "config", "as_json", "debug", "tasks_file"}
)


@app.callback()
def campaign() -> None:
    """Keep the sub-commands below their group."""


@app.command(cls=Grouped)
def plan(
    ctx: typer.Context,
    tasks_file: TasksArgument = None,
    runs: Runs = planning.DEFAULT_RUNS,
    iterations: options.Iterations = None,
    primary: Primary = "cost",
    output: Output = planning.DEFAULT_FOLDER,
    config: options.ConfigFile = None,
    tasks: options.TasksFile = None,
    gateway: Targets = None,
    llm_team: LlmTeams = None,
    control_gateway: ControlGateways = None,
    no_control: options.NoControl = False,
    repeats: options.Repeats = None,
    seed: options.Seed = None,
    limit: options.Limit = None,
    respond_timeout: options.RespondTimeout = Settings.respond_timeout,
    meta_timeout: options.MetaTimeout = Settings.meta_timeout,
    concurrency: options.Concurrency = None,
    max_tokens: MaxTokens = None,
    max_cost: MaxCost = None,
    lease: Lease = planning.DEFAULT_LEASE_S,
    feedback: options.Feedback = None,
    meter: options.Meter = None,
    prepare: options.Prepare = None,
    reset: Reset = False,
    keep_going: options.KeepGoing = False,
    repo: options.Repo = None,
    model_url: options.ModelUrl = None,
    reviewer: options.Reviewer = None,
    model_timeout: options.ModelTimeout = None,
    name: options.Name = None,
    note: options.Note = None,
    tag: options.Tag = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Plan a campaign: several runs of one system, each from an empty memory.

    Writes the plan, a copy of the tasks and of the files of their checks, and asks nobody. The plan
    is never changed: its digest, the registration, is in every report. It holds no secrets; headers
    and keys come from the environment of each worker.

    \b
    Examples:
      battery campaign plan
      battery campaign plan tasks.json --runs 5 --target agent.toml -o campaign
    """
    asked = given.asked(ctx)
    wanted = planning.Wanted(
        folder=output,
        runs=runs,
        primary=primary,
        lease_s=lease,
        reset=reset,
        options={
            **{key: value for key, value in asked.items() if key not in _NOT_OF_A_RUN},
            "tasks": tasks_file or tasks,
        },
    )
    made = planning.make(wanted, planning.World(os.environ, read), tell)
    print_record(made.plan, lambda: _show(made), as_json=as_json)


@app.command(cls=Grouped)
def run(
    folder: CampaignFolder = planning.DEFAULT_FOLDER,
    jobs: Jobs = None,
    on: On = None,
    max_tokens: NewMaxTokens = None,
    max_cost: NewMaxCost = None,
    fail_on: FailOn = None,
    full: Full = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Run a campaign on this machine or a cluster, or go on with one; ends with the verdict.

    Starts workers, or gives the runs to a Dask cluster with --on; replaces those that are killed.
    Ctrl-C stops all of them; the same command goes on, and no recorded call is asked again. Pauses
    with exit code 4 at the caps of the plan, once each run has finished the task in both arms, or
    the review, that it has under way; goes on with --max-cost or --max-tokens.

    \b
    Examples:
      battery campaign run campaign -j 2
      battery campaign run campaign --on dask://head:8786
      battery campaign run campaign --max-cost 50
    """
    conditions = parse(fail_on, CONDITIONS)
    campaign = planning.open_campaign(folder, tell)
    caps = caps_of(campaign, Caps(max_tokens, max_cost))
    tell_of_change(campaign, caps, tell)
    with showing(campaign, caps) as view:
        if on is None:
            at_a_time = jobs or os.cpu_count() or 1
            loop.run(engine.run_here, campaign, at_a_time, caps, view.tell, view.forward)
        else:
            loop.run(engine.elsewhere(on), campaign, on, jobs, caps, view.tell)
    _judge(campaign, conditions, full=full, chosen=OF_CAMPAIGN["json"] if as_json else None)


@app.command(cls=Grouped)
def worker(
    folder: CampaignFolder = planning.DEFAULT_FOLDER,
    slots: Slots = 1,
    wait: Wait = False,
    until_eof: UntilEof = False,
    max_tokens: NewMaxTokens = None,
    max_cost: NewMaxCost = None,
    debug: options.Debug = False,
) -> None:
    """Run what is free of a campaign, on any host that sees its folder.

    Ends when nothing is free. Any number of workers may look at one folder: each run has one holder
    at a time, and one that is killed, or suspended for longer than its lease, is taken over.

    \b
    Examples:
      battery campaign worker /shared/campaign
      battery campaign worker /shared/campaign --slots 4 --wait
    """
    campaign = planning.open_campaign(folder, tell)
    caps = caps_of(campaign, Caps(max_tokens, max_cost))
    if until_eof:
        engine.stop_at_end_of_input()
    at_work = Worker(campaign, planning.World(os.environ, read), in_lines(tell), caps=caps)
    loop.run(at_work.work, slots, wait=wait)
    _show_progress(campaign)


app.command(cls=Grouped)(status)

Wanted = Annotated[Format | None, format_option(OF_CAMPAIGN)]


@app.command(cls=Grouped)
def verdict(
    folder: CampaignFolder = planning.DEFAULT_FOLDER,
    wanted: Wanted = None,
    output: options.OutputFile = None,
    fail_on: FailOn = None,
    full: Full = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Judge the system from the runs of a campaign.

    Reads the runs and writes summary.md, summary.json and report.html into the folder of the
    campaign. Before all planned runs are finished there is no verdict; it says what is left. Uses
    no network.

    \b
    Examples:
      battery campaign verdict campaign
      battery campaign verdict campaign --fail-on not-learned,unfinished
      battery campaign verdict campaign --format junit --output campaign.xml
    """
    conditions = parse(fail_on, CONDITIONS)
    chosen = chosen_format(OF_CAMPAIGN, wanted, output, as_json=as_json)
    _judge(
        planning.open_campaign(folder, tell), conditions, full=full, chosen=chosen, output=output
    )


def _judge(
    campaign: planning.Campaign,
    conditions: Sequence[str],
    *,
    full: bool,
    chosen: OutputFormat[[CampaignSummary]] | None = None,
    output: Path | None = None,
) -> None:
    try:
        summary = judging.judge(campaign)
    except judging.NothingFinishedError as error:
        require_finished_run(error, conditions)
        raise
    judging.write(campaign, summary, tell)
    with then(lambda: require_of_campaign(summary, conditions)):
        if chosen:
            deliver(chosen, output, summary, lambda: chosen.make(summary))
        else:
            words = ["campaign", "verdict", str(campaign.folder)]
            print_runs(summary, words, sys.stdout, full=full)


def _show_progress(campaign: planning.Campaign) -> None:
    total, unfinished = len(campaign.plan.cells), len(left(campaign))
    typer.echo(f"{total - unfinished} of {counted(total, 'run')} are done")


def _show(made: planning.Campaign) -> None:
    frozen = made.plan
    each = counted(frozen.iterations, "iteration")
    several = len(frozen.targets)
    where = f", at {several} targets" if several > 1 else ""
    typer.echo(f"{counted(frozen.runs, 'run')} of {each} planned in {made.folder}{where}")
    typer.echo(f"registration {made.registration}")
    typer.echo(f"run it with: battery campaign run {shlex.quote(str(made.folder))}")
