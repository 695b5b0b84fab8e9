"""Where the runs of a campaign take place: never two of them at one deployment at a time.

    targets/2/lease.5    who has, or had, the second target last, and for which run

A run goes on at the target at which it began, as its memory is there; until it is done no other run
takes place there. A target whose memory was not emptied, or of which nobody knows, is given up.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from battery.base.errors import ArtifactError, BatteryError, EmptyingError, MismatchError
from battery.base.text import listed
from battery.campaign import lease as leases
from battery.campaign.cell import battery_of
from battery.campaign.emptying import FOLDER
from battery.campaign.lease import DONE, Lease, Note, Watch, state_of
from battery.campaign.plan import PLAN_NAME, Campaign, World
from battery.records.manifest import Manifest
from battery.records.plan import Cell, PlannedTarget
from battery.records.status import TargetState, TargetStatus
from battery.store.battery_dir import BatteryDir
from battery.target import targets

#: What `occupied` returns.
_Taken = Callable[[], dict[int, int]]


def folder_of_target(campaign: Campaign, number: int) -> Path:
    """Return the folder of a target's leases, by its number in the plan."""
    return campaign.folder / FOLDER / str(number)


def state_of_target(campaign: Campaign, number: int) -> TargetStatus:
    """Return how a target of the plan is, from the folder alone; raise `BatteryError`."""
    return _status(campaign, number, partial(occupied, campaign))


def states_of_targets(campaign: Campaign) -> list[TargetStatus]:
    """Return how each target is; none where runs share nothing. Raises `BatteryError`."""
    if not (campaign.folder / FOLDER).exists():
        return []
    # Read once for all targets, and only where it says what a lease does not.
    taken = cache(partial(occupied, campaign))
    return [_status(campaign, n, taken) for n in range(1, len(campaign.plan.targets) + 1)]


def _status(campaign: Campaign, number: int, taken: _Taken) -> TargetStatus:
    note = leases.last(folder_of_target(campaign, number))
    gateway = campaign.plan.targets[number - 1].targets["gateway"]
    state, run = _state(number, note, taken)
    why = note.why if note and state == "given_up" else None
    return TargetStatus(number=number, gateway=gateway, state=state, run=run, why=why)


def _state(number: int, note: Note | None, taken: _Taken) -> tuple[TargetState, int | None]:
    if note is None:
        return "unused", None
    if note.ended is None:
        return "held", note.cell
    if note.ended == "failed":
        return "given_up", note.cell
    if run := taken().get(number):
        return "reserved", run
    return "dirty", note.cell


def occupied(campaign: Campaign) -> dict[int, int]:
    """Return by target the run whose memory is there, and which is not done yet.

    Raises `BatteryError`.
    """
    begun = {
        began_at(campaign, cell): cell.number
        for cell in campaign.plan.cells
        if state_of(campaign.cell(cell)) not in DONE
    }
    return {target: number for target, number in begun.items() if target is not None}


def began_at(campaign: Campaign, cell: Cell) -> int | None:
    """Return the number of the target at which a run began; None before its first call.

    Raises `BatteryError` where that is no target of the plan.
    """
    manifest = _manifest(campaign.cell(cell))
    if manifest is None:
        return None
    if number := campaign.plan.number_of(manifest.targets):
        return number
    raise MismatchError(
        f"run {cell.number} began at {manifest.targets['gateway']}, which is no target of "
        f"{campaign.folder / PLAN_NAME}",
        hint="restore the plan, or make one of its own: battery campaign plan",
    )


def _manifest(cell: Path) -> Manifest | None:
    """Read the manifest of a run; None before there is one."""
    while (root := battery_of(cell)) is not None:
        manifest = None
        try:
            manifest = BatteryDir(root).read_manifest()
        except ArtifactError:
            if battery_of(cell) == root:
                raise
        # Else somebody who takes the run over has moved its folder meanwhile.
        if manifest is not None or battery_of(cell) == root:
            return manifest
    return None


class Seat(NamedTuple):
    """A target for a run, and the lease on it; none where runs share nothing."""

    number: int
    target: PlannedTarget
    leases: Sequence[Lease]

    def release(self) -> None:
        """Let others have it."""
        for lease in self.leases:
            lease.release("finished")

    def give_up(self, error: EmptyingError) -> str:
        """Let nobody have it; return what there is to say."""
        for lease in self.leases:
            lease.release("failed" if error.is_final else "interrupted", error.message)
        again = "" if error.is_final else " by the workers that are running now"
        gateway = self.target.targets["gateway"]
        return f"target {self.number}, {gateway}, is not used again{again}: {error.message}"


