"""Gateways that remember, forget when they are told to, and know in which order they were asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from battery.protocol.idempotency import HEADER
from tests.support.gateway import Gateway
from tests.support.server import Exchange, Server, http

FORGOT = "forgot"


class Remembering(Gateway):
    """A gateway with a memory: what it was taught, until it is told to forget it."""

    def __init__(self) -> None:
        super().__init__()
        self.lessons = 0
        #: The ids of runs, one for each request, and `FORGOT` for each reset.
        self.log: list[str] = []
        #: Whether it says that it forgot, and does not.
        self.is_stubborn = False
        self.has_fingerprint = True

    def script(self, exchange: Exchange) -> None:
        """Answer one request."""
        request = exchange.request
        if request.target.endswith("/v1/memory/fingerprint") and self.has_fingerprint:
            exchange.send(http(json.dumps({"fingerprint": f"lessons-{self.lessons}"})))
        elif request.target.endswith("/v1/memory/reset"):
            self.forget()
            exchange.send(http("{}"))
        else:
            if name := request.headers.get(HEADER.lower()):
                self.log.append(name.partition("/")[0])
            super().script(exchange)

    def forget(self) -> None:
        """Forget all lessons, unless it is stubborn."""
        self.log.append(FORGOT)
        if not self.is_stubborn:
            self.lessons = 0

    def _answer(self, path: str, body: dict[str, Any]) -> tuple[str, bytes]:
        if path.endswith("/api/run?mode=distill"):
            self.lessons += 1
        return super()._answer(path, body)

    def stays(self) -> list[str]:
        """Return the runs in the order in which they were there, each stay once, and resets."""
        return [name for name, _ in groupby(self.log)]


class Pool:
    """Gateways, each with a twin."""

    def __init__(self, gateways: list[Remembering], twins: list[Remembering]) -> None:
        self.gateways = gateways
        self.twins = twins

    def options(self) -> dict[str, list[str]]:
        """Name them as `battery campaign plan` takes them."""
        urls = [gateway.url for gateway in self.gateways]
        twins = [twin.url for twin in self.twins]
        return {"gateway": urls, "llm_team": urls, "control_gateway": twins}

    def runs(self) -> list[str]:
        """List the ids of the runs that were anywhere, once for each gateway."""
        return [name for each in self.gateways for name in {*each.log} - {FORGOT}]


@contextmanager
def serving_pool(number: int = 2) -> Iterator[Pool]:
    """Serve fresh gateways and their twins for the duration."""
    with ExitStack() as stack:
        served = []
        for _ in range(2 * number):
            gateway = Remembering()
            gateway.url = stack.enter_context(Server(gateway.script)).url
            served.append(gateway)
        yield Pool(served[:number], served[number:])


def words(pool: Pool) -> list[object]:
    """Name the gateways on a command line."""
    return [
        word
        for name, urls in pool.options().items()
        for url in urls
        for word in (f"--{name.replace('_', '-')}", url)
    ]


def read_empty(campaign: Path) -> dict[str, Any]:
    """Read what an empty memory of a campaign is known by."""
    document: dict[str, Any] = json.loads((campaign / "targets" / "empty.json").read_text())
    return document
