"""The artifact folder: the only place that knows what a file is called and where it lies.

Also reads the folders of the original battery, which hold no manifest, no journal and no parsed
reviews.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from battery import jsonio
from battery.clock import stamp
from battery.errors import ArtifactError, FolderError, ShapeError
from battery.files import sync_folder, write_atomic
from battery.models import (
    SCHEMA_VERSION,
    Manifest,
    Metrics,
    Phase,
    Proposal,
    Run,
    RunResult,
    Summary,
    Task,
    Tasks,
    Verdict,
)
from battery.tasks import load_tasks
from battery.wire import Json

R = TypeVar("R", bound=BaseModel)
V = TypeVar("V")

_ITERATION: Final = re.compile(r"iter_([1-9][0-9]*)")
#: The files of an iteration, in the order in which they come into being.
ITERATION_FILES: Final = (
    "journal.jsonl",
    "runs.json",
    "distill_output.txt",
    "distill_events.jsonl",
    "metrics.json",
    "overseer_review.md",
    "proposals.json",
    "scrum_findings.md",
    "verdicts.json",
)
REVIEW_FILE: Final = "overseer_review.md"
SCRUM_FILE: Final = "scrum_findings.md"
#: Made once: making one costs more than reading a file with it.
_PROPOSALS: Final = TypeAdapter(list[Proposal])
_VERDICTS: Final = TypeAdapter(list[Verdict])
_REDONE: Final = (REVIEW_FILE, SCRUM_FILE)


class IterationDir:
    """The files of one iteration."""

    def __init__(self, root: Path, number: int) -> None:
        self.number = number
        self.root = root

    @property
    def journal(self) -> Path:
        """Where finished calls are appended."""
        return self.root / "journal.jsonl"

    def has_review(self) -> bool:
        """Tell whether there is a review to judge."""
        return (self.root / REVIEW_FILE).exists()

    def has_runs(self) -> bool:
        """Tell whether the task runs of this iteration are complete on disk."""
        return (self.root / "runs.json").exists()

    def write_runs(self, runs: Iterable[Json]) -> None:
        """Write `{"task", "phase", "result"}` objects, in the order given, one at a time."""
        write_atomic(self.root / "runs.json", jsonio.indented_array(runs))

    def read_runs(self) -> list[Run]:
        """Read task, phase and numbers of every run; the rest of the answers is let go."""
        path = self.root / "runs.json"
        runs: list[Run] = []
        for item in _array_items(path):
            try:
                runs.append(_read_run(item))
            except ShapeError as error:
                place = f"[{len(runs)}].{error.place}".rstrip(".")
                raise _wrong(path, ShapeError(place, error.why)) from error
        return runs

    def write_metrics(self, metrics: Metrics) -> None:
        """Write `metrics.json`."""
        write_atomic(self.root / "metrics.json", _record(metrics))

    def read_metrics(self) -> Metrics:
        """Read `metrics.json` of this iteration."""
        return _read_record(self.root / "metrics.json", Metrics)

    def write_distill(self, text: str, events: Iterable[Json]) -> None:
        """Write the distill text and, beside it, every event."""
        lines = b"".join(jsonio.dumps(event) + b"\n" for event in events)
        write_atomic(self.root / "distill_events.jsonl", lines)
        write_atomic(self.root / "distill_output.txt", text.encode("utf-8", "replace"))

    def write_review(self, text: str) -> None:
        """Write the overseer's answer as it came."""
        self._write_answer(REVIEW_FILE, text)

    def write_scrum(self, text: str) -> None:
        """Write the scrum judgment as it came."""
        self._write_answer(SCRUM_FILE, text)

    def read_answer(self, name: str) -> str | None:
        """Read the newest text of a review or a judgment; None where there is none."""
        path = self.root / name
        return _read_bytes(path).decode("utf-8", "replace") if path.exists() else None

    def read_review(self) -> str:
        """Read the overseer's answer; raise `ArtifactError` when there is none."""
        return _read_bytes(self.root / REVIEW_FILE).decode("utf-8", "replace")

    def write_proposals(self, proposals: list[Proposal]) -> None:
        """Write what was parsed from the review."""
        write_atomic(self.root / "proposals.json", _records(proposals))

    def read_proposals(self) -> list[Proposal] | None:
        """Read what was parsed from the review; None where nothing was parsed yet."""
        path = self.root / "proposals.json"
        return _read_records(path, _PROPOSALS) if path.exists() else None

    def write_verdicts(self, verdicts: list[Verdict]) -> None:
        """Write what was parsed from the judgment."""
        write_atomic(self.root / "verdicts.json", _records(verdicts))

    def read_verdicts(self) -> list[Verdict]:
        """Read the parsed judgment; empty where none was parsed yet."""
        path = self.root / "verdicts.json"
        return _read_records(path, _VERDICTS) if path.exists() else []

    def keep_older(self, name: str) -> str | None:
        """Copy `overseer_review.md` or `scrum_findings.md` to a free numbered name beside it.

        Returns that name; None when there was nothing to keep.
        """
        path = self.root / name
        if not path.exists():
            return None
        numbers = (n for n in range(1, 1_000_000) if not _numbered(path, n).exists())
        kept = _numbered(path, next(numbers))
        write_atomic(kept, path.read_bytes())
        return kept.name

    def _write_answer(self, name: str, text: str) -> None:
        write_atomic(self.root / name, text.encode("utf-8", "replace"))

    def listing(self) -> Iterator[Path]:
        """List the files that exist, older reviews after the newest."""
        for name in ITERATION_FILES:
            path = self.root / name
            if path.exists():
                yield path
            if name in _REDONE:
                older = self.root.glob(f"{path.stem}.*{path.suffix}")
                yield from sorted(older, key=lambda found: (len(found.name), found.name))


