"""`battery gateway`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from battery.base.text import printable, write_line
from battery.cli import options
from battery.embedded.policies import Dials
from battery.embedded.server import GatewayOptions, serving
from battery.inputs.settings import LIMITS

Host = Annotated[str, options.option("--host", "Address to listen on.")]
Port = Annotated[
    int, options.option("--port -p", "Port to listen on; 0 takes any.", min=0, max=65535)
]
Store = Annotated[
    Path, options.option("--store", "Folder of the gateway's memory; an existing one is continued.")
]
Frozen = Annotated[bool, options.option("--frozen", "Never learn: distill changes nothing.")]
ModelTimeout = Annotated[
    float,
    options.option(
        "--model-timeout S",
        "Seconds for one call of that language model.",
        **LIMITS["model_timeout"],
    ),
]
# A gateway that goes wrong on purpose shows whether the verdict notices.
ForgetAfter = Annotated[
    int | None,
    options.option(
        "--forget-after N",
        "For demonstration and tests: forget how to work after N distillations.",
        min=1,
    ),
]
Bluff = Annotated[
    bool,
    options.option(
        "--bluff", "For demonstration and tests: claim success where there is no supply."
    ),
]
WarmUp = Annotated[
    int,
    options.option(
        "--warm-up N",
        "For demonstration and tests: take 60 ms longer for each of the first N tasks.",
        min=0,
    ),
]
AnswerCache = Annotated[
    bool,
    options.option(
        "--answer-cache", "For demonstration and tests: remember answers instead of lessons."
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
    answer_cache: AnswerCache = False,
    model_url: options.ModelUrl = None,
    model_timeout: ModelTimeout = GatewayOptions.model_timeout,
    debug: options.Debug = False,
) -> None:
    """Serve the embedded gateway until interrupted.

    It answers respond, chat and distill on one port, so both --gateway and --llm-team take its
    URL. It asks for no credentials, so keep it on this machine. Web pages are refused: it takes
    JSON only, no request with an Origin, and a Host header only with its own address.

    \b
    Example:
      battery gateway --port 3100
    """
    endpoint, key = options.model(model_url)
    dials = Dials(
        forget_after=forget_after, bluff=bluff, warm_up=warm_up, answer_cache=answer_cache
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
