"""Every error a user can meet, with its exit code and the next thing to try.

    BatteryError                1    the battery failed
    ├── UsageError              2    wrong option, environment or input
    │   ├── TasksError          2    the tasks file cannot be used
    │   ├── FolderError         2    the artifact folder cannot be used as asked
    │   └── MismatchError       2    a resume that would mix two batteries
    ├── CallError               1    a call to the gateway or the learning side failed
    │   ├── UnreachableError    1    no connection: refused, unknown host, TLS
    │   ├── CallTimeoutError    1    connecting, waiting or streaming took too long
    │   ├── BrokenAnswerError   1    the connection broke, or the answer is too large
    │   ├── StatusError         1    an answer outside 2xx
    │   └── AnswerError         1    an answer that has a wrong form
    ├── CheckError              1    a check of a task broke, so it judged nothing
    ├── EmptyingError           1    a memory was not emptied, or nothing confirms that it was
    ├── StartError              1    the arms differ before anything was learned
    ├── GateError               3    a condition of --fail-on holds
    ├── PausedError             4    a cap of --max-tokens or --max-cost is reached
    ├── LostLeaseError          5    another worker of the campaign has taken over
    ├── ArtifactError           1    a file of the folder cannot be read or written
    │   └── LostFolderError     1    the folder was moved, removed or replaced meanwhile
    └── InterruptedRunError     130  stopped by a signal

Code raises anywhere; only `battery.cli.main` turns an error into words and an exit code.
`ShapeError` is not in the tree: it is what `battery.protocol` finds wrong in a document,
before anybody knows which call or file the document came from.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from battery.base.interrupts import EXIT_CODE

if TYPE_CHECKING:
    from pydantic import ValidationError


class BatteryError(Exception):
    """What failed, on what and why; `hint` is what to do next.

    `message` is one sentence without a final full stop; `hint` may be None. `remedy` is what would
    clear the cause, where the system reports it: what is raised below a command does not know the
    command's options, so the command adds its hint with `advised`.
    """

    # The code of everything that is neither the user's mistake nor the user's wish.
    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.remedy = remedy


class UsageError(BatteryError):
    """Report a usage error: an option, an environment variable or an input."""

    exit_code = 2


class TasksError(UsageError):
    """Report a tasks file that cannot be used, with the place in it."""


class FolderError(UsageError):
    """Report an artifact folder that is unfinished, in use, unwritable or no battery."""


class MismatchError(UsageError):
    """Report that a resume would mix other tasks, models or targets into a battery."""


class CallError(BatteryError):
    """Report a call without a usable answer."""


class UnreachableError(CallError):
    """Report that no connection could be made."""


class CallTimeoutError(CallError):
    """Report a call that took longer than its timeout."""


class BrokenAnswerError(CallError):
    """Report an answer that broke off or grew beyond the size limit."""


class StatusError(CallError):
    """Report an HTTP status outside 2xx."""

    def __init__(self, message: str, *, status: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class AnswerError(CallError):
    """Report an answer of another shape than the wire promises."""


class CheckError(BatteryError):
    """Report a check of a task that broke, which says nothing of the answer."""


class EmptyingError(BatteryError):
    """Report a memory that was not emptied before a run, or of which that was not confirmed.

    `is_final` says whether it takes a person to look: not where nobody answered.
    """

    def __init__(self, message: str, *, hint: str | None = None, is_final: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.is_final = is_final


class ArtifactError(BatteryError):
    """Report a file of the artifact folder that cannot be read or written."""


class LostFolderError(ArtifactError):
    """Report that a folder was moved, removed or replaced while it was written to."""


class StartError(BatteryError):
    """Report arms that differ in iteration 1, so that nothing can be learned from the rest."""


class GateError(BatteryError):
    """Report that a gate the user asked for was not met; the result itself is already printed."""

    # Not 1: a pipeline must be able to tell a system that got worse from a battery that failed.
    exit_code = 3


class PausedError(BatteryError):
    """Report that a battery stopped at a cap that the user set, and can go on."""

    # Not 1: nothing is wrong, and whoever set the cap decides whether to spend more.
    exit_code = 4


class LostLeaseError(BatteryError):
    """Report that a worker stood still for so long that its run belongs to another worker now."""

    # Not 1: nothing failed. Whoever started the worker knows by it that the run goes on elsewhere.
    exit_code = 5


class InterruptedRunError(BatteryError):
    """Report that a signal stopped the command."""

    exit_code = EXIT_CODE


class ShapeError(Exception):
    """Name the place in a JSON document and what is wrong there.

    `hint` is what to do next, where the document itself tells; else None.
    """

    def __init__(self, place: str, why: str, hint: str | None = None) -> None:
        super().__init__(f"{place}: {why}" if place else why)
        self.place = place
        self.why = why
        self.hint = hint

    @classmethod
    def of(cls, error: ValidationError) -> ShapeError:
        """Make the first finding of a pydantic error readable: `a.b[1].c: why`."""
        # One at a time: the others are often consequences of the first.
        first = error.errors(include_url=False, include_context=False)[0]
        return cls(dotted(first["loc"]), _plain(first["type"], first["msg"], first["input"]))

    def below(self, parent: str) -> ShapeError:
        """Return the same finding in a document that holds this one at `parent`."""
        place = f"{parent}.{self.place}" if self.place else parent
        return ShapeError(place, self.why, self.hint)


@contextmanager
def advised(hint: str) -> Iterator[None]:
    """Give errors that pass without a hint this one, as the alternative to their remedy."""
    try:
        yield
    except BatteryError as error:
        if error.hint is None:
            error.hint = f"{error.remedy}, or {hint}" if error.remedy else hint
        raise


# By what the system says and not by what was tried: advice about space sends people with a broken
# disk the wrong way, and while they follow it the disk gets worse.
_REMEDIES: Final = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your disk quota",
    errno.EFBIG: "allow larger files (`ulimit -f`; some drives have a limit of their own)",
    errno.EROFS: "make the file system writable",
    errno.EACCES: "check the folder's permissions",
    errno.EPERM: "check the folder's permissions",
    errno.EIO: "check the disk, or the connection to the network drive",
    errno.ENXIO: "check that the disk is connected",
    errno.ENODEV: "check that the disk is connected",
    errno.ESTALE: "mount the network drive again",
    errno.ETIMEDOUT: "check the connection to the network drive",
    errno.ENAMETOOLONG: "use a shorter path",
    errno.EMFILE: "allow more open files (`ulimit -n`)",
    errno.ENFILE: "close other programs: the system has too many files open",
    errno.ENOMEM: "free some memory",
    errno.EISDIR: "move it away",
    errno.EEXIST: "move away the file that is where a folder should be",
    errno.ENOTDIR: "move away the file that is where a folder should be",
    errno.ENOENT: "check that the folder is still there",
    errno.ELOOP: "remove the link",
}


def disk_is_full(error: OSError) -> bool:
    """Return whether a failed write may succeed once space is freed."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def remedy_of(error: OSError) -> str:
    """Name what would clear the cause that the system gives for a failure with a file."""
    return _REMEDIES.get(error.errno or 0, "check the disk")


