"""Write a battery in the format of another tool; reads the folder and changes nothing in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from battery.artifacts import BatteryDir, IterationDir
from battery.clock import stamp
from battery.errors import FolderError
from battery.files import make_folder, write_atomic
from battery.journal import Journal, respond_key
from battery.metrics import measure
from battery.models import FROZEN, LEARN, Arm, Manifest, Phase, Run
from battery.render.inspect_log import Facts, Log, Tally
from battery.render.inspect_sample import TaskRun
from battery.stages.compute import require_battery, require_iterations
from battery.stages.evidence import weigh
from battery.tasks import task_id


class Exported(NamedTuple):
    """One file that was written."""

    path: Path
    arm: Arm
    samples: int


def inspect(folder: BatteryDir, output: Path) -> list[Exported]:
    """Write one Inspect log for each arm into `output`; raise `BatteryError`.

    Complete iterations only, and without the reruns that confirm a failure: they are no part of
    the metrics either. The same folder gives the same bytes, and an earlier export of it is
    replaced.
    """
    manifest = folder.read_manifest()
    _require_whole(folder, manifest)
    tallies: dict[Arm, Tally] = {}
    for told in _task_runs(folder):
        tallies.setdefault(told.arm, Tally()).add(told)
    facts = _facts(folder, manifest)
    try:
        make_folder(output)
    except FolderError as error:
        error.hint = "name a folder that you may write to: --output FOLDER"
        raise
    return [_write(Log(arm, facts, tally), folder, output) for arm, tally in tallies.items()]


def _require_whole(folder: BatteryDir, manifest: Manifest | None) -> None:
    """Refuse what a summary would refuse: a log of the rest would look like the whole."""
    require_battery(folder)
    require_iterations(folder, manifest)
    for step in folder.complete():
        for arm in (LEARN, FROZEN):
            if step.has_runs(arm):
                measure(step.number, step.read_runs(arm))


def _write(log: Log, folder: BatteryDir, output: Path) -> Exported:
    path = output / log.file_name
    # Read again rather than kept: the answers of a large battery do not fit into memory.
    runs = (told for told in _task_runs(folder) if told.arm == log.arm)
    write_atomic(path, log.chunks(runs))
    return Exported(path, log.arm, log.tally.samples)


def _facts(folder: BatteryDir, manifest: Manifest | None) -> Facts:
    # Beside a folder without a manifest lies the user's own tasks file, if any.
    created = manifest.started_at if manifest else _oldest(folder)
    models = manifest.models if manifest else None
    return Facts(created, manifest, models, weigh(folder, manifest))


def _oldest(folder: BatteryDir) -> str:
    """Date a battery that wrote no manifest by its oldest file."""
    paths = [path for step in folder.complete() for path in step.listing()]
    return stamp(min(path.stat().st_mtime for path in paths))


def _task_runs(folder: BatteryDir) -> Iterator[TaskRun]:
    for step in folder.complete():
        yield from _of_iteration(step)


def _of_iteration(step: IterationDir) -> Iterator[TaskRun]:
    journal = Journal(step.journal)
    for (arm, repeat), calls in groupby(step.answers(), key=lambda call: call[:2]):
        places: Counter[Phase] = Counter()
        for _, _, run, answer in calls:
            places[run.phase] += 1
            at = _finished_at(journal, run, arm, repeat)
            place = places[run.phase]
            yield TaskRun(arm, step.number, repeat, place, run, answer, at)


def _finished_at(journal: Journal, run: Run, arm: Arm, repeat: int) -> str | None:
    recorded = journal.get(respond_key(task_id(run.phase, run.task), arm, repeat))
    return recorded["at"] if recorded else None
