"""One system, put through one battery by the code that runs real ones."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from battery.base import jsonio
from battery.gauntlet.agent import Seat, Seated
from battery.gauntlet.registry import Contestant
from battery.gauntlet.world import World
from battery.inputs.settings import Settings, Target
from battery.records.findings import Evidence
from battery.records.models import Arm
from battery.runner.run import run
from battery.store.artifacts import TASKS
from battery.target import kinds
from battery.target.system import Kind, Opening, Worker

_NAME: Final = "gauntlet:"


def play(contestant: Contestant, seed: int) -> Evidence:
    """Run a battery in a folder that is gone afterwards; raise `BatteryError`.

    System and seed decide everything: two calls with the same ones judge alike.
    """
    with tempfile.TemporaryDirectory(prefix="battery-gauntlet-") as folder:
        return play_in(Path(folder), contestant, seed)


def play_in(folder: Path, contestant: Contestant, seed: int) -> Evidence:
    """Run a battery whose artifacts stay in `folder / "battery"`; raise `BatteryError`."""
    world = World(contestant.layout, f"{contestant.name} {seed}")
    path = folder / TASKS.name
    path.write_bytes(jsonio.dumps_indented(world.tasks.document()))
    settings = Settings(
        folder=folder / "battery",
        tasks_path=path,
        iterations=contestant.iterations,
        repeats=contestant.repeats,
        seed=seed,
        gateway=Target(_NAME + contestant.name),
        # A liar that is caught in iteration 1 is judged like any other.
        keep_going=True,
        summaries=False,
    )
    with kinds.also(_kind(contestant, world, seed)):
        summary = asyncio.run(run(settings, lambda _event: None))
    if summary.evidence is None:
        raise AssertionError("a battery with iterations has evidence")
    return summary.evidence


def _kind(contestant: Contestant, world: World, seed: int) -> Kind:
    """Return the kind of target that this pair of twins is."""
    shared: dict[str, Any] = {}

    def seated(arm: Arm) -> Seated:
        # Twins: one world and one seed, and noise of their own.
        rng = random.Random(f"{contestant.name} {seed} {arm}")  # noqa: S311 - nothing is secret
        return Seated(contestant.agent(Seat(arm, world, rng, shared)))

    @asynccontextmanager
    async def opened(opening: Opening) -> AsyncIterator[Sequence[Worker]]:
        yield [{arm: seated(arm) for arm in opening.arms}]

    return Kind("gauntlet system", lambda text: text.startswith(_NAME), opened)
