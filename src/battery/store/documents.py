"""JSON artifacts read back: whatever is wrong with one is named by file and place."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from battery.base import jsonio
from battery.base.errors import ArtifactError, ShapeError, remedy_of
from battery.protocol import Json
from battery.records.checks import Checked
from battery.records.lines import RecordedRun
from battery.records.models import ELAPSED_KEY, Phase, Run, RunResult, Task

V = TypeVar("V")
W = TypeVar("W")
R = TypeVar("R")

Chunks = bytes | Iterable[bytes]

#: Bytes of runs that are read from the disk at once.
_READ_BYTES: Final = 1 << 17
#: Bytes of a task that is read anew each time.
_LONG_TASK: Final = 2048
_PHASES: Final = {phase.value: phase for phase in Phase}
_DECIDE_NO_STATUS: Final = {"iterations", "artifact", "log", "error", ELAPSED_KEY}


class Format(NamedTuple, Generic[W, R]):
    """How a file is written and read; the type of its content is what its schema is made of."""

    #: None for text.
    content: Any
    dump: Callable[[W], Chunks]
    #: Raises `ArtifactError`.
    read: Callable[[Path], R]
    #: Whether each line is a document of that type.
    lines: bool = False


def document(kind: type[V]) -> Format[V, V]:
    """Return the format of a file that is one JSON document: a record, or a list of them."""

    # Made when it is first needed, and once: for a list it costs more than reading a file.
    @cache
    def adapter() -> TypeAdapter[V]:
        return TypeAdapter(kind)

    def dump(content: V) -> bytes:
        return jsonio.dumps_indented(adapter().dump_python(content, mode="json"))

    def read(path: Path) -> V:
        return validated(path, adapter().validate_python, read_json(path))

    return Format(kind, dump, read)


def dump_record(record: BaseModel) -> bytes:
    """Write a record as an indented document."""
    return jsonio.dumps_indented(record.model_dump(mode="json"))


def read_bytes(path: Path) -> bytes:
    """Read a whole file; raise `ArtifactError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from error


def read_json(path: Path) -> Any:
    """Read a document, whatever its shape; raise `ArtifactError`."""
    try:
        return jsonio.loads(read_bytes(path))
    except ValueError as error:
        raise wrong(path, ShapeError("", f"not JSON: {error}")) from error


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
    # A loop would keep an answer while the next one is read.
    return list(map(itemgetter(0), read_answers(path)))


def read_answers(path: Path, known: Sequence[Run] = ()) -> Iterator[tuple[Run, Json]]:
    """Yield every run with the gateway's answer, one at a time; raise `ArtifactError`.

    The answer is whole, but for what counts as not reported (`RunResult.faults`): that is null.
    `known` are the runs of that file, where it was read before.
    """
    # Not by `enumerate`, which keeps an item while the next one is read.
    index = -1
    for item, faults in _array_items(path):
        index += 1
        try:
            if index < len(known) and not known[index].result.faults:
                run, answer = known[index], item["result"]
            else:
                run, answer = _read_run(item, faults)
            yield run, answer
            del item, answer
        except ShapeError as error:
            raise wrong(path, error.below(f"[{index}]")) from error


def read_items(path: Path) -> Iterator[Any]:
    """Yield the items of an array as they are, one at a time; raise `ArtifactError`."""
    return map(itemgetter(0), _array_items(path))


def _array_items(path: Path) -> Iterator[tuple[Any, list[str]]]:
    """Yield the items of an array, one at a time in our own layout, else after reading it whole.

    With each item comes what was left out of it.
    """
    try:
        with path.open("rb", _READ_BYTES) as file:
            for items in map(partial(_items, path), jsonio.array_pieces(file)):
                yield from items
    except OSError as error:
        raise cannot_read(path, error) from error
    except ValueError as error:
        # Read as a whole it names the line of the file; that of a piece would mislead.
        read_json(path)
        raise wrong(path, ShapeError("", f"not JSON: {error}")) from error


def _items(path: Path, piece: bytes) -> Iterator[tuple[Any, list[str]]]:
    deep: list[str] = []
    try:
        items = jsonio.loads(piece)
    except jsonio.TooDeepError as error:
        # The original script set no limit. What is below ours could be written nowhere.
        items, deep = jsonio.loads(piece, None), [f"result: {error}"]
    if not isinstance(items, list):
        raise wrong(path, ShapeError("", "a list was expected"))
    for item in items:
        cut = deep and jsonio.cut_off(item, jsonio.MAX_DEPTH, "nested too deeply")
        yield item, deep if cut else []


def read_objects(path: Path) -> Iterator[Json]:
    """Yield the objects of a file of lines; what is not a JSON object is left out."""
    # Lenient, unlike the journal: what is read this way is shown and decides no verdict.
    for line in read_bytes(path).splitlines():
        with contextlib.suppress(ValueError):
            value = jsonio.loads(line)
            if isinstance(value, dict):
                yield value


def last_object(path: Path) -> Json:
    """Read the last line that is not blank, an object; empty where there is none."""
    lines = read_bytes(path).rstrip().splitlines()
    try:
        event = jsonio.loads(lines[-1]) if lines else {}
    except ValueError as error:
        raise wrong(path, ShapeError("", f"its last line is not JSON: {error}")) from error
    if not isinstance(event, dict):
        raise wrong(path, ShapeError("", "its last line is not a JSON object"))
    return event


def cannot_read(path: Path, error: OSError) -> ArtifactError:
    """Put a failed read into words, with what would clear the cause."""
    restore = "restore it; what can be computed from runs.json, `battery summarize` writes again"
    missing = isinstance(error, FileNotFoundError)
    return ArtifactError(
        f"cannot read {path}: {error.strerror}", hint=restore if missing else remedy_of(error)
    )


def wrong(path: Path, error: ShapeError) -> ArtifactError:
    """Make the error of a file that is not what a battery writes."""
    return ArtifactError(
        f"{path} is not what a battery writes: {error}",
        hint="restore the file, or run the battery again into another folder",
    )


def read_back(answer: Json) -> tuple[RunResult, Json]:
    """Read an answer that is on disk; return it, with null for whatever else is wrong in it.

    Raises `ShapeError` for a wrong status alone.
    """
    # Earlier versions and the original script wrote what the wire refuses by now, such as 1e308
    # tokens. One such number must not keep anybody from all the rest of a battery.
    faults: list[str] = []
    while True:
        try:
            result = RunResult.of(answer)
            return result._replace(faults=tuple(faults)) if faults else result, answer
        except ShapeError as error:
            path, fault = error.place.split("."), str(error.below("result"))
            if path[0] not in _DECIDE_NO_STATUS or fault in faults:
                raise
            faults.append(fault)
            answer = _without(answer, path)


def _without(answer: Json, path: Sequence[str]) -> Json:
    key, *below = path
    return {**answer, key: _without(answer[key], below) if below else None}


def _read_run(item: Any, faults: Sequence[str]) -> tuple[Run, Json]:
    # By hand and not as a model of the whole, so that the gateway's answer stays as it came.
    if not isinstance(item, dict) or not isinstance(item.get("result"), dict):
        raise ShapeError("result", "is missing")
    phase = _phase(item.get("phase"))
    try:
        task = _task(item.get("task"))
    except ValidationError as error:
        raise ShapeError.of(error).below("task") from error
    try:
        result, answer = read_back(item["result"])
    except ShapeError as error:
        raise error.below("result") from error
    graded = result.graded(_checked(item))
    if faults:
        graded = graded._replace(faults=(*graded.faults, *faults))
    return Run(task, phase, graded, item.get("sibling_of")), answer


def _task(document: object) -> Task:
    # A task is in the file of each iteration and arm; the memory is not to fill with long ones.
    data = jsonio.dumps(document)
    return _known_task(data) if len(data) < _LONG_TASK else Task.model_validate(document)


@lru_cache(maxsize=2048)
def _known_task(data: bytes) -> Task:
    return Task.model_validate(jsonio.loads(data))


def _checked(item: Json) -> Checked | None:
    if item.get("checked") is None:
        return None
    try:
        return Checked.model_validate(item["checked"])
    except ValidationError as error:
        raise ShapeError.of(error).below("checked") from error


def _phase(name: object) -> Phase:
    # By a table, since the call of an enumeration takes several times as long.
    phase = _PHASES.get(name) if isinstance(name, str) else None
    if phase is None:
        raise ShapeError("phase", f"`alpha`, `beta` or `gamma` was expected, got {name!r}")
    return phase


# Never refused: an answer that was paid for has to get to the disk, whatever a model put in it.
#: Text as it came; what is not UTF-8 is written and read as a question mark.
TEXT: Final[Format[str, str]] = Format(
    None,
    lambda text: text.encode("utf-8", "replace"),
    lambda path: read_bytes(path).decode("utf-8", "replace"),
)
#: A page of HTML, made piece by piece.
PAGE: Final[Format[Chunks, bytes]] = Format(None, lambda chunks: chunks, read_bytes)
#: Any JSON objects, one a line.
EVENTS: Final[Format[Iterable[Json], Iterator[Json]]] = Format(
    Json,
    lambda events: b"".join(jsonio.dumps(event) + b"\n" for event in events),
    read_objects,
    lines=True,
)
#: Tasks with whole answers, written one at a time; read back as numbers.
RUNS: Final[Format[Iterable[Mapping[str, object]], list[Run]]] = Format(
    list[RecordedRun], jsonio.indented_array, read_runs
)
