"""One writer for a folder: who has it, and whether that process is at work."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from battery.base import jsonio
from battery.base.errors import FolderError, advised, remedy_of
from battery.protocol import Json
from battery.records.events import Notice, Observer
from battery.store.files import UNSUPPORTED, make_folder, open_own, remove_leftovers

_LOCK_NAME: Final = ".lock"
#: Stands in for the lock on drives that have none: only one process can make a new file.
_STAND_IN_NAME: Final = ".held"
#: More than any note in the lock has; whatever else is there is not read to its end.
_NOTE_BYTES: Final = 4096


class Holder(NamedTuple):
    """The process that holds a folder, as its lock names it."""

    pid: int
    host: str
    #: When the process began, as its system counts; None where the system does not tell.
    started: str | None


@contextlib.contextmanager
def locked(folder: Path, tell: Observer = lambda _: None) -> Iterator[None]:
    """Hold a folder for one writer; the system lets go of it even when the writer is killed.

    Where the file system has no locks, a file that names the writer stands in, and a warning says
    so. Raises `FolderError` when another process holds the folder or when it cannot be written.
    What a killed writer left half done (temporary files) is removed.
    """
    with advised("name a folder that you may write to: --dir PATH"):
        make_folder(folder)
        handle = _open_lock(folder)
    note = this_process()._asdict()
    try:
        with contextlib.nullcontext() if _lock(handle, folder) else _stand_in(folder, note, tell):
            _note(handle, note)
            try:
                remove_leftovers(folder)
                yield
            finally:
                _note(handle, {})
    finally:
        os.close(handle)


def this_process() -> Holder:
    """Name this process, as a lock or a lease does."""
    return Holder(os.getpid(), socket.gethostname(), _start(os.getpid()))


def is_at_work(named: Holder) -> bool | None:
    """Return whether a process is at work; None where it is on another host."""
    return _is_alive(named) if named.host == socket.gethostname() else None


def holder(folder: Path) -> Holder | None:
    """Read which process holds a folder, or held it when it was killed; None where none is named.

    Never tries the lock itself; see `_read_note`.
    """
    return _holder(_read_note(folder / _LOCK_NAME))


def is_held(folder: Path) -> bool | None:
    """Return whether the process that the lock names is at work; None where that is unknown.

    It is unknown of a process on another host, and of one of an earlier version, which left its
    lock empty.
    """
    return _is_at_work(_read_note(folder / _LOCK_NAME))


def _is_at_work(note: Json | None) -> bool | None:
    named = _holder(note)
    if named is None:
        return False if note == {} else None
    return is_at_work(named)


def _open_lock(folder: Path) -> int:
    try:
        return open_own(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise _unusable(folder, _LOCK_NAME, error) from error


def _unusable(folder: Path, name: str, error: OSError) -> FolderError:
    what = f"{name}: " if (folder / name).is_symlink() or (folder / name).is_dir() else ""
    return FolderError(
        f"cannot write to the folder {folder}: {what}{error.strerror}", remedy=remedy_of(error)
    )


def _lock(handle: int, folder: Path) -> bool:
    """Lock a folder; return False where the file system has no locks. Raises `FolderError`."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FolderError(
            f"another battery process is working in {folder}",
            hint="wait until it ends, or name another folder with --dir",
        ) from error
    except OSError as error:
        if error.errno in UNSUPPORTED:
            return False
        raise FolderError(
            f"cannot lock the folder {folder}: {error.strerror}",
            hint=f"{remedy_of(error)}, or name another folder with --dir",
        ) from error
    return True


@contextlib.contextmanager
def _stand_in(folder: Path, note: Json, tell: Observer) -> Iterator[None]:
    """Hold a folder by a file that must not be there yet; raise `FolderError`."""
    path = folder / _STAND_IN_NAME
    _bury(path)
    try:
        handle = open_own(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError as error:
        raise _is_taken(folder, path) from error
    except OSError as error:
        raise _unusable(folder, path.name, error) from error
    try:
        made = os.fstat(handle)
        _note(handle, note)
    finally:
        os.close(handle)
    tell(
        Notice(
            f"the file system of {folder} has no locks; {path.name} stands in for one: "
            "start no other battery in this folder from another machine",
            warning=True,
        )
    )
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            # Where the folder was replaced meanwhile, the file of that name is another's.
            if os.path.samestat(made, path.lstat()):
                path.unlink()


def _bury(path: Path) -> None:
    """Remove a stand-in whose process has died, and never one that was made since."""
    note = _read_note(path)
    if _is_at_work(note) is not False:
        return
    aside = path.with_name(f"{path.name}.{secrets.token_hex(6)}.tmp")
    with contextlib.suppress(OSError):
        path.rename(aside)
        if _read_note(aside) == note:
            aside.unlink()
        else:
            aside.rename(path)


def _is_taken(folder: Path, path: Path) -> FolderError:
    named, note = _holder(_read_note(path)), _read_note(path)
    who = f"process {named.pid} on {named.host}" if named else "an unknown process"
    wait = "wait until it ends, or name another folder with --dir"
    # Only of a process on this machine is it known whether it lives.
    ended = "" if _is_at_work(note) else f"; if it has ended, remove {path}"
    return FolderError(
        f"another battery process is working in {folder}: {who}, says {path.name}",
        hint=wait + ended,
    )


def _note(handle: int, note: Json) -> None:
    """Write into the lock who has it; it is for those who watch, so a full disk may forbid it."""
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, jsonio.dumps(note) + b"\n", 0)


def _read_note(path: Path) -> Json | None:
    # A watcher reads what the lock says and never tries to take it, not even shared and for a
    # moment: in that moment a run that starts would be turned away.
    try:
        with path.open("rb") as file:
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
    # While any of its threads is still about to end, its files are open and its locks held.
    is_gone = fields[0] in {"Z", "X"} and int(fields[17]) <= 1
    return "" if is_gone else fields[19]
