"""The journal of one iteration: one line per finished call, on disk before the next goes out.

A line names its call (`respond`, `confirm`, `sibling`, `tell`, `distill`, `chat`), when it finished
and everything it brought. Calls are found by key and never by position, so a resume cannot mix them
up. One torn last line, as a killed process leaves it, is dropped: that call never finished.

A journal that is removed, moved, replaced or changed while it is open stops the command before the
next call: nobody would find that call's answer.
"""

from __future__ import annotations

import contextlib
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from battery.base import interrupts, jsonio
from battery.base.errors import ArtifactError, LostFolderError
from battery.base.text import printable
from battery.protocol import Json, idempotency
from battery.records.lines import FinishedCall
from battery.records.models import ELAPSED_KEY
from battery.records.stages import CallKey
from battery.store.appending import AppendedFile
from battery.store.documents import cannot_read
from battery.store.files import Reserve, stamp_of

_TASK: Final = {"task_id": str, "arm": str, "repeat": int, "result": dict}
_TIMED: Final = {ELAPSED_KEY: (int, float)}
#: What is read from a line without another look, by the kind of its call.
_SHAPES: Final[dict[str, dict[str, Any]]] = {
    "respond": _TASK,
    "confirm": _TASK,
    "sibling": _TASK,
    "tell": {"role": str, "arm": str, "task_id": str, "repeat": int, **_TIMED},
    "distill": {"text": str, "broken": int, "events": list, **_TIMED},
    "chat": {"role": str, "content": str, **_TIMED},
}


