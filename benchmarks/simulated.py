"""Simulated batteries as folders on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from battery.calibration.simulate import Dials, simulate
from battery.protocol import OVERSEER_KIND, Json
from battery.records.models import FROZEN, LEARN, Arm
from battery.store.battery_dir import BatteryDir
from battery.store.files import make_folder
from battery.verdict.table import Call

_ARMS: Final[tuple[Arm, ...]] = (FROZEN, LEARN)


def write_simulated(root: Path, dials: Dials) -> None:
    """Write a simulated battery as a folder without manifest."""
    calls = simulate(dials, np.random.default_rng(1)).calls
    directory = BatteryDir(root)
    for number in range(1, dials.iterations + 1):
        step = directory.iteration(number)
        make_folder(step.root)
        for arm in _ARMS:
            own = [call for call in calls if (call.arm, call.iteration) == (arm, number)]
            step.write_runs(map(_run, own), arm)


def _run(call: Call) -> Json:
    result = call.result
    return {
        "task": {"task_class": "simulated", "operation": call.label, "spec": {"id": call.task}},
        "phase": call.phase,
        "result": {
            "status": result.status,
            "iterations": result.turns,
            "artifact": {"usage": {"total_tokens": result.tokens}},
            "log": [{"kind": OVERSEER_KIND}] if result.overseer_called else [],
            "error": result.error,
            "_elapsed_ms": result.elapsed_ms,
        },
    }
