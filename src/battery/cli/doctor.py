"""`battery doctor`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from battery.base import loop
from battery.base.text import printable
from battery.cli import given, options
from battery.cli.grouped import Group, option
from battery.cli.output import print_json, progress
from battery.cli.sources import settings_of
from battery.commands import doctor as stage
from battery.commands import trying
from battery.commands.doctor import Check
from battery.inputs.settings import Settings
from battery.records.events import Notice
from battery.report.terminal.look import GAP, say
from battery.target.kinds import read

Try = Annotated[
    bool,
    option(
        "--try",
        "Also make one real call of each kind, and show what was read. A gateway learns one task "
        "from it, and you pay for the calls.",
        Group.COST,
    ),
]


def doctor(
    ctx: typer.Context,
    directory: options.Dir = None,
    config: options.ConfigFile = None,
    tasks: options.TasksFile = None,
    gateway: options.Gateway = None,
    llm_team: options.LlmTeam = None,
    header: options.Header = None,
    llm_team_header: options.LlmTeamHeader = None,
    control_gateway: options.ControlGateway = None,
    control_header: options.ControlHeader = None,
    meter: options.Meter = None,
    reviewer: options.Reviewer = None,
    attempt: Try = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Check that everything is in place for a run.

    Prints one line each for tasks, folder, target, learning side and twin, and what to do if
    something is wrong. Then it lists each setting with its value and where it came from.

    Requests only the front page of a URL. It sends no task, so nothing is learned and nothing is
    paid. With --try it sends one; a local system gets a scratch memory for it. Exits with 1 if
    something is wrong.

    \b
    Examples:
      battery doctor --target http://localhost:3100
      battery doctor --target python:agent.py:Agent --try
    """
    asked = given.settings(ctx, read)
    checks = loop.run(stage.doctor, asked)
    settings = settings_of(ctx)
    tried = _tried(asked, checks) if attempt else None
    if as_json:
        print_json(
            {
                "checks": [check._asdict() for check in checks],
                "tried": tried and [check._asdict() for check in tried],
                "settings": [setting._asdict() for setting in settings],
            }
        )
    else:
        for check in [*checks, *(tried or [])]:
            say(stage.one_line(check), sys.stdout, 3 * GAP)
        say("settings:", sys.stdout)
        for name, value, source in settings:
            say(f"  {name}: {printable(value)} ({printable(source)})", sys.stdout, 2 * GAP)
    # Not an error: the lines above have said what fails and what to do.
    raise typer.Exit(0 if all(check.ok for check in [*checks, *(tried or [])]) else 1)


def _tried(settings: Settings, checks: Sequence[Check]) -> list[Check]:
    if not all(check.ok for check in checks):
        return [Check("try", False, "nothing was tried", "first do what the lines above say")]
    # What the answers show takes long enough for a reader to wonder, and teaches a gateway.
    with progress(quiet=False) as show:
        show(Notice(trying.teaches(settings)))
    return loop.run(trying.try_out, settings)
