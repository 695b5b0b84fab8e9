"""Ask for tasks: as many at a time as there are workers; no printing, no files."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from battery.base.errors import BatteryError

W = TypeVar("W")
A = TypeVar("A")


async def ask_all(
    units: Iterable[Sequence[A]], workers: Sequence[W], ask: Callable[[W, A], Awaitable[None]]
) -> None:
    """Ask everything once, in order; with one worker strictly one call after the other.

    A unit is what one worker does in one go, such as a task in both arms. `ask` makes one call
    and records the answer; the worker's next call waits until it is done.

    After an error no further call goes out. Those that other workers have under way are waited
    for, because they are paid for; then the first error is raised.
    """
    # One queue for all, so that nobody is idle while there is something left to ask.
    queue = iter(units)
    errors: list[BatteryError] = []

    async def work(worker: W) -> None:
        for call in (call for unit in queue for call in unit):
            try:
                await ask(worker, call)
            except BatteryError as error:
                errors.append(error)
            if errors:
                return

    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(work(worker))
    if errors:
        raise errors[0]
