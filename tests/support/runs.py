"""Runs as they lie in `runs.json`, for tests of whatever reads them."""

from __future__ import annotations

from typing import Any

TASK = {"task_class": "c", "operation": "o", "spec": {"ä": [1]}}


def run(status: str = "ok", **answer: Any) -> dict[str, Any]:
    """Return one item of `runs.json`."""
    result = {"status": status, "iterations": 2, "_elapsed_ms": 40, **answer}
    return {"task": TASK, "phase": "alpha", "result": result}
