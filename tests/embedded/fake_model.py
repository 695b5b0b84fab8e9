"""A small OpenAI-compatible endpoint on loopback whose replies are computed from the prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from tests.support.server import Exchange, Server, http

Json = dict[str, Any]


class FakeModel:
    """Answer by the name of the model asked for: a plain name works, the others misbehave."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], Json]] = []
        self.busy = Event()
        self.url = ""

    def script(self, exchange: Exchange) -> None:
        """Answer one request."""
        headers, body = exchange.request.headers, json.loads(exchange.request.body)
        self.asked.append((headers, body))
        model, prompt = body["model"], body["messages"][-1]["content"]
        if model == "broken":
            exchange.send(http(f"no: {headers.get('authorization')}", status="500 Broken"))
        elif model.startswith("refuses ") and model.removeprefix("refuses ") in body:
            # As old servers do: without a word on what they do not know.
            exchange.send(http("cannot do that", status="422 Unprocessable"))
        elif model.startswith("names ") and (key := model.removeprefix("names ")) in body:
            exchange.send(http(f"Unsupported parameter: '{key}'", status="400 Bad Request"))
        elif model == "echoing":
            content = f"## What worked: {headers['authorization'].upper()}"
            exchange.send(http(json.dumps({"choices": [{"message": {"content": content}}]})))
        elif model == "html":
            exchange.send(http("<html>please log in</html>", kind="text/html"))
        elif model == "hanging":
            self.busy.set()
            exchange.wait()
            exchange.hang_up()
        else:
            exchange.send(http(json.dumps(_completion(model, prompt))))


@contextmanager
def fake_model() -> Iterator[FakeModel]:
    """Serve the endpoint for the duration."""
    model = FakeModel()
    with Server(model.script) as server:
        model.url = f"{server.url}/v1"
        yield model


def _completion(model: str, prompt: str) -> Json:
    content = {"silent": "", "babbling": "Let me {think} about { it."}.get(model)
    if content is None:
        content = f"<think>Hm.</think> Sure:\n```json\n{json.dumps(think(prompt))}\n```"
    usage = {"prompt_tokens": len(prompt), "completion_tokens": len(content), "total_tokens": 0}
    answer: Json = {"choices": [{"message": {"role": "assistant", "content": content}}]}
    return answer if model == "uncounted" else answer | {"usage": usage}


def think(prompt: str) -> Json:
    """Do what the prompt asks, from nothing but the prompt."""
    if "You check the work" in prompt:
        fine = "Nothing speaks against it" in prompt
        return {"verdict": "accept" if fine else "reject", "reason": prompt.splitlines()[-1]}
    found = re.search(r"Spec: (.*)", prompt)
    assert found
    spec = json.loads(found[1])
    if "You oversee" in prompt:
        role = re.search(r"the database says (.*?)\.", prompt)
        return {"diagnosis": "Wrong word.", "searches": [_search(spec, role and role[1])]}
    return _act(spec, prompt)


def _act(spec: Json, prompt: str) -> Json:
    """Fill from the last search; else follow the advice or the playbook; else give up."""
    searched = re.findall(r"search: (.*?): (\d+) found(?: \((.*)\))?", prompt)
    if searched and int(searched[-1][1]) >= spec["count"]:
        return {"action": "fill", "workers": searched[-1][2].split(", ")}
    told = re.findall(r"(?:Advice: search|it worked to search for) (.*?) in ", prompt)
    role = told[-1] if told else spec["role"]
    if any(made[0].startswith(role) for made in searched):
        return {"action": "give_up", "reason": f"nobody found for {role}"}
    return {"action": "search", "thought": "mine"} | _search(spec, role)


def _search(spec: Json, role: str | None) -> Json:
    return {"role": role or spec["role"], "cities": [spec["city"]]}
