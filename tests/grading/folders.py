"""Tasks with checks, and a folder with the files of such checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from battery.protocol import Json
from battery.records.checks import Check
from battery.records.models import Task

FUNCTIONS = """
import os, pathlib, time

def right(task, answer):
    print("what a check prints is not part of its answer")
    return answer["artifact"]["answer"] == task["spec"]["want"]

def reasoned(task, answer):
    return True if right(task, answer) else f"it is {answer['artifact']['answer']}"

def keys(task, answer):
    return " ".join([*sorted(task), "|", *sorted(answer)])

def hang(task, answer):
    pathlib.Path(__file__).with_name("python hangs").touch()
    while True:
        pass

def crash(task, answer):
    return answer["artifact"]["nowhere"]

def leave(task, answer):
    os.write(2, b"out of ideas")
    os._exit(3)

def flood(task, answer):
    while True:
        print("x" * 100_000)

def megabytes(task, answer):
    print("x" * 5_000_000)
    return True

def fork(task, answer):
    os.fork()
    return True

def orphan(task, answer):
    if os.fork() == 0:
        time.sleep(600)
    return str(os.getpid())

def meddle(task, answer):
    for handle in range(3, 20):
        try:
            os.write(handle, b'[1]\\n')
        except OSError:
            pass
    return True

def nothing(task, answer):
    pass

def blank(task, answer):
    return " "

def secret(task, answer):
    return " ".join(sorted(os.environ))

not_a_function = 3
"""

SCRIPTS = {
    "pass.sh": "cat > /dev/null; exit 0",
    "deaf.sh": "exit 0",
    "fail.sh": "cat >/dev/null; echo 'there is no third welder' >&2; exit 1",
    "silent.sh": "exit 1",
    "echo.sh": "cat >&2; exit 1",
    "usage.sh": "echo 'usage: me' >&2; exit 2",
    "killed.sh": "kill -9 $$",
    "hang.sh": "touch 'command hangs'; sleep 600",
    "flood.sh": "yes",
    "megabytes.sh": "head -c 5000000 /dev/zero; exit 0",
    "orphan.sh": "sleep 600 & echo $! >&2; exit 1",
}


def write_checks(folder: Path) -> Path:
    """Write the files of checks; return the folder."""
    (folder / "checks.py").write_text(FUNCTIONS)
    for name, body in SCRIPTS.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return folder


def task(*checks: Json, **spec: Any) -> Task:
    """Make a task with these checks."""
    return Task(
        task_class="staffing.fill",
        operation="fill: Welder x3",
        spec=spec,
        checks=[Check.model_validate(check) for check in checks],
    )


def answer(artifact: Any, **keys: Any) -> Json:
    """Make an answer that claims to have done the task."""
    return {"status": "ok", "artifact": artifact, **keys}
