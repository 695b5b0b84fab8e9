"""The two loops that are compared: the battery's own way of asking, and a bare one.

`python -m benchmarks.loops URL FOLDER CALLS ROUNDS` prints the median seconds per call, and those
of processor time, of ours, ours with checks, with siblings, under a lease, and bare; with 0 rounds
it makes the bare calls once and is timed from outside.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from io import FileIO
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple, Self, get_args

import httpx

from battery.campaign.lease import Timing, Watch
from battery.grading import Grader
from battery.inputs.settings import Settings, Target
from battery.inputs.tasks import PACKAGED, folder_of, load_tasks, plan
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
from benchmarks.workload import MODELS, task, tasks_file


class Cost(NamedTuple):
    """Seconds by the clock, and of processor time."""

    wall_s: float
    busy_s: float

    @classmethod
    def now(cls) -> Self:
        """Look at both clocks."""
        return cls(time.perf_counter(), time.process_time())

    def since(self) -> Cost:
        """Return what was taken since that look."""
        now = Cost.now()
        return Cost(now.wall_s - self.wall_s, now.busy_s - self.busy_s)

    def by(self, calls: int) -> Cost:
        """Return the share of one of so many calls."""
        return Cost(self.wall_s / calls, self.busy_s / calls)


#: How the battery asks: as it does without more, with a check of each answer, with siblings, which
#: are every other call then, and as a run of a campaign does, under a lease.
Kind = Literal["plain", "checked", "siblings", "held"]


def ours(kind: Kind, url: str, folder: Path, calls: int) -> Cost:
    """Ask as `battery run` does, with journal and plain progress; return the cost of a call."""
    files = BatteryDir(folder).iteration(1)
    files.root.mkdir(exist_ok=True)
    files.journal.unlink(missing_ok=True)
    tasks = load_tasks(_tasks(kind, folder, calls))
    held = Path(tempfile.mkdtemp(dir=folder)) if kind == "held" else None
    lease = Watch(Timing(60.0)).take(held) if held else None
    permit = lease.require if lease else lambda: None
    # Progress goes nowhere, but its lines are made and written: that is part of the cost.
    with Journal(files.journal, permit=permit) as journal, Path(os.devnull).open("w") as stream:
        return asyncio.run(_ask(url, files, journal, tasks, PlainProgress(stream))).by(calls)


def _tasks(kind: Kind, folder: Path, calls: int) -> Path:
    if kind == "siblings":
        return tasks_file(folder, calls // 2, siblings=True)
    return tasks_file(folder, calls, checked=kind == "checked")


async def _ask(
    url: str, files: IterationDir, journal: Journal, tasks: Tasks, tell: Observer
) -> Cost:
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
            grader=Grader(folder_of(PACKAGED)),
        )
        start = Cost.now()
        await iteration.ask_tasks()
        return start.since()


def bare(url: str, folder: Path, calls: int) -> Cost:
    """Post the same bodies, append and sync each answer as it came; return the cost of a call."""
    path = folder / "bare.jsonl"
    path.unlink(missing_ok=True)
    bodies = [_body(number) for number in range(calls)]
    with path.open("ab", buffering=0) as file:
        return asyncio.run(_post(url + RESPOND_PATH, bodies, file)).by(calls)


async def _post(url: str, bodies: Sequence[bytes], file: FileIO) -> Cost:
    headers = {"content-type": "application/json"}
    async with httpx.AsyncClient() as client:
        start = Cost.now()
        for body in bodies:
            answer = await client.post(url, content=body, headers=headers)
            file.write(answer.content + b"\n")
            os.fsync(file.fileno())
        return start.since()


def _body(number: int) -> bytes:
    names = {
        "executor_model": MODELS["executor_cloud"],
        "reviewer_model": MODELS["reviewer_cloud"],
    }
    return json.dumps({**task(number), **names}, separators=(",", ":")).encode()


def _main(url: str, folder: Path, calls: int, rounds: int) -> None:
    kinds: Sequence[Kind] = get_args(Kind)
    loops = [*(partial(ours, kind, url, folder, calls) for kind in kinds)]
    loops.append(partial(bare, url, folder, calls))
    print(json.dumps(_medians(loops, rounds)) if rounds else loops[-1]())


def _medians(loops: Sequence[Callable[[], Cost]], rounds: int) -> list[Cost]:
    """Measure in turns, after one round that does not count."""
    taken = [[loop() for loop in loops] for _ in range(1 + rounds)][1:]
    return [Cost(*map(median, zip(*column, strict=True))) for column in zip(*taken, strict=True)]


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
