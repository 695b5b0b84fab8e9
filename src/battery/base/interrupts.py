"""Signals that stop the program: all alike, at any moment, and never a traceback.

What a signal does depends on what is going on. While the program starts, it ends at once. While a
command works, it raises `KeyboardInterrupt`, or does what the command has put in its place. While
a command closes what it had open, it does nothing, so that a second Ctrl-C cannot spoil that. The
functions here are never broken into: a signal that comes while one of them runs waits for its end.

The first module that is imported, so it imports next to nothing itself.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType
    from typing import Final, NoReturn

    Reaction = Callable[[], None]

#: Ctrl-C, a closed terminal and Ctrl-\, which go to all processes in a terminal's foreground.
FROM_TERMINAL: Final = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_STOPPING: Final = (*FROM_TERMINAL, signal.SIGTERM)
#: What shells report of a program that Ctrl-C stopped.
EXIT_CODE: Final = 130
#: Seconds to close everything in; a signal that comes after so long a silence ends the process as
#: it is. Signals that keep coming do not: on a slow machine a burst may outlast this.
PATIENCE_S: Final = 5.0
#: Long enough to be out of a function of this module, or of what swallowed an interrupt.
_AGAIN_S: Final = 0.005


def leave(text: str = "") -> NoReturn:
    """End the process at once, without closing anything."""
    try:
        os.write(2, text.encode())
    finally:
        os._exit(EXIT_CODE)


def interrupt() -> None:
    """Raise `KeyboardInterrupt`, once."""
    closing()
    raise KeyboardInterrupt


def _leave_before_the_start() -> None:
    leave("error: interrupted\n next: run the same command again; nothing had begun\n")


def _wait() -> None:
    if time.monotonic() > _state.patience_ends:
        leave()
    _state.patience_ends = time.monotonic() + PATIENCE_S


class _State:
    reaction: Reaction = staticmethod(_leave_before_the_start)
    patience_ends = 0.0
    #: Whether the signals are taken over only when a command begins.
    postponed = False


_state = _State()


def install() -> None:
    """Take over the signals and what else would show a traceback, in a program that starts."""
    sys.unraisablehook = _unraisable
    sys.excepthook = _uncaught
    # Where memory is limited, numpy's library may wait for ever to get more, and no handler is
    # called meanwhile. There the system ends the program, with an exit code of its own.
    _state.postponed = resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    if _state.postponed:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    else:
        _take_over()


def begin() -> None:
    """Raise `KeyboardInterrupt` from now on: a command has begun, and has something to close."""
    if _state.postponed:
        _take_over()
    then(interrupt)


def _take_over() -> None:
    signal.signal(signal.SIGALRM, _handle)
    for number in _STOPPING:
        # What `nohup` has the program ignore stays ignored. A shell starts its background jobs with
        # Ctrl-C ignored, and there it is the other way round: scripts stop their jobs with it.
        if number is signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)


def then(reaction: Reaction) -> None:
    """Let the next signal do this, unless it is a thread's wish that never gets any."""
    if _is_main():
        _state.reaction = reaction


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def again(seconds: float = _AGAIN_S) -> None:
    """Have a signal come once more in so many seconds, unless the command is closing by then."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def closing() -> None:
    """Let the next signals do nothing: what is left takes a moment."""
    if _state.reaction is not _wait:
        _state.patience_ends = time.monotonic() + PATIENCE_S
        then(_wait)


def over() -> None:
    """Ignore signals to the end: the exit code is known."""
    for number in (*_STOPPING, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def reacting(reaction: Reaction) -> Iterator[None]:
    """Let a signal in the block do this. Where that calls `then`, the work is over afterwards.

    In any thread but the main one this does nothing: no signal comes there, and what it does is not
    that thread's to change.
    """
    if not _is_main():
        yield
        return
    before = _state.reaction
    then(reaction)
    try:
        yield
    finally:
        if _state.reaction is reaction:
            then(before)
        else:
            closing()


@contextmanager
def at_once() -> Iterator[None]:
    """Let a signal in the block, or in the function, raise `KeyboardInterrupt` there."""
    with reacting(interrupt):
        yield


@contextmanager
def held_back() -> Iterator[None]:
    """Heed a signal only after the block; in any thread but the main one none is raised anyway."""
    if not _is_main():
        yield
        return
    held: list[None] = []
    with reacting(lambda: held.append(None)):
        yield
    if held:
        _state.reaction()


def _handle(number: int, frame: FrameType | None) -> None:
    if frame and frame.f_globals is globals():
        again()
    elif number != signal.SIGALRM or _state.reaction is not _wait:
        _state.reaction()


def _unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    # The interpreter swallows what is raised in a destructor, and prints it with its stack.
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        then(interrupt)
        again()
    # A signal came while they began to be ignored, and was.
    elif "ignored due to race condition" in str(unraisable.exc_value):
        pass
    # The event loop tries again by itself.
    elif unraisable.exc_type.__name__ != "CancelledError":
        sys.__unraisablehook__(unraisable)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        leave()
    if "--debug" in sys.argv:
        sys.__excepthook__(kind, error, trace)
    # Memory that ran out, most likely: there may be none left to say it better.
    os.write(2, b"error: internal error: %s\n next: run it with --debug\n" % kind.__name__.encode())
