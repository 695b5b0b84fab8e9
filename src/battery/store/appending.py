"""A file of lines that are safe on disk one by one, and that notices when it is taken away.

A file that is removed, moved, replaced or changed while it is open says so before the next line is
needed: nobody would find that line under the file's name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
from pathlib import Path
from typing import BinaryIO

from battery.base.errors import ArtifactError, LostFolderError, disk_is_full, remedy_of
from battery.store.files import Reserve, cannot_write, open_own, sync_folder


class AppendedFile:
    """A file that is open for appending, with a torn last line cut off.

    Raises `ArtifactError` when it cannot be opened.
    """

    def __init__(self, path: Path, reserve: Reserve | None = None) -> None:
        self._path = path
        self._reserve = reserve
        try:
            handle = open_own(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
            # Unbuffered: what Python still held back would not be covered by the sync.
            self._file: BinaryIO = os.fdopen(handle, "rb+", buffering=0)
            self._end = _cut_torn_tail(self._file)
            # The lines are safe only when the name of a new file is on disk, too.
            sync_folder(path.parent)
        except OSError as error:
            raise cannot_write(path, error) from error

    def close(self) -> None:
        """Close the file."""
        # Each line was synced by itself, so there is nothing left to fail.
        with contextlib.suppress(OSError):
            self._file.close()

    def append(self, line: bytes, what: str) -> int:
        """Write a line that ends in a line end; return its offset once it is on disk.

        One that cannot be written is tried once more, on a full disk with the reserve given up;
        `ArtifactError` is raised afterwards all the same, so that no further call is paid for. It
        says what became of the line, which is called `what` there. Raises the error of
        `require_in_place` where the line is on disk, and not where its reader would look.
        """
        try:
            changed = self._changed(self._size())
            if changed:
                # What is paid for must not be glued to half a line.
                self._end = _cut_torn_tail(self._file)
            self._write(line)
        except OSError as error:
            # Saved or not: the disk is full or broken, and the next line would fare no better.
            fate = f"{what} {self._write_again(line, error)}"
            raise ArtifactError(
                f"cannot write {self._path}: {error.strerror}; {fate}", remedy=remedy_of(error)
            ) from error
        self._end += len(line)
        if changed:
            raise changed
        self.require_in_place()
        return self._end - len(line)

    def require_in_place(self) -> None:
        """Raise `ArtifactError` unless the next line would be found under the file's name.

        It is a `LostFolderError` where another file or none has that name. Costs two looks at the
        file, and no read.
        """
        try:
            lost = self.lost()
        except OSError as error:
            raise cannot_write(self._path, error) from error
        if lost:
            raise lost

    def lost(self) -> ArtifactError | None:
        """Look whether the open file is still the one that its name leads to; raise `OSError`."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            status = os.fstat(self._file.fileno())
            if os.path.samestat(status, self._path.lstat()):
                return self._changed(status.st_size)
        return self._gone()

    def _write(self, line: bytes) -> None:
        """Write a line through to the disk; raise `OSError`."""
        rest = memoryview(line)
        # A write may take less than all of it, above all on a disk that is nearly full.
        while rest:
            rest = rest[self._file.write(rest) :]
        # Written is not enough: after a power cut only what was synced is there, while the gateway
        # keeps what it learned from the call.
        os.fsync(self._file.fileno())

    def _write_again(self, line: bytes, error: OSError) -> str:
        """Give a line that is paid for a second chance; say what became of it."""
        if self._reserve and disk_is_full(error):
            self._reserve.release()
        with contextlib.suppress(OSError):
            # The next line would be glued to half of this one, and both would be lost. A whole one
            # is taken back, too: after a sync that failed, only bytes written anew are synced.
            self._file.truncate(self._end)
            self._write(line)
            self._end += len(line)
            return "was saved"
        with contextlib.suppress(OSError):
            if self._size() == self._end + len(line):
                self._end += len(line)
                return "was written, but may not survive a crash of this machine"
            self._file.truncate(self._end)
        return "is lost, and the call is made again at a resume"

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def _changed(self, size: int) -> ArtifactError | None:
        """Tell from the size of the file whether somebody else has written or cut."""
        if size == self._end:
            return None
        return ArtifactError(
            f"{self._path} was changed by another program while battery was writing to it: "
            f"it had {self._end:,} bytes and has {size:,}",
            remedy="restore it from a copy; calls that it lacks are made again",
        )

    def _gone(self) -> LostFolderError:
        """Say what became of a file that is not where it was."""
        path, meanwhile = self._path, "while battery was writing to it"
        # What is named is what the user did something to: mostly the folder as a whole.
        lost = path
        while not lost.parent.exists() and lost.parent != lost:
            lost = lost.parent
        if not os.fstat(self._file.fileno()).st_nlink:
            return self._unlinked(lost, meanwhile)
        place = self._whereabouts()
        if place and place.parts[-2:] == path.parts[-2:]:
            folder = place.parent.parent
            return LostFolderError(
                f"{path.parent.parent} was moved to {folder} {meanwhile}; "
                "everything that finished is there",
                hint=f"name the folder where it is now: --dir {shlex.quote(str(folder))}",
            )
        return LostFolderError(
            f"{lost} was moved or replaced {meanwhile}; everything that finished is in "
            f"{place or 'the one that was there'}",
            hint=f"move that back to {path}, then resume",
        )

    def _unlinked(self, lost: Path, meanwhile: str) -> LostFolderError:
        """Say what to do about a file that nothing leads to any more."""
        if lost.exists():
            # As editors and programs that copy folders do when they save a file.
            return LostFolderError(
                f"{lost} was replaced by another file {meanwhile}",
                hint="check that it is complete; `--resume` goes on from what is in it",
            )
        return LostFolderError(
            f"{lost} was removed {meanwhile}: the answers in it are gone",
            hint="go on with `--resume`, which makes the calls again that are not on disk"
            if self._path.parent.parent.exists()
            else "run the battery again; or restore the folder from a copy and resume it",
        )

    def _whereabouts(self) -> Path | None:
        """Return where the open file is now; None where the system does not tell."""
        handle = self._file.fileno()
        with contextlib.suppress(OSError):
            if hasattr(fcntl, "F_GETPATH"):  # macOS
                name = fcntl.fcntl(handle, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0")
                place = Path(os.fsdecode(name))
            else:
                place = Path(f"/proc/self/fd/{handle}").readlink()
            if os.path.samestat(os.fstat(handle), place.stat()):
                return place
        return None


def _cut_torn_tail(file: BinaryIO) -> int:
    """Cut a torn last line off; return the length of what remains."""
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
