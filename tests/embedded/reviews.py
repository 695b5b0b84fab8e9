"""An iteration with one task of each kind, and the question that the battery asks about it."""

from __future__ import annotations

import re
from typing import Any

from battery.protocol import Status
from battery.records.models import Phase, Run, RunResult, Task
from battery.review.prompts import overseer_prompt, rows
from battery.verdict.metrics import measure


def run(
    operation: str, phase: Phase, status: Status = "ok", *, corrected: bool = False, **more: Any
) -> Run:
    """Make a run of two turns, unless told otherwise."""
    numbers: dict[str, Any] = {"turns": 2, "tokens": 700, "error": None, "elapsed_ms": 12} | more
    task = Task(task_class="c", operation=operation, spec={})
    return Run(task, phase, RunResult(status=status, overseer_called=corrected, **numbers))


RUNS = [
    run("weld", Phase.ALPHA, elapsed_ms=900),
    run("sparky", Phase.BETA, turns=5, tokens=2400, corrected=True),
    run("slater", Phase.BETA, "failed", turns=8, error="no accepted result within 8 turns"),
    run("astronaut", Phase.GAMMA, "failed", turns=4, error="no supply:\n0 found"),
    run("too easy", Phase.GAMMA),
]


def review_prompt(runs: list[Run]) -> str:
    """Ask for the review of iteration 2 as the battery does."""
    return overseer_prompt(measure(2, runs), rows(runs, [run.task.operation for run in runs]))


def section(answer: str, heading: str) -> str:
    """Return what is below a heading of an answer."""
    found = re.search(rf"^## {heading}.*?\n(.*?)(?=^## |\Z)", answer, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]
