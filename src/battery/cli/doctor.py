"""`battery doctor`."""

from __future__ import annotations

import sys

import typer

from battery.base import loop
from battery.base.text import printable, write_line
from battery.cli import options
from battery.cli.configured import settings_of
from battery.cli.output import print_json
from battery.commands import doctor as stage
from battery.target.targets import read


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
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Check that everything is in place for a run.

    One line each for tasks, folder, gateway, LLM team and a control gateway that is named, with
    what to do for what fails. Then each setting of a run, with its value and where it came from.

    Asks the gateway for its front page only: no task is sent, so nothing is learned and nothing
    is paid. Exits with 1 when something is not fine.

    \b
    Example:
      battery doctor --gateway http://localhost:3100
    """
    checks = loop.run(stage.doctor, options.settings(ctx, read))
    settings = settings_of(ctx)
    if as_json:
        print_json(
            {
                "checks": [check._asdict() for check in checks],
                "settings": [setting._asdict() for setting in settings],
            }
        )
    else:
        for check in checks:
            write_line(sys.stdout, stage.one_line(check))
        write_line(sys.stdout, "settings:")
        for name, value, source in settings:
            write_line(sys.stdout, f"  {name}: {printable(value)} ({printable(source)})")
    # No error: the lines have said already what fails and what to do.
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)
