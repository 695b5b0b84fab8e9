"""A small OpenAI-compatible server with a memory, as a program: `served.py PORT MEMORY MODE`.

It notes its number in `pids` next to its memory's battery, and how it was ended in its memory.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PORT, PLACE, MODE = sys.argv[1:] if __name__ == "__main__" else ("0", "", "")
MEMORY = Path(PLACE)


class Handler(BaseHTTPRequestHandler):
    """Answers a chat with what it remembers, and remembers on `POST /session/…`."""

    def do_GET(self) -> None:
        if MODE == "never-ready":
            self._send({}, 503)
        else:
            self._send({"lines": lines(), "home": os.environ["HOME"]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if MODE == "dies-when-asked":
            sys.stdout.write("out of memory\n")
            sys.stdout.flush()
            os._exit(9)
        if self.path.startswith("/session/"):
            add(self.path)
            self._send({})
            return
        if MODE == "eager":
            add(json.loads(body)["messages"][-1]["content"])
        usage = {"total_tokens": 10 if lines() else 100}
        message = {"role": "assistant", "content": f"{len(lines())} lines"}
        self._send({"choices": [{"message": message}], "usage": usage})

    def _send(self, document: Any, status: int = 200) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def lines() -> list[str]:
    path = MEMORY / "lines"
    return path.read_text().splitlines() if path.exists() else []


def add(line: str) -> None:
    with (MEMORY / "lines").open("a") as file:
        file.write(f"{line}\n")


def end(*_: object) -> None:
    (MEMORY / "ended").write_text("in order")
    os._exit(0)


def scribble() -> None:
    """Write all the time, as one that learns in the background does."""
    file = os.open(MEMORY / "clock", os.O_RDWR | os.O_CREAT)
    while True:
        os.pwrite(file, f"{time.monotonic_ns():020}".encode(), 0)


if __name__ == "__main__":
    with Path(__file__).with_name("pids").open("a") as pids:
        pids.write(f"{os.getpid()}\n")
    if MODE == "dies":
        sys.exit("no such option")
    signal.signal(signal.SIGTERM, end)
    if MODE == "restless":
        threading.Thread(target=scribble, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler).serve_forever()
