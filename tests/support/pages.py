"""Programs that the documents show, to be run as a reader would run them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_DOCS = Path(__file__).parents[2] / "docs"


def fenced(page: str, file: str) -> str:
    """Return what a page says to save under this name."""
    text = (_DOCS / page).read_text("utf-8")
    _, start, rest = text.partition(f"```python {file}\n")
    assert start, f"{page} has no {file}"
    return rest.partition("```")[0]


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve `gateway.py` of a folder, on a port that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "gateway.py", str(port)], cwd=folder, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise AssertionError("the gateway ended")
