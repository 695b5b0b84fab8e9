"""The options that commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from battery.cli import configured
from battery.cli.grouped import Group, argument, option
from battery.inputs.settings import LIMITS, FeedbackLevel
from battery.verdict.conditions import CONDITIONS

Folder = Annotated[Path | None, argument("DIR", "Folder of the battery [default: data/battery].")]
Dir = Annotated[
    Path | None,
    option(
        "--dir -d PATH",
        "Folder with the files of the battery [default: data/battery].",
        Group.PLACE,
        envvar="BATTERY_DIR",
    ),
]
TasksFile = Annotated[
    Path | None,
    option(
        "--tasks PATH",
        "Tasks file [default: tasks.json; the packaged copy when there is none].",
        Group.MEASURED,
        envvar="BATTERY_TASKS",
    ),
]
Iterations = Annotated[
    int | None,
    option(
        "--iterations -n N", "How many iterations [default: 3].", Group.SIZE, **LIMITS["iterations"]
    ),
]
Name = Annotated[
    str | None,
    option(
        "--name TEXT",
        "Name of the battery, shown wherever it appears; another one with --resume or iterate "
        "changes it.",
        Group.PLACE,
    ),
]
Note = Annotated[
    str | None,
    option("--note TEXT", "A note about it, such as what is new in the system.", Group.PLACE),
]
Tag = Annotated[
    list[str] | None,
    option(
        "--tag WORD",
        "A word to find batteries by, without spaces or commas; may be repeated.",
        Group.PLACE,
    ),
]
Gateway = Annotated[
    str | None,
    option(
        "--target --gateway TARGET",
        "The system under test: a gateway's URL, openai:URL, python:agent.py:Agent, "
        "exec:COMMAND, or a file that describes one [default: the embedded gateway].",
        Group.MEASURED,
        envvar="GATEWAY_URL",
    ),
]
LlmTeam = Annotated[
    str | None,
    option(
        "--llm-team URL",
        "Base URL of the learning side [default: the embedded one with the embedded gateway, else "
        "http://localhost:5000].",
        Group.MEASURED,
        envvar="LLM_TEAM_URL",
    ),
]
Header = Annotated[
    list[str] | None,
    option(
        "--header -H 'NAME: VALUE'",
        "Header for the system; may be repeated. Prefer GATEWAY_TOKEN (a bearer token) or "
        "GATEWAY_HEADERS: other users can see a command line.",
        Group.CREDENTIALS,
    ),
]
LlmTeamHeader = Annotated[
    list[str] | None,
    option(
        "--llm-team-header 'NAME: VALUE'",
        "Header for the learning side, if that is another host; also LLM_TEAM_TOKEN, "
        "LLM_TEAM_HEADERS.",
        Group.CREDENTIALS,
    ),
]
ControlGateway = Annotated[
    str | None,
    option(
        "--control-gateway URL",
        "Base URL of the twin of a live gateway: a second deployment that never learns. Or "
        "`restore`, for a gateway that can put its own memory back.",
        Group.MEASURED,
        envvar="CONTROL_GATEWAY_URL",
    ),
]
ControlHeader = Annotated[
    list[str] | None,
    option(
        "--control-header 'NAME: VALUE'",
        "Header for the twin, if that is another host; also CONTROL_GATEWAY_TOKEN, "
        "CONTROL_GATEWAY_HEADERS.",
        Group.CREDENTIALS,
    ),
]
NoControl = Annotated[
    bool,
    option(
        "--no-control",
        "Run without a twin; then nothing tells learning from drift.",
        Group.MEASURED,
    ),
]
Repeats = Annotated[
    int | None,
    option(
        "--repeats R",
        "How often learner and twin do each task, per iteration [default: 1].",
        Group.SIZE,
        **LIMITS["repeats"],
    ),
]
Seed = Annotated[
    int | None,
    option(
        "--seed N",
        "Seed of the coin that decides whether learner or twin goes first [default: drawn at "
        "random].",
        Group.SIZE,
        **LIMITS["seed"],
    ),
]
Limit = Annotated[
    int | None,
    option(
        "--limit N",
        "Take only the first N tasks of each kind [default: all].",
        Group.SIZE,
        **LIMITS["limit"],
    ),
]
DryRun = Annotated[
    bool,
    option(
        "--dry-run", "Print how many calls it would make, and list them; make none.", Group.COST
    ),
]
RespondTimeout = Annotated[
    float,
    option("--respond-timeout S", "Seconds for one task.", Group.COST, **LIMITS["respond_timeout"]),
]
MetaTimeout = Annotated[
    float,
    option(
        "--meta-timeout S",
        "Seconds for one distillation, review or judgment.",
        Group.COST,
        **LIMITS["meta_timeout"],
    ),
]
Concurrency = Annotated[
    int | None,
    option(
        "--concurrency N",
        "How many tasks of one kind run at the same time; a resume keeps it [default: 1].",
        Group.SIZE,
        **LIMITS["concurrency"],
    ),
]
Resume = Annotated[
    bool, option("--resume", "Continue an unfinished battery; no call is made twice.", Group.PLACE)
]
MaxTokens = Annotated[
    int | None,
    option(
        "--max-tokens N",
        "Pause between two tasks, with exit code 4, once all calls together have spent N tokens; "
        "--resume with a higher number goes on [default: no cap].",
        Group.COST,
        **LIMITS["max_tokens"],
    ),
]
MaxCost = Annotated[
    float | None,
    option(
        "--max-cost USD",
        "The same for the cost in US dollars; needs a price for each model [default: no cap].",
        Group.COST,
        **LIMITS["max_cost"],
    ),
]
Feedback = Annotated[
    FeedbackLevel | None,
    option(
        "--feedback LEVEL",
        "What battery tells a system that it starts about each task: none, grade (whether it "
        "passed), or answer (also why not, and what would have been right) [default: grade].",
        Group.MEASURED,
    ),
]
Meter = Annotated[
    str | None,
    option(
        "--meter URL",
        "Count the tokens of a system that battery starts: the OpenAI-compatible endpoint that it "
        "calls, such as http://localhost:11434/v1 [default: the numbers that it reports].",
        Group.MEASURED,
        envvar="BATTERY_METER",
    ),
]
KeepGoing = Annotated[
    bool,
    option(
        "--keep-going",
        "Go on if learner and twin differ in iteration 1 already; the battery is INVALID then.",
        Group.COST,
    ),
]
Repo = Annotated[
    Path | None,
    option(
        "--repo PATH",
        "Check whether the files that proposals name exist in this repository.",
        Group.REVIEWS,
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
        Group.MODEL,
        envvar="BATTERY_MODEL_URL",
    ),
]
ModelTimeout = Annotated[
    float | None,
    option(
        "--model-timeout S",
        "Seconds for one call of that language model [default: the longer of the other timeouts].",
        Group.MODEL,
        **LIMITS["model_timeout"],
    ),
]
Prepare = Annotated[
    str | None,
    option(
        "--prepare CMD",
        "Command that empties the memory before iteration 1. It runs once for the learner and once "
        "for the twin, with BATTERY_ARM (`learn` or `frozen`) and GATEWAY_URL or BATTERY_MEMORY.",
        Group.MEASURED,
    ),
]
Reviewer = Annotated[
    str | None,
    option(
        "--reviewer WHO",
        "Who writes reviews and judgments: rules, or openai:URL for a model behind an "
        "OpenAI-compatible endpoint, whose key comes from BATTERY_REVIEWER_KEY [default: the "
        "system itself].",
        Group.REVIEWS,
        envvar="BATTERY_REVIEWER",
    ),
]
FailOn = Annotated[
    str | None,
    option(
        "--fail-on WORDS",
        "End with exit code 3 on any of these words, separated by commas: "
        f"{', '.join(CONDITIONS)}. A gate's name means that this gate failed.",
    ),
]
OutputFile = Annotated[
    Path | None,
    option(
        "--output -o PATH",
        "Write to this file instead of standard output; without --format, its ending says what.",
        dir_okay=False,
    ),
]
Json = Annotated[
    bool, option("--json", "Print one JSON document on standard output, nothing else.")
]

ConfigFile = Annotated[
    Path | None,
    option(
        "--config PATH",
        "Settings file [default: battery.toml, if there is one].",
        Group.PLACE,
        envvar="BATTERY_CONFIG",
        is_eager=True,
        callback=configured.callback(globals()),
    ),
]
Full = Annotated[
    bool, option("--full", "Also show what the verdict rests on: tasks by name, tests, gates.")
]
Quiet = Annotated[bool, option("--quiet -q", "Show no progress, only warnings and the result.")]
Debug = Annotated[
    bool, option("--debug", "Show the stack trace of an error, and what libraries log.")
]
