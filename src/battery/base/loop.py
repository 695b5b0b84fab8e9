"""Run asynchronous work: its clock stands still with the process, and signals cancel it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any, Final, TypeVar, cast

from battery.base import interrupts
from battery.base.clock import awake

T = TypeVar("T")

_ASYNCHRONOUS: Final = {"asyncio", "anyio", "httpcore", "httpx", "httpx_sse", "h11"}


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose timeouts do not run while the process stands still."""

    #: Whether a signal has cancelled the work.
    cancelled = False

    def time(self) -> float:
        """Return seconds from any start, those left out in which the process stood still."""
        return awake()

    async def shutdown_default_executor(self, *limit: Any) -> None:
        """Wait for the threads of the work, unless a signal has cancelled it."""
        # A thread that asks a silent name server may take minutes, which a signal is to spare.
        if not self.cancelled:
            await super().shutdown_default_executor(*limit)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run work to its end; raise `KeyboardInterrupt` where a signal cancelled it.

    The first signal cancels it where it waits: what it is computing, such as reading an answer that
    has arrived and is paid for, gets to its end. The second breaks that off as well.
    """
    loop = Loop()
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            return runner.run(_cancellable(work, loop))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _cancellable(work: Coroutine[Any, Any, T], loop: Loop) -> T:
    task = cast(asyncio.Task[T], asyncio.current_task())

    def cancel() -> None:
        loop.cancelled = True
        interrupts.then(break_off)
        loop.call_soon_threadsafe(task.cancel)

    def break_off() -> None:
        if _computing():
            interrupts.closing()
            raise asyncio.CancelledError
        cancel()

    with interrupts.reacting(cancel):
        return await work


def _computing() -> bool:
    """Return whether battery's own code is at work, and not the event loop or a library's call."""
    # Raised in the middle of those, an error would be reported by them, with its stack.
    frame = inspect.currentframe()
    while frame:
        module = frame.f_globals.get("__name__", "")
        if module not in {__name__, interrupts.__name__}:
            package = module.partition(".")[0]
            if package in _ASYNCHRONOUS:
                return False
            if package == "battery":
                return True
        frame = frame.f_back
    return False
