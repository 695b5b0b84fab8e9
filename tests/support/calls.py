"""Calls made against a misbehaving server: in this process, or by the real command line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import aclosing, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from battery.base import loop
from battery.base.errors import CallError, CallTimeoutError
from battery.cli.main import main
from battery.inputs.settings import Target
from battery.records.models import Models, Task
from battery.target.http import Client
from battery.target.system import Connection
from tests.support import commands
from tests.support.impatience import impatient
from tests.support.misbehaving import Script, Server

CALLS = ("respond", "distill", "chat")
#: Seconds for one call, on any machine.
TIMEOUT_S = 60.0
TASK = Task(task_class="staffing", operation="fill: Welder", spec={"count": 2})
MODELS = Models(executor_cloud="small-1", reviewer_cloud="small-2", overseer_cloud="large-1")
TASKS = {
    "phases": {
        "alpha_baseline": [TASK.model_dump()],
        "beta_drift": [],
        "gamma_impossible": [],
    },
    "models": MODELS.model_dump(),
}


async def ask(system: Connection, call: str) -> Any:
    """Make one call and return its reply."""
    if call == "respond":
        return await system.respond(TASK, MODELS, TIMEOUT_S)
    if call == "distill":
        return await system.distill(lambda _event: None, TIMEOUT_S)
    return await system.chat("overseer", "What now?", "large-1", 0.2, TIMEOUT_S)


def asking(url: str, *calls: str, **headers: str) -> list[Any]:
    """Make the calls one after the other over one client."""

    async def work() -> list[Any]:
        async with aclosing(Client(Target(url, headers))) as client:
            return [await ask(client, call) for call in calls]

    return loop.run(work)


def failing(kind: type[CallError], call: str, script: Script) -> str:
    """Make one call that must fail with this kind of error; return its words and the hint."""
    with Server(**{call: script}) as server:
        waiting = impatient(server) if kind is CallTimeoutError else nullcontext()
        with pytest.raises(kind) as caught, waiting:
            asking(server.url, call)
        assert server.calls == [call], "no call is ever repeated"
        message = caught.value.message
        assert message.startswith(call)
        assert server.url in message
    hint = caught.value.hint
    assert hint, "every failure says what to do next"
    return f"{message} | {hint}"


def write_asked(folder: Path) -> None:
    """Write the tasks file that `run_words` names."""
    (folder / "asked.json").write_text(json.dumps(TASKS), encoding="utf-8")


def run_words(folder: Path, gateway: str, *extra: object) -> list[object]:
    """Ask for one iteration into `folder/data`; later options win over these."""
    files = ("--tasks", folder / "asked.json", "--dir", folder / "data")
    return ["run", "-n", 1, *files, "--gateway", gateway, "--llm-team", gateway, *extra]


def run_battery(
    folder: Path, gateway: str, *extra: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one iteration of one task into `folder/data`, as a process of its own."""
    write_asked(folder)
    return commands.battery(*run_words(folder, gateway, *extra), cwd=folder, env=env)


def run_here(
    folder: Path, gateway: str, *extra: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Do the same in this process: ten times as fast, which wide tables need."""
    write_asked(folder)
    return command_here(*run_words(folder, gateway, *extra), cwd=folder, env=env)


def command_here(
    *arguments: object,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    mixed: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Call the entry point with the streams, environment and folder that a process would have.

    Without `cwd` that folder is the tests' own. `mixed` puts errors among the output, as on a
    terminal.
    """
    words = [str(argument) for argument in arguments]
    raw = [io.BytesIO(), io.BytesIO()]
    if mixed:
        raw[1] = raw[0]
    out, err = (io.TextIOWrapper(stream, "utf-8", write_through=True) for stream in raw)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = dict(os.environ)
    with contextlib.chdir(cwd or Path.cwd()), redirect_stdout(out), redirect_stderr(err):
        try:
            os.environ.clear()
            os.environ.update(commands.environment(env))
            with pytest.raises(SystemExit) as ended:
                main(words)
        finally:
            os.environ.clear()
            os.environ.update(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
    texts = [stream.getvalue().decode() for stream in raw]
    return subprocess.CompletedProcess(words, int(str(ended.value.code)), *texts)


def summarize(
    folder: Path, *more: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Call `battery summarize` on a folder; no Actions run around the tests steers it."""
    no_actions = {"GITHUB_STEP_SUMMARY": "", "GITHUB_OUTPUT": ""}
    return command_here(
        "summarize", folder, *more, cwd=folder.parent, env={**no_actions, **(env or {})}
    )


def assert_one_message(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Check that a failed command said what it must, once, and nothing on standard output."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    (start,) = (number for number, line in enumerate(lines) if line.startswith("error: "))
    said = "\n".join(lines[start:])
    for word in words:
        assert word in said
    assert lines[-1].startswith(" next: ")
