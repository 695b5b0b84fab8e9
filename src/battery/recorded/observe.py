"""Read from a folder what the statistics need; the only place where files meet the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from battery.inputs.tasks import digest, labels, task_id
from battery.records.findings import Evidence
from battery.records.models import FROZEN, LEARN, Arm, Expectations, Manifest, Run, Tasks
from battery.store.battery_dir import BatteryDir, IterationDir
from battery.verdict.assess import Observed, assess
from battery.verdict.table import Call


def weigh(folder: BatteryDir, manifest: Manifest | None) -> Evidence:
    """Say what may be claimed of a folder with at least one complete iteration."""
    return assess(observed(folder, manifest))


def observed(folder: BatteryDir, manifest: Manifest | None) -> Observed:
    """Collect all complete iterations of a folder, of both arms where there are two."""
    steps, tasks, calls = folder.complete(), folder.read_tasks(), task_calls(folder)
    recorded = tasks if manifest else None
    return Observed(
        calls=calls,
        confirmations=[call for step in steps for call in _confirmations(step)],
        expectations=(recorded and recorded.expectations) or Expectations(),
        distilled={step.number: found for step in steps if (found := step.learned()) is not None},
        changed=list(_changed(manifest, tasks, calls)),
    )


def task_calls(folder: BatteryDir) -> list[Call]:
    """List the respond calls of all complete iterations, the confirmations left out."""
    return [call for step in folder.complete() for call in _calls(step)]


def _changed(
    manifest: Manifest | None, tasks: Tasks | None, calls: Sequence[Call]
) -> Iterator[str]:
    """Say what is not as it was when the battery ran, or was never so."""
    asked = Counter((call.arm, call.iteration, call.task, call.repeat) for call in calls)
    if twice := sum(count > 1 for count in asked.values()):
        yield f"{twice} task(s) stand twice in one file of runs"
    if manifest is None:
        return
    if tasks is None:
        yield "tasks.json is gone, and with it what the gates expect"
    elif digest(tasks) != manifest.tasks_digest:
        yield "tasks.json is not the one that battery.json says was run"
    if FROZEN in manifest.arms and not any(call.arm == FROZEN for call in calls):
        yield "battery.json names a frozen arm, and no run of it is there"
    yield from _lost_repeats(manifest.options.repeats, calls)


def _lost_repeats(repeats: int, calls: Sequence[Call]) -> Iterator[str]:
    sets = {(call.arm, call.iteration): set[int]() for call in calls}
    for call in calls:
        sets[call.arm, call.iteration].add(call.repeat)
    for (arm, iteration), there in sets.items():
        if len(there) < repeats:
            where = f"iteration {iteration}, {arm} arm"
            yield f"{where}: only {len(there)} of {repeats} repeats are there"


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
