"""A worker: takes free cells, runs them, goes on until none is left.

Any number of workers may look at one folder, on any hosts. Nobody tells them what to do: what is
free is in the folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from battery.base.errors import (
    BatteryError,
    EmptyingError,
    InterruptedRunError,
    PausedError,
)
from battery.campaign import lease as leases
from battery.campaign.cell import Cells
from battery.campaign.lease import DONE, Heart, Lease, Timing, Watch, state_of
from battery.campaign.plan import Campaign, World
from battery.campaign.spent import Caps, Ledger
from battery.campaign.targets import Seat, Seats
from battery.records.events import Event, IterationFinished, Notice, Observer
from battery.records.plan import Cell

#: Seconds between two looks for something to do.
_LOOK_S: Final = 1.0


def left(campaign: Campaign) -> list[Cell]:
    """List the cells that have not come to their end."""
    return [cell for cell in campaign.plan.cells if state_of(campaign.cell(cell)) not in DONE]


def in_lines(tell: Callable[[Notice], object]) -> Callable[[Cell], Observer]:
    """Return what makes the observer of a run that tells in lines how it goes."""

    def observer(cell: Cell) -> Observer:
        def show(event: Event) -> None:
            if notice := _progress(cell, event):
                tell(notice)

        return show

    return observer


def _progress(cell: Cell, event: Event) -> Notice | None:
    """Return what to tell, in a line, of what happened in a run; None where nothing."""
    match event:
        case IterationFinished():
            return Notice(f"run {cell.number}: iteration {event.metrics.iteration} is done")
        case Notice(warning=True):
            return event._replace(text=f"run {cell.number}: {event.text}")
    return None


class Claim(NamedTuple):
    """A cell that this worker holds, and its seat at a target."""

    cell: Cell
    lease: Lease
    seat: Seat


class Worker:
    """Runs cells of a campaign, several at a time, each in a thread of its own."""

    def __init__(
        self,
        campaign: Campaign,
        world: World,
        observer: Callable[[Cell], Observer],
        timing: Timing | None = None,
        caps: Caps | None = None,
    ) -> None:
        """Look at a campaign; `observer` makes who is told what happens in a run.

        `caps` hold for all runs together; without them those of the plan do.
        """
        plan = campaign.plan
        self.campaign = campaign
        #: The cells that it ran to their end.
        self.done: list[Cell] = []
        self._only: Cell | None = None
        self._require: Callable[[], None] = lambda: None
        self._observer = observer
        self._timing = timing or Timing(plan.lease_s)
        self._watch = Watch(self._timing)
        self._ledger = Ledger(campaign, caps or Caps(plan.max_tokens, plan.max_cost))
        self._cells = Cells(campaign, self._watch, world, self._permit, self._ledger)
        self._seats = Seats(campaign, self._watch, world)
        self._errors: list[BatteryError] = []
        #: That the caps are reached, which stops nothing that is under way.
        self._paused: BatteryError | None = None
        #: By cell the epochs that were there before this worker.
        self._before = {cell: leases.latest(campaign.cell(cell)) for cell in plan.cells}

    async def work(self, slots: int, *, wait: bool) -> None:
        """Run cells until none is free, with `wait` until all are done; raise `BatteryError`.

        After an error no further call goes out; calls that are under way are waited for.
        """
        with Heart(self._timing) as heart:
            async with asyncio.TaskGroup() as group:
                for _ in range(slots):
                    group.create_task(self._run_cells(heart, wait=wait))
        if self._errors:
            # What was stopped because of another's error says less than that one.
            raise min(self._errors, key=lambda error: isinstance(error, InterruptedRunError))
        if self._paused:
            raise self._paused

    async def work_on(self, cell: Cell, require: Callable[[], None]) -> None:
        """Run one cell, as soon as it is free, until it is done; raise `BatteryError`.

        `require` is asked before each call, and raises `BatteryError` where none may be made.
        """
        self._only, self._require = cell, require
        await self.work(1, wait=True)

    async def _run_cells(self, heart: Heart, *, wait: bool) -> None:
        while not self._errors and not self._is_paused():
            try:
                claim = self._claim()
                has_prospects = claim is None and wait and self._has_prospects()
            except BatteryError as error:
                self._errors.append(error)
                return
            if claim:
                await self._run(claim, heart)
            elif has_prospects:
                await asyncio.sleep(min(_LOOK_S, self._timing.beat_s))
            else:
                return

    async def _run(self, claim: Claim, heart: Heart) -> None:
        cell, lease, seat = claim
        try:
            with heart.beating(lease, *seat.leases):
                held = [lease, *seat.leases]
                await self._cells.run(cell, seat.target, held, self._observer(cell))
            self.done.append(cell)
        except PausedError:
            # Said once, for all runs.
            pass
        except EmptyingError as error:
            self._observer(cell)(Notice(seat.give_up(error), warning=True))
            return
        except BatteryError as error:
            self._errors.append(error)
        except BaseException:
            seat.release()
            raise
        seat.release()

    def _is_paused(self) -> bool:
        if not left(self.campaign):
            return False
        try:
            self._ledger.require()
        except BatteryError as error:
            self._paused = error
        return self._paused is not None

    def _permit(self) -> None:
        self._require()
        if self._errors:
            raise InterruptedRunError("stopped, as another run of this worker could not go on")

    def _claim(self) -> Claim | None:
        """Take the first free cell that there is a seat for, and that seat; raise `BatteryError`.

        `EmptyingError` where no target is left for new runs.
        """
        cells, rooms = self._cells_to_run(), self._seats.rooms()
        if not rooms and cells:
            self._seats.require_any()
        for cell in cells:
            folder = self.campaign.cell(cell)
            if not self._watch.is_free(folder):
                continue
            seat = self._seats.take(cell, rooms)
            if seat is None:
                continue
            if lease := self._watch.take(folder):
                if self._seats.is_right(seat, cell):
                    return Claim(cell, lease, seat)
                lease.release("interrupted")
            seat.release()
        return None

    def _cells_to_run(self) -> list[Cell]:
        return [
            cell
            for cell in left(self.campaign)
            if self._only in {None, cell} and not self._is_given_up(cell)
        ]

    def _has_prospects(self) -> bool:
        """Return whether a cell may become free, or a seat for it."""
        stopped = [cell.number for cell in left(self.campaign) if self._is_given_up(cell)]
        return any(self._seats.may_come(cell, stopped) for cell in self._cells_to_run())

    def _is_given_up(self, cell: Cell) -> bool:
        """Return whether a cell stopped since this worker began: nothing is tried twice unasked."""
        folder = self.campaign.cell(cell)
        is_new = leases.latest(folder) > self._before[cell]
        return is_new and state_of(folder) in {"failed", "paused"}
