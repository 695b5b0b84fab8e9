"""One run of a campaign under its lease.

    cells/007/lease.3
    cells/007/3/        the battery of epoch 3

Each holder has a folder of its own, so that one that lost its lease may write as late as it likes:
nobody reads it. Who takes over goes on from what the holder before has on record. The highest epoch
that has a folder is the run.
"""

from __future__ import annotations

import re
import secrets
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from battery.base import loop
from battery.base.errors import (
    ArtifactError,
    BatteryError,
    EmptyingError,
    InterruptedRunError,
    LostLeaseError,
    MismatchError,
    PausedError,
    StartError,
    remedy_of,
)
from battery.campaign import finished
from battery.campaign.emptying import empty
from battery.campaign.lease import Ended, Lease, Watch
from battery.campaign.plan import PLAN_NAME, Campaign, World, require_same_target
from battery.campaign.spent import Ledger
from battery.records.events import Notice, Observer
from battery.records.plan import Cell, PlannedTarget
from battery.runner import run as runner
from battery.runner.hold import Hold
from battery.store.battery_dir import BatteryDir
from battery.store.files import sync_folder
from battery.target import targets

_EPOCH: Final = re.compile(r"[1-9][0-9]{0,8}")
#: Of the holder before alone: its locks, and what it had not finished writing.
_LEFT_BEHIND: Final = shutil.ignore_patterns(".lock", ".held", ".reserve", ".*.tmp")
#: Copies of a folder in which somebody still writes, before it is given up.
_TRIES: Final = 5


def battery_of(folder: Path) -> Path | None:
    """Return the battery of a cell's folder, by its highest epoch; None before the first call."""
    epoch = _latest(folder)
    return folder / str(epoch) if epoch else None


@dataclass(frozen=True)
class Cells:
    """Runs the cells of a campaign, for whoever holds their leases."""

    campaign: Campaign
    watch: Watch
    world: World

    #: Raises `BatteryError` where no run may make another call.
    permit: Callable[[], None]

    ledger: Ledger

    async def run(
        self, cell: Cell, target: PlannedTarget, held: Sequence[Lease], tell: Observer
    ) -> Ended:
        """Run a cell to its end, from wherever it is; return how it ended, as its lease says.

        The first lease is the cell's; none may get lost. Raises `BatteryError`: `LostLeaseError`
        where the cell went to another worker, `EmptyingError` where the target is not fit for a
        new run, so that another one may have the cell.
        """
        lease = held[0]

        def require() -> None:
            for each in held:
                each.require()
            self.permit()

        try:
            why = await self._invalid(cell, target, lease, require, tell)
            ended: Literal["finished", "invalid"] = "finished" if why is None else "invalid"
            lease.require()
            finished.record(self.campaign, cell, lease.epoch, ended)
        except LostLeaseError:
            raise
        except BatteryError as error:
            lease.release(_ended(error), error.message)
            raise
        except BaseException:
            lease.release("interrupted")
            raise
        lease.release(ended, why)
        return ended

    async def _invalid(
        self,
        cell: Cell,
        target: PlannedTarget,
        lease: Lease,
        require: Callable[[], None],
        tell: Observer,
    ) -> str | None:
        """Run a cell to its end; return why it is INVALID, None where it is not."""
        again = f"go on with: battery campaign run {shlex.quote(str(self.campaign.folder))}"
        try:
            with self.ledger.account(cell, lease.epoch) as others:
                hold = Hold(require=require, others=others, go_on=again)
                await self._run(cell, target, lease, hold, tell)
        except StartError as error:
            # A finding about this run, and no fault: it is counted, and the others go on.
            return error.message
        return None

    async def _run(
        self, cell: Cell, target: PlannedTarget, lease: Lease, hold: Hold, tell: Observer
    ) -> None:
        campaign = self.campaign
        folder = BatteryDir(_taken_over(campaign.cell(cell), lease, self.watch))
        settings = campaign.settings(cell, self.world, target)
        manifest = folder.read_manifest() if folder.has_manifest() else None
        if targets.is_elsewhere(settings):
            # Not by the run itself: a target that cannot be emptied is no fault of the run.
            hold = hold._replace(empties=True)
        if manifest is None:
            if when := finished.before(campaign, cell):
                text = f"it was finished before, on {when}, and is gone: it is run again"
                tell(Notice(f"{text}, and every verdict will say so", warning=True))
            require_same_target(target, settings, tell)
            if hold.empties:
                await empty(campaign, settings, hold.require, tell)
        elif manifest.targets != target.targets:
            raise MismatchError(
                f"run {cell.number} began at {manifest.targets['gateway']}, not at "
                f"{target.targets['gateway']}",
                hint="run the campaign again: it goes on where it began",
            )
        elif manifest.run_id != settings.run_id:
            raise MismatchError(
                f"{campaign.folder / PLAN_NAME} is not the plan that run {cell.number} began with",
                hint="restore it, or make a plan of its own: battery campaign plan",
            )
        caps = self.ledger.caps._asdict()
        settings = replace(settings, folder=folder.root, resume=manifest is not None, **caps)
        # So that what it computes holds up no other run of this process.
        await loop.apart(runner.run, settings, tell, hold)


