"""A run as a task on a Dask worker: it waits for the lease, and works as long as Dask wants it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import distributed

from battery import __version__
from battery.base import loop
from battery.base.errors import BatteryError, InterruptedRunError, UsageError
from battery.campaign.lease import DONE, state_of
from battery.campaign.plan import World, open_campaign
from battery.campaign.spent import Caps
from battery.campaign.work import Worker, in_lines
from battery.records.events import Notice
from battery.target.kinds import read

#: Seconds between two looks whether the task is still wanted.
WANTED_S: Final = 0.1
#: States of a task of which Dask still wants the result.
_WANTED: Final = frozenset({"executing", "long-running"})


class Order(NamedTuple):
    """What a task is to do; read again by each worker, with the secrets of its own environment."""

    folder: str
    #: A file that is in the folder while the command runs: a copy of the folder does not have it.
    seal: str
    version: str
    caps: Caps
    #: The cluster, as the command names it.
    on: str
    #: Number of the cell; 0 where it only looks at the folder.
    number: int = 0


class Told(NamedTuple):
    """How a task ended: 0, or the exit code and the message of its error."""

    code: int
    message: str = ""


def topic(seal: str) -> str:
    """Return under which topic of the cluster tasks say how their runs go."""
    return f"battery{seal}"


def run_cell(order: Order) -> Told:
    """Run one cell to its end, waiting for its lease; as long as Dask wants it."""
    here = distributed.get_worker()
    key = here.get_current_task()
    if fault := fault_of(order):
        return Told(UsageError.exit_code, f"{fault} (worker {here.address})")

    def is_wanted() -> bool:
        task = here.state.tasks.get(key)
        at_work = here.status in {distributed.Status.running, distributed.Status.paused}
        return at_work and task is not None and task.state in _WANTED

    def tell(notice: Notice) -> None:
        here.log_event(topic(order.seal), [notice.text, notice.warning])

    try:
        loop.run(_run, order, is_wanted, tell)
    except BatteryError as error:
        return Told(error.exit_code, error.message)
    except KeyboardInterrupt:
        return Told(InterruptedRunError.exit_code, "no longer wanted")
    return Told(0)


def fault_of(order: Order) -> str | None:
    """Return why a worker can run nothing of a campaign; None where it can."""
    if not Path(order.folder, order.seal).exists():
        return f"it does not see {order.folder}, or sees a copy of it"
    if order.version != __version__:
        return f"it has battery {__version__}, and here is {order.version}"
    return None


async def _run(order: Order, is_wanted: Callable[[], bool], tell: Callable[[Notice], None]) -> None:
    campaign = open_campaign(Path(order.folder))
    cell = next(each for each in campaign.plan.cells if each.number == order.number)

    def require() -> None:
        if not is_wanted():
            raise InterruptedRunError("stopped, as Dask no longer wants it")

    worker = Worker(campaign, World(os.environ, read), in_lines(tell), caps=order.caps)
    work = asyncio.create_task(worker.work_on(cell, require))
    while not work.done() and is_wanted():
        await asyncio.wait([work], timeout=WANTED_S)
    if not work.done():
        # The call under way is lost, as at Ctrl-C.
        work.cancel()
    await work
    if state_of(campaign.cell(cell)) not in DONE:
        raise BatteryError(f"run {cell.number} was stopped by another worker")
