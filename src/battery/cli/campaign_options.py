"""The options of `battery campaign plan`, `run` and `worker` that are theirs alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from battery.cli.grouped import Group, argument, option
from battery.inputs.settings import LIMITS
from battery.records.findings import QuestionName

TasksArgument = Annotated[
    Path | None,
    argument("TASKS", "Tasks file [default: tasks.json; the packaged copy when there is none]."),
]
Runs = Annotated[
    int,
    option("--runs N", "How many runs the claim is to rest on.", Group.SIZE, min=2, max=1000),
]
Primary = Annotated[
    QuestionName,
    option(
        "--primary QUESTION",
        "The question that is tested first: cost, niche (cost of the niche tasks) or success "
        "(tasks done); the others follow only after a yes.",
        Group.SIZE,
    ),
]
Output = Annotated[Path, option("--output -o DIR", "Folder of the campaign.", Group.PLACE)]
Lease = Annotated[
    float,
    option(
        "--lease S",
        "Seconds after which a worker that gives no sign of life is taken for gone.",
        Group.COST,
        min=1,
        max=LIMITS["respond_timeout"]["max"],
    ),
]
_SEVERAL: Final = "may be repeated, for deployments of one system that take runs at the same time"
# Not with the other options: of a settings file these take one value, as for `battery run`.
Targets = Annotated[
    list[str] | None,
    option(
        "--target --gateway TARGET",
        "The system under test: a gateway's URL, openai:URL, python:agent.py:Agent, exec:COMMAND, "
        f"or a file that describes one; {_SEVERAL} [default: the embedded gateway].",
        Group.MEASURED,
        envvar="GATEWAY_URL",
    ),
]
LlmTeams = Annotated[
    list[str] | None,
    option(
        "--llm-team URL",
        "Base URL of the learning side; of several gateways, once for each and in their order "
        "[default: the embedded one with the embedded gateway, else http://localhost:5000].",
        Group.MEASURED,
        envvar="LLM_TEAM_URL",
    ),
]
ControlGateways = Annotated[
    list[str] | None,
    option(
        "--control-gateway URL",
        "Base URL of the twin of a live gateway: a second deployment that never learns; of several "
        "gateways, once for each and in their order. Or `restore`, for gateways that can put "
        "their own memory back.",
        Group.MEASURED,
        envvar="CONTROL_GATEWAY_URL",
    ),
]
Reset = Annotated[
    bool,
    option(
        "--reset",
        "Empty the memory of a live gateway and of its twin before each run, by their own POST "
        "/v1/memory/reset; GET /v1/memory/fingerprint has to confirm it.",
        Group.MEASURED,
    ),
]
MaxTokens = Annotated[
    int | None,
    option(
        "--max-tokens N",
        "Pause with exit code 4 once the calls of all runs have spent N tokens [default: no cap].",
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
_CAPPED: Final = "go on with another cap for all runs together [default: that of the plan]."
NewMaxTokens = Annotated[
    int | None,
    option("--max-tokens N", f"Tokens: {_CAPPED}", Group.COST, **LIMITS["max_tokens"]),
]
NewMaxCost = Annotated[
    float | None,
    option("--max-cost USD", f"US dollars: {_CAPPED}", Group.COST, **LIMITS["max_cost"]),
]
Jobs = Annotated[
    int | None,
    option(
        "--jobs -j N",
        "How many runs at a time, shared out among a process per core [default: one per core; with "
        "--on one per thread of the cluster].",
        Group.SIZE,
        min=1,
        max=1000,
    ),
]
On = Annotated[
    str | None,
    option(
        "--on URL",
        "Run it on a Dask cluster whose workers see the folder, such as dask://head:8786 "
        "[default: on this machine].",
        Group.SIZE,
    ),
]
Slots = Annotated[
    int, option("--slots K", "How many runs this worker has at a time.", min=1, max=1000)
]
Wait = Annotated[
    bool, option("--wait", "Stay until all runs are done, to take over what others lose.")
]
UntilEof = Annotated[
    bool,
    option(
        "--until-eof",
        "Stop, as at Ctrl-C, once standard input ends: when what started it is gone.",
    ),
]