def _ended(error: BatteryError) -> Ended:
    match error:
        case PausedError():
            return "paused"
        # Another target may do.
        case InterruptedRunError() | EmptyingError():
            return "interrupted"
        case _:
            return "failed"


def _taken_over(cell: Path, lease: Lease, watch: Watch) -> Path:
    """Make what the holder before left the folder of this epoch; return it, there or not."""
    own = cell / str(lease.epoch)
    why: OSError | None = None
    for _ in range(_TRIES):
        before = _latest(cell)
        if not before:
            return own
        lease.require()
        try:
            if watch.is_gone(cell, before):
                (cell / str(before)).rename(own)
            elif not _copied(cell / str(before), own):
                continue
            sync_folder(cell)
        except OSError as error:
            # Mostly it is no longer there because somebody else took it over, who then has it.
            lease.require()
            why = error
        else:
            _remove_drafts(cell)
            return own
    raise _cannot_take_over(cell, why)


def _remove_drafts(cell: Path) -> None:
    """Remove copies that nobody finished; who still does has lost the lease."""
    for path in cell.glob(".*.tmp"):
        shutil.rmtree(path, ignore_errors=True)


def _copied(source: Path, own: Path) -> bool:
    """Copy a folder whole or not at all; return False where it changed meanwhile."""
    draft = own.with_name(f".{own.name}.{secrets.token_hex(6)}.tmp")
    try:
        before = list(_files(source))
        shutil.copytree(source, draft, symlinks=True, ignore=_LEFT_BEHIND)
        if list(_files(source)) != before:
            return False
        draft.rename(own)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return True


def _files(folder: Path) -> Iterator[tuple[Path, int, int]]:
    """Yield what tells whether the files of a folder have changed."""
    for path in sorted(folder.rglob("*")):
        if not path.name.startswith("."):
            known = path.lstat()
            yield path, known.st_size, known.st_mtime_ns


def _latest(cell: Path) -> int:
    try:
        names = [path.name for path in cell.iterdir() if _EPOCH.fullmatch(path.name)]
    except FileNotFoundError:
        return 0
    return max(map(int, names), default=0)


def _cannot_take_over(cell: Path, error: OSError | None) -> ArtifactError:
    if error is None:
        return ArtifactError(
            f"cannot copy the run in {cell}: somebody is writing there all the time",
            hint="end the process that does, and run the campaign again",
        )
    # Of several files that could not be copied, the first.
    why = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror or error
    return ArtifactError(f"cannot take over the run in {cell}: {why}", remedy=remedy_of(error))