def is_forbidden(error: BatteryError) -> bool:
    """Return whether the system allows no write there, whoever else may read."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in {errno.EACCES, errno.EPERM, errno.EROFS}


def unusable_certificates(error: OSError) -> UsageError:
    """Put certificates that cannot be loaded into words, with the variable that names them."""
    # A failed load names no file, so that it would read like a fault of anything.
    names = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)]
    source = f"{names[0]} ({os.environ[names[0]]})" if names else "the Python package certifi"
    return UsageError(
        f"cannot load the certificates of {source}: {error.strerror or error}",
        hint="name a file of certificates in PEM form"
        if names
        else "install battery again, or name a file of certificates in SSL_CERT_FILE",
    )


def unusable_proxy(kind: type[BatteryError], target: str, reason: str) -> BatteryError:
    """Put a proxy that cannot be used into words; `reason` quotes nothing secret."""
    return kind(
        f"the proxy that the environment names for {target} cannot be used: {reason}",
        hint="set NO_PROXY for that host, or name an http:// proxy",
    )


def dotted(path: tuple[int | str, ...]) -> str:
    """Write a path into a JSON document the way people write it: `a.b[1].c`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _plain(kind: str, message: str, given: object) -> str:
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not a known key"
    if kind in {"model_type", "dict_type"}:
        message = "an object was expected"
    # The value, of a file or an answer, may have any size; its beginning is enough to find it.
    shown = repr(given)
    if len(shown) > 60:
        shown = shown[:59] + "…"
    return f"{message[0].lower()}{message[1:]}, got {shown}"
