"""Start processes and time them, all in the same way and in turns."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]

Command = Sequence[str]


def battery(*words: str) -> list[str]:
    """Name the installed command, the one of this interpreter's environment."""
    beside = Path(sys.executable).with_name("battery")
    return [str(beside) if beside.exists() else str(shutil.which("battery")), *words]


def module(name: str, *words: str) -> list[str]:
    """Name a module of this package as a program."""
    return [sys.executable, "-m", f"benchmarks.{name}", *words]


def environment() -> dict[str, str]:
    """Leave out what would change a battery or keep bytecode from being reused."""
    ours = ("BATTERY_", "GATEWAY_", "LLM_TEAM_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": str(ROOT)}


def output(command: Command) -> str:
    """Run a program to its end and return its standard output; raise when it fails."""
    done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def seconds(command: Command) -> float:
    """Measure the wall time of a whole process, its interpreter's start included."""
    start = time.perf_counter()
    subprocess.run(
        command,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - start


def in_turns(measures: Sequence[Callable[[], float]], rounds: int) -> list[float]:
    """Measure A B C A B C …, after one round that does not count; return the medians.

    In turns, because a machine that slows down half way then slows all of them down.
    """
    for measure in measures:
        measure()
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]
