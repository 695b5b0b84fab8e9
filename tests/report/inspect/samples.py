"""Task runs for the tests of Inspect logs."""

from __future__ import annotations

from typing import Any

from battery.records.checks import Checked
from battery.records.models import LEARN, Phase, Run, RunResult, Task
from battery.report.inspect.sample import Place, TaskRun

PLACE = Place("log", "gateway/small", "2026-01-31T12:00:00Z")


TASK = Task(task_class="c", operation="fill: Welder", spec={"count": 2})


def task_run(
    answer: dict[str, Any] | None = None, checked: Checked | None = None, **changes: Any
) -> TaskRun:
    """Return a run of an alpha task in iteration 1, graded if that is given."""
    whole = {"status": "ok", "iterations": 2, "_elapsed_ms": 40, **(answer or {})}
    phase = changes.pop("phase", Phase.ALPHA)
    run = Run(TASK, phase, RunResult.of(whole).graded(checked))
    found = TaskRun(LEARN, 1, 1, 1, run, whole, "2026-01-31T12:00:10Z")
    return found._replace(**changes)
