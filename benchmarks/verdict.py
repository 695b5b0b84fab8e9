"""How long the verdict on a very large battery takes, its files read and written included."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from battery.calibration.dials import Dials
from benchmarks.memory import run
from benchmarks.simulated import write_simulated
from benchmarks.table import Row, seconds_row

_MOST_S: Final = 4


def verdict(folder: Path, quick: bool) -> Iterator[Row]:
    """Time `battery summarize` on 1,000 tasks in 10 iterations and 2 arms."""
    tasks = (4, 4, 2) if quick else (400, 400, 200)
    root, note = folder / "battery", folder / "note.json"
    write_simulated(root, Dials(tasks=tasks, iterations=10, drop=0.05))
    costs = [run(note, ["summarize", str(root)]) for _ in range(1 if quick else 5)]
    name = f"verdict on {sum(tasks):,} tasks x 10 iterations x 2 arms, `battery summarize`"
    yield seconds_row(name, statistics.median(cost.wall_s for cost in costs), _MOST_S)
    # Other programs make it wait, and hardly more work.
    busy = statistics.median(cost.cpu_s for cost in costs)
    yield seconds_row("the same in processor time", busy, _MOST_S)
