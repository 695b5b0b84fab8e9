"""Run asynchronous work: its clock stands still with the process, and signals cancel it."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import Any, Final, ParamSpec, TypeVar

from battery.base import interrupts
from battery.base.clock import awake

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds that a signal leaves to what is computed, before a second one breaks it off.
_LONG_S: Final = 0.5
#: Where it could not be broken off, it is tried again after so many seconds.
_AGAIN_S: Final = 0.02


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose timeouts do not run while the process stands still."""

    #: Whether what is computed may be broken off.
    breakable = False
    #: Whether a signal has cancelled the work.
    cancelled = False
    #: The task that does the work, once it has begun.
    main: asyncio.Task[Any] | None = None
    _long_at = 0.0

    def time(self) -> float:
        """Return seconds from any start, those left out in which the process stood still."""
        return awake()

    async def shutdown_default_executor(self, *limit: Any) -> None:
        """Wait for the threads of the work, unless a signal has cancelled it."""
        # A thread that asks a silent name server may take minutes, which a signal is to spare.
        if not self.cancelled:
            await super().shutdown_default_executor(*limit)

    def cancel(self) -> None:
        """React to the first signal."""
        interrupts.then(self._break_off)
        self.cancel_work()

    def cancel_work(self) -> None:
        """Cancel the work, from any thread."""
        self.cancelled, self._long_at = True, time.monotonic() + _LONG_S
        if not self.is_closed():
            self.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        # Called between two steps of the tasks, when nothing is computed that an error could hit.
        if self.main is None:
            self.call_soon(self._stop)
            return
        interrupts.closing()
        self.main.cancel()

    def _break_off(self) -> None:
        interrupts.again(_AGAIN_S)
        if time.monotonic() > self._long_at and self.breakable and self._computes():
            self._long_at = time.monotonic() + _LONG_S
            raise asyncio.CancelledError

    def _computes(self) -> bool:
        """Return whether a task is at work, and that very moment in battery's own code."""
        # A library, the event loop or a destructor would report an error, with its stack.
        frame = inspect.currentframe()
        while frame and frame.f_globals.get("__name__") in {__name__, interrupts.__name__}:
            frame = frame.f_back
        module = frame.f_globals.get("__name__", "") if frame else ""
        return module.startswith("battery.") and asyncio.current_task(self) is not None


def run(work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work to its end; raise `KeyboardInterrupt` where a signal cancelled it.

    The first signal cancels it where it waits: what it is computing, such as reading an answer that
    has arrived and is paid for, gets to its end. Where that takes long and is `breakable`, a second
    signal breaks it off. Once the work is cancelled, no signal raises anything.
    """
    loop = Loop()
    try:
        with interrupts.reacting(loop.cancel):
            return _run(loop, partial(work, *args, **kwargs))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def run_apart(work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work to its end in a thread of its own, and raise here what it raises there.

    Needs no program of its own around it: an event loop may be running already, as in a notebook,
    and no signal is taken over. `KeyboardInterrupt` cancels the work, and comes when that has
    closed what it had open; a second one comes at once.
    """
    loop, outcome = _started_apart(partial(work, *args, **kwargs))
    try:
        return outcome.result()
    except KeyboardInterrupt as error:
        loop.cancel()
        # Why it ended says how it goes on.
        raise error from outcome.exception()


async def apart(work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work to its end in a thread with an event loop of its own, and raise here what it raises.

    What it computes, or syncs to disk, holds nobody else up, so that a hundred batteries may wait
    in one process and each still sees when its answers come. Cancelling this cancels the work and
    waits for what it has open.
    """
    loop, outcome = _started_apart(partial(work, *args, **kwargs))
    waiting = asyncio.wrap_future(outcome)
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        loop.cancel_work()
        await asyncio.wait([waiting])
        # Why it ended says how it goes on.
        raise (waiting.exception() or asyncio.CancelledError) from None


def _started_apart(work: Callable[[], Coroutine[Any, Any, T]]) -> tuple[Loop, Future[T]]:
    loop, outcome = Loop(), Future[T]()

    def body() -> None:
        try:
            outcome.set_result(_run(loop, work))
        except BaseException as error:
            outcome.set_exception(error)

    # What ends without waiting for it leaves it in the state of a process that was killed.
    Thread(target=body, name="battery", daemon=True).start()
    return loop, outcome


def _run(loop: Loop, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    async def main() -> T:
        loop.main = asyncio.current_task()
        return await work()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main())


@contextmanager
def breakable() -> Iterator[None]:
    """Let a second signal break off, by `CancelledError`, what a task computes in the block."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, Loop):
        yield
        return
    loop.breakable = True
    try:
        yield
    finally:
        loop.breakable = False
