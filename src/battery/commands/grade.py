"""`battery grade` as a function: other checks, the same answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from battery.base.errors import BatteryError, FolderError, MismatchError
from battery.grading import require_usable, scoring_digest
from battery.inputs.tasks import (
    PACKAGED,
    as_run,
    digest,
    folder_of,
    load_tasks,
    recorded_folder,
    told_differences,
)
from battery.recorded import open_battery
from battery.records.checks import UNCHECKED, Regrading
from battery.records.events import Notice, Observer
from battery.records.manifest import Manifest
from battery.records.models import Tasks
from battery.records.summary import Summary
from battery.runner.regrade import regrade
from battery.runner.summarize import rewrite
from battery.store.artifacts import MANIFEST
from battery.store.battery_dir import BatteryDir
from battery.store.lock import locked


class _Scoring(NamedTuple):
    """What to grade by: tasks with their checks, and where the files of these are."""

    tasks: Tasks
    source: str
    folder: Path | None


def grade(folder: BatteryDir, tasks_path: Path | None, tell: Observer) -> tuple[Regrading, Summary]:
    """Grade all answers of a battery again, then write metrics and summary again.

    By the checks of the folder's tasks file, or of `tasks_path`, which must ask the same and
    becomes that of the battery. Asks nobody. Raises `BatteryError`.
    """
    # Looked at before the lock, which would make the folder.
    open_battery(folder).require_complete()
    with locked(folder.root, tell):
        manifest = folder.read_manifest()
        if manifest is None:
            raise FolderError(
                f"{folder.root} holds no {MANIFEST.name}, so its tasks are not known",
                hint="run the tasks as a battery of this program; it can be graded again",
            )
        scoring = _scoring(folder, manifest, tasks_path, tell)
        require_usable(scoring.tasks, scoring.folder, str(tasks_path or folder.tasks_path))
        if not scoring.tasks.checked:
            tell(Notice(UNCHECKED, warning=True))
        regrading = regrade(folder, scoring.tasks, scoring.folder)
        folder.write_tasks(scoring.tasks)
        folder.write_manifest(_by(manifest, scoring))
        return regrading, rewrite(folder)


def _scoring(folder: BatteryDir, manifest: Manifest, path: Path | None, tell: Observer) -> _Scoring:
    """Settle what to grade by; raise `MismatchError` for a file that asks something else."""
    if path is not None and not (path.exists() and path.samefile(folder.tasks_path)):
        tasks = _same_asked(folder, manifest, path)
        return _Scoring(tasks, str(path.absolute()), path.absolute().parent)
    source = manifest.options.tasks or PACKAGED
    tasks, files = _same_asked(folder, manifest, folder.tasks_path), recorded_folder(manifest)
    _tell_of_changed(folder, manifest, source, scoring_digest(tasks, files), tell)
    return _Scoring(tasks, source, files)


def _same_asked(folder: BatteryDir, manifest: Manifest, path: Path) -> Tasks:
    tasks = as_run(load_tasks(path), manifest.options)
    if digest(tasks) == manifest.tasks_digest:
        return tasks
    raise MismatchError(
        f"{path} has other tasks than this battery ran: "
        + told_differences(folder.read_tasks(), tasks),
        hint="change only checks and prices, or run it as a new battery in another folder: "
        "--dir PATH",
    )


def _tell_of_changed(
    folder: BatteryDir, manifest: Manifest, source: str, used: str | None, tell: Observer
) -> None:
    """Say so where the file that the battery was run with has other checks by now."""
    # Whoever edits that file, and not the copy in the folder, would wonder that nothing flips.
    if source == PACKAGED or not os.path.exists(source):  # noqa: PTH110 - may be too long a name
        return
    try:
        tasks = _same_asked(folder, manifest, Path(source))
    except BatteryError:
        return
    if scoring_digest(tasks, folder_of(source)) != used:
        tell(
            Notice(
                f"{source} has other checks or prices than {folder.tasks_path}, which was used; to "
                f"use the other one: --tasks {source}",
                warning=True,
            )
        )


def _by(manifest: Manifest, scoring: _Scoring) -> Manifest:
    update = {
        "scoring_digest": scoring_digest(scoring.tasks, scoring.folder),
        "tasks_folder": None if scoring.source == PACKAGED else str(scoring.folder),
        "options": manifest.options.model_copy(update={"tasks": scoring.source}),
    }
    return manifest.model_copy(update=update)
