"""A million recorded calls: how long a verdict over many batteries takes, and how much memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from battery.calibration.dials import Dials
from benchmarks.memory import run
from benchmarks.simulated import write_finished
from benchmarks.table import Row, megabytes_row, seconds_row

#: 500 tasks, 10 iterations and 2 arms: 10,000 calls.
_LARGE: Final = Dials(tasks=(200, 200, 100), iterations=10, drop=0.05)
_BATTERIES: Final = 100
_QUICK: Final = Dials(tasks=(2, 2, 1), iterations=2, drop=0.05)
_QUICK_BATTERIES: Final = 3
_MOST_S: Final = 30
_MOST_MB: Final = 500


def several(folder: Path, quick: bool) -> Iterator[Row]:
    """Time `battery pool` on a hundred batteries of 10,000 calls each."""
    dials, count = (_QUICK, _QUICK_BATTERIES) if quick else (_LARGE, _BATTERIES)
    roots = [folder / f"battery_{number}" for number in range(1, count + 1)]
    for number, root in enumerate(roots, start=1):
        write_finished(root, dials, number)
    cost = run(folder / "note.json", ["pool", *map(str, roots)])
    calls = count * sum(dials.tasks) * dials.iterations * dials.arms
    cores = os.cpu_count() or 1
    figure = f"verdict on {calls:,} recorded calls of {count} batteries, `battery pool`"
    yield seconds_row(figure, cost.wall_s, _MOST_S)
    yield seconds_row("the same in processor time, all processes", cost.cpu_s, _MOST_S * cores)
    yield megabytes_row("peak memory of it, all processes", cost.peak_mb, _MOST_MB)
