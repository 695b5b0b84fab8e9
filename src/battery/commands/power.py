"""Estimate what a run could detect; with a battery to learn from, from its noise."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from battery.base.errors import UsageError
from battery.inputs.tasks import find_tasks, plan
from battery.recorded import open_battery
from battery.records.models import FROZEN
from battery.store.battery_dir import BatteryDir
from battery.verdict.planning import Prospects, Source, measured_design, prospects
from battery.verdict.power import Design
from battery.verdict.table import grid

DEFAULT_ITERATIONS: Final = 3
#: What calls of a language model often vary by.
DEFAULT_NOISE: Final = 0.3
#: Larger plans than this take longer to simulate than anybody waits.
MOST_CELLS: Final = 20_000


class Wanted(NamedTuple):
    """What was asked; None for what shall come from the folder, the tasks file or the defaults."""

    tasks: int | None = None
    tasks_path: Path | None = None
    iterations: int | None = None
    repeats: int | None = None
    noise: float | None = None
    #: A battery to take the rest from.
    folder: Path | None = None
    #: What each iteration might save compared with the one before.
    drop: float | None = None


def power(wanted: Wanted) -> Prospects:
    """Answer for a battery of this size; raise `UsageError` where that is not possible."""
    design, source = _design(wanted)
    if design.tasks * design.iterations > MOST_CELLS:
        raise UsageError(
            f"{design.tasks:,} tasks in {design.iterations:,} iterations are more than the "
            f"{MOST_CELLS:,} cells that power simulates",
            hint="ask about fewer: a battery of that size sees every drop that matters",
        )
    return prospects(design, source, wanted.drop)


def _design(wanted: Wanted) -> tuple[Design, Source]:
    """Put together what was given, what a battery measured and what is usual, in this order."""
    measured = _measured(wanted.folder) if wanted.folder else None
    usual = measured or Design(0, DEFAULT_ITERATIONS, 1, DEFAULT_NOISE)
    design = Design(
        # What is named wins over what was measured, so that one can ask what another size would see
        # in the noise of one's own system.
        tasks=wanted.tasks or usual.tasks or len(plan(find_tasks(wanted.tasks_path)[0])),
        iterations=wanted.iterations or usual.iterations,
        repeats=wanted.repeats or usual.repeats,
        noise=usual.noise if wanted.noise is None else wanted.noise,
    )
    if wanted.noise is not None:
        return design, "given"
    return design, "measured" if measured else "assumed"


def _measured(folder: Path) -> Design:
    opened = open_battery(BatteryDir(folder))
    opened.require_complete(hint="run a battery first, or give --noise")
    table = grid(opened.calls)
    if FROZEN not in table.arms:
        raise UsageError(
            f"{folder} has no frozen arm, so nothing tells its noise from learning",
            hint="run one with two arms, or give --noise",
        )
    design = measured_design(table)
    if design is None:
        raise UsageError(
            f"{folder} has fewer than two tasks with tokens in both arms of iteration 1",
            hint="give --noise",
        )
    return design
