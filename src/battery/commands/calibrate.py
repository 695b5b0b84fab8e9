"""Calibrate the verdict: simulated batteries in, one table and its bounds out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from battery.base import jsonio
from battery.base.errors import BatteryError, advised
from battery.base.workers import Map, workers
from battery.calibration import Calibration, Judge, Tally, add, check, count, judge
from battery.calibration.scenario import Preset, Scenario
from battery.calibration.scenarios import SCENARIOS
from battery.records.events import Notice, Observer
from battery.report.markdown.calibration import markdown, told
from battery.store.files import make_folder, write_atomic

MARKDOWN: Final = "calibration.md"
JSON: Final = "calibration.json"
#: Batteries of one piece of work: a fraction of a second, so that an interrupt is heeded soon.
CHUNK: Final = 50

#: What to do about a folder that cannot be written.
AGAIN: Final = "run it again with --jobs 1"
OUT_HINT: Final = "name a folder that you may write to: --output PATH"


class Chunk(NamedTuple):
    """One piece of work, with a seed of its own: who does it, and when, changes nothing."""

    scenario: Scenario
    simulations: int
    seed: np.random.SeedSequence
    judge: Judge


class Experiment(NamedTuple):
    """What is simulated and who judges it; the result depends on nothing else."""

    preset: Preset
    seed: int
    scenarios: Sequence[Scenario] = SCENARIOS
    judge: Judge = judge

    def chunks(self) -> Iterator[Chunk]:
        """Cut the work into pieces, in the order of the scenarios."""
        # A seed a piece, handed out here: no worker's random numbers depend on what it did before.
        seeds = np.random.SeedSequence(self.seed).spawn(len(self.scenarios))
        for scenario, seed in zip(self.scenarios, seeds, strict=True):
            left = scenario.simulations(self.preset)
            while left > 0:
                yield Chunk(scenario, min(left, CHUNK), seed.spawn(1)[0], self.judge)
                left -= CHUNK


def calibrate(experiment: Experiment, *, jobs: int, out: Path, observe: Observer) -> Calibration:
    """Simulate, count and check every scenario, and save the result in `out`.

    `jobs` is the number of processes; with one, everything happens in this process. Broken bounds
    raise nothing here: `broken` tells of them. Raises `FolderError` before any work.
    """
    # First of all: minutes of work must not end at a folder that cannot be written.
    with advised(OUT_HINT):
        make_folder(out)
    with workers(jobs, AGAIN) as mapped:
        tallies = list(_tallies(experiment, mapped, jobs, observe))
    pairs = zip(experiment.scenarios, tallies, strict=True)
    calibration = Calibration(
        preset=experiment.preset,
        seed=experiment.seed,
        tallies=tallies,
        bounds=[bound for pair in pairs for bound in check(*pair)],
        unpromised={
            scenario.name: scenario.unpromised
            for scenario in experiment.scenarios
            if scenario.unpromised
        },
    )
    with advised(OUT_HINT):
        write_atomic(out / MARKDOWN, markdown(calibration).encode())
        write_atomic(out / JSON, jsonio.dumps_indented(calibration.model_dump(mode="json")))
    return calibration


def broken(calibration: Calibration, out: Path) -> BatteryError | None:
    """Return the error that names the broken bounds; None when all hold."""
    if not calibration.broken:
        return None
    return BatteryError(
        f"the verdict breaks {len(calibration.broken)} of {len(calibration.bounds)} bounds: "
        f"{told(calibration.broken)}",
        hint=f"do not trust this version's verdicts; report it with {out / JSON}",
    )


def _tallies(experiment: Experiment, mapped: Map, jobs: int, observe: Observer) -> Iterator[Tally]:
    """Yield the tally of each scenario as soon as its last piece is counted."""
    scenarios = experiment.scenarios
    sizes = [scenario.simulations(experiment.preset) for scenario in scenarios]
    ahead = f"{sum(sizes):,} batteries of {len(sizes)} scenarios, processes: {jobs}"
    observe(Notice(ahead))
    counted = mapped(_counted, experiment.chunks())
    for number, (scenario, size) in enumerate(zip(scenarios, sizes, strict=True), start=1):
        # Results come in the order of the pieces, so the next ones are this scenario's.
        yield add([next(counted) for _ in range(-(-size // CHUNK))])
        observe(Notice(f"{number} of {len(sizes)} scenarios: {scenario.name}"))


def _counted(chunk: Chunk) -> Tally:
    return count(*chunk)
