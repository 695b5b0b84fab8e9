"""Runs as they are in `runs.json`, and folders of them, for tests of whatever reads them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

TASK = {"task_class": "c", "operation": "o", "spec": {"ä": [1]}}


def run(status: str = "ok", **answer: Any) -> dict[str, Any]:
    """Return one item of `runs.json`."""
    result = {"status": status, "iterations": 2, "_elapsed_ms": 40, **answer}
    return {"task": TASK, "phase": "alpha", "result": result}


def original(folder: Path, tokens: int, start: int) -> None:
    """Write a folder as the original battery did, with the time of its files."""
    for number in (1, 2):
        path = folder / f"iter_{number}" / "runs.json"
        path.parent.mkdir(parents=True)
        usage = {"usage": {"total_tokens": tokens // number}}
        path.write_text(json.dumps([run(artifact=usage)]), "utf-8")
        os.utime(path, (start, start))
