"""The journal of one iteration: one line per finished call, on disk before the next goes out.

A line names its call (`respond`, `confirm`, `distill`, `chat`), when it finished and everything
it brought. Calls are found by key, never by position, so a resume cannot mix them up. One torn
last line, as a killed process leaves it, is dropped: that call never finished.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import orjson

from battery.base import jsonio
from battery.base.errors import ArtifactError
from battery.protocol import Json
from battery.records.lines import FinishedCall
from battery.records.models import ELAPSED_KEY
from battery.records.stages import CallKey
from battery.store.files import Reserve, cannot_write, disk_is_full, sync_folder


class Journal:
    """Finished calls of one iteration, appended and synced one by one.

    Keeps offsets in memory, not answers: 10,000 calls cost a few megabytes. A call recorded twice
    (a review that was redone) counts twice, and `get` returns the later one.
    """

    def __init__(self, path: Path, reserve: Reserve | None = None) -> None:
        self._path = path
        self._reserve = reserve
        self._offsets: dict[CallKey, int] = {}
        self._file: BinaryIO | None = None
        self._end = 0
        #: Number of finished calls and the sum of their wall times in whole milliseconds.
        self.calls = 0
        self.elapsed_ms = 0
        #: How many of them were tasks; the original battery recorded none.
        self.tasks = 0
        #: Events of the distill stream that were not JSON.
        self.broken_events = 0
        for offset, entry in _lines(path):
            self._note(entry, offset)

    def __enter__(self) -> Self:
        """Open for appending, with a torn last line cut off."""
        try:
            # Unbuffered: what Python still held back would not be covered by the sync.
            self._file = self._path.open("ab", buffering=0)
            self._end = _cut_torn_tail(self._path)
            # The calls are safe only when the name of a new journal is on disk, too.
            sync_folder(self._path.parent)
        except OSError as error:
            raise cannot_write(self._path, error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        if self._file:
            self._file.close()

    def __contains__(self, key: object) -> bool:
        """Return whether that call has finished."""
        return key in self._offsets

    def get(self, key: CallKey) -> Json | None:
        """Read what a finished call brought; None when it has not finished."""
        if key not in self._offsets:
            return None
        with self._path.open("rb") as file:
            file.seek(self._offsets[key])
            entry: Json = jsonio.loads(file.readline())
        return entry

    def read(self, key: CallKey) -> Json:
        """Read what a call brought that is known to have finished; raise `KeyError` otherwise."""
        entry = self.get(key)
        if entry is None:
            raise KeyError(key)
        return entry

    def append(self, key: CallKey, call: FinishedCall) -> Json:
        """Record a finished call and return its line; when this returns, it is on disk.

        On a full disk the reserve is given up to save the line, and `ArtifactError` is raised
        afterwards, so that no further call is paid for.
        """
        parts = {name: value for name, value in key._asdict().items() if value}
        entry: Json = {**parts, **call}
        line = jsonio.dumps(entry) + b"\n"
        try:
            self._write(line)
        except OSError as error:
            if self._reserve and disk_is_full(error):
                self._reserve.release()
                self._write_or_raise(line)
                self._note(entry, self._end)
            # Saved or not: the disk is full, and the next answer would find no reserve.
            raise cannot_write(self._path, error) from error
        self._note(entry, self._end)
        self._end += len(line)
        return entry

    def _write_or_raise(self, line: bytes) -> None:
        try:
            self._write(line)
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def _write(self, line: bytes) -> None:
        if self._file is None:
            raise RuntimeError("the journal is not open")
        rest = memoryview(line)
        try:
            # A write may take less than all of it, above all on a disk that is nearly full.
            while rest:
                rest = rest[self._file.write(rest) :]
            # Written is not enough: after a power cut only what was synced is there, while the
            # gateway keeps what it learned from the call.
            os.fsync(self._file.fileno())
        except OSError:
            # The next line would be glued to half of this one, and both would be lost.
            self._file.truncate(self._end)
            raise

    def _note(self, entry: Json, offset: int) -> None:
        self._offsets[CallKey.of(entry)] = offset
        self.calls += 1
        self.tasks += entry["call"] == "respond"
        result = entry.get("result", entry)
        self.elapsed_ms += result.get(ELAPSED_KEY, 0)
        self.broken_events += entry.get("broken", 0)


def _lines(path: Path) -> Iterator[tuple[int, Json]]:
    """Yield each whole line with its offset; a torn last one is passed over."""
    if not path.exists():
        return
    offset = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            yield offset, _parsed(line, f"{path}, line {number}")
            offset += len(line)


def _parsed(line: bytes, place: str) -> Json:
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        entry = None
    # A whole line that cannot be read is damage and no torn end. Passed over in silence, its call
    # would be asked, paid for and learned from a second time.
    if not isinstance(entry, dict) or "call" not in entry:
        raise ArtifactError(
            f"{place} is not a finished call",
            hint="restore the file, or remove that line: its call is then asked again",
        )
    return entry


def _cut_torn_tail(path: Path) -> int:
    """Cut a torn last line off; return the length of what remains."""
    with path.open("rb+") as file:
        size = end = file.seek(0, os.SEEK_END)
        # From the end: a journal may be large, and only its last line can be torn.
        while end:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            file.truncate(end)
    return end
