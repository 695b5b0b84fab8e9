"""The artifact folder: manifest, tasks, iterations and summary.

Also reads the folders of the original battery, which hold no manifest, no journal and no parsed
reviews.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
from pathlib import Path
from typing import Final

from battery.base.clock import stamp
from battery.base.errors import ArtifactError, FolderError, UsageError
from battery.pricing import Pricing
from battery.records.manifest import Manifest, Provenance
from battery.records.models import Arm, Tasks
from battery.records.summary import Summary
from battery.store.artifacts import (
    ARCHIVE,
    ITERATION,
    MANIFEST,
    MEMORIES,
    MEMORY,
    OF_THE_BATTERY,
    REPORT,
    RUN_SETS,
    SUMMARY,
    SUMMARY_TEXT,
    TASKS,
)
from battery.store.files import stamp_of, sync_folder
from battery.store.iteration_dir import IterationDir, ReadRuns
from battery.store.prices import read_pricing

#: What to do about a folder without a battery.
_LISTED: Final = "name the folder of one (battery history lists them)"
#: What a battery begins with; all its other files come of its iterations.
_AT_THE_START: Final = (MANIFEST, TASKS)


def no_battery(folder: Path, *, below: bool = False) -> FolderError:
    """Return the error for a folder without a battery, also in the folders below it."""
    where = f"{folder} or below it" if below else str(folder)
    # Whoever has just asked for the list is not sent there again.
    named = "name the folder of one" if below else _LISTED
    return FolderError(
        f"there is no battery in {where}: {missing(folder, RUN_SETS.places[0])}",
        hint=f"{named}, or start one: battery run",
    )


def missing(folder: Path, name: str) -> str:
    """Say why a folder has no such file: `it holds no campaign.json`, `there is no such folder`."""
    if folder.is_dir():
        return f"it holds no {name}"
    return "it is a file" if folder.exists() else "there is no such folder"


class BatteryDir:
    """A folder of artifacts: the manifest, the tasks, the iterations and the summary."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._pricing: Pricing | None = None
        self._known = ReadRuns()
        #: The tasks file as it was last read or written, and the tasks in it.
        self._tasks: tuple[tuple[int, ...] | None, Tasks | None] = (None, None)

    @property
    def pricing(self) -> Pricing:
        """By what its calls are priced; raises `BatteryError`."""
        if self._pricing is None:
            self._pricing = read_pricing(self.root, self.read_tasks)
        return self._pricing

    @property
    def resume_hint(self) -> str:
        """Say how to go on with this battery, as a command that can be pasted."""
        with contextlib.suppress(ArtifactError):
            manifest = self.read_manifest() if self.has_manifest() else None
            if manifest and manifest.unlike:
                return self.hint_to_keep_going
        return self._resume

    @property
    def hint_to_keep_going(self) -> str:
        """Say the same for a battery that is INVALID, which goes on only when told."""
        return f"{self._resume} --keep-going"

    @property
    def _resume(self) -> str:
        return f"go on with: battery run --resume --dir {shlex.quote(str(self.root))}"

    def memory(self, arm: Arm) -> Path:
        """Where the embedded gateway keeps what it learns in one arm."""
        return self.root / MEMORY / arm

    @property
    def memories(self) -> Path:
        """Where the memories of a system are whose folder battery copies and puts back."""
        return self.root / MEMORIES

    def iteration(self, number: int) -> IterationDir:
        """Return one iteration, counted from 1, whether it exists or not."""
        root = self.root / ITERATION.name(number)
        return IterationDir(root, number, self.root, lambda: self.pricing, self._known)

    def numbers(self) -> list[int]:
        """List the iterations that have a folder, in order."""
        with contextlib.suppress(OSError):
            numbers = (ITERATION.number(path.name) for path in self.root.iterdir())
            return sorted(filter(None, numbers))
        return []

    def complete(self) -> list[IterationDir]:
        """List the iterations whose task runs are whole."""
        return [step for step in map(self.iteration, self.numbers()) if step.has_runs()]

    def has_manifest(self) -> bool:
        """Return whether this program wrote the folder."""
        return MANIFEST.exists(self.root)

    def read_manifest(self) -> Manifest | None:
        """Read the manifest; None where the original battery wrote the folder."""
        return MANIFEST.find(self.root)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest."""
        self._pricing = None
        MANIFEST.write(self.root, manifest)

    def has_tasks(self) -> bool:
        """Return whether there is a tasks file, ours or the user's."""
        return TASKS.exists(self.root)

    @property
    def tasks_path(self) -> Path:
        """Where the tasks as run are kept."""
        return self.root / TASKS.name

    def read_tasks(self) -> Tasks | None:
        """Read the tasks as run; None where none were written."""
        stamp = stamp_of(self.tasks_path)
        # Prices and digests ask for them as well, and checking thousands of them takes its time.
        if stamp is None or stamp != self._tasks[0]:
            self._tasks = stamp, TASKS.find(self.root)
        return self._tasks[1]

    def write_tasks(self, tasks: Tasks) -> None:
        """Write the tasks as run."""
        self._pricing = None
        TASKS.write(self.root, tasks)
        self._tasks = stamp_of(self.tasks_path), tasks

    def write_summary(self, summary: Summary, markdown: str) -> None:
        """Write the summary, as numbers and for people."""
        SUMMARY.write(self.root, summary)
        SUMMARY_TEXT.write(self.root, markdown)

    @property
    def report_path(self) -> Path:
        """Where the report is kept."""
        return self.root / REPORT.name

    def listing(self, *, report: bool = False) -> list[str]:
        """List all artifacts; the summary, and with `report` the report, before they are there."""
        ahead = [SUMMARY_TEXT, SUMMARY, *([REPORT] if report else [])]
        own = [each for each in OF_THE_BATTERY if each in ahead or each.exists(self.root)]
        below = [path for number in self.numbers() for path in self.iteration(number).listing()]
        below += sorted((self.root / MEMORY).rglob("*.jsonl"))
        return [
            *(each.name for each in own if each in _AT_THE_START),
            *(str(path.relative_to(self.root)) for path in below),
            *(each.name for each in own if each not in _AT_THE_START),
        ]

    def require_no_artifact(self, path: Path) -> None:
        """Refuse to write to a file of the battery; raise `UsageError`."""
        # Not `resolve`, which fails for a link that leads to itself.
        if Path(os.path.realpath(path)) in {
            (self.root / name).resolve() for name in self.listing()
        }:
            raise UsageError(
                f"{path} is a file of the battery in {self.root}, which would be lost",
                hint="name another file with --output",
            )

    def has_calls(self) -> bool:
        """Return whether any call is on record."""
        return any(self.iteration(number).has_calls() for number in self.numbers())

    def discard(self) -> None:
        """Remove a battery that has made no call; raise `FolderError`."""
        if not self.has_manifest() or self.has_calls():
            return
        folders = [MEMORY, MEMORIES, *map(ITERATION.name, self.numbers())]
        try:
            for name in folders:
                shutil.rmtree(self.root / name, ignore_errors=True)
            # The manifest last: without it, the tasks file would be taken for the user's.
            for name in (TASKS.name, MANIFEST.name):
                (self.root / name).unlink(missing_ok=True)
        except OSError as error:
            raise FolderError(
                f"cannot remove what is left in {self.root} of a run that made no call: "
                f"{error.strerror}",
                hint="remove it yourself, or name another folder with --dir",
            ) from error

    def archive(self, provenance: Provenance) -> Path:
        """Move the battery to `archive/<its start>/`; return that folder.

        What tells the battery's start goes last: when the process is killed half way, the next
        call finds the same place and moves the rest there.
        """
        self._pricing = None
        # Newest iteration first, as the oldest file dates a folder without manifest.
        files = (each.name for each in OF_THE_BATTERY if each not in _AT_THE_START)
        names = [MEMORY, MEMORIES, *files]
        names += [ITERATION.name(number) for number in reversed(self.numbers())]
        if isinstance(provenance, Manifest):
            # The original battery wrote no tasks file: one next to it is the user's own.
            names += [TASKS.name, MANIFEST.name]
        target = self._archive_target(provenance, names[-1])
        try:
            # Within the folder, and so by renaming: a copy could fail half way or find no room.
            target.mkdir(parents=True, exist_ok=True)
            for name in names:
                if (self.root / name).exists():
                    (self.root / name).rename(target / name)
            sync_folder(self.root)
        except OSError as error:
            raise FolderError(
                f"cannot move the finished battery to {target}: {error.strerror}",
                hint="move it yourself, or name another folder with --dir",
            ) from error
        return target

    def _archive_target(self, provenance: Provenance, last: str) -> Path:
        # Some file systems allow no colon in a name, and folders get copied around.
        base = self.root / ARCHIVE / self.started_at(provenance).replace(":", "-")
        target, number = base, 1
        while (target / last).exists():
            number += 1
            target = base.with_name(f"{base.name}.{number}")
        return target

    def started_at(self, provenance: Provenance) -> str:
        """Return when the battery started, in UTC; without a manifest its oldest file tells."""
        if provenance.started_at:
            return provenance.started_at
        paths = [path for number in self.numbers() for path in self.iteration(number).listing()]
        oldest = min((path.stat().st_mtime for path in paths), default=self.root.stat().st_mtime)
        return stamp(oldest)