class Seats:
    """Where runs may take place: one at a time at a deployment, any number where none is shared."""

    def __init__(self, campaign: Campaign, watch: Watch, world: World) -> None:
        plan = campaign.plan
        first = campaign.settings(plan.cells[0], world, plan.targets[0])
        self._campaign = campaign
        self._watch = watch
        self._is_shared = len(plan.targets) > 1 or targets.is_elsewhere(first)
        self._numbers = range(1, len(plan.targets) + 1)
        #: By target the epochs that were there before this worker.
        self._before = {number: leases.latest(self._folder(number)) for number in self._numbers}

    @property
    def most(self) -> int | None:
        """How many runs can take place at a time; None where any number can."""
        return len(self._numbers) if self._is_shared else None

    def rooms(self) -> list[int]:
        """List the targets that may have a new run once nobody holds them; raise `BatteryError`."""
        if not self._is_shared:
            return list(self._numbers)
        taken = occupied(self._campaign)
        return [n for n in self._numbers if n not in taken and not self._given_up(n)]

    def take(self, cell: Cell, rooms: Sequence[int]) -> Seat | None:
        """Take a target for a run: the one at which it began, else one of those that have room.

        None where none is free; raises `BatteryError` where it began at one that is given up.
        """
        if not self._is_shared:
            return self._seat(1, ())
        began = began_at(self._campaign, cell)
        if began and (note := self._given_up(began)):
            raise self._stranded(cell, began, note)
        for number in [began] if began else rooms:
            lease = self._watch.take(self._folder(number), cell.number)
            if lease and self._is_fit(number, lease, is_new=not began):
                return self._seat(number, (lease,))
        return None

    def is_right(self, seat: Seat, cell: Cell) -> bool:
        """Return whether a run, whose lease is held by now, has not begun at another target."""
        return not self._is_shared or began_at(self._campaign, cell) in {None, seat.number}

    def may_come(self, cell: Cell, stopped: Collection[int]) -> bool:
        """Return whether a run may get its target when others have left.

        Not where that waits for a run that nobody goes on with, of which `stopped` are the numbers.
        """
        if not self._is_shared or began_at(self._campaign, cell):
            return True
        taken = occupied(self._campaign)
        return any(
            n for n in self._numbers if not self._given_up(n) and taken.get(n) not in stopped
        )

    def require_any(self) -> None:
        """Raise `EmptyingError` where no target is left for a new run."""
        lost = {number: note for number in self._numbers if (note := self._given_up(number))}
        if len(lost) < len(self._numbers):
            return
        campaign = self._campaign
        whys = [f"target {n}, {self._gateway(n)}: {note.why}" for n, note in lost.items()]
        folders = [self._folder(n) for n, note in lost.items() if note.ended == "failed"]
        clear = f"and remove {listed([shlex.quote(str(path)) for path in folders])}; then "
        raise EmptyingError(
            f"no target is left for the runs that have not begun: {'; '.join(whys)}",
            hint=f"see to it that they can be emptied {clear if folders else ''}go on with: "
            f"battery campaign run {shlex.quote(str(campaign.folder))}",
        )

    def _is_fit(self, number: int, lease: Lease, *, is_new: bool) -> bool:
        """Return whether a target is still what it was before its lease was taken; else leave it.

        Only with the lease in hand is that for certain.
        """
        if note := self._given_up(number, lease.epoch):
            lease.release(note.ended or "failed", note.why)
            return False
        if is_new and number in occupied(self._campaign):
            lease.release("finished")
            return False
        return True

    def _given_up(self, number: int, before: int | None = None) -> Note | None:
        """Return the note of who gave a target up, before an epoch; None where nobody did."""
        folder = self._folder(number)
        note = leases.last(folder, before)
        if note is None or note.ended not in {"failed", "interrupted"}:
            return None
        # Where nobody answered, those who come later try again.
        is_new = leases.latest(folder) > self._before[number]
        return note if note.ended == "failed" or is_new else None

    def _stranded(self, cell: Cell, number: int, note: Note) -> BatteryError:
        folder, own = self._folder(number), self._campaign.cell(cell)
        return EmptyingError(
            f"run {cell.number} began at target {number}, {self._gateway(number)}, which was given "
            f"up since then: {note.why}",
            hint=f"remove {folder} if the memory of the run is still there; if not, remove {own}, "
            "and the run begins anew",
        )

    def _seat(self, number: int, taken: Sequence[Lease]) -> Seat:
        return Seat(number, self._campaign.plan.targets[number - 1], taken)

    def _gateway(self, number: int) -> str:
        return self._campaign.plan.targets[number - 1].targets["gateway"]

    def _folder(self, number: int) -> Path:
        return folder_of_target(self._campaign, number)
