"""As many different tasks as wanted, and whole batteries of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

#: Model names; the gateway of the benchmarks has no models.
MODELS: Final = {
    "executor_cloud": "executor",
    "reviewer_cloud": "reviewer",
    "overseer_cloud": "overseer",
}


def task(number: int) -> dict[str, Any]:
    """Make one task; its number makes it unlike all others."""
    return {
        "task_class": "staffing.fill",
        "operation": f"fill: Welder x2 in Toledo, OH, order {number}",
        "spec": {"role": "Welder", "count": 2, "city": "Toledo, OH", "order": number},
    }


def _sibling(number: int) -> dict[str, Any]:
    other = task(number)
    return {"siblings": [{key: other[key] for key in ("operation", "spec")}]}


def tasks_file(folder: Path, count: int, *, checked: bool = False, siblings: bool = False) -> Path:
    """Write a tasks file with an easy phase of `count` tasks and two empty phases.

    Where they are `checked`, each answer has to list ten people; with `siblings` each has one.
    """
    path = folder / f"tasks_{count}{'_checked' * checked}{'_siblings' * siblings}.json"
    more = {"checks": [{"path": "artifact.workers", "length": 10}]} if checked else {}
    phases = {
        "alpha_baseline": [
            task(number) | more | (_sibling(count + number) if siblings else {})
            for number in range(count)
        ],
        "beta_drift": [],
        "gamma_impossible": [],
    }
    path.write_text(json.dumps({"phases": phases, "models": MODELS}))
    return path


def run_words(tasks: Path, url: str, folder: Path, concurrency: int = 1) -> list[str]:
    """Name the arguments of `battery` for one iteration of these tasks against that gateway."""
    targets = ["--gateway", url, "--llm-team", url, "--dir", str(folder)]
    size = ["--iterations", "1", "--concurrency", str(concurrency)]
    return ["run", "--tasks", str(tasks), *targets, *size]
