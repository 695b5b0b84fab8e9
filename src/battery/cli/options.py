"""The options that commands share, and how they become `Settings`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from battery.base.errors import UsageError
from battery.cli import configured
from battery.cli.configured import Source, source_of
from battery.inputs.config import Config
from battery.inputs.settings import (
    LIMITS,
    FeedbackLevel,
    Settings,
    Target,
    make_model,
    make_settings,
)
from battery.verdict.conditions import CONDITIONS

DEFAULT_FOLDER = Path("data/battery")


def option(usage: str, text: str, **rules: Any) -> Any:
    """Declare an option by its usage, such as `--dir -d PATH`, and its help.

    `rules` are those of `typer.Option`, such as `min` and `envvar`.
    """
    words = usage.split()
    names = [word for word in words if word.startswith("-")]
    metavar = " ".join(words[len(names) :]) or None
    return typer.Option(*names, metavar=metavar, help=text, **rules)


def argument(metavar: str, text: str) -> Any:
    """Declare an argument by its name in the usage and its help."""
    return typer.Argument(metavar=metavar, help=text)


Folder = Annotated[Path | None, argument("DIR", "Folder of the battery [default: data/battery].")]
Dir = Annotated[
    Path | None,
    option("--dir -d PATH", "Folder of artifacts [default: data/battery].", envvar="BATTERY_DIR"),
]
TasksFile = Annotated[
    Path | None,
    option(
        "--tasks PATH",
        "Tasks file [default: tasks.json; the packaged copy when there is none].",
        envvar="BATTERY_TASKS",
    ),
]
Iterations = Annotated[
    int | None,
    option("--iterations -n N", "How many iterations [default: 3].", **LIMITS["iterations"]),
]
Name = Annotated[
    str | None,
    option("--name TEXT", "What to call the battery, wherever it is shown; may be changed later."),
]
Note = Annotated[
    str | None,
    option("--note TEXT", "What to remember of it, such as what is new in the system."),
]
Tag = Annotated[
    list[str] | None,
    option("--tag WORD", "A word to sort batteries by; may be repeated."),
]
Gateway = Annotated[
    str | None,
    option(
        "--target --gateway TARGET",
        "The system under test: a gateway's URL, openai:URL, python:agent.py:Agent, "
        "exec:COMMAND, or a file that describes one [default: the embedded gateway].",
        envvar="GATEWAY_URL",
    ),
]
LlmTeam = Annotated[
    str | None,
    option(
        "--llm-team URL",
        "Base URL of the learning side [default: the embedded one with the embedded gateway, else "
        "http://localhost:5000].",
        envvar="LLM_TEAM_URL",
    ),
]
Header = Annotated[
    list[str] | None,
    option(
        "--header -H 'NAME: VALUE'",
        "Header for the gateway; may be repeated. Prefer GATEWAY_TOKEN (a bearer token) or "
        "GATEWAY_HEADERS: other users can see a command line.",
    ),
]
LlmTeamHeader = Annotated[
    list[str] | None,
    option(
        "--llm-team-header 'NAME: VALUE'",
        "Header for the LLM team, where it is another host than the gateway's; also "
        "LLM_TEAM_TOKEN, LLM_TEAM_HEADERS.",
    ),
]
ControlGateway = Annotated[
    str | None,
    option(
        "--control-gateway URL",
        "Base URL of a second deployment that is never distilled: the frozen arm of a live "
        "gateway. Or `restore`, for a gateway that can put its own memory back.",
        envvar="CONTROL_GATEWAY_URL",
    ),
]
ControlHeader = Annotated[
    list[str] | None,
    option(
        "--control-header 'NAME: VALUE'",
        "Header for the control gateway, where it is another host than the gateway's; also "
        "CONTROL_GATEWAY_TOKEN, CONTROL_GATEWAY_HEADERS.",
    ),
]
NoControl = Annotated[
    bool, option("--no-control", "One arm: leave out the twin that the target brings.")
]
Repeats = Annotated[
    int | None,
    option(
        "--repeats R",
        "How often each task is asked per iteration and arm [default: 1].",
        **LIMITS["repeats"],
    ),
]
Seed = Annotated[
    int | None,
    option(
        "--seed N",
        "Seed of the coin that decides which arm is asked first [default: drawn at random].",
        **LIMITS["seed"],
    ),
]
Limit = Annotated[
    int | None,
    option(
        "--limit N", "Take only the first N tasks of each phase [default: all].", **LIMITS["limit"]
    ),
]
DryRun = Annotated[
    bool, option("--dry-run", "Print how many calls it would make, and each in order; make none.")
]
RespondTimeout = Annotated[
    float, option("--respond-timeout S", "Seconds for one task.", **LIMITS["respond_timeout"])
]
MetaTimeout = Annotated[
    float,
    option(
        "--meta-timeout S",
        "Seconds for one distill, review or judgment.",
        **LIMITS["meta_timeout"],
    ),
]
Concurrency = Annotated[
    int | None,
    option(
        "--concurrency N",
        "Tasks of a phase asked at the same time; a resume keeps it [default: 1].",
        **LIMITS["concurrency"],
    ),
]
Resume = Annotated[
    bool, option("--resume", "Continue an unfinished battery; nothing is asked twice.")
]
MaxTokens = Annotated[
    int | None,
    option(
        "--max-tokens N",
        "Pause with exit code 4, between two tasks, once the calls on disk have spent N tokens; "
        "--resume with a higher number goes on [default: no cap].",
        **LIMITS["max_tokens"],
    ),
]
MaxCost = Annotated[
    float | None,
    option(
        "--max-cost USD",
        "The same for what they cost, in US dollars; needs a price for each model [default: no "
        "cap].",
        **LIMITS["max_cost"],
    ),
]
Feedback = Annotated[
    FeedbackLevel | None,
    option(
        "--feedback LEVEL",
        "What a system that battery starts is told of each task: none, grade (whether it passed), "
        "or answer (also why not, and what would have been right) [default: grade].",
    ),
]
Meter = Annotated[
    str | None,
    option(
        "--meter URL",
        "Count what a system that battery starts asks of its models: the OpenAI-compatible "
        "endpoint that it would call, such as http://localhost:11434/v1 [default: its own word].",
        envvar="BATTERY_METER",
    ),
]
KeepGoing = Annotated[
    bool,
    option(
        "--keep-going",
        "Go on although the arms differ in iteration 1 already, which makes the battery INVALID.",
    ),
]
Repo = Annotated[
    Path | None,
    option(
        "--repo PATH",
        "Check in this repository whether the files that proposals name exist.",
        exists=True,
        file_okay=False,
    ),
]
ModelUrl = Annotated[
    str | None,
    option(
        "--model-url URL",
        "Drive the embedded gateway with a language model behind an OpenAI-compatible endpoint, "
        "such as http://localhost:11434/v1; its key comes from BATTERY_MODEL_KEY.",
        envvar="BATTERY_MODEL_URL",
    ),
]
ModelTimeout = Annotated[
    float | None,
    option(
        "--model-timeout S",
        "Seconds for one call of that language model [default: the longer of the other timeouts].",
        **LIMITS["model_timeout"],
    ),
]
Prepare = Annotated[
    str | None,
    option(
        "--prepare CMD",
        "Command that empties the memory of an arm, run once per arm before iteration 1; it gets "
        "BATTERY_ARM (learn or frozen), and GATEWAY_URL or BATTERY_MEMORY of that arm.",
    ),
]
Reviewer = Annotated[
    str | None,
    option(
        "--reviewer WHO",
        "Who answers reviews and judgments: rules, or openai:URL for a model behind an "
        "OpenAI-compatible endpoint, whose key comes from BATTERY_REVIEWER_KEY [default: the "
        "target itself].",
        envvar="BATTERY_REVIEWER",
    ),
]
FailOn = Annotated[
    str | None,
    option(
        "--fail-on WORDS",
        "End with exit code 3 on any of these, with commas between them: "
        f"{', '.join(CONDITIONS)}. A gate's name means that this gate failed.",
    ),
]
Json = Annotated[
    bool, option("--json", "Print one JSON document on standard output, nothing else.")
]

ConfigFile = Annotated[
    Path | None,
    option(
        "--config PATH",
        "Settings file [default: battery.toml where there is one].",
        envvar="BATTERY_CONFIG",
        is_eager=True,
        callback=configured.callback(globals()),
    ),
]
Full = Annotated[
    bool, option("--full", "Show what the verdict rests on as well: tasks by name, tests, gates.")
]
Quiet = Annotated[bool, option("--quiet -q", "Show no progress, only warnings and the result.")]
Debug = Annotated[bool, option("--debug", "Show the whole stack of an error.")]

#: What the manifest of a battery keeps; a settings file may have changed since it began.
_KEPT: Final = frozenset(
    {
        *("iterations", "repeats", "seed", "limit", "concurrency"),
        *("feedback", "meter", "reviewer", "prepare"),
        *("name", "note", "tag"),
    }
)


def settings(ctx: typer.Context, read: Callable[[str, Mapping[str, str]], Target]) -> Settings:
    """Make `Settings` of a command's options and the environment; raise `UsageError`.

    `read` checks the text of `--gateway`. It is handed in because it knows every kind of target
    and loads the HTTP library, which most commands do without.
    """
    options = _asked(ctx)
    # The tables of a settings file describe a target as a file of their own does.
    if options.get("gateway") is None and isinstance(ctx.obj, Config) and ctx.obj.tables:
        options["gateway"] = str(ctx.obj.path)
    return make_settings({**options, "folder": folder(ctx)}, os.environ, read)


def model(url: str | None) -> tuple[str | None, str | None]:
    """Check the URL of a language model and read its key; raise `UsageError`."""
    return make_model(url), os.environ.get("BATTERY_MODEL_KEY")


def _asked(ctx: typer.Context) -> dict[str, Any]:
    """Return the options of a command, without those that others of them win over."""
    options = dict(ctx.params)
    if options.get("resume") or ctx.info_name == "iterate":
        # Otherwise a file that is edited, or that another run's options won over, would change or
        # refuse a battery whose command names nothing of the kind.
        for name in _KEPT & options.keys():
            if source_of(ctx, name) is Source.FILE:
                options[name] = None
    control, none = options.get("control_gateway"), options.get("no_control")
    if control and none:
        sources = source_of(ctx, "control_gateway"), source_of(ctx, "no_control")
        if sources[0] == sources[1]:
            raise UsageError(
                "--no-control and --control-gateway contradict each other",
                hint="leave out one of them",
            )
        options |= {"no_control": False} if sources[0] < sources[1] else {"control_gateway": None}
    return options


def folder(ctx: typer.Context) -> Path:
    """Choose the folder: the argument, else `--dir`, else the default."""
    argument, option = ctx.params.get("folder"), ctx.params.get("directory")
    # An argument and a variable are no contradiction, an argument and another --dir are.
    if argument and source_of(ctx, "directory") > source_of(ctx, "folder"):
        option = None
    if argument and option and argument != option:
        raise UsageError(f"two folders are named: {argument} and {option}", hint="name one")
    chosen: Path = argument or option or DEFAULT_FOLDER
    return chosen
