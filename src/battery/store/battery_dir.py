"""The artifact folder: only this and `battery.store.iteration_dir` know where files lie.

Also reads the folders of the original battery, which hold no manifest, no journal and no parsed
reviews.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from battery.base import jsonio
from battery.base.clock import stamp
from battery.base.errors import ArtifactError, FolderError, UsageError
from battery.inputs.tasks import load_tasks
from battery.protocol.wire import Json
from battery.records.models import FROZEN, SCHEMA_VERSION, Arm, Manifest, Summary, Tasks
from battery.store.documents import dump_record, read_bytes, read_json, validated
from battery.store.files import sync_folder, write_atomic
from battery.store.iteration_dir import ITERATION_FILES, IterationDir

#: One address for whoever reads or writes artifacts.
__all__ = ["ITERATION_FILES", "BatteryDir", "IterationDir"]

_REPORT: Final = "report.html"
_ITERATION: Final = re.compile(r"iter_([1-9][0-9]*)")


class BatteryDir:
    """A folder of artifacts: the manifest, the tasks, the iterations and the summary."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def resume_hint(self) -> str:
        """Say how to go on with this battery, as a command that can be pasted."""
        return f"go on with: battery run --resume --dir {shlex.quote(str(self.root))}"

    def memory(self, arm: Arm) -> Path:
        """Where the embedded gateway keeps what it learns in one arm."""
        return self.root / "gateway" / arm

    def iteration(self, number: int) -> IterationDir:
        """Return one iteration, counted from 1, whether it exists or not."""
        return IterationDir(self.root / f"iter_{number}", number)

    def numbers(self) -> list[int]:
        """List the iterations that have a folder, in order."""
        with contextlib.suppress(OSError):
            found = (_ITERATION.fullmatch(path.name) for path in self.root.iterdir())
            return sorted(int(match[1]) for match in found if match)
        return []

    def complete(self) -> list[IterationDir]:
        """List the iterations whose task runs are whole."""
        return [step for step in map(self.iteration, self.numbers()) if step.has_runs()]

    def has_manifest(self) -> bool:
        """Tell whether this program wrote the folder."""
        return (self.root / "battery.json").exists()

    def read_manifest(self) -> Manifest | None:
        """Read `battery.json`; None where the original battery wrote the folder."""
        path = self.root / "battery.json"
        if not path.exists():
            return None
        document = read_json(path)
        version = document.get("schema_version") if isinstance(document, dict) else None
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise ArtifactError(
                f"{path} has format {version}; this battery reads up to {SCHEMA_VERSION}",
                hint="use the battery version that wrote it, or a newer one",
            )
        return validated(path, Manifest.model_validate, document)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write `battery.json`."""
        write_atomic(self.root / "battery.json", dump_record(manifest))

    def has_tasks(self) -> bool:
        """Tell whether there is a `tasks.json`, ours or the user's."""
        return (self.root / "tasks.json").exists()

    @property
    def tasks_path(self) -> Path:
        """Where the tasks as run are kept."""
        return self.root / "tasks.json"

    def read_tasks(self) -> Tasks | None:
        """Read the tasks as run; None where none were written."""
        return load_tasks(self.tasks_path) if self.has_tasks() else None

    def write_tasks(self, tasks: Tasks) -> None:
        """Write the tasks as run."""
        write_atomic(self.tasks_path, jsonio.dumps_indented(tasks.document()))

    def write_summary(self, summary: Summary, markdown: str) -> None:
        """Write `summary.md` and `summary.json`."""
        write_atomic(self.root / "summary.json", dump_record(summary))
        write_atomic(self.root / "summary.md", markdown.encode())

    @property
    def report_path(self) -> Path:
        """Where the report is kept."""
        return self.root / _REPORT

    def runs_name(self, step: IterationDir, arm: Arm, repeat: int) -> str:
        """Name the file of an arm's runs, as a path below the folder."""
        arm_folder = ["control"] if arm == FROZEN else []
        repeat_folder = [f"repeat_{repeat}"] if repeat > 1 else []
        return "/".join([step.root.name, *arm_folder, *repeat_folder, "runs.json"])

    def confirmations_name(self, step: IterationDir) -> str:
        """Name the file of an iteration's reruns, as a path below the folder."""
        return f"{step.root.name}/confirmations.json"

    def distill_events(self, step: IterationDir) -> Iterator[Json]:
        """Yield the events of an iteration's distill stream; what is no JSON object is left out."""
        path = step.root / "distill_events.jsonl"
        for line in read_bytes(path).splitlines() if path.exists() else ():
            with contextlib.suppress(ValueError):
                event = jsonio.loads(line)
                if isinstance(event, dict):
                    yield event

    def listing(self, *, report: bool = False) -> list[str]:
        """List all artifacts; the summary, and with `report` the report, before they are there."""
        paths = [self.root / name for name in ("battery.json", "tasks.json")]
        for number in self.numbers():
            paths += self.iteration(number).listing()
        paths += sorted((self.root / "gateway").rglob("*.jsonl"))
        names = [str(path.relative_to(self.root)) for path in paths if path.exists()]
        reports = [_REPORT] if report or self.report_path.exists() else []
        return [*names, *reports, "summary.md", "summary.json"]

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

    def archive(self, manifest: Manifest | None) -> Path:
        """Move the battery to `archive/<its start>/`; return that folder.

        What tells the battery's start goes last: when the process is killed half way, the next
        call finds the same place and moves the rest there.
        """
        # Newest iteration first, as the oldest file dates a folder without manifest.
        names = ["gateway", _REPORT, "summary.md", "summary.json"]
        names += [f"iter_{number}" for number in reversed(self.numbers())]
        if manifest is not None:
            # The original battery wrote no tasks.json: one beside it is the user's own.
            names += ["tasks.json", "battery.json"]
        target = self._archive_target(manifest, names[-1])
        try:
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

    def _archive_target(self, manifest: Manifest | None, last: str) -> Path:
        base = self.root / "archive" / self.started_at(manifest).replace(":", "-")
        target, number = base, 1
        while (target / last).exists():
            number += 1
            target = base.with_name(f"{base.name}.{number}")
        return target

    def started_at(self, manifest: Manifest | None) -> str:
        """Say when the battery started, in UTC; without a manifest its oldest file tells."""
        if manifest:
            return manifest.started_at
        paths = [path for number in self.numbers() for path in self.iteration(number).listing()]
        oldest = min((path.stat().st_mtime for path in paths), default=self.root.stat().st_mtime)
        return stamp(oldest)
