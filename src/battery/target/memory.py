"""The memory of a system: its fingerprint, copies that are kept, and the way back.

A kept copy is named by its fingerprint, complete or not there, and never changed. Of a memory that
is a folder, files that did not change are hard links between copies, and never to the folder that
the system works in.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from battery.base.errors import ArtifactError
from battery.records.models import Arm
from battery.store.files import sync_folder, write_atomic

#: Hexadecimal digits of a fingerprint.
_DIGITS: Final = 16
_BLOCK: Final = 1024 * 1024
#: Seconds between the tries to copy a folder while nobody writes to it.
_WAITS_S: Final = (0.02, 0.1, 0.3, 0.6, 1.0)
#: A path, its inode and the time of its last change.
_Mark = tuple[Path, int, int]


class RestlessError(ArtifactError):
    """Report a memory that does not stand still."""


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


def folder_of(arm: Arm, home: Path) -> Path:
    """Return the folder of an arm below `home`; raise `ArtifactError`.

    Its name tells nobody the arm, as a system that knew it could behave to suit. For people, a
    link with the name of the arm leads there.
    """
    link = home / arm
    with _explained(link):
        if not link.is_symlink():
            home.mkdir(parents=True, exist_ok=True)
            folder = home / secrets.token_hex(_DIGITS // 2)
            # What somebody has put there is what the arm begins with.
            if link.is_dir():
                link.rename(folder)
            else:
                folder.mkdir()
            link.symlink_to(folder.name)
        return home / link.readlink()


class Kept:
    """The copies of the memories of both arms, in the folder `home`; raises `ArtifactError`."""

    def __init__(self, home: Path, warn: Callable[[str], None] = lambda _text: None) -> None:
        self._home = home
        self._copies = home / "kept"
        self._warn = warn
        self._warned = False

    def start(self, of: str) -> str | None:
        """Return the fingerprint that both arms start with, of the folder or a system's own."""
        path = self._home / of
        with _explained(path):
            return path.read_text().strip() if path.exists() else None

    def name_start(self, of: str, name: str) -> None:
        """Note the fingerprint that both arms start with; its copy is kept by now."""
        with _explained(self._home):
            self._home.mkdir(parents=True, exist_ok=True)
        write_atomic(self._home / of, name.encode())

    def has(self, name: str) -> bool:
        """Return whether there is a copy."""
        return (self._copies / name).is_dir()

    def copy(self, name: str) -> Path:
        """Return where a copy is; raise where it is gone."""
        if not self.has(name):
            raise ArtifactError(
                f"{self._copies / name}, the memory to go on from, is missing",
                hint="restore that folder, or start a new battery in another one with --dir",
            )
        return self._copies / name

    def begin(self, name: str) -> Path:
        """Return an empty folder to make a copy in."""
        unfinished = self._copies / f".{name}.tmp"
        with _explained(self._copies):
            _remove(unfinished)
            unfinished.mkdir(parents=True)
        return unfinished

    def finish(self, unfinished: Path, name: str) -> str:
        """Name a copy that is whole."""
        with _explained(self._copies):
            if self.has(name):
                _remove(unfinished)
            else:
                unfinished.rename(self._copies / name)
                sync_folder(self._copies)
        return name

    def warn_of_links_out(self, folder: Path) -> None:
        """Warn once of a link out of a folder that is copied, as the copies share its end."""
        if self._warned or (link := _link_out(folder)) is None:
            return
        self._warned = True
        self._warn(
            f"{link.relative_to(folder)} in the memory is a link to {link.readlink()}, outside of "
            "it: learner and twin share what is there, and it is not put back; copy it into the "
            "memory"
        )

    def latest(self) -> Path | None:
        """Return the copy that was made last."""
        with _explained(self._copies):
            copies = [path for path in self._copies.iterdir() if not path.name.startswith(".")]
            return max(copies, key=lambda path: path.stat().st_mtime, default=None)

    def clear(self, needed: Collection[str]) -> None:
        """Remove the copies that nobody needs any more."""
        with _explained(self._copies):
            for path in list(self._copies.iterdir()):
                if path.name not in needed:
                    # Renamed first: half a copy must not be taken for one.
                    _remove(path.rename(path.with_name(f".{path.name}.old")))


