"""Run the real command in a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Variables that would change what a command does.
_OURS = (
    *("BATTERY_", "GATEWAY_", "CONTROL_GATEWAY_", "LLM_TEAM_", "OTEL_"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
)
#: Would have each of hundreds of processes compile everything anew.
_SLOW = "PYTHONDONTWRITEBYTECODE"
#: Hides what a user meets: output that is still in a buffer when the program ends.
_UNBUFFERED = "PYTHONUNBUFFERED"


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without anything that steers a battery, and `more`."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.upper().startswith((*_OURS, _SLOW, _UNBUFFERED))
    }
    return {**kept, "COLUMNS": "80", **(more or {})}


def words(*arguments: object) -> list[str]:
    """Return the command line of a battery command."""
    return [sys.executable, "-m", "battery", *map(str, arguments)]


def battery(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a battery command to its end."""
    return subprocess.run(
        words(*arguments),
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment(env),
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def start(*arguments: object, cwd: Path | None = None) -> subprocess.Popen[str]:
    """Start a battery command and return at once."""
    return subprocess.Popen(
        words(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=environment(),
    )


def _sibling(operation: str, number: int) -> dict[str, Any]:
    return {"operation": f"{operation} new {number + 1}", "spec": {"m": number}}


def write_tasks(
    path: Path, per_phase: int = 2, *, models: str = "m", siblings: int = 0, **more: Any
) -> Path:
    """Write a small tasks file and return its path; `more` are keys of every task."""
    phases = {
        key: [
            {
                **{"task_class": "c", "operation": f"{key} {n}", "spec": {"n": n}},
                **({"siblings": [_sibling(f"{key} {n}", m) for m in range(siblings)]}),
                **more,
            }
            for n in range(per_phase)
        ]
        for key in ("alpha_baseline", "beta_drift", "gamma_impossible")
    }
    roles = ("executor_cloud", "reviewer_cloud", "overseer_cloud")
    path.write_text(json.dumps({"phases": phases, "models": dict.fromkeys(roles, models)}))
    return path


def run_options(folder: Path, url: str, per_phase: int, iterations: int) -> list[object]:
    """Ask a gateway, which distills as well, into `folder/b`."""
    tasks = write_tasks(folder / "my-tasks.json", per_phase)
    targets = ["--gateway", url, "--llm-team", url]
    return ["run", "--dir", folder / "b", "--tasks", tasks, "-n", iterations, *targets]


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text())


def shell(script: str) -> subprocess.CompletedProcess[str]:
    """Run words as a shell does, with its pipes and redirections."""
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, env=environment()
    )


def wait_for_the_end_of(pid: str) -> None:
    """Wait until a process is gone, or waits to be buried; fail where nothing ends it."""
    for _ in range(3000):
        if not alive(pid):
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} is still there")


def alive(pid: str) -> bool:
    """Return whether a process stays; one that waits to be buried does not."""
    # A process that was killed needs a moment to end.
    for _ in range(20):
        state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, check=False)
        if state.stdout.strip()[:1] in {b"", b"Z"}:
            return False
        time.sleep(0.02)
    return True
