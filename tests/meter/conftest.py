from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from battery.inputs.settings import make_target
from battery.meter.calls import Metered
from battery.meter.meter import Meter, metering
from tests.support.endpoint import Endpoint
from tests.support.server import Server


class Bench(NamedTuple):
    """An endpoint, a meter in front of it, and an agent's client."""

    endpoint: Endpoint
    server: Server
    meter: Meter
    agent: httpx.Client

    def chat(self, model: str = "m-1", text: str = "Say hello.", **more: Any) -> httpx.Response:
        messages = [{"role": "user", "content": text}]
        body = {"model": model, "messages": messages, **more}
        return self.agent.post("chat/completions", json=body)

    def taken(self, grace_s: float = 5) -> Metered:
        return asyncio.run(self.meter.taken(grace_s))


@pytest.fixture
def bench() -> Iterator[Bench]:
    endpoint = Endpoint()
    with (
        Server(endpoint.script) as server,
        metering(make_target(f"{server.url}/v1", {})) as meter,
        httpx.Client(base_url=meter.url, timeout=30) as agent,
    ):
        yield Bench(endpoint, server, meter, agent)