class FolderMemory:
    """A memory that is all in one folder, while its system stands still or is ended."""

    def __init__(self, folder: Path, kept: Kept) -> None:
        self._folder = folder
        self._kept = kept
        #: What was put back last, and every trace of it in the file system; None before the first.
        self._placed: tuple[str, set[_Mark]] | None = None

    def begin(self, *, goes_on: bool = False) -> str:
        """Make the folder, and keep its content as the start of both arms; return its fingerprint.

        A battery that goes on keeps the start that it had; raises `ArtifactError` where it is gone.
        """
        with _explained(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        start = self._kept.start("start")
        if start is None and goes_on:
            # What the folder holds by now would be the start of the twin.
            raise ArtifactError(
                f"the note of what the memories in {self._folder.parent} began with is missing",
                hint="restore that folder, or start a new battery in another one with --dir",
            )
        if start is None:
            start = self.keep()
            # Last, so that a start that is named is whole.
            self._kept.name_start("start", start)
        return start

    def fingerprint(self) -> str:
        """Return the fingerprint of what is in the folder now."""
        with _explained(self._folder):
            return fingerprint(self._folder)

    def keep(self) -> str:
        """Keep a copy, unless there is one; return the fingerprint.

        Raises `RestlessError` for a folder that somebody writes to all the time.
        """
        for wait_s in _WAITS_S:
            with _explained(self._folder), suppress(FileNotFoundError):
                name = fingerprint(self._folder)
                if self._kept.has(name):
                    return name
                self._kept.warn_of_links_out(self._folder)
                unfinished = self._kept.begin(name)
                _copy(self._folder, unfinished, self._kept.latest())
                # Read twice with one result, no file has changed between the two: the copy is what
                # the folder was at one moment, and not half of what a server was writing.
                if fingerprint(unfinished) == name:
                    return self._kept.finish(unfinished, name)
            time.sleep(wait_s)
        raise RestlessError(
            f"the memory in {self._folder} keeps changing, so it cannot be copied",
            hint="make the system finish writing before it answers",
        )

    def put_back(self, name: str) -> None:
        """Make the folder what a kept copy is."""
        source = self._kept.copy(name)
        with _explained(self._folder):
            # The same content is not enough: what is told by times, rights, or the name of a socket
            # would be remembered.
            if self._placed == (name, _marks(self._folder)) and fingerprint(self._folder) == name:
                return
            self._placed = None
            _remove(self._folder)
            self._folder.mkdir(parents=True)
            _copy(source, self._folder, None, lasting=False)
            if fingerprint(self._folder) != name:
                raise ArtifactError(
                    f"the memory that is kept in {source} has changed since it was kept",
                    hint="restore that folder, or start a new battery in another one with --dir",
                )
            self._placed = name, _marks(self._folder)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Put an `OSError` of the block into words."""
    try:
        yield
    except (OSError, shutil.Error) as error:
        raise ArtifactError(
            f"the memory in {path} cannot be copied: {error}",
            hint="check the folder's permissions and the free space on the disk",
        ) from error


def _entries(folder: Path) -> Iterator[Path]:
    """Yield everything below a folder in a fixed order; raise `OSError` for what is no file."""
    for path in sorted(_everything(folder)):
        if path.is_symlink() or path.is_dir() or path.is_file():
            yield path
        # A socket or a pipe of a process that runs holds nothing that could be kept.


def _everything(folder: Path) -> Iterator[Path]:
    # Not `rglob`: to that, a folder that may not be read is an empty one.
    for root, folders, files in os.walk(folder, onerror=_refuse):
        yield from (Path(root, name) for name in (*folders, *files))


def _link_out(folder: Path) -> Path | None:
    inside = os.path.realpath(folder)
    for path in _everything(folder):
        # Not `resolve`, which raises for a link to itself.
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):
            return path
    return None


def _refuse(error: OSError) -> None:
    raise error


def _marks(folder: Path) -> set[_Mark]:
    """Return what changes with anything that is done to a folder but reading."""
    states = ((path, path.lstat()) for path in (folder, *_everything(folder)))
    # The time of the last change is nobody's to set.
    return {(path, state.st_ino, state.st_ctime_ns) for path, state in states}


def _hash(path: Path) -> bytes:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.digest()


def _copy(source: Path, target: Path, earlier: Path | None, *, lasting: bool = True) -> None:
    """Copy what is in a folder; unchanged files are linked from an earlier copy.

    A `lasting` copy is on disk when it is done.
    """
    folders = []
    for path in _entries(source):
        name = path.relative_to(source)
        if path.is_dir() and not path.is_symlink():
            (target / name).mkdir()
            folders.append(name)
        else:
            _copy_file(path, target / name, earlier / name if earlier else None, lasting=lasting)
    # Last and the inner ones first: rights may forbid to write into them.
    for name in reversed(folders):
        shutil.copystat(source / name, target / name)


def _copy_file(path: Path, target: Path, known: Path | None, *, lasting: bool) -> None:
    if path.is_symlink():
        target.symlink_to(path.readlink())
        return
    # By bytes and not by times: a database may change within one tick of the clock.
    if known and known.is_file() and not known.is_symlink() and _alike(path, known):
        target.hardlink_to(known)
        return
    shutil.copy2(path, target)
    if lasting:
        _sync(target)


def _alike(path: Path, known: Path) -> bool:
    return path.stat().st_size == known.stat().st_size and _hash(path) == _hash(known)


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
        _unlock(path)
        for root, folders, _ in os.walk(path):
            # Before they are entered: one that may not be written to holds fast what is in it.
            for name in folders:
                _unlock(Path(root, name))
        shutil.rmtree(path)


def _unlock(folder: Path) -> None:
    if not folder.is_symlink():
        folder.chmod(folder.stat().st_mode | stat.S_IRWXU)
