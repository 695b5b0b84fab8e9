"""Ask for tasks: as many at a time as there are clients; no printing, no files."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from battery.client import Client
from battery.errors import BatteryError
from battery.tasks import PlannedTask

#: Asks for one task and records the answer; the client's next call waits until it is done.
Ask = Callable[[Client, PlannedTask], Awaitable[None]]


async def ask_all(planned: Iterable[PlannedTask], clients: Sequence[Client], ask: Ask) -> None:
    """Ask every task once, in order; with one client strictly one after the other.

    After an error no further call goes out. Those that other clients have under way are waited
    for, because they are paid for; then the first error is raised.
    """
    queue = iter(planned)
    errors: list[BatteryError] = []

    async def work(client: Client) -> None:
        for entry in queue:
            try:
                await ask(client, entry)
            except BatteryError as error:
                errors.append(error)
            if errors:
                return

    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(work(client))
    if errors:
        raise errors[0]
