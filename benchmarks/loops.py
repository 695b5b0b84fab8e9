"""The two loops that are compared: the battery's own way of asking, and a bare one.

`python -m benchmarks.loops URL FOLDER CALLS ROUNDS` prints `[ours, bare]`, the median seconds a
call of each; with 0 rounds it makes the bare calls once and is timed from outside.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from io import FileIO
from pathlib import Path

import httpx

from battery.grading import Grader
from battery.inputs.settings import Settings, Target
from battery.inputs.tasks import load_tasks, plan
from battery.protocol import RESPOND_PATH
from battery.records.events import Observer
from battery.records.models import LEARN, Tasks
from battery.report.terminal.lines import PlainProgress
from battery.runner.iteration import Iteration
from battery.runner.schedule import Schedule
from battery.store.battery_dir import BatteryDir
from battery.store.iteration_dir import IterationDir
from battery.store.journal import Journal
from battery.target.http import open_clients
from benchmarks.processes import in_turns
from benchmarks.workload import MODELS, task, tasks_file


def ours(url: str, folder: Path, calls: int) -> float:
    """Ask as `battery run` does, with journal and plain progress; return seconds a call."""
    files = BatteryDir(folder).iteration(1)
    files.root.mkdir(exist_ok=True)
    files.journal.unlink(missing_ok=True)
    tasks = load_tasks(tasks_file(folder, calls))
    # Progress goes nowhere, but its lines are made and written: that is part of the cost.
    with Journal(files.journal) as journal, Path(os.devnull).open("w") as stream:
        return asyncio.run(_ask(url, files, journal, tasks, PlainProgress(stream))) / calls


async def _ask(
    url: str, files: IterationDir, journal: Journal, tasks: Tasks, tell: Observer
) -> float:
    async with open_clients(Target(url), 1) as gateway:
        iteration = Iteration(
            files=files,
            journal=journal,
            schedule=Schedule(plan(tasks)),
            models=tasks.models,
            workers=[{LEARN: gateway[0]}],
            llm_team=gateway[0],
            reviewing=gateway[0],
            settings=Settings(folder=files.root),
            tell=tell,
            grader=Grader(None),
        )
        start = time.perf_counter()
        await iteration.ask_tasks()
        return time.perf_counter() - start


def bare(url: str, folder: Path, calls: int) -> float:
    """Post the same bodies, append and sync each answer as it came; return seconds a call."""
    path = folder / "bare.jsonl"
    path.unlink(missing_ok=True)
    bodies = [_body(number) for number in range(calls)]
    with path.open("ab", buffering=0) as file:
        return asyncio.run(_post(url + RESPOND_PATH, bodies, file)) / calls


async def _post(url: str, bodies: Sequence[bytes], file: FileIO) -> float:
    headers = {"content-type": "application/json"}
    async with httpx.AsyncClient() as client:
        start = time.perf_counter()
        for body in bodies:
            answer = await client.post(url, content=body, headers=headers)
            file.write(answer.content + b"\n")
            os.fsync(file.fileno())
        return time.perf_counter() - start


def _body(number: int) -> bytes:
    names = {
        "executor_model": MODELS["executor_cloud"],
        "reviewer_model": MODELS["reviewer_cloud"],
    }
    return json.dumps({**task(number), **names}, separators=(",", ":")).encode()


def _main(url: str, folder: Path, calls: int, rounds: int) -> None:
    loops = [partial(loop, url, folder, calls) for loop in (ours, bare)]
    print(json.dumps(in_turns(loops, rounds)) if rounds else loops[1]())


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
