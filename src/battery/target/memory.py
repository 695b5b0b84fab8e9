"""The memory of a system as a folder: its fingerprint, copies that are kept, and the way back.

A kept copy is named by its fingerprint, complete or not there, and never changed. Files that did
not change are hard links between copies, and never to the folder that the system works in.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from battery.base.errors import ArtifactError
from battery.store.files import cannot_write, make_folder, sync_folder

_START: Final = "start"
_KEPT: Final = "kept"
#: Hexadecimal digits of a fingerprint.
_DIGITS: Final = 16
_BLOCK: Final = 1024 * 1024


def fingerprint(folder: Path) -> str:
    """Return the hash of everything in a folder: names, contents, links; times do not count."""
    digest = sha256()
    for path in _entries(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            kind, content = "link", os.fsencode(path.readlink())
        elif path.is_dir():
            kind, content = "folder", b""
        else:
            kind, content = "file", _hash(path)
        digest.update(f"{kind} {name}\0{len(content)}\0".encode(errors="surrogateescape"))
        digest.update(content)
    return digest.hexdigest()[:_DIGITS]


class MemoryFolder:
    """The folder that an arm of a system remembers in, and the copies of it.

    `home` is the folder of both arms; all methods raise `ArtifactError`.
    """

    def __init__(self, home: Path, arm: str) -> None:
        #: Where the system works.
        self.live = home / arm
        self._kept = home / _KEPT
        self._start = home / _START

    def begin(self) -> str:
        """Make the folder, and keep its content as the start of both arms; return its fingerprint.

        A battery that goes on keeps the start that it had.
        """
        make_folder(self.live)
        if self._start.exists():
            return self._start.read_text().strip()
        start = self.keep()
        try:
            # Last, so that a start that is named is whole.
            _write(self._start, start)
        except OSError as error:
            raise cannot_write(self._start, error) from error
        return start

    def fingerprint(self) -> str:
        """Return the fingerprint of what is in the folder now."""
        with _explained(self.live):
            return fingerprint(self.live)

    def keep(self) -> str:
        """Keep a copy of the folder, unless there is one; return its fingerprint."""
        name = self.fingerprint()
        if (self._kept / name).exists():
            return name
        unfinished = self._kept / f".{name}.tmp"
        with _explained(self._kept):
            _remove(unfinished)
            self._kept.mkdir(parents=True, exist_ok=True)
            _copy(self.live, unfinished, self._earlier())
            # Anew: a process that the system left running may have written meanwhile.
            name = fingerprint(unfinished)
            if (self._kept / name).exists():
                _remove(unfinished)
            else:
                unfinished.rename(self._kept / name)
                sync_folder(self._kept)
        return name

    def put_back(self, name: str) -> None:
        """Make the folder what a kept copy is."""
        source = self._kept / name
        if not source.is_dir():
            raise ArtifactError(
                f"{source}, the memory that the battery would go on with, is not there",
                hint="restore that folder, or start a new battery in another one with --dir",
            )
        with _explained(self.live):
            _remove(self.live)
            _copy(source, self.live, [])

    def clear(self, needed: Collection[str]) -> None:
        """Remove the copies that nobody needs any more."""
        with _explained(self._kept):
            for path in self._kept.iterdir():
                if path.name not in needed:
                    _remove(path)

    def _earlier(self) -> list[Path]:
        """List the copies that unchanged files may be linked from, the latest first."""
        copies = [path for path in self._kept.iterdir() if not path.name.startswith(".")]
        return sorted(copies, key=lambda path: path.stat().st_mtime, reverse=True)[:1]


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Put an `OSError` of the block into words."""
    try:
        yield
    except (OSError, shutil.Error) as error:
        raise ArtifactError(
            f"the memory in {path} cannot be copied: {error}",
            hint="look at the folder's rights and at the room on the disk",
        ) from error


def _entries(folder: Path) -> Iterator[Path]:
    """Yield everything below a folder in a fixed order; raise `OSError` for what is no file."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or path.is_dir() or path.is_file():
            yield path
        # A socket or a pipe of a process that runs holds nothing that could be kept.


def _hash(path: Path) -> bytes:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.digest()


def _copy(source: Path, target: Path, earlier: list[Path]) -> None:
    """Copy a folder, and sync it; unchanged files are linked from an earlier copy."""
    target.mkdir(parents=True)
    for path in _entries(source):
        name = path.relative_to(source)
        if path.is_dir() and not path.is_symlink():
            (target / name).mkdir()
            shutil.copystat(path, target / name)
        else:
            _copy_file(path, target / name, [copy / name for copy in earlier])


def _copy_file(path: Path, target: Path, earlier: list[Path]) -> None:
    if path.is_symlink():
        target.symlink_to(path.readlink())
        return
    for known in earlier:
        # Bytes and not times: a database may change within one tick of the clock.
        if known.is_file() and not known.is_symlink() and _alike(path, known):
            os.link(known, target)
            return
    shutil.copy2(path, target)
    _sync(target)


def _alike(path: Path, known: Path) -> bool:
    return path.stat().st_size == known.stat().st_size and _hash(path) == _hash(known)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text)
    _sync(temporary)
    temporary.replace(path)
    sync_folder(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
