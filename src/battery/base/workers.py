"""Work that is done in several processes of this program, such as simulations."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

from battery.base import interrupts
from battery.base.errors import BatteryError, InterruptedRunError
from battery.base.garbage import look_rarely

Map = Callable[..., Iterator[Any]]


@contextlib.contextmanager
def workers(jobs: int, again: str) -> Iterator[Map]:
    """Yield a `map` over processes; whatever ends the block, no work goes on after it.

    `again` is the hint where the system ends one, mostly for want of memory: `BatteryError`.
    """
    # Spawned on every system alike: a fork would copy the threads and locks of the live view.
    context = multiprocessing.get_context("spawn")
    with _unseen_by_new_processes():
        # Of its own processes, the one that keeps account of its semaphores starts here.
        pool = ProcessPoolExecutor(jobs, context, look_rarely) if jobs > 1 else None
    try:
        yield partial(_submitted, pool) if pool else map
    except BrokenProcessPool as error:
        raise BatteryError(
            "the system ended a process of this command; is there enough memory?", hint=again
        ) from error
    except KeyboardInterrupt as error:
        raise InterruptedRunError("interrupted", hint="run it again; nothing was saved") from error
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, *work: Any) -> Iterator[Any]:
    with _unseen_by_new_processes():
        return pool.map(*work)


@contextlib.contextmanager
def _unseen_by_new_processes() -> Iterator[None]:
    """Heed Ctrl-C after the block; processes that are started in it never see one."""
    with interrupts.held_back():
        # What is blocked stays so in a new process. Alone it would not do here: it is for one
        # thread, and those of numpy would still take the signal and interrupt a start half way.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, interrupts.FROM_TERMINAL)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
