"""Calibrate the verdict: simulated batteries in, one table and its bounds out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from battery.base import jsonio
from battery.base.errors import BatteryError, UsageError, advised
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
    #: Only scenarios with this in their name.
    only: str = ""

    @property
    def chosen(self) -> list[Scenario]:
        """The scenarios that are simulated."""
        return [scenario for scenario in self.scenarios if self.only in scenario.name]

    def chunks(self) -> Iterator[Chunk]:
        """Cut the work into pieces, in the order of the scenarios."""
        # A seed a piece, handed out here: no worker's random numbers depend on what it did before,
        # and a scenario comes out the same when others are left out.
        seeds = np.random.SeedSequence(self.seed).spawn(len(self.scenarios))
        for scenario, seed in zip(self.scenarios, seeds, strict=True):
            if self.only in scenario.name:
                for size in self.pieces(scenario):
                    yield Chunk(scenario, size, seed.spawn(1)[0], self.judge)

    def pieces(self, scenario: Scenario) -> list[int]:
        """Divide the simulations of a scenario."""
        # Of a campaign all runs are simulated, and as many calls in a single one.
        most = CHUNK if scenario.runs == 1 else max(1, CHUNK // (2 * scenario.runs))
        total = scenario.simulations(self.preset)
        return [min(most, total - start) for start in range(0, total, most)]


def experiment(preset: Preset, seed: int, only: str | None) -> Experiment:
    """Return the experiment with some of the scenarios; raise `UsageError` where none is left."""
    chosen = Experiment(preset, seed, only=only or "")
    if not chosen.chosen:
        raise UsageError(
            f"no scenario has {only!r} in its name",
            hint="name a part of a scenario's name, as the table has it; systems are those of "
            "--preset gauntlet",
        )
    return chosen


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
    pairs = zip(experiment.chosen, tallies, strict=True)
    calibration = Calibration(
        preset=experiment.preset,
        seed=experiment.seed,
        tallies=tallies,
        bounds=[bound for pair in pairs for bound in check(*pair)],
        unpromised={
            scenario.name: scenario.unpromised
            for scenario in experiment.chosen
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
    scenarios = experiment.chosen
    sizes = [experiment.pieces(scenario) for scenario in scenarios]
    batteries = sum(
        sum(pieces) * scenario.runs for scenario, pieces in zip(scenarios, sizes, strict=True)
    )
    observe(Notice(f"{batteries:,} batteries of {len(sizes)} scenarios, processes: {jobs}"))
    counted = mapped(_counted, experiment.chunks())
    for number, (scenario, pieces) in enumerate(zip(scenarios, sizes, strict=True), start=1):
        # Results come in the order of the pieces, so the next ones are this scenario's.
        yield add([next(counted) for _ in pieces])
        observe(Notice(f"{number} of {len(sizes)} scenarios: {scenario.name}"))


def _counted(chunk: Chunk) -> Tally:
    return count(*chunk)
