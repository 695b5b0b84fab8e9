"""Stop a battery whose arms differ before anything was learned, while little is paid for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from battery.base.errors import StartError
from battery.inputs.tasks import task_id
from battery.records.events import Notice, Observer
from battery.records.metric import COST
from battery.records.models import FROZEN, LEARN, Arm
from battery.store.battery_dir import IterationDir
from battery.verdict.start import alike
from battery.verdict.table import Call, grid


def require_alike(first: IterationDir, tell: Observer, *, keep_going: bool, anyway: str) -> None:
    """Refuse arms that differ in iteration 1, whose task runs are on disk; raise `StartError`.

    With `keep_going` a warning says so instead. `anyway` is how to go on regardless.
    """
    differing = _differing(first)
    if differing is None:
        return
    message = f"{differing}; the battery is INVALID, whatever comes next"
    if keep_going:
        tell(Notice(message, warning=True))
        return
    fresh = "empty the memory of both deployments and start again in another folder with --dir"
    raise StartError(message, hint=f"{fresh}; or {anyway}")


def _differing(first: IterationDir) -> str | None:
    table = grid([call for arm in (LEARN, FROZEN) for call in _calls(first, arm)])
    return alike(table, COST).differing if FROZEN in table.arms else None


def _calls(first: IterationDir, arm: Arm) -> Iterator[Call]:
    repeats = Counter[str]()
    for position, run in enumerate(first.runs_of(arm)):
        task = task_id(run.phase, run.task)
        repeats[task] += 1
        yield Call(arm, 1, position, run.phase, task, task, repeats[task], run.result)
