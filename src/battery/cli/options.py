"""The options that commands share, and how they become `Settings`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from battery.base.errors import UsageError
from battery.inputs.settings import (
    Settings,
    Target,
    environment_headers,
    make_companion,
    make_target,
    parse_headers,
)
from battery.records.word import GateName, Word

DEFAULT_FOLDER = Path("data/battery")

Folder = Annotated[
    Path | None,
    typer.Argument(metavar="DIR", help="Folder of the battery [default: data/battery]."),
]
Dir = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        "-d",
        metavar="PATH",
        envvar="BATTERY_DIR",
        help="Folder of artifacts [default: data/battery].",
    ),
]
TasksFile = Annotated[
    Path | None,
    typer.Option(
        "--tasks",
        metavar="PATH",
        envvar="BATTERY_TASKS",
        help="Tasks file [default: tasks.json; the packaged copy when there is none].",
    ),
]
Iterations = Annotated[
    int | None,
    typer.Option(
        "--iterations", "-n", metavar="N", min=1, help="How many iterations [default: 3]."
    ),
]
Gateway = Annotated[
    str | None,
    typer.Option(
        "--gateway",
        metavar="URL",
        envvar="GATEWAY_URL",
        help="Base URL of the gateway [default: the embedded gateway].",
    ),
]
LlmTeam = Annotated[
    str | None,
    typer.Option(
        "--llm-team",
        metavar="URL",
        envvar="LLM_TEAM_URL",
        help="Base URL of the learning side [default: the embedded one with the embedded "
        "gateway, else http://localhost:5000].",
    ),
]
Header = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        "-H",
        metavar="'NAME: VALUE'",
        help="Header for the gateway; may be repeated. Prefer GATEWAY_TOKEN (a bearer token) "
        "or GATEWAY_HEADERS: other users can see a command line.",
    ),
]
LlmTeamHeader = Annotated[
    list[str] | None,
    typer.Option(
        "--llm-team-header",
        metavar="'NAME: VALUE'",
        help="Header for the LLM team, where it is another host than the gateway's; "
        "also LLM_TEAM_TOKEN, LLM_TEAM_HEADERS.",
    ),
]
ControlGateway = Annotated[
    str | None,
    typer.Option(
        "--control-gateway",
        metavar="URL",
        envvar="CONTROL_GATEWAY_URL",
        help="Base URL of a second deployment that is never distilled: the frozen arm of a live "
        "gateway.",
    ),
]
ControlHeader = Annotated[
    list[str] | None,
    typer.Option(
        "--control-header",
        metavar="'NAME: VALUE'",
        help="Header for the control gateway, where it is another host than the gateway's; "
        "also CONTROL_GATEWAY_TOKEN, CONTROL_GATEWAY_HEADERS.",
    ),
]
NoControl = Annotated[
    bool, typer.Option("--no-control", help="One arm: leave out the embedded frozen gateway.")
]
Repeats = Annotated[
    int | None,
    typer.Option(
        "--repeats",
        metavar="R",
        min=1,
        max=1000,
        help="How often each task is asked per iteration and arm [default: 1].",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        min=0,
        max=2**63 - 1,
        help="Seed of the coin that decides which arm is asked first [default: drawn at random].",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="N",
        min=1,
        help="Take only the first N tasks of each phase [default: all].",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Print how many calls it would make, and each in order; make none.",
    ),
]
RespondTimeout = Annotated[
    float,
    typer.Option(
        "--respond-timeout", metavar="S", min=0.001, max=86_400, help="Seconds for one task."
    ),
]
MetaTimeout = Annotated[
    float,
    typer.Option(
        "--meta-timeout",
        metavar="S",
        min=0.001,
        max=86_400,
        help="Seconds for one distill, review or judgment.",
    ),
]
Concurrency = Annotated[
    int | None,
    typer.Option(
        "--concurrency",
        metavar="N",
        min=1,
        max=256,
        help="Tasks of a phase asked at the same time; a resume keeps it [default: 1].",
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue an unfinished battery; nothing is asked twice.")
]
Repo = Annotated[
    Path | None,
    typer.Option(
        "--repo",
        metavar="PATH",
        exists=True,
        file_okay=False,
        help="Check in this repository whether the files that proposals name exist.",
    ),
]
ModelUrl = Annotated[
    str | None,
    typer.Option(
        "--model-url",
        metavar="URL",
        envvar="BATTERY_MODEL_URL",
        help="Drive the embedded gateway with a language model behind an OpenAI-compatible "
        "endpoint, such as http://localhost:11434/v1; its key comes from BATTERY_MODEL_KEY.",
    ),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="WORDS",
        help="End with exit code 3 on any of these verdicts, with commas between them: "
        f"{', '.join(word.condition for word in Word if word.condition)}, not-learned, "
        f"not-compounding; or a failed gate: {', '.join(GateName)}, gates; or unfinished.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show no progress, only warnings and the result.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the whole stack of an error.")]


def settings(
    options: Mapping[str, Any], read: Callable[[str, Mapping[str, str]], Target]
) -> Settings:
    """Make `Settings` of a command's options and the environment; raise `UsageError`.

    `read` checks the text of `--gateway`. It is handed in because it knows every kind of target
    and loads the HTTP library, which most commands do without.
    """
    gateway_headers = _headers("GATEWAY", options.get("header"))
    team_headers = _headers("LLM_TEAM", options.get("llm_team_header"))
    control_headers = _headers("CONTROL_GATEWAY", options.get("control_header"))
    url, team_url = options.get("gateway"), options.get("llm_team")
    control_url = _control_url(options)
    model_url, model_key = model(options.get("model_url"))
    gateway = read(url, gateway_headers) if url else None
    team = make_companion(team_url, team_headers, gateway) if team_url else None
    control = make_companion(control_url, control_headers, gateway) if control_url else None
    return Settings(
        folder=folder(options),
        tasks_path=options.get("tasks"),
        iterations=options.get("iterations"),
        gateway=gateway,
        llm_team=team,
        control_gateway=control,
        no_control=options.get("no_control", False),
        gateway_headers=gateway_headers,
        llm_team_headers=team_headers,
        control_headers=control_headers,
        repeats=options.get("repeats"),
        seed=options.get("seed"),
        limit=options.get("limit"),
        respond_timeout=options.get("respond_timeout", Settings.respond_timeout),
        meta_timeout=options.get("meta_timeout", Settings.meta_timeout),
        concurrency=options.get("concurrency"),
        resume=options.get("resume", False),
        repo=options.get("repo"),
        model_url=model_url,
        model_key=model_key,
    )


def model(url: str | None) -> tuple[str | None, str | None]:
    """Check the URL of a language model and read its key; raise `UsageError`."""
    checked = make_target(url, {}).url if url else None
    return checked, os.environ.get("BATTERY_MODEL_KEY")


def _headers(prefix: str, lines: list[str] | None) -> dict[str, str]:
    """Read the headers of one target: the command line wins over the environment."""
    return {**environment_headers(os.environ, prefix), **parse_headers(lines or [], None)}


def _control_url(options: Mapping[str, Any]) -> str | None:
    url: str | None = options.get("control_gateway")
    if url is None or not options.get("no_control"):
        return url
    if url == os.environ.get("CONTROL_GATEWAY_URL"):
        return None  # the command line wins over the environment
    raise UsageError(
        "--no-control and --control-gateway contradict each other", hint="leave out one of them"
    )


def folder(options: Mapping[str, Any]) -> Path:
    """Choose the folder: the argument, else `--dir`, else the default."""
    argument, option = options.get("folder"), options.get("directory")
    if argument and os.environ.get("BATTERY_DIR") == str(option):
        option = None  # the command line wins over the environment
    if argument and option and argument != option:
        raise UsageError(f"two folders are named: {argument} and {option}", hint="name one")
    chosen: Path = argument or option or DEFAULT_FOLDER
    return chosen