class BatteryDir:
    """A folder of artifacts: the manifest, the tasks, the iterations and the summary."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def resume_hint(self) -> str:
        """Say how to go on with this battery, as a command that can be pasted."""
        return f"go on with: battery run --resume --dir {shlex.quote(str(self.root))}"

    def memory(self, arm: str) -> Path:
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
        document = _read_json(path)
        version = document.get("schema_version") if isinstance(document, dict) else None
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise ArtifactError(
                f"{path} has format {version}; this battery reads up to {SCHEMA_VERSION}",
                hint="use the battery version that wrote it, or a newer one",
            )
        return _validated(path, Manifest.model_validate, document)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write `battery.json`."""
        write_atomic(self.root / "battery.json", _record(manifest))

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
        write_atomic(self.root / "summary.json", _record(summary))
        write_atomic(self.root / "summary.md", markdown.encode())

    def listing(self) -> list[str]:
        """List all artifacts, the summary included even before it is written."""
        paths = [self.root / name for name in ("battery.json", "tasks.json")]
        for number in self.numbers():
            paths += self.iteration(number).listing()
        paths += sorted((self.root / "gateway").rglob("*.jsonl"))
        names = [str(path.relative_to(self.root)) for path in paths if path.exists()]
        return [*names, "summary.md", "summary.json"]

    def archive(self, manifest: Manifest | None) -> Path:
        """Move the battery to `archive/<its start>/`; return that folder.

        What tells the battery's start goes last: when the process is killed half way, the next
        call finds the same place and moves the rest there.
        """
        # Newest iteration first, as the oldest file dates a folder without manifest.
        names = ["gateway", "summary.md", "summary.json"]
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
        start = manifest.started_at if manifest else self._oldest_change()
        base = self.root / "archive" / start.replace(":", "-")
        target, number = base, 1
        while (target / last).exists():
            number += 1
            target = base.with_name(f"{base.name}.{number}")
        return target

    def _oldest_change(self) -> str:
        paths = [path for number in self.numbers() for path in self.iteration(number).listing()]
        oldest = min((path.stat().st_mtime for path in paths), default=self.root.stat().st_mtime)
        return stamp(oldest)


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.{number}{path.suffix}")


def _array_items(path: Path) -> Iterator[Any]:
    """Yield the items of an array, one at a time in our own layout, else after reading it whole."""
    count = 0
    try:
        with path.open("rb") as file:
            for piece in jsonio.array_pieces(file):
                items = jsonio.loads(piece)
                if not isinstance(items, list):
                    raise _wrong(path, ShapeError("", "a list was expected"))
                yield from items
                count += len(items)
    except OSError as error:
        raise _cannot_read(path, error) from error
    except ValueError as error:
        place = f"[{count}]" if count else ""
        raise _wrong(path, ShapeError(place, f"not JSON: {error}")) from error


def _record(record: BaseModel) -> bytes:
    return jsonio.dumps_indented(record.model_dump(mode="json"))


def _records(records: Iterable[BaseModel]) -> bytes:
    return jsonio.dumps_indented([record.model_dump(mode="json") for record in records])


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _cannot_read(path, error) from error


def _cannot_read(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(
        f"cannot read {path}: {error.strerror}",
        hint="name the folder of a battery, or run one first: battery run",
    )


def _read_json(path: Path) -> Any:
    try:
        return jsonio.loads(_read_bytes(path))
    except ValueError as error:
        raise _wrong(path, ShapeError("", f"not JSON: {error}")) from error


def _read_record(path: Path, kind: type[R]) -> R:
    return _validated(path, kind.model_validate, _read_json(path))


def _read_records(path: Path, records: TypeAdapter[list[R]]) -> list[R]:
    return _validated(path, records.validate_python, _read_json(path))


def _validated(path: Path, validate: Callable[[Any], V], document: Any) -> V:
    try:
        return validate(document)
    except ValidationError as error:
        raise _wrong(path, ShapeError.of(error)) from error


def _wrong(path: Path, error: ShapeError) -> ArtifactError:
    return ArtifactError(
        f"{path} is not what a battery writes: {error}",
        hint="restore the file, or run the battery again into another folder",
    )


def _read_run(item: Any) -> Run:
    if not isinstance(item, dict) or not isinstance(item.get("result"), dict):
        raise ShapeError("result", "is missing")
    try:
        task = Task.model_validate(item.get("task"))
        return Run(task, _phase(item.get("phase")), RunResult.of(item["result"]))
    except ValidationError as error:
        raise ShapeError.of(error) from error


def _phase(name: object) -> Phase:
    try:
        return Phase(name)  # type: ignore[arg-type]
    except ValueError as error:
        raise ShapeError("phase", f"alpha, beta or gamma was expected, got {name!r}") from error
