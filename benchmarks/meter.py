"""What the meter adds to a call of a model, the agent and the endpoint in processes of their own.

`python -m benchmarks.meter CALLS ROUNDS URL URL STREAM` prints the median seconds per call to each
of two endpoints, asked in turns, with answers that are streamed or not.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from battery.inputs.settings import Target
from battery.meter.meter import metering
from benchmarks import gateway
from benchmarks.processes import in_turns, module, output
from benchmarks.table import Row, added_row, milliseconds

#: Milliseconds that the meter may add.
_BOUND_MS: Final = 5


def meter(_folder: Path, quick: bool) -> Iterator[Row]:
    """Compare a call through the meter with one without, whole and streamed."""
    calls, rounds = (20, 1) if quick else (200, 15)
    with gateway.serving() as url, metering(Target(f"{url}/v1")) as one:
        words = (str(calls), str(rounds), one.url, f"{url}/v1")
        for name, stream in (("one call", "0"), ("one stream of 100 events", "1")):
            start = time.process_time()
            ours, bare = json.loads(output(module("meter", *words, stream)))
            # The first round, which is not timed, is made as well.
            own = (time.process_time() - start) / (calls * (rounds + 1))
            yield added_row(f"{name} through the meter", ours, bare, _BOUND_MS)
            yield Row(
                f"processor time of the meter for {name}", "", "", None, milliseconds(own), ""
            )


def _ask(client: httpx.Client, url: str, calls: int, body: bytes) -> float:
    headers = {"content-type": "application/json"}
    start = time.perf_counter()
    for _ in range(calls):
        client.post(f"{url}/chat/completions", content=body, headers=headers).raise_for_status()
    return (time.perf_counter() - start) / calls


def _main(calls: str, rounds: str, ours: str, bare: str, stream: str) -> None:
    # As much as an agent sends after some turns.
    messages = [{"role": "user", "content": "Find a welder. " * 100} for _ in range(10)]
    body = json.dumps({"model": "m-1", "messages": messages, "stream": stream == "1"}).encode()
    with httpx.Client(trust_env=False) as client:
        loops = [partial(_ask, client, url, int(calls), body) for url in (ours, bare)]
        print(json.dumps(in_turns(loops, int(rounds))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
