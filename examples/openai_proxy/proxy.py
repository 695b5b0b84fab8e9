"""A memory in front of an OpenAI-compatible model: one file, and the standard library alone.

It adds what it has learned to each request, keeps the talk of each session, and makes a note of a
session when that is closed. Without --upstream a stand-in answers instead of a model.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, ClassVar

import standin

LESSON = (
    "Read this talk. If an answer was refused and a later one was not, write one short sentence "
    "that says how to answer such a task at once. Otherwise write NONE.\n\n"
)


class Memory:
    """Notes and talks, in a SQLite file."""

    def __init__(self, path: str) -> None:
        self._lock = Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("create table if not exists talk (session primary key, text, closed)")
        self._db.execute("create table if not exists note (text primary key)")
        self._db.commit()

    def run(self, sql: str, *values: object) -> list[str]:
        """Run a statement; return the first column of its rows."""
        with self._lock, self._db:
            return [row[0] for row in self._db.execute(sql, values)]


class Proxy:
    """What answers, remembers and learns."""

    def __init__(self, memory: Memory, upstream: str) -> None:
        self.memory = memory
        self._upstream = upstream
        self._closed: SimpleQueue[str] = SimpleQueue()
        Thread(target=self._learn, daemon=True).start()

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """Ask the model, with what has been learned before the talk."""
        messages, session = body["messages"], body.get("metadata", {}).get("session_id", "")
        notes = "\n".join(self.memory.run("select text from note order by text"))
        known = [{"role": "system", "content": f"What you have learned:\n{notes}"}] if notes else []
        answer = self._ask(body | {"messages": known + messages})
        talk = [*messages, answer["choices"][0]["message"]]
        text = "\n".join(f"{message['role']}: {message['content']}" for message in talk)
        self.memory.run("insert or replace into talk values (?, ?, 0)", session, text)
        return answer

    def close(self, session: str) -> None:
        """Learn from a session, as soon as there is time."""
        self._closed.put(session)

    def _learn(self) -> None:
        while session := self._closed.get():
            for talk in self.memory.run("select text from talk where session = ?", session):
                message = {"role": "user", "content": LESSON + talk}
                answer = self._ask({"model": standin.NAME, "messages": [message]})
                note = answer["choices"][0]["message"]["content"].strip()
                if note != "NONE":
                    self.memory.run("insert or ignore into note values (?)", note)
            self.memory.run("update talk set closed = 1 where session = ?", session)

    def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        if not self._upstream:
            return standin.complete(body)
        request = urllib.request.Request(  # noqa: S310 - the URL is the user's own
            f"{self._upstream}/chat/completions",
            json.dumps({key: body[key] for key in ("model", "messages")}).encode(),
            {
                "content-type": "application/json",
                "authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', '')}",
            },
        )
        with urllib.request.urlopen(request, timeout=600) as response:  # noqa: S310 - as above
            answer: dict[str, Any] = json.load(response)
            return answer


class Handler(BaseHTTPRequestHandler):
    """The proxy's four calls."""

    protocol_version = "HTTP/1.1"
    proxy: ClassVar[Proxy]

    def do_GET(self) -> None:
        """Say that it is there, or which sessions it has learned from."""
        closed = self.proxy.memory.run("select session from talk where closed = 1")
        self._send({"status": "ok"} if self.path == "/health" else {"closed": closed})

    def do_POST(self) -> None:
        """Answer a chat, or close a session."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path == "/v1/chat/completions":
            try:
                self._send(self.proxy.complete(json.loads(body)))
            except (OSError, KeyError, ValueError) as error:
                self._send({"error": {"message": f"the model did not answer: {error}"}}, 502)
        else:
            self.proxy.close(self.path.split("/")[2])
            self._send({"status": "closing"})

    def _send(self, document: dict[str, Any], status: int = 200) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Print nothing."""


def main() -> None:
    """Serve until ended."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--memory", required=True, help="file of the memory")
    options.add_argument("--upstream", default="", help="base URL of a model, such as http://…/v1")
    chosen = options.parse_args()
    Handler.proxy = Proxy(Memory(chosen.memory), chosen.upstream)
    ThreadingHTTPServer(("127.0.0.1", chosen.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
