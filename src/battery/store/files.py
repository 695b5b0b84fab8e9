"""Files that survive a crash: written whole or not at all, locked against a second writer."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from battery.base import jsonio
from battery.base.errors import ArtifactError, FolderError, advised
from battery.protocol import Json

# A call that has been made is paid for, and has taught the gateway: asking it again would teach it
# twice. So its answer must get to the disk even when that is full, before the run stops.
#: Room kept free on the disk for that. An answer larger than this may not fit.
RESERVE_BYTES: Final = 4 * 1024 * 1024
_RESERVE_NAME: Final = ".reserve"
_LOCK_NAME: Final = ".lock"
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
#: More than any note in the lock has; whatever else is there is not read to its end.
_NOTE_BYTES: Final = 4096


class Holder(NamedTuple):
    """The process that holds a folder, as its lock names it."""

    pid: int
    host: str
    #: When the process began, as its system counts; None where the system does not tell.
    started: str | None


def write_atomic(path: Path, chunks: bytes | Iterable[bytes]) -> None:
    """Write a file whole or not at all: temporary neighbour, flush, sync, rename.

    Raises `ArtifactError`; an older file of that name is then still there.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            for chunk in [chunks] if isinstance(chunks, bytes) else chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        # The new name is in the folder, and only in memory until that is synced as well: after a
        # power cut the old file could be back, or the manifest name a file that is not there.
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, not only the contents."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents; raise `FolderError` without a hint when that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(f"cannot make the folder {folder}: {error.strerror}") from error


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for one writer; the system lets go of it even when the writer is killed.

    Raises `FolderError` when another process holds it or when it cannot be written. What a killed
    writer left half done (temporary files) is removed.
    """
    with advised("name a folder that you may write to: --dir PATH"):
        make_folder(folder)
        handle = _open_lock(folder)
    try:
        _take_lock(handle, folder)
        _note(handle, Holder(os.getpid(), socket.gethostname(), _start(os.getpid()))._asdict())
        try:
            _remove_leftovers(folder)
            yield
        finally:
            _note(handle, {})
    finally:
        os.close(handle)


def holder(folder: Path) -> Holder | None:
    """Read which process holds a folder, or held it when it was killed; None where none is named.

    Never tries the lock itself; see `_read_note`.
    """
    return _holder(_read_note(folder))


def is_held(folder: Path) -> bool | None:
    """Return whether the process that the lock names is at work; None where that is unknown.

    It is unknown of a process on another host, and of one of an earlier version, which left its
    lock empty.
    """
    note = _read_note(folder)
    named = _holder(note)
    if named is None:
        return False if note == {} else None
    return _is_alive(named) if named.host == socket.gethostname() else None


class Reserve:
    """Space kept in a folder for the moment when the disk is full."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _RESERVE_NAME

    def claim(self) -> None:
        """Take the space now, while nothing is paid for yet; raise `ArtifactError`."""
        try:
            with self._path.open("wb") as file:
                file.write(bytes(RESERVE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.release()
            raise cannot_write(self._path.parent, error) from error

    def release(self) -> None:
        """Give the space back; harmless when there is none."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def disk_is_full(error: OSError) -> bool:
    """Return whether a failed write may succeed once space is freed."""
    return error.errno in _DISK_FULL


def cannot_write(path: Path, error: OSError) -> ArtifactError:
    """Put a failed write into words, with what would clear the cause and no hint."""
    if error.errno == errno.EISDIR:
        remedy = "move it away"
    elif disk_is_full(error):
        remedy = "free some space"
    else:
        remedy = "check the folder's permissions"
    return ArtifactError(f"cannot write {path}: {error.strerror or error}", remedy=remedy)


def _open_lock(folder: Path) -> int:
    try:
        return os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise FolderError(f"cannot write to the folder {folder}: {error.strerror}") from error


def _take_lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FolderError(
            f"another battery process is working in {folder}",
            hint="wait until it ends, or name another folder with --dir",
        ) from error


def _note(handle: int, note: Json) -> None:
    """Write into the lock who has it; it is for those who watch, so a full disk may forbid it."""
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, jsonio.dumps(note) + b"\n", 0)


def _read_note(folder: Path) -> Json | None:
    # A watcher reads what the lock says and never tries to take it, not even shared and for a
    # moment: in that moment a run that starts would be turned away.
    try:
        with (folder / _LOCK_NAME).open("rb") as file:
            note = jsonio.loads(file.read(_NOTE_BYTES))
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None


def _holder(note: Json | None) -> Holder | None:
    pid, host = (note or {}).get("pid"), (note or {}).get("host")
    if not isinstance(pid, int) or not isinstance(host, str) or not 0 < pid < 2**31:
        return None
    started = (note or {}).get("started")
    return Holder(pid, host, started if isinstance(started, str) else None)


def _is_alive(named: Holder) -> bool:
    try:
        os.kill(named.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # of another user, and so alive
    started = _start(named.pid)
    # Systems give the number of a process that has gone to a later one.
    return None in {started, named.started} or started == named.started


def _start(pid: int) -> str | None:
    """Read when a process began; empty for one that is dead and not yet buried by its parent."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The name of the program, in brackets, may itself hold blanks and brackets.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in {"Z", "X"} else fields[19]


def _remove_leftovers(folder: Path) -> None:
    for pattern in (".*.tmp", "iter_*/**/.*.tmp", _RESERVE_NAME):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
