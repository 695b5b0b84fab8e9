"""Run whole batteries on embedded gateways, many times, and count the verdicts.

    python -m benchmarks.verdicts [--seeds 200] [NAME ...]

Each battery runs over real HTTP with its own coin, as `battery run --seed N` would.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from battery.embedded.policies import Dials
from battery.embedded.server import GatewayOptions, serving
from battery.inputs.settings import Settings, Target
from battery.records.word import Word
from battery.runner import run as stage


class Scenario(NamedTuple):
    """A pair of gateways, and how long the battery is."""

    iterations: int = 3
    #: Whether the learn arm's memory is frozen too: then nothing can be learned.
    frozen: bool = False
    dials: Dials = Dials()
    #: Dials of the control gateway.
    control: Dials = Dials()


WARM: Final = Dials(warm_up=8)
SCENARIOS: Final = {
    "shipped": Scenario(),
    "shipped-6": Scenario(iterations=6),
    "frozen": Scenario(frozen=True),
    "warms-up": Scenario(frozen=True, dials=WARM, control=WARM),
    "forgets": Scenario(iterations=4, dials=Dials(forget_after=2)),
    "bluffs": Scenario(dials=Dials(bluff=True)),
}


def verdict(scenario: Scenario, seed: int) -> Word | None:
    """Run one battery in a folder of its own, and return its verdict."""
    with tempfile.TemporaryDirectory(prefix="battery-") as name, ExitStack() as stack:
        root = Path(name)
        learn = GatewayOptions(root / "learn", frozen=scenario.frozen, dials=scenario.dials)
        control = GatewayOptions(root / "control", frozen=True, dials=scenario.control)
        gateway, twin = (Target(stack.enter_context(serving(each))) for each in (learn, control))
        settings = Settings(
            folder=root / "battery",
            iterations=scenario.iterations,
            gateway=gateway,
            llm_team=gateway,
            control_gateway=twin,
            seed=seed,
        )
        summary = asyncio.run(stage.run(settings, lambda _: None))
    return summary.evidence.verdict if summary.evidence else None


def main() -> None:
    """Print a table: a line a scenario, with the number of each verdict."""
    parser = argparse.ArgumentParser(prog="benchmarks.verdicts", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SCENARIOS)}")
    parser.add_argument("--seeds", type=int, default=200, help="batteries a scenario [200]")
    options = parser.parse_args()
    for name in options.names or SCENARIOS:
        counts: Counter[str] = Counter()
        for seed in range(1, options.seeds + 1):
            print(f"\r{name} {seed}/{options.seeds} ", end="", file=sys.stderr, flush=True)
            counts[str(verdict(SCENARIOS[name], seed))] += 1
        print("\r", end="", file=sys.stderr)
        print(f"{name:<10} ", ", ".join(f"{word} {n}" for word, n in counts.most_common()))


if __name__ == "__main__":
    main()
