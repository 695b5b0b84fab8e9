"""The peak memory of a battery and of an interpreter that only imports what it imported.

`python -m benchmarks.memory run NOTE WORD…` runs `battery WORD…` and writes its peak and its
modules to NOTE; `python -m benchmarks.memory import NOTE` imports those and prints its peak.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import gateway
from benchmarks.processes import module, output, seconds
from benchmarks.table import Row, megabytes_row, seconds_row
from benchmarks.workload import run_words, tasks_file

_LARGE_MB: Final = 400
_LARGE_S: Final = 20


class Cost(NamedTuple):
    """What one battery took: wall and processor time in s, peak in megabytes of 10**6 bytes."""

    wall_s: float
    peak_mb: float
    cpu_s: float = 0


def run(note: Path, words: list[str]) -> Cost:
    """Run a battery command to its end; leave its modules in `note`.

    What it takes is that of all its processes. Of their memory it is the most that it can have
    been: its own peak, and for each core the highest peak of those that it started.
    """
    wall_s = seconds(module("memory", "run", str(note), *words))
    noted = json.loads(note.read_text())
    return Cost(wall_s, noted["peak_mb"], noted["cpu_s"])


def large(folder: Path, quick: bool) -> Iterator[Row]:
    """Run three tasks at a time whose answers are as large as they may be, and read them again."""
    note, target = folder / "note.json", folder / "battery"
    for answers in [name for name in gateway.RESPONDS if name != "small"][: 1 if quick else None]:
        shutil.rmtree(target, ignore_errors=True)
        with gateway.serving(answers) as url:
            ran = run(note, run_words(tasks_file(folder, 3), url, target, concurrency=3))
        for command, cost in (("run", ran), ("summarize", run(note, ["summarize", str(target)]))):
            figure = f"`battery {command}`, three answers with {answers}"
            yield seconds_row(f"processor time of {figure}", cost.cpu_s, _LARGE_S)
            yield megabytes_row(f"peak memory of {figure}", cost.peak_mb, _LARGE_MB)


def imports(note: Path) -> float:
    """Measure the peak, in megabytes, of importing the modules in `note` and nothing else."""
    return float(output(module("memory", "import", str(note))))


def _peak_mb(who: int = resource.RUSAGE_SELF) -> float:
    peak = resource.getrusage(who).ru_maxrss
    # macOS counts bytes, Linux kibibytes.
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def _run(note: Path, words: list[str]) -> None:
    from battery.cli.main import main  # noqa: PLC0415 - the other side imports it as one of many

    try:
        main(words)
    finally:
        below = resource.getrusage(resource.RUSAGE_CHILDREN)
        cost = {
            "peak_mb": _peak_mb() + (os.cpu_count() or 1) * _peak_mb(resource.RUSAGE_CHILDREN),
            "cpu_s": time.process_time() + below.ru_utime + below.ru_stime,
        }
        note.write_text(json.dumps({**cost, "modules": list(sys.modules)}))


def _import(note: Path) -> None:
    for name in json.loads(note.read_text())["modules"]:
        # Some names are made while running and belong to no file.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    print(_peak_mb())


if __name__ == "__main__":
    if sys.argv[1] == "run":
        _run(Path(sys.argv[2]), sys.argv[3:])
    else:
        _import(Path(sys.argv[2]))
