"""Run a campaign on a Dask cluster: one task per run, on any worker that sees the folder.

Dask places, and runs a task again by itself where its worker dies; it cannot know whether one that
is silent still works. Who may ask is the lease's to say, here as everywhere, so that a task more
than needed does nothing but wait until its run is done.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shlex
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, NamedTuple

import distributed
from distributed.client import FutureCancelledError
from distributed.versions import VersionMismatchWarning

from battery import __version__
from battery.base.errors import (
    BatteryError,
    InterruptedRunError,
    LostLeaseError,
    PausedError,
    UsageError,
)
from battery.campaign import lease as leases
from battery.campaign.engine import Patience, StoppedError
from battery.campaign.lease import DONE, Timing, Watch, state_of
from battery.campaign.plan import Campaign, World
from battery.campaign.spent import Caps, Ledger
from battery.campaign.targets import Seats
from battery.campaign.task import WANTED_S, Order, Told, fault_of, run_cell, topic
from battery.campaign.work import left
from battery.records.events import Notice, Observer
from battery.records.plan import Cell
from battery.store.files import cannot_write
from battery.target.kinds import read

#: Seconds between two looks of the client at the cluster.
_LOOK_S: Final = 0.5
#: Seconds in which a cluster has to answer, and tasks that are no longer wanted have to stop.
_PATIENCE_S: Final = 10.0


class _Placed(NamedTuple):
    """A task on the cluster."""

    cell: Cell
    future: distributed.Future[Told]
    #: The epoch that was there before it.
    epoch: int
    #: Seconds, by the clock of the leases.
    at: float


async def run_on(
    campaign: Campaign, url: str, jobs: int | None, caps: Caps, tell: Observer
) -> None:
    """Run all cells that are left on the cluster at `dask://HOST:PORT`; raise `BatteryError`.

    At most `jobs` at a time, and never more than the cluster has threads. `caps` hold for all of
    them together: `PausedError` where they are reached.
    """
    if not left(campaign):
        return
    ledger = Ledger(campaign, caps)
    ledger.require()
    with _sealed(campaign) as seal:
        order = Order(str(campaign.folder.absolute()), seal, __version__, caps, url)
        async with _connected(url, campaign) as client:
            client.subscribe_topic(topic(seal), lambda event: tell(Notice(*event[1])))
            team = _Team(campaign, client, order, jobs, tell)
            try:
                await team.run()
            finally:
                await team.stop()
    if left(campaign):
        # What all of them have spent is known only now.
        ledger.require()


@contextmanager
def _sealed(campaign: Campaign) -> Iterator[str]:
    """Have a file in the folder of the campaign by which workers know it; yield its name."""
    path = campaign.folder / f".on.{secrets.token_hex(6)}"
    try:
        path.touch(exist_ok=False)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        yield path.name
    finally:
        with suppress(OSError):
            path.unlink()


@asynccontextmanager
async def _connected(url: str, campaign: Campaign) -> AsyncIterator[Any]:
    """Connect to a scheduler; raise `BatteryError` where it is not there, or no longer."""
    # Its words, at every attempt to find a scheduler again, would hide what is said here.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Orders and what is told are plain values, and battery's own version is held to.
    warnings.simplefilter("ignore", VersionMismatchWarning)
    address = url.replace("dask://", "tcp://", 1)
    again = f"battery campaign run {shlex.quote(str(campaign.folder))} --on {url}"
    # Most of it has no types.
    connect: Any = distributed.Client
    client = connect(address, asynchronous=True, set_as_default=False, timeout=_PATIENCE_S)
    try:
        # Something else that listens there would never answer.
        await asyncio.wait_for(_started(client), _PATIENCE_S)
    except (OSError, ValueError) as error:
        raise BatteryError(
            f"no Dask scheduler answers at {url} within {_PATIENCE_S:g} s",
            hint="start one with: dask scheduler, and workers with: dask worker HOST:8786",
        ) from error
    try:
        yield client
    except OSError as error:
        raise BatteryError(
            f"the Dask scheduler at {url} is gone",
            hint=f"nothing that finished is lost; when it is back, go on with: {again}",
        ) from error
    finally:
        # One that has lost its scheduler would look for it once more.
        with suppress(TimeoutError):
            await asyncio.wait_for(client.close(), _PATIENCE_S if _is_on(client) else _LOOK_S)


async def _started(client: Any) -> None:
    await client


def _is_on(client: Any) -> bool:
    return bool(client.status == "running")


class _Team:
    """The tasks of a campaign on a cluster."""

    def __init__(
        self,
        campaign: Campaign,
        client: Any,
        order: Order,
        jobs: int | None,
        tell: Observer,
    ) -> None:
        self._campaign = campaign
        self._client = client
        self._order = order
        self._tell = tell
        self._placed: dict[asyncio.Task[Told], _Placed] = {}
        self._paused = False
        #: Whether it waits for a worker, which is said once.
        self._waits = False
        #: How often a cell was given to the cluster, by its number.
        self._times: dict[int, int] = {}
        timing = Timing(campaign.plan.lease_s)
        self._clock = timing.clock
        # A worker that died is Dask's to replace, which knows before anybody can see it in a lease.
        self._watch = Watch(timing, lambda _note: None)
        self._patience = Patience(campaign, 2 * len(left(campaign)))
        # One that only waits for a target would hold up the run that has it, if that comes to its
        # worker once its own is killed.
        seats = Seats(campaign, self._watch, World(os.environ, read))
        self._most = [most for most in (jobs, seats.most) if most is not None]

    async def run(self) -> None:
        """Have the cluster run all cells; raise `BatteryError`, and `OSError` where it is gone."""
        await self._require_fit()
        while left(self._campaign) and not (self._paused and not self._placed):
            threads = await self._threads()
            self._place(threads)
            await self._place_again(threads)
            if not self._placed:
                await asyncio.sleep(_LOOK_S)
                continue
            ended, _ = await asyncio.wait(
                self._placed, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED
            )
            for task in ended:
                self._look_at(self._placed.pop(task), task)

    async def stop(self) -> None:
        """Have all tasks stop, and wait until they have: what they do is on disk."""
        placed = list(self._placed.values())
        for task in self._placed:
            # Of several that ended at once, the first says why.
            if not task.cancel() and not task.cancelled():
                task.exception()
        with suppress(OSError):
            await self._client.cancel([each.future for each in placed])
        for _ in range(int(_PATIENCE_S / WANTED_S)):
            if not any(map(self._is_at_work, placed)):
                break
            await asyncio.sleep(WANTED_S)

    async def _require_fit(self) -> None:
        """Refuse a cluster with a worker that could run nothing; one that is silent may wake."""
        with suppress(TimeoutError):
            looks = self._client.run(fault_of, self._order, on_error="return")
            for address, fault in (await asyncio.wait_for(looks, _PATIENCE_S)).items():
                if isinstance(fault, Exception):
                    raise _cannot_start(f"a run on {address}", fault)
                if fault:
                    raise _unfit(f"{fault} (worker {address})")

    async def _threads(self) -> Mapping[str, int]:
        """Return the workers of the cluster, with how many tasks each runs at a time."""
        threads: Mapping[str, int] = await self._client.nthreads()
        if not threads and not self._waits:
            self._tell(Notice("the cluster has no worker; waiting for one", warning=True))
        self._waits = not threads
        return threads

    def _place(self, threads: Mapping[str, int]) -> None:
        """Give the cluster what it has room for."""
        under_way = {each.cell.number for each in self._placed.values()}
        for cell in left(self._campaign):
            if self._paused or not self._has_room(threads):
                return
            if cell.number not in under_way:
                self._submit(cell)

    async def _place_again(self, threads: Mapping[str, int]) -> None:
        """Give what shows no sign of life to another worker as well."""
        silent = [each for each in self._placed.values() if self._is_silent(each)]
        if not silent or not self._has_room(threads):
            return
        processing = await self._client.processing()
        for each in silent:
            number = each.cell.number
            own = {it.future.key for it in self._placed.values() if it.cell.number == number}
            others = [
                address for address in threads if not own.intersection(processing.get(address, ()))
            ]
            if others and self._has_room(threads):
                if leases.latest(self._campaign.cell(each.cell)) > each.epoch:
                    text = f"run {number}: its worker has stalled; another one takes it over"
                    self._tell(Notice(text, warning=True))
                self._submit(each.cell, others)

    def _has_room(self, threads: Mapping[str, int]) -> bool:
        return len(self._placed) < min([sum(threads.values()), *self._most])

    def _submit(self, cell: Cell, workers: list[str] | None = None) -> None:
        number = cell.number
        self._times[number] = self._times.get(number, 0) + 1
        key = f"{self._campaign.registration}/{number:03}"
        if self._times[number] > 1:
            key += f"/{self._times[number]}"
        future = self._client.submit(
            run_cell,
            self._order._replace(number=number),
            key=key,
            pure=False,
            retries=0,
            workers=workers,
            allow_other_workers=False,
        )
        epoch = leases.latest(self._campaign.cell(cell))
        self._placed[asyncio.create_task(_result(future))] = _Placed(
            cell, future, epoch, self._clock()
        )

    def _is_silent(self, placed: _Placed) -> bool:
        """Return whether a task has not begun, or gave no sign of life, for a whole lease."""
        # Asked at each look, as it measures for how long nothing changes.
        is_free = self._watch.is_free(self._campaign.cell(placed.cell))
        number = placed.cell.number
        newest = max(each.at for each in self._placed.values() if each.cell.number == number)
        waits_s = self._clock() - newest
        return is_free and placed.at == newest and waits_s >= self._campaign.plan.lease_s

    def _is_at_work(self, placed: _Placed) -> bool:
        folder = self._campaign.cell(placed.cell)
        epoch = leases.latest(folder)
        note = leases.read(folder, epoch)
        return epoch > placed.epoch and note is not None and note.ended is None

    def _look_at(self, placed: _Placed, task: asyncio.Task[Told]) -> None:
        number = placed.cell.number
        try:
            told = task.result()
        except FutureCancelledError as error:
            if not _is_on(self._client):
                raise ConnectionError from error
            told = Told(InterruptedRunError.exit_code, "cancelled on the cluster")
        except distributed.KilledWorker as error:
            what = f"run {number} was given up by Dask, as one worker after the other died with it"
            raise StoppedError(what, 1, self._campaign, self._order.on) from error
        except Exception as error:
            raise _cannot_start(f"run {number}", error) from error
        self._react(placed, told)

    def _react(self, placed: _Placed, told: Told) -> None:
        number = placed.cell.number
        self._paused |= told.code == PausedError.exit_code
        if told.code in {0, PausedError.exit_code}:
            return
        if state_of(self._campaign.cell(placed.cell)) in DONE:
            return
        if told.code not in {LostLeaseError.exit_code, InterruptedRunError.exit_code}:
            what = f"run {number} stopped: {told.message}"
            raise StoppedError(what, told.code, self._campaign, self._order.on)
        how = "stood still for too long" if told.code == LostLeaseError.exit_code else told.message
        # One that stalls, as on a busy machine, comes further each time.
        if self._patience.is_over() and told.code != LostLeaseError.exit_code:
            what = f"run {number}: its worker {how}, and no run comes to its end"
            raise StoppedError(what, 1, self._campaign, self._order.on)
        self._tell(Notice(f"run {number}: its worker {how}; it is taken over", warning=True))


async def _result(future: distributed.Future[Told]) -> Told:
    told: Any = await future
    return Told(*told)


def _unfit(what: str) -> UsageError:
    return UsageError(
        what,
        hint="put the campaign where every worker sees it under this path, and install the same "
        "battery there: pip install 'compounding-battery[dask]'",
    )


def _cannot_start(what: str, error: Exception) -> BatteryError:
    return BatteryError(
        f"cannot start {what}: {type(error).__name__}: {error}",
        hint="every worker needs battery, in the version that is here: "
        "pip install 'compounding-battery[dask]'",
    )
