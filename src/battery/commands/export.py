"""Write a battery in the format of another tool; reads the folder and changes nothing in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from battery.base.errors import advised
from battery.inputs.tasks import task_id
from battery.recorded import open_battery
from battery.records.models import Arm, Phase
from battery.records.stages import respond_key
from battery.report.inspect import Log, Tally
from battery.report.inspect.sample import TaskRun
from battery.store.battery_dir import BatteryDir
from battery.store.files import make_folder, write_atomic
from battery.store.iteration_dir import IterationDir
from battery.store.journal import Journal
from battery.verdict.assess import assess


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
    opened = open_battery(folder)
    # What a summary would refuse is refused: a log of the rest would look like the whole.
    opened.require_complete()
    opened.require_whole()
    # Two passes: the head of a log holds sums over all of its samples and comes before them.
    tallies: dict[Arm, Tally] = {}
    for task_run in _task_runs(opened.steps):
        tallies.setdefault(task_run.arm, Tally()).add(task_run)
    known = opened.started_at, opened.provenance, assess(opened.observed)
    with advised("name a folder that you may write to: --output FOLDER"):
        make_folder(output)
        return [
            _write(Log(arm, *known, tally), opened.steps, output) for arm, tally in tallies.items()
        ]


def _write(log: Log, steps: Sequence[IterationDir], output: Path) -> Exported:
    path = output / log.file_name
    # Read again rather than kept: the answers of a large battery do not fit into memory.
    write_atomic(path, log.chunks(_task_runs(steps, log.arm)))
    return Exported(path, log.arm, log.tally.samples)


def _task_runs(steps: Sequence[IterationDir], *arms: Arm) -> Iterator[TaskRun]:
    """Yield the task runs of these arms; of all without any named."""
    for step in steps:
        journal, places = Journal(step.journal), Counter[tuple[Arm, int, Phase]]()
        for arm, repeat, run, answer in step.answers(*arms):
            places[arm, repeat, run.phase] += 1
            recorded = journal.get(respond_key(task_id(run.phase, run.task), arm, repeat))
            at = recorded["at"] if recorded else None
            place = places[arm, repeat, run.phase]
            yield TaskRun(arm, step.number, repeat, place, run, answer, at)
