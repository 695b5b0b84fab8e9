"""Files that survive a crash: written whole or not at all, and never through somebody's link."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

from battery.base.errors import ArtifactError, FolderError, remedy_of

# A call that has been made is paid for, and has taught the gateway: asking it again would teach it
# twice. So its answer must get to the disk even when that is full, before the run stops.
#: Room kept free on the disk for that. An answer larger than this may not fit.
RESERVE_BYTES: Final = 4 * 1024 * 1024
_RESERVE_NAME: Final = ".reserve"
#: What a file system answers to a request that it does not know, above all a network drive.
UNSUPPORTED: Final = frozenset(
    {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENOLCK}
)
# Where the system cannot tell whether its writer lives, age must do.
#: Seconds after which a temporary file that nobody changes is taken for abandoned.
_ABANDONED_S: Final = 3600


def open_own(path: Path, flags: int) -> int:
    """Open a file that battery alone writes; return its descriptor. Raises `OSError`.

    Never through a link: in a folder of somebody else's it would say which file to overwrite.
    """
    try:
        return os.open(path, flags | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(error.errno, "it is a link, which may lead anywhere", path) from error
        raise


def write_atomic(path: Path, chunks: bytes | Iterable[bytes]) -> None:
    """Write a file whole or not at all: temporary neighbour, flush, sync, rename.

    Several may write the same file at a time: each has a neighbour of its own, and the last rename
    stays. Raises `ArtifactError`; an older file of that name is then still there.
    """
    temporary = None
    try:
        temporary, neighbour = _open_neighbour(path)
        with neighbour as file:
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
        if temporary:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def holds(path: Path, content: bytes) -> bool:
    """Return whether a file, and no link to one, has this content."""
    try:
        known = path.lstat()
        # Size and kind first: a pipe would hold the reader up.
        alike = stat.S_ISREG(known.st_mode) and known.st_size == len(content)
        return alike and path.read_bytes() == content
    except OSError:
        return False


def stamp_of(path: Path) -> tuple[int, ...] | None:
    """Return what tells a file from what it was before; None where it cannot be looked at."""
    with contextlib.suppress(OSError):
        status = path.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns
    return None


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, not only the contents."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Drives that cannot sync a folder keep its names in their own way.
        if error.errno not in UNSUPPORTED:
            raise
    finally:
        os.close(handle)


def require_writable(folder: Path) -> None:
    """Raise `ArtifactError` for a folder in which no file can be made."""
    try:
        TemporaryFile(dir=folder, prefix=".", suffix=".tmp").close()
    except OSError as error:
        raise cannot_write(folder, error) from error


def make_folder(folder: Path) -> None:
    """Create a folder and its parents; raise `FolderError` without a hint when that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderError(
            f"cannot make the folder {folder}: {error.strerror}", remedy=remedy_of(error)
        ) from error


def remove_leftovers(folder: Path) -> None:
    """Remove what killed writers left half done; what is still being written stays."""
    for pattern in (".*.tmp", "iter_*/**/.*.tmp"):
        for path in folder.glob(pattern):
            with contextlib.suppress(OSError):
                _remove_abandoned(path)
    Reserve(folder).remove()


class Reserve:
    """Space kept in a folder for the moment when the disk is full."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _RESERVE_NAME
        self._made: os.stat_result | None = None

    def claim(self) -> None:
        """Take the space now, while nothing is paid for yet; raise `ArtifactError`."""
        try:
            self._path.unlink(missing_ok=True)
            with os.fdopen(
                open_own(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb"
            ) as file:
                self._made = os.fstat(file.fileno())
                file.write(bytes(RESERVE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.release()
            raise cannot_write(self._path.parent, error) from error

    def release(self) -> None:
        """Give the space back; harmless when there is none."""
        with contextlib.suppress(OSError):
            # Where the folder was replaced meanwhile, the file of that name is another battery's.
            if self._made and os.path.samestat(self._made, self._path.lstat()):
                self._path.unlink()

    def remove(self) -> None:
        """Give back what a killed writer had claimed."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> ArtifactError:
    """Put a failed write into words, with what would clear the cause and no hint."""
    return ArtifactError(f"cannot write {path}: {error.strerror or error}", remedy=remedy_of(error))


def _open_neighbour(path: Path) -> tuple[Path, BinaryIO]:
    """Make a new file next to another, under a name of its own and locked while it is open."""
    while True:
        # Part of the name, for people; the whole of it could be too long with anything added.
        temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}.tmp")
        handle = open_own(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        # Whoever removes leftovers may have come between the two steps, and then has it.
        if _lock(handle) is not False and os.path.lexists(temporary):
            return temporary, os.fdopen(handle, "wb")
        os.close(handle)


def _remove_abandoned(path: Path) -> None:
    """Remove a temporary file whose writer has died; raise `OSError`."""
    handle = open_own(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        about = os.fstat(handle)
        if stat.S_ISREG(about.st_mode):
            held = _lock(handle)
            if held or (held is None and time.time() - about.st_mtime > _ABANDONED_S):
                path.unlink()
    finally:
        os.close(handle)


def _lock(handle: int) -> bool | None:
    """Try to lock a file until it is closed; return whether, or None where there are no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
