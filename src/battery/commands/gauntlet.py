"""Put false and honest learners through whole batteries: one table and its bounds come out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from battery.base import jsonio
from battery.base.errors import BatteryError, UsageError, advised
from battery.base.workers import Map, workers
from battery.commands.calibrate import AGAIN, OUT_HINT
from battery.gauntlet import Gauntlet, Judged, Ran, count, table
from battery.gauntlet.course import play
from battery.gauntlet.registry import Contestant
from battery.gauntlet.systems import SYSTEMS
from battery.records.events import Notice, Observer
from battery.store.files import make_folder, write_atomic

MARKDOWN: Final = "gauntlet.md"
JSON: Final = "gauntlet.json"


class Trial(NamedTuple):
    """One battery of one system; who plays it, and when, changes nothing."""

    system: str
    seed: int


def chosen(only: str | None) -> list[Contestant]:
    """Return the systems whose name contains a text, or all; raise `UsageError` for none."""
    systems = [system for system in SYSTEMS if only is None or only in system.name]
    if not systems:
        raise UsageError(
            f"no system of the gauntlet has {only!r} in its name",
            hint="leave out --only to see them all",
        )
    return systems


def gauntlet(
    systems: Sequence[Contestant], seeds: range, *, jobs: int, out: Path, observe: Observer
) -> Gauntlet:
    """Run and judge every system's batteries, and save the table in `out`.

    `jobs` is the number of processes. Broken bounds raise nothing here: `broken` tells of them.
    Raises `FolderError` before any work, and `BatteryError` where a battery fails.
    """
    with advised(OUT_HINT):
        make_folder(out)
    total = len(systems) * len(seeds)
    observe(Notice(f"{total:,} batteries of {len(systems)} systems, processes: {jobs}"))
    with workers(jobs, AGAIN) as mapped:
        ran = list(_ran(systems, seeds, mapped, observe))
    result = Gauntlet(seed=seeds[0], systems=ran)
    with advised(OUT_HINT):
        write_atomic(out / MARKDOWN, table.markdown(result).encode())
        write_atomic(out / JSON, jsonio.dumps_indented(result.model_dump(mode="json")))
    return result


def broken(result: Gauntlet, out: Path) -> BatteryError | None:
    """Return the error that names the broken bounds; None when all hold."""
    reasons = table.broken(result)
    if not reasons:
        return None
    return BatteryError(
        f"the verdict is fooled, or misses what is there: {'; '.join(reasons)}",
        hint=f"do not trust this version's verdicts; report it with {out / JSON}",
    )


def _ran(
    systems: Sequence[Contestant], seeds: range, mapped: Map, observe: Observer
) -> Iterator[Ran]:
    """Yield what came of each system as soon as its last battery is judged."""
    trials = [Trial(system.name, seed) for system in systems for seed in seeds]
    judged = mapped(_judged, trials)
    for number, system in enumerate(systems, start=1):
        # Results come in the order of the trials, so the next ones are this system's.
        yield count(system, itertools.islice(judged, len(seeds)))
        observe(Notice(f"{number} of {len(systems)} systems: {system.name}"))


def _judged(trial: Trial) -> Judged:
    system = next(system for system in SYSTEMS if system.name == trial.system)
    try:
        evidence = play(system, trial.seed)
    except BatteryError as error:
        error.message = f"{trial.system}, seed {trial.seed}: {error.message}"
        raise
    if evidence.verdict is None:
        raise BatteryError(f"{trial.system}, seed {trial.seed}: it has a single iteration")
    return Judged(trial.seed, evidence.verdict, evidence.reasons)
