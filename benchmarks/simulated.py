"""Simulated batteries as folders on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from battery import __version__
from battery.base.clock import stamp
from battery.calibration.dials import Dials
from battery.calibration.simulate import simulate
from battery.inputs.tasks import digest
from battery.protocol import OVERSEER_KIND, Json
from battery.records.manifest import Manifest, Options
from battery.records.metric import ELAPSED, OK, OVERSEER, TOKENS, TURNS
from battery.records.models import Arm, Tasks
from battery.records.stages import TASK_STAGES
from battery.store.battery_dir import BatteryDir
from battery.store.files import make_folder
from battery.verdict.table import Grid, TaskRow
from benchmarks.gateway import respond_answer
from benchmarks.workload import MODELS


def write_simulated(root: Path, dials: Dials, seed: int = 1, *, whole: bool = False) -> Grid:
    """Write the first repeats of a simulated battery as a folder without manifest.

    A `whole` answer hands in what that of a small agent loop does, some 1.5 kB.
    """
    grid = next(simulate(dials, 1, np.random.default_rng(seed))).grid
    directory, more = BatteryDir(root), respond_answer() if whole else {}
    for column, number in enumerate(grid.iterations):
        step = directory.iteration(number)
        make_folder(step.root)
        for arm in grid.arms:
            rows = range(len(grid.tasks))
            step.write_runs((_run(grid, arm, row, column, more) for row in rows), arm)
    return grid


def write_finished(root: Path, dials: Dials, seed: int) -> None:
    """Write one as a battery that is finished, of a system that others have measured too."""
    grid = write_simulated(root, dials, seed, whole=True)
    phases: dict[str, list[Json]] = {stage.tasks_key: [] for stage in TASK_STAGES.values()}
    for row in grid.tasks:
        phases[TASK_STAGES[row.phase].tasks_key].append(_task(row))
    tasks = Tasks.model_validate({"phases": phases, "models": MODELS})
    folder = BatteryDir(root)
    folder.write_tasks(tasks)
    folder.write_manifest(
        Manifest(
            battery_version=__version__,
            run_id=f"{seed:032x}",
            started_at=stamp(seed),
            finished_at=stamp(seed + 1),
            tasks_digest=digest(tasks),
            models=tasks.models,
            targets={"gateway": "http://127.0.0.1", "control": "http://127.0.0.2"},
            options=Options(seed=seed),
            iterations_wanted=dials.iterations,
            planned_iterations=dials.iterations,
            iterations_finished=dials.iterations,
            state="finished",
        )
    )


def _task(row: TaskRow) -> Json:
    return {"task_class": "simulated", "operation": row.label, "spec": {"id": row.task}}


def _run(grid: Grid, arm: Arm, row: int, column: int, more: Json) -> Json:
    task = grid.tasks[row]
    call = {key: float(grid.asked(arm, key)[row, column, 0]) for key in grid.values}
    return {
        "task": _task(task),
        "phase": task.phase,
        "result": {
            "status": "ok" if call[OK] else "failed",
            "iterations": int(call[TURNS]),
            # Two answers are not the same, or the learner would repeat itself.
            "artifact": {
                **more.get("artifact", {}),
                "usage": {"total_tokens": int(call[TOKENS])},
                "order": f"{arm} {row} {column}",
            },
            "log": [*more.get("log", []), *([{"kind": OVERSEER_KIND}] if call[OVERSEER] else [])],
            "error": None if call[OK] else "no supply",
            "_elapsed_ms": round(call[ELAPSED] * 1000),
        },
    }
