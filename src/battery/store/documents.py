"""JSON artifacts read back: whatever is wrong with one is named by file and place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from battery.base import jsonio
from battery.base.errors import ArtifactError, ShapeError
from battery.protocol.wire import Json
from battery.records.models import Phase, Run, RunResult, Task

R = TypeVar("R", bound=BaseModel)
V = TypeVar("V")


def dump_record(record: BaseModel) -> bytes:
    """Write a record as an indented document."""
    return jsonio.dumps_indented(record.model_dump(mode="json"))


def dump_records(records: Iterable[BaseModel]) -> bytes:
    """Write records as an indented array."""
    return jsonio.dumps_indented([record.model_dump(mode="json") for record in records])


def read_bytes(path: Path) -> bytes:
    """Read a whole file; raise `ArtifactError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise _cannot_read(path, error) from error


def read_json(path: Path) -> Any:
    """Read a document, whatever its shape; raise `ArtifactError`."""
    try:
        return jsonio.loads(read_bytes(path))
    except ValueError as error:
        raise wrong(path, ShapeError("", f"not JSON: {error}")) from error


def read_record(path: Path, kind: type[R]) -> R:
    """Read one record; raise `ArtifactError`."""
    return validated(path, kind.model_validate, read_json(path))


def read_records(path: Path, records: TypeAdapter[list[R]]) -> list[R]:
    """Read a list of records; raise `ArtifactError`."""
    return validated(path, records.validate_python, read_json(path))


def validated(path: Path, validate: Callable[[Any], V], document: Any) -> V:
    """Check a document that was read from a file; raise `ArtifactError`."""
    try:
        return validate(document)
    except ValidationError as error:
        raise wrong(path, ShapeError.of(error)) from error


def read_runs(path: Path) -> list[Run]:
    """Read task, phase and numbers of every run; the rest of the answers is let go.

    One at a time, for a file may be larger than the memory. Raises `ArtifactError`.
    """
    return [run for run, _ in read_answers(path)]


def read_answers(path: Path) -> Iterator[tuple[Run, Json]]:
    """Yield every run with the gateway's whole answer, one at a time; raise `ArtifactError`."""
    for index, item in enumerate(_array_items(path)):
        try:
            yield _read_run(item), item["result"]
        except ShapeError as error:
            raise wrong(path, error.below(f"[{index}]")) from error


def _array_items(path: Path) -> Iterator[Any]:
    """Yield the items of an array, one at a time in our own layout, else after reading it whole."""
    count = 0
    try:
        with path.open("rb") as file:
            for piece in jsonio.array_pieces(file):
                items = jsonio.loads(piece)
                if not isinstance(items, list):
                    raise wrong(path, ShapeError("", "a list was expected"))
                yield from items
                count += len(items)
    except OSError as error:
        raise _cannot_read(path, error) from error
    except ValueError as error:
        place = f"[{count}]" if count else ""
        raise wrong(path, ShapeError(place, f"not JSON: {error}")) from error


def _cannot_read(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(
        f"cannot read {path}: {error.strerror}",
        hint="restore it; what can be computed from runs.json, `battery summarize` writes again",
    )


def wrong(path: Path, error: ShapeError) -> ArtifactError:
    """Make the error of a file that is not what a battery writes."""
    return ArtifactError(
        f"{path} is not what a battery writes: {error}",
        hint="restore the file, or run the battery again into another folder",
    )


def _read_run(item: Any) -> Run:
    if not isinstance(item, dict) or not isinstance(item.get("result"), dict):
        raise ShapeError("result", "is missing")
    phase = _phase(item.get("phase"))
    try:
        task = Task.model_validate(item.get("task"))
    except ValidationError as error:
        raise ShapeError.of(error).below("task") from error
    try:
        return Run(task, phase, RunResult.of(item["result"]))
    except ShapeError as error:
        raise error.below("result") from error


def _phase(name: object) -> Phase:
    try:
        return Phase(name)  # type: ignore[arg-type]
    except ValueError as error:
        raise ShapeError("phase", f"alpha, beta or gamma was expected, got {name!r}") from error
