"""A small OpenAI-compatible endpoint on loopback whose replies are computed from the prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

Json = dict[str, Any]


class FakeModel(ThreadingHTTPServer):
    """Answer by the name of the model asked for: a plain name works, the others misbehave."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[dict[str, str], Json]] = []
        self.busy = Event()
        self.release = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


@contextmanager
def fake_model() -> Iterator[FakeModel]:
    """Run the endpoint on a thread of its own."""
    server = FakeModel()
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: FakeModel

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.server.asked.append((headers, body))
        model, prompt = body["model"], body["messages"][-1]["content"]
        if model == "broken":
            self._send(500, f"no: {headers.get('authorization')}".encode())
        elif model == "html":
            self._send(200, b"<html>please log in</html>")
        elif model == "hanging":
            self.server.busy.set()
            self.server.release.wait()
        else:
            self._send(200, json.dumps(_completion(model, prompt)).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        pass  # A test's output is not the place for it.


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
