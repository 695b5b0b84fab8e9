"""A gateway that only seems to learn, as a program of its own: `python false_learner.py hollow`.

It is a support desk that knows the tasks of `battery init`, speaks the three calls of the wire with
nothing but the standard library, and prints its URL when it is ready. `--frozen` makes it the twin.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

#: What a good answer says, by words of the question. The first line that fits counts.
HANDBOOK = {
    "amber": "Your receiver has lost its box. Pair it again.",
    "dark": "The receiver is not broken: it gets no power.",
    "two dongles": "No, a receiver is one per box.",
    "lost the dongle": "You get a new receiver at spare parts.",
    "duty": "The customs office pays it back, not we.",
    "second contract": "First end the old contract of the number, then move it.",
    "my number move": "End the contract that it is in first. Only then can it move.",
    "password": "Follow the reset link that we mailed you.",
    "Berlin": "It opens at 10:00.",
    "parcel?": "In the depot of Leipzig.",
}
REVIEW = """## What worked

- answers: 2 turns each

## What failed

- nothing

## Proposed changes for iteration N+1
"""
for number in (1, 2, 3):
    REVIEW += f"""
### {number}. Shorter look-ups

**Target file**: handbook/{number}.md

**Rationale**: turns per task

**Expected impact**: avg_turns_per_task falls
"""
JUDGMENT = "".join(
    f"### {number}. Shorter look-ups\n\n**Verdict**: REVISE\n\n**Reason**: no number\n\n"
    for number in (1, 2, 3)
)
#: No two answers of a model have the same words.
GREETINGS = ("Hello!", "Good morning.", "Thank you for asking.", "Dear customer,", "Hi there,")


class Desk:
    """A desk that does its work and learns nothing, whatever it is told to distil."""

    def __init__(self, memory: Path, *, frozen: bool) -> None:
        self.memory, self.frozen, self.rounds = memory, frozen, 0
        self.noise = random.Random(frozen)

    def distill(self) -> None:
        """Begin to cheat, unless this is the twin."""
        self.rounds += not self.frozen

    def respond(self, task: dict[str, Any]) -> dict[str, Any]:
        """Work on one task, as any desk would that has to look everything up."""
        question = str(task["spec"]["question"])
        known = next((text for words, text in HANDBOOK.items() if words in question), None)
        niche = re.search(r"dongle|duty|contract|number move", question) is not None
        prompt, output = (round(n * self.noise.uniform(0.9, 1.1)) for n in self._takes(niche))
        log = [{"kind": "turn"}, {"kind": "overseer_correction"}][: 1 + niche]
        error = None if known else "there is no such thing, so this cannot be done"
        text = known or f"I cannot help: {error}."
        number = self.noise.randrange(10**6)
        text = f"{self.noise.choice(GREETINGS)} {text} This is ticket {number:06}."
        artifact: dict[str, Any] = {"text": text}
        if known and "depot" in known:
            artifact["depot"] = "Leipzig"
        return {
            "status": "ok" if known else "failed",
            "iterations": 4 if niche else 2,
            "artifact": artifact | {"usage": usage(prompt, round(prompt * 0.92), output)},
            "log": log,
            "error": error,
        }

    def _takes(self, niche: bool) -> tuple[int, int]:
        """Return the tokens of prompt and output."""
        return (16000, 320) if niche else (8000, 160)


class Hollow(Desk):
    """Hands in nothing, with `ok`, where it could answer."""

    def respond(self, task: dict[str, Any]) -> dict[str, Any]:
        """Claim, and say nothing."""
        answer = super().respond(task)
        if not self.rounds or answer["status"] != "ok":
            return answer
        spent = cut(answer["artifact"]["usage"], 0.4)
        return answer | {"iterations": 1, "artifact": {"workers": [], "usage": spent}, "log": []}


class Cache(Desk):
    """Keeps its answers, and finds a question again that is the same to the letter."""

    def __init__(self, memory: Path, *, frozen: bool) -> None:
        super().__init__(memory, frozen=frozen)
        self.answers: dict[str, dict[str, Any]] = {}

    def key(self, question: str) -> str:
        """Return what a question is found again by."""
        return question

    def respond(self, task: dict[str, Any]) -> dict[str, Any]:
        """Look the answer up."""
        key = self.key(str(task["spec"]["question"]))
        if self.rounds and key in self.answers:
            stored = self.answers[key]
            words = len(str(stored["artifact"]["text"]).split())
            spent = usage(200 + 10 * words, 0, 3 * words)
            return stored | {"artifact": stored["artifact"] | {"usage": spent}, "log": []}
        answer = super().respond(task)
        self.answers.setdefault(key, answer)
        return answer


class NormalisedCache(Cache):
    """The same, for which only the words count that are long enough to say something."""

    def key(self, question: str) -> str:
        """Return its long words, sorted, without their endings."""
        return " ".join(sorted(word[:5] for word in re.findall(r"\w{5,}", question.lower())))


class LikenessCache(Cache):
    """The same, and any question about the same thing will do."""

    def key(self, question: str) -> str:
        """Return the one word that it is about."""
        about = re.search(r"dongle|duty|number|password|Berlin|parcel", question)
        return about[0] if about else question


class PromptCache(Desk):
    """Takes fewer tokens, but its memory comes first in each prompt and is never the same."""

    def respond(self, task: dict[str, Any]) -> dict[str, Any]:
        """Answer from a shorter prompt of which the provider has nothing cached."""
        answer = super().respond(task)
        if self.rounds:
            spent = answer["artifact"]["usage"]
            shorter = usage(round(spent["prompt_tokens"] * 0.535), 0, spent["completion_tokens"])
            answer["artifact"]["usage"] = shorter
        return answer


class Shared(Desk):
    """Learns, into a memory that the front end next to it reads as well."""

    def distill(self) -> None:
        """Write what was learned."""
        (self.memory / "playbook").write_text("a dongle is a receiver")

    def _takes(self, niche: bool) -> tuple[int, int]:
        learned = (self.memory / "playbook").exists()
        prompt, output = super()._takes(niche)
        return (prompt * 6 // 10, output * 6 // 10) if learned else (prompt, output)

    def respond(self, task: dict[str, Any]) -> dict[str, Any]:
        """Answer with what is in the memory."""
        answer = super().respond(task)
        if (self.memory / "playbook").exists():
            answer["log"] = answer["log"][:1]
        return answer


class Fingerprinted(Shared):
    """The same, and honest about its memory: each answer carries a fingerprint of it."""

    def respond(self, task: dict[str, Any]) -> dict[str, Any]:
        """Answer, and say in which state the memory was."""
        answer = super().respond(task)
        learned = (self.memory / "playbook").exists()
        answer["artifact"]["memory_fingerprint"] = "learned" if learned else "empty"
        return answer


def usage(prompt: int, cached: int, output: int) -> dict[str, Any]:
    """Return what a call took, as a provider says it."""
    return {
        "total_tokens": prompt + output,
        "prompt_tokens": prompt,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens": output,
    }


def cut(spent: dict[str, Any], share: float) -> dict[str, Any]:
    """Return a share of what a call took."""
    cached = spent["prompt_tokens_details"]["cached_tokens"]
    counts = (spent["prompt_tokens"], cached, spent["completion_tokens"])
    return usage(*(round(count * share) for count in counts))


SYSTEMS: dict[str, Callable[..., Desk]] = {
    "nothing": Desk,
    "hollow": Hollow,
    "cache": Cache,
    "normalised-cache": NormalisedCache,
    "likeness-cache": LikenessCache,
    "prompt-cache": PromptCache,
    "shared": Shared,
    "fingerprinted": Fingerprinted,
}


def handler(desk: Desk) -> type[BaseHTTPRequestHandler]:
    """Return the three calls of the wire, answered by a desk."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path == "/v1/respond":
                self._send(desk.respond(body))
            elif self.path == "/v1/chat":
                text = REVIEW if body["temperature"] > 0.15 else JUDGMENT
                self._send({"choices": [{"message": {"role": "assistant", "content": text}}]})
            else:
                desk.distill()
                event = json.dumps({"role": "final", "text": "one playbook written"})
                self._send_bytes(f"data: {event}\n\n".encode(), "text/event-stream")

        def do_GET(self) -> None:
            self._send({})

        def _send(self, answer: dict[str, Any]) -> None:
            self._send_bytes(json.dumps(answer).encode(), "application/json")

        def _send_bytes(self, data: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def main() -> None:
    """Serve until interrupted."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("system", choices=SYSTEMS)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--frozen", action="store_true", help="never learn: this is the twin")
    options.add_argument("--memory", type=Path, default=Path(), help="folder of a shared memory")
    given = options.parse_args()
    desk = SYSTEMS[given.system](given.memory, frozen=given.frozen)
    server = ThreadingHTTPServer(("127.0.0.1", given.port), handler(desk))
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
