"""`battery gateway`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from battery.base.text import printable, write_line
from battery.cli import given, options
from battery.cli.grouped import Group, option
from battery.embedded.policies import Dials
from battery.embedded.server import GatewayOptions, serving
from battery.inputs.settings import LIMITS

Host = Annotated[str, option("--host ADDRESS", "Address to listen on.", Group.SERVED)]
Port = Annotated[
    int, option("--port -p PORT", "Port to listen on; 0 takes any.", Group.SERVED, min=0, max=65535)
]
Store = Annotated[
    Path,
    option(
        "--store PATH",
        "Folder of the gateway's memory. An existing memory is used again.",
        Group.SERVED,
    ),
]
Frozen = Annotated[bool, option("--frozen", "Never learn: distill changes nothing.", Group.SERVED)]
ModelTimeout = Annotated[
    float,
    option(
        "--model-timeout S",
        "Seconds for one call of that language model.",
        Group.MODEL,
        **LIMITS["model_timeout"],
    ),
]
# A gateway that goes wrong on purpose shows whether the verdict notices.
ForgetAfter = Annotated[
    int | None,
    option(
        "--forget-after N",
        "Forget how to work after N distillations.",
        Group.SHOWN_WRONG,
        min=1,
    ),
]
Bluff = Annotated[
    bool,
    option(
        "--bluff",
        "Claim success on impossible tasks.",
        Group.SHOWN_WRONG,
    ),
]
WarmUp = Annotated[
    int,
    option(
        "--warm-up N",
        "Take 60 ms longer for each of the first N tasks.",
        Group.SHOWN_WRONG,
        min=0,
    ),
]
Slow = Annotated[
    float,
    option(
        "--slow S",
        "Take S seconds longer for each task, so that there is something to watch.",
        Group.SHOWN_WRONG,
        min=0,
        max=3600,
    ),
]
AnswerCache = Annotated[
    bool,
    option(
        "--answer-cache",
        "Remember answers instead of lessons.",
        Group.SHOWN_WRONG,
    ),
]


def gateway(
    host: Host = "127.0.0.1",
    port: Port = 3100,
    store: Store = Path("data/gateway"),
    frozen: Frozen = False,
    forget_after: ForgetAfter = None,
    bluff: Bluff = False,
    warm_up: WarmUp = 0,
    slow: Slow = 0.0,
    answer_cache: AnswerCache = False,
    model_url: options.ModelUrl = None,
    model_timeout: ModelTimeout = GatewayOptions.model_timeout,
    debug: options.Debug = False,
) -> None:
    """Serve the embedded gateway until interrupted.

    It answers respond, chat and distill on one port, so use its URL for both --gateway and
    --llm-team. It asks for no credentials, so keep it on this machine. Web pages cannot call it: it
    takes only JSON, no request with an Origin, and only its own address as Host.

    \b
    Example:
      battery gateway --port 3100
    """
    endpoint, key = given.model(model_url)
    dials = Dials(
        forget_after=forget_after,
        bluff=bluff,
        warm_up=warm_up,
        slow=slow,
        answer_cache=answer_cache,
    )
    chosen = GatewayOptions(
        store=store,
        frozen=frozen,
        model_url=endpoint,
        model_key=key,
        model_timeout=model_timeout,
        dials=dials,
    )
    # The URL alone on standard output, so that a script can read it and go on.
    with serving(chosen, host, port, warn=_warn) as url:
        text = f"gateway at {url}, memory in {store}; stop it with Ctrl-C"
        write_line(sys.stderr, printable(text))
        typer.echo(url)
        threading.Event().wait()


def _warn(text: str) -> None:
    write_line(sys.stderr, printable(f"warning: {text}"))
