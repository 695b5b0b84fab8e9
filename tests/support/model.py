"""A scripted OpenAI-compatible model on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.support.server import Exchange, Server, http

Json = dict[str, Any]
USAGE = {
    "prompt_tokens": 30,
    "completion_tokens": 10,
    "prompt_tokens_details": {"cached_tokens": 20},
}


def completion(text: str | None, finish: str = "stop", **more: Any) -> Json:
    """Write an answer of a model."""
    choice = {"index": 0, "finish_reason": finish, "message": {"content": text, **more}}
    return {"model": "m-2026", "choices": [choice], "usage": dict(USAGE)}


def says(answer: Callable[[Json], Json | str]) -> Callable[[Exchange], None]:
    """Make a script of what is said to the body of a request: a whole answer, or its text."""

    def script(exchange: Exchange) -> None:
        if exchange.request.method == "GET":
            exchange.send(http('{"data": []}'))
            return
        said = answer(json.loads(exchange.request.body))
        exchange.send(http(json.dumps(completion(said) if isinstance(said, str) else said)))

    return script


def bodies(server: Server) -> list[Json]:
    """Return the bodies of the requests, in order."""
    return [json.loads(request.body) for request in server.requests if request.body]
