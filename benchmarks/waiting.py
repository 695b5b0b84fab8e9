"""A hundred batteries that wait for their gateways: memory, and whether their times stay true.

`python -m benchmarks.waiting URL FOLDER FIRST COUNT TASKS` runs batteries FIRST to FIRST + COUNT in
one process, as a worker of a campaign does, and prints its peak memory in megabytes.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Final, NamedTuple

from battery.base import loop
from battery.inputs.settings import Settings, Target
from battery.records.models import ELAPSED_KEY
from battery.runner.run import run
from battery.store.battery_dir import BatteryDir
from battery.store.documents import read_items
from benchmarks import gateway
from benchmarks.processes import environment, module
from benchmarks.slow import TIMES_PATH
from benchmarks.table import Row, megabytes_row, ratio_row
from benchmarks.workload import tasks_file

_BATTERIES: Final = 100
_TASKS: Final = 20
_ITERATIONS: Final = 3
#: Seconds that a gateway takes for a task.
_TAKES_S: Final = 0.2
_MOST_MB: Final = 1500
#: How much longer than it was a call may seem to have taken.
_TRUE: Final = 1.1
_LOOK_S: Final = 0.5


class _Times(NamedTuple):
    """Seconds that half of the calls and 95 of 100 took at most."""

    half: float
    most: float

    @classmethod
    def of(cls, times: Sequence[float]) -> _Times:
        cuts = quantiles(times, n=20)
        return cls(cuts[9], cuts[18])


def waiting(folder: Path, quick: bool) -> Iterator[Row]:
    """Run many batteries at once against a gateway that takes 200 ms and has a clock of its own."""
    batteries, tasks, takes_s = (2, 2, 0.02) if quick else (_BATTERIES, _TASKS, _TAKES_S)
    path = tasks_file(folder, tasks)
    with gateway.serving(str(takes_s), server="slow") as url:
        peak_mb = _run(url, folder, path, batteries)
        with urllib.request.urlopen(url + TIMES_PATH) as answer:
            true = _Times.of(json.load(answer))
    reported = _Times.of(list(_reported(folder)))
    figure = f"{batteries} batteries that wait for gateways"
    yield megabytes_row(f"peak memory of {figure}, all processes", peak_mb, _MOST_MB)
    yield ratio_row(f"median call of {figure}, as told", reported.half, true.half, _TRUE)
    yield ratio_row("95 of 100 of those calls took at most", reported.most, true.most)


def _run(url: str, folder: Path, tasks: Path, batteries: int) -> float:
    """Run batteries in as many processes as there are cores; return their peaks together."""
    count = min(batteries, os.cpu_count() or 1)
    firsts = [batteries * number // count for number in range(count + 1)]
    started = [
        subprocess.Popen(
            module("waiting", url, str(folder), str(first), str(after - first), str(tasks)),
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for first, after in itertools.pairwise(firsts)
    ]
    printed = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise RuntimeError("a process of batteries failed")
    return sum(map(float, printed))


def _reported(folder: Path) -> Iterator[float]:
    """Yield the seconds that every task took, as the batteries tell."""
    for root in folder.glob("battery_*"):
        for step in BatteryDir(root).complete():
            for run_ in read_items(step.root / "runs.json"):
                yield run_["result"][ELAPSED_KEY] / 1000


async def _side_by_side(url: str, folder: Path, numbers: range, tasks: Path) -> None:
    target = Target(url)
    async with asyncio.TaskGroup() as group:
        for number in numbers:
            settings = Settings(
                folder=folder / f"battery_{number}",
                tasks_path=tasks,
                iterations=_ITERATIONS,
                gateway=target,
                llm_team=target,
            )
            group.create_task(loop.apart(run, settings, lambda _event: None))


def _memory_mb() -> float:
    """Measure this process, with its share of what it shares with others; 0 where none tells."""
    rollup = Path("/proc/self/smaps_rollup")
    lines = rollup.read_text().splitlines() if rollup.exists() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def _main(url: str, folder: Path, numbers: range, tasks: Path) -> None:
    peaks, ended = [_memory_mb()], threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_S):
            peaks.append(_memory_mb())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        loop.run(_side_by_side, url, folder, numbers, tasks)
    finally:
        ended.set()
        looking.join()
    # macOS, which tells no share, counts bytes.
    print(max(peaks) or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


if __name__ == "__main__":
    first = int(sys.argv[3])
    numbers = range(first, first + int(sys.argv[4]))
    _main(sys.argv[1], Path(sys.argv[2]), numbers, Path(sys.argv[5]))
