"""A fenced lease: of all who try, one holder per epoch, and a later one is seen by the earlier.

    lease.3    made by its holder alone; 3 is the epoch

Whoever takes over makes the file of the next epoch, which only one can make. A holder looks before
each call whether somebody has. A holder that gives no sign of life is taken for gone: at once where
its process has died on this host, else when its file has not changed for the length of the lease.
No two hosts' clocks are compared, and no clock that can be set: everybody measures by their own
how long the file has not changed.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Final, Literal, NamedTuple

from pydantic import ValidationError

from battery.base import jsonio
from battery.base.errors import ArtifactError, LostLeaseError, remedy_of
from battery.records.findings import Record
from battery.store.files import make_folder, open_own, sync_folder, write_atomic
from battery.store.lock import Holder, is_at_work, this_process

#: How a holder left: the first two are for good, the others leave something to do.
Ended = Literal["finished", "invalid", "paused", "interrupted", "failed"]
DONE: Final = frozenset({"finished", "invalid"})

#: A lease, or what its holder left.
_NAME: Final = re.compile(r"(?:lease\.)?([1-9][0-9]{0,8})")
#: Signs of life per lease, so that several may get lost.
_BEATS: Final = 6
# On macOS the other one runs on while the machine sleeps.
_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Note(Record):
    """What a lease says of its holder."""

    pid: int
    host: str
    started: str | None = None
    #: Where a number names the same process: the host since it was started, and its container.
    space: str = ""
    ended: Ended | None = None
    #: Why it left, where that was not as planned.
    why: str | None = None
    #: The run that it is taken for; None of the lease of a run itself.
    cell: int | None = None


class Timing(NamedTuple):
    """The clock that leases go by, and how long they last."""

    lease_s: float
    #: Seconds from any start; runs on while the process, or the machine, stands still.
    clock: Callable[[], float] = lambda: time.clock_gettime(_CLOCK)

    @property
    def beat_s(self) -> float:
        """Seconds from one sign of life to the next."""
        return self.lease_s / _BEATS


class Lease:
    """An epoch that this process holds."""

    def __init__(self, path: Path, epoch: int, note: Note, timing: Timing, since: float) -> None:
        self.path = path
        self.epoch = epoch
        self._note = note
        self._timing = timing
        #: When the last sign of life began.
        self._alive_at = since

    def require(self) -> None:
        """Raise `LostLeaseError` where somebody has taken over, or may have any moment."""
        if self._is_overdue() or _path(self.path.parent, self.epoch + 1).exists():
            raise LostLeaseError(
                f"this worker stood still for longer than its lease of {self._timing.lease_s:g} s, "
                f"and {self.path.parent} belongs to the one that took over",
                hint="nothing is lost: the run goes on there from its last recorded call",
            )

    def beat(self) -> None:
        """Give a sign of life; none once it is too late."""
        now = self._timing.clock()
        if not self._is_overdue():
            # A network drive that is away for a moment is no reason to give up.
            with contextlib.suppress(OSError):
                os.utime(self.path)
                self._alive_at = now

    def release(self, ended: Ended, why: str | None = None) -> None:
        """Let others have it at once; where that cannot be written, they wait."""
        note = self._note.model_copy(update={"ended": ended, "why": why})
        with contextlib.suppress(ArtifactError):
            write_atomic(self.path, _dumped(note))

    def _is_overdue(self) -> bool:
        return self._timing.clock() - self._alive_at >= self._timing.lease_s


class Watch:
    """What one process knows of leases: which of them are held, and for how long unchanged."""

    def __init__(
        self, timing: Timing, at_work: Callable[[Note], bool | None] | None = None
    ) -> None:
        self._timing = timing
        self._at_work = at_work or is_alive
        self._seen: dict[Path, tuple[int, float]] = {}

    def is_gone(self, folder: Path, epoch: int) -> bool:
        """Return whether the holder of an epoch is known to write nothing any more."""
        note = read(folder, epoch)
        return note is not None and (note.ended is not None or self._at_work(note) is False)

    def is_free(self, folder: Path) -> bool:
        """Return whether the lease of a folder may be taken, as far as its holder goes."""
        epoch = latest(folder)
        return not epoch or self.is_gone(folder, epoch) or self._is_silent(_path(folder, epoch))

    def take(self, folder: Path, cell: int | None = None) -> Lease | None:
        """Take the next epoch of a free lease; None where it is not free, or another was faster.

        `cell` is the run that it is taken for, where that is not the lease of a run itself.
        Raises `ArtifactError` where nothing can be written there.
        """
        make_folder(folder)
        # Before the look: an epoch that is made after it has another number.
        epoch = latest(folder) + 1
        if not self.is_free(folder):
            return None
        path, now = _path(folder, epoch), self._timing.clock()
        note = Note(space=_space(), cell=cell, **this_process()._asdict())
        try:
            handle = open_own(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            return None
        except OSError as error:
            raise _cannot_take(path, error) from error
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_dumped(note))
                file.flush()
                os.fsync(file.fileno())
            sync_folder(folder)
        except OSError as error:
            # The file stays: an epoch is never given twice. Without a holder in it, it runs out.
            raise _cannot_take(path, error) from error
        return Lease(path, epoch, note, self._timing, now)

    def _is_silent(self, path: Path) -> bool:
        try:
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            # Somebody removed it, and with it what the holder had to show.
            return True
        except OSError:
            return False
        now = self._timing.clock()
        before, since = self._seen.get(path, (None, now))
        if before != changed:
            self._seen[path] = (changed, now)
            return False
        return now - since >= self._timing.lease_s


class Heart:
    """Gives signs of life for all leases of a process, from a thread of its own."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._leases: list[Lease] = []
        self._stopped = Event()

    @contextlib.contextmanager
    def beating(self, *leases: Lease) -> Iterator[None]:
        """Give signs of life of these within the block."""
        self._leases += leases
        try:
            yield
        finally:
            for lease in leases:
                self._leases.remove(lease)

    def __enter__(self) -> Heart:
        Thread(target=self._beat, name="leases", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()

    def _beat(self) -> None:
        while not self._stopped.wait(self._timing.beat_s):
            for lease in tuple(self._leases):
                lease.beat()


def latest(folder: Path) -> int:
    """Return the highest epoch of a folder; 0 where nobody has held it."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names are all that is needed
    except FileNotFoundError:
        return 0
    return max((int(match[1]) for name in names if (match := _NAME.fullmatch(name))), default=0)


def read(folder: Path, epoch: int) -> Note | None:
    """Read what a lease says; None where it says nothing, as in the moment when it is made."""
    try:
        return Note.model_validate(jsonio.loads(_path(folder, epoch).read_bytes()))
    except (OSError, ValueError, ValidationError):
        return None


def last(folder: Path, before: int | None = None) -> Note | None:
    """Return what the last holder, of those before an epoch, wrote into its lease.

    None where nobody wrote anything.
    """
    # A lease without a word is that of a holder that came no further than to make it.
    epochs = range((before or latest(folder) + 1) - 1, 0, -1)
    notes = (read(folder, epoch) for epoch in epochs)
    return next(filter(None, notes), None)


def state_of(folder: Path) -> Ended | None:
    """Return how the last holder of a cell left it; None where it did not say."""
    note = read(folder, latest(folder))
    return note.ended if note else None


def is_alive(note: Note) -> bool | None:
    """Return whether a holder's process is at work; None where that cannot be known from here."""
    if note.space != _space():
        return None
    return is_at_work(Holder(note.pid, note.host, note.started))


def _space() -> str:
    """Name where process numbers mean what they mean here; empty where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
        # Two containers on a host may go by one name, and number their processes alike.
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - leads to no file
    except OSError:
        return ""


def _path(folder: Path, epoch: int) -> Path:
    return folder / f"lease.{epoch}"


def _dumped(note: Note) -> bytes:
    return jsonio.dumps(note.model_dump(mode="json")) + b"\n"


def _cannot_take(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(
        f"cannot write the lease {path}: {error.strerror or error}", remedy=remedy_of(error)
    )
