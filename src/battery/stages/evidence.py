"""Read from a folder what the statistics need; the only place where files meet the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from battery.artifacts import BatteryDir, IterationDir
from battery.evidence.assess import Observed, assess
from battery.evidence.table import Call
from battery.findings import Evidence
from battery.models import FROZEN, LEARN, Arm, Expectations, Manifest, Run
from battery.tasks import digest, labels, task_id


def weigh(folder: BatteryDir) -> Evidence:
    """Say what may be claimed of a folder with at least one complete iteration."""
    return assess(observed(folder))


def observed(folder: BatteryDir) -> Observed:
    """Collect all complete iterations of a folder, of both arms where there are two."""
    steps = folder.complete()
    manifest, tasks = folder.read_manifest(), folder.read_tasks()
    calls = [call for step in steps for call in _calls(step)]
    recorded = tasks if manifest else None
    return Observed(
        calls=calls,
        confirmations=[call for step in steps for call in _confirmations(step)],
        expectations=(recorded and recorded.expectations) or Expectations(),
        distilled={step.number: found for step in steps if (found := step.learned()) is not None},
        changed=list(_changed(folder, manifest, calls)),
    )


def _changed(folder: BatteryDir, manifest: Manifest | None, calls: Sequence[Call]) -> Iterator[str]:
    if manifest is None:
        return
    tasks = folder.read_tasks()
    if tasks is not None and digest(tasks) != manifest.tasks_digest:
        yield "tasks.json is not the one that battery.json says was run"
    if "control" in manifest.targets and not any(call.arm == FROZEN for call in calls):
        yield "battery.json names a frozen arm, and no run of it is there"


def _calls(step: IterationDir) -> Iterator[Call]:
    for arm, repeat, runs in step.run_sets():
        yield from _rows(step.number, arm, repeat, runs)


def _confirmations(step: IterationDir) -> Iterator[Call]:
    yield from _rows(step.number, LEARN, 1, step.read_confirmations())


def _rows(iteration: int, arm: Arm, repeat: int, runs: Sequence[Run]) -> Iterator[Call]:
    names = labels(run.task for run in runs)
    for position, (run, label) in enumerate(zip(runs, names, strict=True)):
        task = task_id(run.phase, run.task)
        yield Call(arm, iteration, position, run.phase, task, label, repeat, run.result)
