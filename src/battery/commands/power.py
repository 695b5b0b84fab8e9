"""Estimate what a run could detect; with a battery to learn from, from its noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from battery.base.errors import UsageError
from battery.inputs.tasks import find_tasks, plan
from battery.recorded import open_battery
from battery.recorded.run import run_findings
from battery.records.campaign import RunFindings
from battery.records.expectations import Expectations
from battery.records.models import FROZEN, Phase
from battery.store.battery_dir import BatteryDir
from battery.verdict.planning import Measured, Prospects, measured, prospects
from battery.verdict.runs.power import Campaign, spread_of
from battery.verdict.simulation import Design, split

DEFAULT_ITERATIONS: Final = 3
#: What calls of a language model often vary by.
DEFAULT_NOISE: Final = 0.3
#: Larger plans than this take longer to simulate than anybody waits.
MOST_CELLS: Final = 20_000


class Wanted(NamedTuple):
    """What was asked; None for what shall come from the folder, the tasks file or the defaults."""

    tasks: int | None = None
    tasks_path: Path | None = None
    iterations: int | None = None
    repeats: int | None = None
    noise: float | None = None
    #: Batteries to take the rest from: size and noise from the first, the spread from all.
    folders: Sequence[Path] = ()
    #: What each iteration might save compared with the one before.
    drop: float | None = None
    #: Runs of a campaign, and how its memories differ.
    runs: int | None = None
    spread: float | None = None


def power(wanted: Wanted) -> Prospects:
    """Answer for a battery of this size; raise `UsageError` where that is not possible."""
    found = _measured(wanted.folders[0]) if wanted.folders else None
    design = _design(wanted, found)
    if design.tasks * design.iterations > MOST_CELLS:
        raise UsageError(
            f"{design.tasks:,} tasks in {design.iterations:,} iterations are more than the "
            f"{MOST_CELLS:,} cells that power simulates",
            hint="ask about fewer: a battery of that size sees every drop that matters",
        )
    campaign = _campaign(wanted)
    if wanted.noise is not None:
        return prospects(design, "given", wanted.drop, campaign=campaign)
    if found:
        return prospects(design, "measured", wanted.drop, found.noise, campaign)
    return prospects(design, "assumed", wanted.drop, campaign=campaign)


def _campaign(wanted: Wanted) -> Campaign | None:
    """Return the campaign that was asked about, with what is known of how memories differ."""
    if wanted.runs is None:
        if wanted.spread is not None or len(wanted.folders) > 1:
            raise UsageError(
                "how memories differ matters to several runs only",
                hint="add --runs 5, or name one battery",
            )
        return None
    if wanted.spread is not None:
        return Campaign(wanted.runs, wanted.spread, "given")
    if len(wanted.folders) < 2:
        return Campaign(wanted.runs)
    runs = [_run(folder) for folder in wanted.folders]
    spread = spread_of(runs)
    if spread is None:
        raise UsageError(
            "fewer than two of these batteries show what learning did, so nothing tells how "
            "memories differ",
            hint="give --spread",
        )
    return Campaign(wanted.runs, spread, "measured")


def _run(folder: Path) -> RunFindings:
    opened = open_battery(BatteryDir(folder))
    opened.require_complete()
    return run_findings(opened, str(folder))


def _design(wanted: Wanted, found: Measured | None) -> Design:
    """Put together what was given, what a battery measured and what is usual, in this order."""
    usual = found.design if found else _of_file(wanted.tasks_path)
    # What is named wins over what was measured, so that one can ask what another size would see in
    # the noise of one's own system.
    return usual._replace(
        phases=split(wanted.tasks, usual.phases) if wanted.tasks else usual.phases,
        iterations=wanted.iterations or usual.iterations,
        repeats=wanted.repeats or usual.repeats,
        noise=usual.noise if wanted.noise is None else wanted.noise,
    )


def _of_file(path: Path | None) -> Design:
    tasks = find_tasks(path)[0]
    counts = Counter(task.phase for task in plan(tasks))
    relevant = (tasks.expectations or Expectations()).relevant.cost
    phases = counts[Phase.ALPHA], counts[Phase.BETA], counts[Phase.GAMMA]
    return Design(phases, DEFAULT_ITERATIONS, 1, DEFAULT_NOISE, relevant)


def _measured(folder: Path) -> Measured:
    opened = open_battery(BatteryDir(folder))
    opened.require_complete()
    observed = opened.observed
    if FROZEN not in observed.grid.arms:
        raise UsageError(
            f"{folder} has no twin, so noise and learning cannot be told apart",
            hint="run one with a twin, or give --noise",
        )
    found = measured(observed.grid, observed.grid.cost, observed.expectations.relevant.cost)
    if found is None:
        raise UsageError(
            f"{folder} has fewer than two tasks with tokens in both arms of iteration 1",
            hint="give --noise",
        )
    return found