class Journal:
    """Finished calls of one iteration, appended and synced one by one.

    Keeps offsets in memory, not answers: 10,000 calls cost a few megabytes. A call recorded twice
    (a review that was redone) counts twice, and `get` returns the later one.
    """

    def __init__(
        self,
        path: Path,
        reserve: Reserve | None = None,
        heard: Callable[[Json], None] = lambda _call: None,
        permit: Callable[[], None] = lambda: None,
        name: str | None = None,
    ) -> None:
        """Read what is on disk; `heard` gets each line, of now and of later, once it is there.

        `permit` is asked before each call, and raises where none may be made any more. `name` is
        what tells this iteration from all others, for the names of its calls; None names none.
        """
        self._path = path
        self._reserve = reserve
        self._heard = heard
        self._permit = permit
        self._name = name
        self._offsets: dict[CallKey, int] = {}
        #: How often what was asked again is on record.
        self._times: Counter[CallKey] = Counter()
        self._file: AppendedFile | None = None
        self._left: tuple[int, ...] | None = None
        #: Number of finished calls and the sum of their wall times in whole milliseconds.
        self.calls = 0
        self.elapsed_ms = 0
        #: How many of them were tasks; the original battery recorded none.
        self.tasks = 0
        #: Calls that told a system how a task ended, where the tokens of that were counted.
        self.counted_tellings: list[CallKey] = []
        #: The memory after the last line that tells of one.
        self.memory: str | None = None
        for offset, entry in _lines(path):
            self._note(entry, offset)
            del entry  # an answer may be large, and the next one is read now

    def __enter__(self) -> Self:
        """Open for appending, with a torn last line cut off; raise `ArtifactError`."""
        self._file = AppendedFile(self._path, self._reserve)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file; behind an error, raise `LostFolderError` where that is the cause."""
        if self._file is None:
            return
        lost = None
        with contextlib.closing(self._file), contextlib.suppress(OSError):
            # Without its folder anything may fail, and in the strangest words.
            if error and not isinstance(error, LostFolderError):
                lost = self._file.lost()
        self._left = stamp_of(self._path)
        if lost:
            raise lost from error

    def is_as_left(self) -> bool:
        """Return whether it was written, and nobody has touched its file since it was closed."""
        return self._left is not None and self._left == stamp_of(self._path)

    def __contains__(self, key: object) -> bool:
        """Return whether that call has finished."""
        return key in self._offsets

    def get(self, key: CallKey) -> Json | None:
        """Read what a finished call brought; None when it has not finished."""
        if key not in self._offsets:
            return None
        (entry,) = self.entries([key])
        return entry

    def entries(self, keys: Iterable[CallKey]) -> Iterator[Json]:
        """Read what calls brought, one at a time in the order given; all must have finished."""
        try:
            with self._path.open("rb") as file:
                yield from (self._entry(file, key) for key in keys)
        except OSError as error:
            self.require_in_place()
            raise cannot_read(self._path, error) from error

    def _entry(self, file: BinaryIO, key: CallKey) -> Json:
        file.seek(self._offsets[key])
        line = file.readline()
        place = f"{self._path}, byte {self._offsets[key]}"
        entry = _parsed(line, place)
        if CallKey.of(entry) != key:
            raise _no_call(place)
        return entry

    def read(self, key: CallKey) -> Json:
        """Read what a call brought that is known to have finished; raise `KeyError` otherwise."""
        entry = self.get(key)
        if entry is None:
            raise KeyError(key)
        return entry

    def append(self, key: CallKey, call: FinishedCall) -> Json:
        """Record a finished call and return its line; when this returns, it is on disk.

        Raises `ArtifactError`, which says what became of the answer, when no further call may be
        paid for: the disk is full or broken, or the journal is not in its place.
        """
        if self._file is None:
            raise RuntimeError("the journal is not open")
        parts = {name: value for name, value in key._asdict().items() if value}
        entry: Json = {**parts, **call}
        title = f"the answer to {_title(entry)}"
        line = jsonio.dumps(entry) + b"\n"
        with interrupts.held_back():
            self._note(entry, self._file.append(line, title))
        return entry

    @contextlib.contextmanager
    def asking(self, key: CallKey) -> Iterator[None]:
        """Be around each call: give it its name on the wire.

        Raises `ArtifactError` unless it would be found on record, and what `permit` raises.
        """
        self.require_in_place()
        # Last: what it allows begins at once.
        self._permit()
        with idempotency.named(self._name and f"{self._name}/{self._called(key)}"):
            yield

    def require_in_place(self) -> None:
        """Raise `ArtifactError` unless a line that is added now would be found on record."""
        if self._file:
            self._file.require_in_place()

    def _called(self, key: CallKey) -> str:
        """Name a call within the iteration; what is redone is another call each time."""
        parts = [str(part) for part in key if part]
        again = [str(self._times[key] + 1)] if key in self else []
        # What is asked most often has the shortest name.
        return "/".join([*parts[key.call == "respond" :], *again])

    def _note(self, entry: Json, offset: int) -> None:
        key = CallKey.of(entry)
        self._offsets[key] = offset
        self._times[key] += 1
        # To tell a system how a task ended is part of asking it.
        self.calls += entry["call"] != "tell"
        self.tasks += entry["call"] == "respond"
        if entry["call"] == "tell" and "usage" in entry:
            self.counted_tellings.append(key)
        self.memory = entry.get("memory", self.memory)
        result = entry.get("result", entry)
        self.elapsed_ms += result.get(ELAPSED_KEY, 0)
        self._heard(entry)


def _title(entry: Json) -> str:
    """Name a call for people."""
    asked = entry.get("task", {}).get("operation") or entry.get("role", "")
    return printable(f"{entry['call']} {asked}")


def _lines(path: Path) -> Iterator[tuple[int, Json]]:
    """Yield each whole line with its offset; a torn last one is passed over."""
    offset = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                # A copy that went through Windows may begin with a byte order mark.
                text = line.removeprefix(BOM_UTF8)
                yield offset, _parsed(text, f"{path}, line {number}", max_depth=None)
                offset += len(line)
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_read(path, error) from error


def _parsed(line: bytes, place: str, max_depth: int | None = jsonio.MAX_FILE_DEPTH) -> Json:
    try:
        entry = jsonio.loads(line, max_depth)
    except ValueError as error:
        raise _no_call(place) from error
    # A whole line that cannot be read is damage and no torn end. Passed over in silence, its call
    # would be asked, paid for and learned from a second time.
    if not isinstance(entry, dict) or not _is_call(entry):
        raise _no_call(place)
    return entry


def _is_call(entry: Json) -> bool:
    shape = _SHAPES.get(str(entry.get("call")))
    if shape is None or not all(isinstance(entry.get(name), kind) for name, kind in shape.items()):
        return False
    return isinstance(entry.get("result", entry).get(ELAPSED_KEY, 0), (int, float))


def _no_call(place: str) -> ArtifactError:
    return ArtifactError(
        f"{place} is not a finished call",
        hint="restore the file, or remove that line: its call is then made again",
    )
