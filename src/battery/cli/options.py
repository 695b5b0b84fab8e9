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
        "Folder of artifacts [default: data/battery].",
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
        "What to call the battery, wherever it is shown; may be changed later.",
        Group.PLACE,
    ),
]
Note = Annotated[
    str | None,
    option(
        "--note TEXT", "What to remember of it, such as what is new in the system.", Group.PLACE
    ),
]
Tag = Annotated[
    list[str] | None,
    option(
        "--tag WORD",
        "A word to sort batteries by, without spaces and commas; may be repeated.",
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
        "Header for the learning side, where that is another host; also LLM_TEAM_TOKEN, "
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
        "Header for the twin, where that is another host; also CONTROL_GATEWAY_TOKEN, "
        "CONTROL_GATEWAY_HEADERS.",
        Group.CREDENTIALS,
    ),
]
NoControl = Annotated[
    bool,
    option(
        "--no-control",
        "Leave out the twin, so that nothing tells learning from drift.",
        Group.MEASURED,
    ),
]
Repeats = Annotated[
    int | None,
    option(
        "--repeats R",
        "How often learner and twin are asked each task, per iteration [default: 1].",
        Group.SIZE,
        **LIMITS["repeats"],
    ),
]
Seed = Annotated[
    int | None,
    option(
        "--seed N",
        "Seed of the coin that decides whether learner or twin is asked first [default: drawn at "
        "random].",
        Group.SIZE,
        **LIMITS["seed"],
    ),
]
Limit = Annotated[
    int | None,
    option(
        "--limit N",
        "Take only the first N tasks of each phase [default: all].",
        Group.SIZE,
        **LIMITS["limit"],
    ),
]
DryRun = Annotated[
    bool,
    option(
        "--dry-run", "Print how many calls it would make, and each in order; make none.", Group.COST
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
        "Seconds for one distill, review or judgment.",
        Group.COST,
        **LIMITS["meta_timeout"],
    ),
]
Concurrency = Annotated[
    int | None,
    option(
        "--concurrency N",
        "Tasks of a phase asked at the same time; a resume keeps it [default: 1].",
        Group.SIZE,
        **LIMITS["concurrency"],
    ),
]
Resume = Annotated[
    bool, option("--resume", "Continue an unfinished battery; nothing is asked twice.", Group.PLACE)
]
MaxTokens = Annotated[
    int | None,
    option(
        "--max-tokens N",
        "Pause with exit code 4, between two tasks, once the calls on disk have spent N tokens; "
        "--resume with a higher number goes on [default: no cap].",
        Group.COST,
        **LIMITS["max_tokens"],
    ),
]
MaxCost = Annotated[
    float | None,
    option(
        "--max-cost USD",
        "The same for what they cost, in US dollars; needs a price for each model [default: no "
        "cap].",
        Group.COST,
        **LIMITS["max_cost"],
    ),
]
Feedback = Annotated[
    FeedbackLevel | None,
    option(
        "--feedback LEVEL",
        "What a system that battery starts is told of each task: none, grade (whether it passed), "
        "or answer (also why not, and what would have been right) [default: grade].",
        Group.MEASURED,
    ),
]
Meter = Annotated[
    str | None,
    option(
        "--meter URL",
        "Count what a system that battery starts asks of its models: the OpenAI-compatible "
        "endpoint that it would call, such as http://localhost:11434/v1 [default: its own word].",
        Group.MEASURED,
        envvar="BATTERY_METER",
    ),
]
KeepGoing = Annotated[
    bool,
    option(
        "--keep-going",
        "Go on although learner and twin differ in iteration 1 already, which makes the battery "
        "INVALID.",
        Group.COST,
    ),
]
Repo = Annotated[
    Path | None,
    option(
        "--repo PATH",
        "Check in this repository whether the files that proposals name exist.",
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
        "Command that empties a memory before iteration 1, run once for the learner and once for "
        "the twin; it gets BATTERY_ARM (`learn` or `frozen`), and GATEWAY_URL or BATTERY_MEMORY.",
        Group.MEASURED,
    ),
]
Reviewer = Annotated[
    str | None,
    option(
        "--reviewer WHO",
        "Who answers reviews and judgments: rules, or openai:URL for a model behind an "
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
        Group.PLACE,
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
