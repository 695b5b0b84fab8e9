"""Run asynchronous work: its clock stands still with the process, and signals cancel it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from battery.base import interrupts
from battery.base.clock import awake

T = TypeVar("T")


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose timeouts do not run while the process stands still."""

    #: Whether a signal has cancelled the work.
    cancelled = False

    def time(self) -> float:
        return awake()

    async def shutdown_default_executor(self, *limit: Any) -> None:
        # A thread that asks a silent name server may take minutes, which a signal is to spare.
        if not self.cancelled:
            await super().shutdown_default_executor(*limit)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run work to its end; raise `KeyboardInterrupt` where a signal cancelled it.

    The first signal cancels it where it waits: what it is computing, such as reading an answer that
    has arrived and is paid for, gets to its end. The second breaks that off as well.
    """
    loop = _Loop()
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            return runner.run(_cancellable(work, loop))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _cancellable(work: Coroutine[Any, Any, T], loop: _Loop) -> T:
    task = cast(asyncio.Task[T], asyncio.current_task())

    def cancel() -> None:
        loop.cancelled = True
        interrupts.then(break_off)
        loop.call_soon_threadsafe(task.cancel)

    def break_off() -> None:
        # Between two steps nothing computes; raised there, it would end the loop and not the work.
        if asyncio.current_task(loop):
            interrupts.closing()
            raise asyncio.CancelledError
        cancel()

    with interrupts.reacting(cancel):
        return await work
