"""Campaigns on disk whose runs were written by hand, without a call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from battery.campaign import finished
from battery.campaign import plan as planning
from battery.campaign.lease import Ended, Timing, Watch
from battery.campaign.plan import Campaign, Wanted, World
from battery.records.plan import Cell
from battery.store.battery_dir import BatteryDir
from battery.target.kinds import read
from tests.support.commands import write_tasks
from tests.support.several import battery, rewrite


def campaign(root: Path, saved: Sequence[float], *, runs: int = 5, **options: object) -> Campaign:
    """Plan a campaign, and write a finished run for each saving."""
    root.mkdir(parents=True, exist_ok=True)
    write_tasks(root / "tasks.json", 3, siblings=3)
    asked = {"tasks": root / "tasks.json", "seed": 7, **options}
    wanted = Wanted(root / "campaign", runs, "cost", 60.0, asked)
    made = planning.make(wanted, World({}, read), lambda _event: None)
    for cell, share in zip(made.plan.cells, saved, strict=False):
        run(made, cell, share)
    return made


def run(made: Campaign, cell: Cell, saved: float) -> Path:
    """Write a run whose memory saves such a share, as a worker leaves it."""
    folder = leave(made, cell, "finished")
    root = battery(folder / "1", cell.number, saved, seed=cell.seed)
    rewrite(BatteryDir(root), run_id=made.run_id(cell))
    finished.record(made, cell, 1, "finished")
    return root


def leave(made: Campaign, cell: Cell, ended: Ended | None, why: str | None = None) -> Path:
    """Take the lease of a run, and leave it so; None keeps it."""
    folder = made.cell(cell)
    lease = Watch(Timing(60.0)).take(folder)
    assert lease
    if ended:
        lease.release(ended, why)
    return folder
