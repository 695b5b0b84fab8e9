"""Small batteries for the tests of the verdict, made by hand from a function of each cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from battery.records.checks import Checked, FailedCheck
from battery.records.models import FROZEN, LEARN, Arm, Phase, RunResult
from battery.verdict.facts import Observed
from battery.verdict.table import Call, grid

BOTH: tuple[Arm, ...] = (LEARN, FROZEN)
#: Three easy tasks, three niche ones, two impossible ones, as in the packaged battery.
PHASES = (Phase.ALPHA,) * 3 + (Phase.BETA,) * 3 + (Phase.GAMMA,) * 2


class Cell(NamedTuple):
    """Where a call belongs; `task` counts from 0 over all phases."""

    arm: Arm
    iteration: int
    task: int
    phase: Phase
    repeat: int


#: What is special about a cell's run; everything else is as a sound gateway would have it.
Changes = Callable[[Cell], dict[str, Any]]


def result(cell: Cell, **changes: Any) -> RunResult:
    """Make the run of a sound gateway that learns nothing."""
    honest = cell.phase is Phase.GAMMA
    usual = RunResult(
        status="failed" if honest else "ok",
        turns=4,
        tokens=1000,
        overseer_called=cell.phase is Phase.BETA and cell.iteration == 1,
        error="no supply" if honest else None,
        elapsed_ms=2000,
        memory_used=cell.arm == LEARN and cell.iteration > 1,
    )
    return usual._replace(**changes)


def calls(
    changes: Changes = lambda _: {},
    *,
    iterations: int = 3,
    arms: Sequence[Arm] = BOTH,
    phases: Sequence[Phase] = PHASES,
    repeats: int = 1,
) -> list[Call]:
    """Fill every cell of a battery."""
    cells = [
        Cell(arm, iteration, task, phase, repeat)
        for iteration in range(1, iterations + 1)
        for task, phase in enumerate(phases)
        for arm in arms
        for repeat in range(1, repeats + 1)
    ]
    return [call(cell, changes(cell)) for cell in cells]


def call(cell: Cell, changes: dict[str, Any]) -> Call:
    """Make one call."""
    return Call(
        arm=cell.arm,
        iteration=cell.iteration,
        position=cell.task,
        phase=cell.phase,
        task=f"id{cell.task}",
        label=f"{cell.phase} {cell.task}",
        repeat=cell.repeat,
        result=result(cell, **changes),
    )


def observed(changes: Changes = lambda _: {}, **shape: Any) -> Observed:
    """Make a battery whose distillations all delivered something."""
    found = calls(changes, **shape)
    return Observed(grid(found), distilled={each.iteration: True for each in found})


REASON = "artifact.workers: 0 items, 3 expected"
#: The answer of a task with a check: one that passes, and one that claims ok and fails it.
PASSES: dict[str, Any] = {"checked": Checked(ok=True, claimed=True, failed=[])}
REFUTED: dict[str, Any] = {
    "status": "failed",
    "error": f"checks[0]: {REASON}",
    "checked": Checked(
        ok=False, claimed=True, failed=[FailedCheck(check="checks[0]", reason=REASON)]
    ),
}


def learning(cell: Cell) -> dict[str, Any]:
    """Save 40 % and some more on each task, once something was learned."""
    if cell.arm == LEARN and cell.iteration > 1:
        return {"tokens": 600 - 10 * cell.task, "turns": 2, "elapsed_ms": 1200}
    return {}


def compounding(cell: Cell) -> dict[str, Any]:
    """Save a fifth more in every iteration."""
    if cell.arm == FROZEN:
        return {}
    return {"tokens": round((1000 + 10 * cell.task) * 0.8 ** (cell.iteration - 1))}


def with_siblings(
    observed: Observed,
    changes: Changes,
    *,
    iterations: Sequence[int] = (1, 2, 3),
    tasks: Sequence[int] = range(len(PHASES)),
    phases: Sequence[Phase] = PHASES,
) -> Observed:
    """Add siblings of some tasks in some iterations; a cell is that of the task they belong to."""
    cells = [
        Cell(arm, iteration, task, phases[task], 1)
        for iteration in iterations
        for task in tasks
        for arm in BOTH
    ]
    asked = [call(cell, changes(cell)) for cell in cells]
    return observed._replace(siblings=grid(asked))
