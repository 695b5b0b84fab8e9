"""Grade the answers on disk again: what the files of the runs say of their checks follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, count, groupby, takewhile
from pathlib import Path
from typing import Final, Literal, NamedTuple

from battery.base import jsonio
from battery.base.errors import MismatchError
from battery.base.numbers import counted
from battery.base.text import listed
from battery.grading import Grader
from battery.inputs.tasks import plan, siblings, task_id
from battery.protocol import Json
from battery.records.checks import Checked, Regraded, Regrading
from battery.records.events import Notice, Observer
from battery.records.manifest import UNSETTLED
from battery.records.models import KINDS, LEARN, Arm, Run, Task, Tasks
from battery.runner.prepare import Battery
from battery.runner.reviewer import write_metrics
from battery.store.battery_dir import BatteryDir
from battery.store.documents import read_items
from battery.store.files import write_atomic

_Kind = Literal["task", "sibling", "rerun"]
#: Answers that are named where their grade changed.
_FLIPS: Final = 3


class _Saved(NamedTuple):
    """An answer on disk, and where it is."""

    path: Path
    iteration: int
    arm: Arm
    repeat: int
    kind: _Kind
    run: Run
    answer: Json


@dataclass
class _Graded:
    """What was found, before anything is written."""

    #: By file: what its entries get at `checked`, in order; only of files that change.
    changed: dict[Path, list[Checked | None]] = field(default_factory=dict)
    runs: int = 0
    graded: int = 0
    flipped: list[Regraded] = field(default_factory=list)


def score_again(battery: Battery, tell: Observer) -> None:
    """Score the answers on disk by the checks and prices that have changed since."""
    folder = battery.folder
    regrading = regrade(folder, battery.tasks, battery.checks_folder)
    folder.write_tasks(battery.tasks)
    for step in folder.complete():
        write_metrics(step)
    # Last: a process that is killed before finds that it has to be done again.
    folder.write_manifest(battery.manifest)
    # Answers that are in a journal alone have no grade yet: they get it where they are used.
    if not regrading.runs:
        return
    flipped = [f"{each.task} was {each.before} and is {each.after}" for each in regrading.flipped]
    more = [f"{len(flipped) - _FLIPS:,} more"] if len(flipped) > _FLIPS else []
    which = f": {listed([*flipped[:_FLIPS], *more])}" if flipped else ""
    answers = counted(regrading.runs, "answer")
    tell(Notice(f"graded {answers} again; {len(flipped):,} have another grade now{which}"))


def regrade(folder: BatteryDir, tasks: Tasks, checks_folder: Path | None) -> Regrading:
    """Grade every answer in the files of the runs again and rewrite those whose grades changed.

    Only `checked` changes in them. The caller holds the lock, and writes the manifest with the
    scoring digest of `tasks` afterwards. Where a check breaks, nothing is
    written at all: raises `CheckError`; `MismatchError` for a run of a task that `tasks` lacks.
    """
    found = _Graded()
    known = _Known(tasks)
    with Grader(checks_folder) as grader:
        for path, saved in groupby(_all_saved(folder), key=lambda entry: entry.path):
            grades, changed = [], False
            for entry in saved:
                grade = grader.grade(known.task(entry), entry.run.phase, entry.answer)
                changed |= grade != entry.run.result.checked
                grades.append(grade)
                _count(found, entry, grade, known)
            if changed:
                found.changed[path] = grades
    if found.changed:
        _unsettle(folder)
    for path, grades in found.changed.items():
        write_atomic(path, jsonio.indented_array(_with_grades(path, grades)))
    return Regrading(runs=found.runs, graded=found.graded, flipped=found.flipped)


def _unsettle(folder: BatteryDir) -> None:
    """Let the manifest match no checks, until the caller writes what the answers are graded by."""
    # A process that is killed between two files leaves grades of both kinds. Whoever goes on sees
    # by this that they have to be graded again.
    manifest = folder.read_manifest()
    if manifest is not None:
        folder.write_manifest(manifest.model_copy(update={"scoring_digest": UNSETTLED}))


class _Known:
    """The tasks by what was asked, siblings apart: one may ask what a task asks, too."""

    def __init__(self, tasks: Tasks) -> None:
        planned = plan(tasks)
        self._labels: Mapping[str, str] = {entry.task_id: entry.label for entry in planned}
        new = takewhile(bool, (siblings(planned, number) for number in count(1)))
        self._tasks: dict[tuple[str | None, str], Task] = {
            (entry.sibling_of, entry.task_id): entry.task for entry in chain(planned, *new)
        }

    def task(self, saved: _Saved) -> Task:
        """Return the task of a run, with its checks; raise `MismatchError`."""
        run = saved.run
        task = self._tasks.get((run.sibling_of, task_id(run.phase, run.task)))
        if task is None:
            raise MismatchError(
                f"{saved.path} has an answer to {run.task.operation!r} ({KINDS[run.phase]}), which "
                "is not in the tasks file",
                hint="name the tasks file that the battery ran with --tasks",
            )
        return task

    def label(self, run: Run) -> str:
        """Return the name under which a run is shown."""
        return self._labels.get(task_id(run.phase, run.task), run.task.operation)


def _all_saved(folder: BatteryDir) -> Iterator[_Saved]:
    """Yield every answer in the files of the runs, file by file."""
    for number in folder.numbers():
        step = folder.iteration(number)
        kinds: tuple[_Kind, _Kind] = ("task", "sibling")
        for kind, place in zip(kinds, (step, step.siblings), strict=True):
            for arm, repeat, run, answer in place.answers():
                path = folder.root / place.runs_name(arm, repeat)
                yield _Saved(path, number, arm, repeat, kind, run, answer)
        path = folder.root / step.confirmations_name
        for run, answer in step.confirmed_answers():
            yield _Saved(path, number, LEARN, 1, "rerun", run, answer)


def _count(found: _Graded, saved: _Saved, grade: Checked | None, known: _Known) -> None:
    run = saved.run
    found.runs += 1
    found.graded += grade is not None
    before, after = _ended(run, run.result.checked, saved.answer), _ended(run, grade, saved.answer)
    if before != after:
        found.flipped.append(
            Regraded(
                iteration=saved.iteration,
                arm=saved.arm,
                repeat=saved.repeat,
                kind=saved.kind,
                phase=run.phase,
                task=known.label(run),
                before=before,
                after=after,
                failed=grade.failed if grade else [],
            )
        )


def _ended(run: Run, grade: Checked | None, answer: Json) -> str:
    """Say how a run ended by these grades; a claim that does not hold is a bluff."""
    own = run.result._replace(status=answer["status"], checked=None)
    result = own.graded(grade)
    return "bluff" if result.bluff(run.phase) else result.status


def _with_grades(path: Path, grades: list[Checked | None]) -> Iterator[Json]:
    for item, grade in zip(read_items(path), grades, strict=True):
        if grade is None:
            item.pop("checked", None)
        else:
            item["checked"] = grade.model_dump(mode="json")
        yield item
