"""An OpenAI-compatible endpoint on loopback that keeps a count of its own of what it is asked."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from tests.support.server import Exchange, Server, http

Json = dict[str, Any]


def usage_of(prompt: int, output: int, **details: int) -> Json:
    """Write usage as OpenAI does; `cached` and `reasoning` go into the details."""
    usage: Json = {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
    }
    if "cached" in details:
        usage["prompt_tokens_details"] = {"cached_tokens": details["cached"]}
    if "reasoning" in details:
        usage["completion_tokens_details"] = {"reasoning_tokens": details["reasoning"]}
    return usage


def event(document: Json | str) -> bytes:
    data = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    return f"data: {data}\n\n".encode()


def chunk(text: str, finish: str | None = None, model: str = "m-1") -> Json:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"object": "chat.completion.chunk", "model": model, "choices": [choice]}


def streamed(
    pieces: Iterable[bytes], kind: str = "text/event-stream", headers: Sequence[str] = ()
) -> list[bytes]:
    """Write an answer of chunks, each of these pieces one."""
    lines = ["HTTP/1.1 200 OK", f"content-type: {kind}", "transfer-encoding: chunked", *headers]
    head = "\r\n".join([*lines, "", ""]).encode()
    body = [f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces if piece]
    return [head, *body, b"0\r\n\r\n"]


class Endpoint:
    """Answers by path, and by what the name of the model says; counts every token it reports."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: What was reported, call by call.
        self.told: list[Json] = []
        #: Bodies as they arrived.
        self.bodies: list[bytes] = []
        self.began = threading.Event()
        self.go_on = threading.Event()

    @property
    def total(self) -> int:
        return sum(usage["total_tokens"] for usage in self.told)

    def by_kind(self) -> Json:
        """Add up prompt, output, cached and reasoning tokens."""
        return {
            "prompt": sum(usage["prompt_tokens"] for usage in self.told),
            "output": sum(usage.get("completion_tokens", 0) for usage in self.told),
            "cached": sum(
                usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
                for usage in self.told
            ),
            "reasoning": sum(
                usage.get("completion_tokens_details", {}).get("reasoning_tokens", 0)
                for usage in self.told
            ),
        }

    def _count(self, exchange: Exchange, body: Json) -> Json:
        """Make up usage from the length of what was asked."""
        length = len(json.dumps(body.get("messages") or body.get("input") or body.get("prompt")))
        usage = usage_of(length, 7 + length % 5, cached=length // 3, reasoning=3)
        if exchange.request.call.endswith("embeddings"):
            usage = {"prompt_tokens": length, "total_tokens": length}
        with self._lock:
            self.told.append(usage)
        return usage

    def script(self, exchange: Exchange) -> None:
        """Answer one request."""
        request = exchange.request
        with self._lock:
            self.bodies.append(request.body)
        body = json.loads(request.body) if request.body else {}
        model = str(body.get("model", ""))
        self.began.set()
        if request.method == "GET":
            exchange.send(http(json.dumps({"data": [{"id": "m-1"}]})))
        elif model.startswith("status-"):
            words = {"error": {"message": "the quota is used up", "type": "quota"}}
            exchange.send(http(json.dumps(words), status=f"{model[7:]} No"))
        elif body.get("stream"):
            self._stream(exchange, body, model)
        else:
            self._whole(exchange, body, model)

    def _whole(self, exchange: Exchange, body: Json, model: str) -> None:
        if model == "slow":
            self.go_on.wait(30)
        answer: Json = {"model": "m-1", "usage": self._count(exchange, body)}
        if exchange.request.call.endswith("embeddings"):
            answer["data"] = [{"index": 0, "embedding": [0.25] * 8}]
        elif exchange.request.call.endswith("responses"):
            content = [{"type": "output_text", "text": "Hello."}]
            answer["output"] = [{"type": "message", "content": content}]
        else:
            message = {"role": "assistant", "content": "Hello."}
            answer["choices"] = [{"message": message, "finish_reason": "stop"}]
        data = json.dumps(answer).encode()
        if model == "gzip":
            exchange.send(http(gzip.compress(data), headers=["content-encoding: gzip"]))
        else:
            exchange.send(http(data))

    def _stream(self, exchange: Exchange, body: Json, model: str) -> None:
        options = body.get("stream_options") or {}
        if "stream_options" in body and model == "strict":
            exchange.send(http('{"error": "Unrecognized: stream_options"}', status="400 Bad"))
            return
        events = [event(chunk("Hel")), event(chunk("lo.")), event(chunk("", "stop"))]
        if options.get("include_usage"):
            usage = self._count(exchange, body)
            events.append(event({"model": "m-1", "choices": [], "usage": usage}))
        head, *pieces = streamed([*events, event("[DONE]")])
        exchange.send(head, pieces[0])
        if model == "slow":
            self.go_on.wait(30)
        exchange.send(*pieces[1:])


def endpoint_server(endpoint: Endpoint) -> Server:
    """Serve an endpoint."""
    return Server(endpoint.script)
