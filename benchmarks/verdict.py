"""How long the verdict on a very large battery takes, its files read and written included."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from battery.calibration.simulate import Dials
from benchmarks.processes import battery, seconds
from benchmarks.simulated import write_simulated
from benchmarks.table import Row, seconds_row


def verdict(folder: Path, quick: bool) -> Iterator[Row]:
    """Time `battery summarize` on 1,000 tasks in 10 iterations and 2 arms."""
    tasks = (4, 4, 2) if quick else (400, 400, 200)
    root = folder / "battery"
    write_simulated(root, Dials(tasks=tasks, iterations=10, drop=0.05))
    rounds = 1 if quick else 5
    took = statistics.median(seconds(battery("summarize", str(root))) for _ in range(rounds))
    name = f"verdict on {sum(tasks):,} tasks x 10 iterations x 2 arms, `battery summarize`"
    yield seconds_row(name, took, 5)
