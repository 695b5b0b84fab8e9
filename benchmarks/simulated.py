"""Simulated batteries as folders on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from battery.calibration.dials import Dials
from battery.calibration.simulate import simulate
from battery.protocol import OVERSEER_KIND, Json
from battery.records.metric import ELAPSED, OK, OVERSEER, TOKENS, TURNS
from battery.records.models import Arm
from battery.store.battery_dir import BatteryDir
from battery.store.files import make_folder
from battery.verdict.table import Grid


def write_simulated(root: Path, dials: Dials) -> None:
    """Write the first repeats of a simulated battery as a folder without manifest."""
    grid = next(simulate(dials, 1, np.random.default_rng(1))).grid
    directory = BatteryDir(root)
    for column, number in enumerate(grid.iterations):
        step = directory.iteration(number)
        make_folder(step.root)
        for arm in grid.arms:
            rows = range(len(grid.tasks))
            step.write_runs([_run(grid, arm, row, column) for row in rows], arm)


def _run(grid: Grid, arm: Arm, row: int, column: int) -> Json:
    task = grid.tasks[row]
    call = {key: float(grid.asked(arm, key)[row, column, 0]) for key in grid.values}
    return {
        "task": {"task_class": "simulated", "operation": task.label, "spec": {"id": task.task}},
        "phase": task.phase,
        "result": {
            "status": "ok" if call[OK] else "failed",
            "iterations": int(call[TURNS]),
            "artifact": {"usage": {"total_tokens": int(call[TOKENS])}},
            "log": [{"kind": OVERSEER_KIND}] if call[OVERSEER] else [],
            "error": None if call[OK] else "no supply",
            "_elapsed_ms": round(call[ELAPSED] * 1000),
        },
    }
