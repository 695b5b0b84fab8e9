"""Rows for the tests of the machine formats, written by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from battery.records.lines import MORE, Row

#: Texts as a hostile gateway may send them: any character that JSON can hold.
ANY_TEXT = st.text(st.characters(codec="utf-8"))


def row(task: str = "t1", **changes: Any) -> Row:
    """Make one row, of an easy task that ended ok unless told otherwise."""
    values: dict[str, Any] = {
        "run_id": "r-1",
        "started_at": datetime(2026, 3, 1, 10, tzinfo=UTC),
        "iteration": 1,
        "arm": "learn",
        "repeat": 1,
        "confirmation": False,
        "phase": "alpha",
        "position": 1,
        "task_id": task,
        "task_class": "c.fill",
        "operation": f"fill {task}",
        "label": f"fill {task}",
        "status": "ok",
        "turns": 2,
        "tokens": 100,
        "prompt_tokens": None,
        "completion_tokens": None,
        "overseer_called": False,
        "elapsed_ms": 40,
        "cached": False,
        "memory_used": None,
        "error": None,
        "checked": False,
        "claimed": True,
        "failed_checks": None,
        "sibling_of": None,
        "more": (None,) * len(MORE),
    }
    return Row(**values | changes)
