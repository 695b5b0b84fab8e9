"""Hold what `battery power` promises against whole batteries, judged one by one by the rule itself.

    python -m benchmarks.power [--batteries 2000]

A promise is a saving, or a size, that 80 of 100 batteries show. Each is simulated anew, from random
numbers that the promise was not made with, and delivered is the share that got the word.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from battery.records.metric import ELAPSED, OK, OVERSEER, TOKENS, TURNS
from battery.records.models import FROZEN, LEARN, Phase
from battery.records.word import Word
from battery.verdict import ladder
from battery.verdict.assess import facts_of
from battery.verdict.facts import Facts, Observed
from battery.verdict.planning import in_passing, measured, prospects
from battery.verdict.power import MOST, average_reduction, nearly, smallest
from battery.verdict.signflip import Floats
from battery.verdict.simulation import Design, Dimension, Saving
from battery.verdict.table import BLUFF, CACHED, MEMORY, SILENT, Grid, TaskRow

#: Between these shares a promised 80 % counts as kept.
LEAST, MOST_SEEN = 0.77, 0.85
LEARNED: Final = frozenset({Word.LEARNED, Word.COMPOUNDING})
COMPOUNDING: Final = frozenset({Word.COMPOUNDING})
_USUAL: Final = (3_000, 6_000, 1_000)

#: Tasks by phase, iterations, repeats, noise.
DESIGNS: Final = (
    Design((3, 3, 2), 3, 1, 0.3),
    Design((3, 3, 2), 5, 1, 0.3),
    Design((3, 3, 2), 3, 1, 0.1),
    Design((3, 3, 2), 2, 3, 0.2),
    Design((5, 2, 1), 4, 2, 0.4),
    Design((2, 5, 0), 3, 3, 0.5),
    Design((9, 8, 3), 3, 1, 0.3),
)


class Promise(NamedTuple):
    """A saving in a design of which 80 of 100 batteries are to get one of these words."""

    about: str
    design: Design
    saving: Saving
    words: frozenset[Word] = LEARNED
    #: Whole numbers promise at least so much: the next smaller one may deliver far less.
    counted: bool = False


def simulate(design: Design, saving: Saving, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw the tokens of one battery in both arms: tasks by iterations by repeats."""
    shape = (2, design.tasks, design.iterations, design.repeats)
    sizes = np.repeat(np.log(_USUAL), design.phases) + rng.normal(0.0, 0.7, design.tasks)
    logs = sizes[:, None, None] + rng.normal(0.0, design.noise, shape)
    rows = design.rows()[1] if saving.niche else slice(None)
    logs[0, rows] += np.log(saving.left(design.iterations))[:, None]
    own, base = np.maximum(np.rint(np.exp(logs)), 1)
    return own, base


def observed(own: Floats, base: Floats, design: Design) -> Observed:
    """Make a battery of tokens, in which every task that can be done is done."""
    tasks = [
        TaskRow(f"{phase}{place}", f"{phase} {place}", phase)
        for phase, count in zip(Phase, design.phases, strict=True)
        for place in range(count)
    ]
    tokens = np.stack([own, base])
    done, helped, memory = (np.zeros_like(tokens) for _ in range(3))
    done[:, [task.phase is not Phase.GAMMA for task in tasks]] = 1
    helped[:, [task.phase is Phase.BETA for task in tasks], 0] = 1
    memory[0, :, 1:] = 1
    calls = {
        TOKENS: tokens,
        TURNS: np.ones_like(tokens),
        OVERSEER: helped,
        OK: done,
        ELAPSED: tokens / 1000,
        SILENT: np.zeros_like(tokens),
        BLUFF: np.zeros_like(tokens),
        CACHED: np.zeros_like(tokens),
        MEMORY: memory,
    }
    grid = replace(
        Grid.of_calls(tasks, range(1, design.iterations + 1), calls), arms=(LEARN, FROZEN)
    )
    return Observed(grid, distilled=dict.fromkeys(grid.iterations, True))


def judge(own: Floats, base: Floats, design: Design) -> tuple[Word | None, Facts]:
    """Give one battery its word, by the rule of the verdict."""
    facts = facts_of(observed(own, base, design))
    return ladder.decide(facts).word, facts


def delivered(promise: Promise, batteries: int, seed: int = 7) -> float:
    """Return the share of batteries that get one of the words promised."""
    rng = np.random.default_rng(seed)
    kept = 0
    for _ in range(batteries):
        word, _ = judge(*simulate(promise.design, promise.saving, rng), promise.design)
        kept += word in promise.words
    return kept / batteries


def promises() -> Iterator[Promise]:
    """Ask for what is promised, as `battery power` and a summary do."""
    for design in DESIGNS:
        answers = {each.name: each for each in prospects(design, "given", None).questions}
        if drop := answers["learned"].smallest_drop:
            average = average_reduction(drop, design.iterations)
            yield Promise(f"drop of {drop:.1%} per iteration", design, Saving(drop))
            yield Promise(f"{average:.1%} saved once", design, Saving(once=average))
        if drop := answers["niche"].smallest_drop:
            about = f"drop of {drop:.1%} per iteration, niche tasks only"
            yield Promise(about, design, Saving(drop, niche=True))
        seen = smallest(lambda once, design=design: in_passing(Saving(once=once), design))  # type: ignore[misc]
        if seen:
            yield Promise(f"{seen:.1%} saved once, as a summary says", design, Saving(once=seen))
    long = Design((3, 3, 2), 10, 1, 0.3)
    growing = next(
        each for each in prospects(long, "given", None).questions if each.name == "compounding"
    )
    if growing.smallest_drop:
        about = f"drop of {growing.smallest_drop:.1%} per iteration, COMPOUNDING"
        yield Promise(about, long, Saving(growing.smallest_drop), COMPOUNDING)
    yield from _counts()


def _counts() -> Iterator[Promise]:
    """Yield the sizes that are named as enough."""
    design = DESIGNS[0]
    asked = prospects(design, "given", 0.1).questions[0].asked
    needed = asked.needed.model_dump() if asked and asked.needed else {}
    saving = Saving(once=0.2)
    for name in MOST:
        if count := needed[name]:
            about = f"drop of 10% per iteration: {count} {name}"
            yield Promise(about, design.but(name, count), Saving(0.1), counted=True)
        if count := _in_a_summary(name, design, saving):
            about = f"20% saved once: {count} {name}, as a summary says"
            yield Promise(about, design.but(name, count), saving, counted=True)


def _in_a_summary(name: Dimension, design: Design, saving: Saving) -> int | None:
    return nearly(
        lambda count: in_passing(saving, design.but(name, count)),
        getattr(design, name),
        MOST[name],
    )


def measured_noise(design: Design, batteries: int) -> list[float]:
    """Return, for noise measured on iteration 1 of many batteries, what its promises deliver."""
    rng = np.random.default_rng(8)
    shares = []
    for _ in range(batteries):
        own, base = simulate(design, Saving(), rng)
        found = measured(observed(own, base, design).grid, TOKENS)
        assert found is not None
        planned = found.design
        seen = smallest(lambda once, planned=planned: in_passing(Saving(once=once), planned))  # type: ignore[misc]
        shares.append(in_passing(Saving(once=seen or 0.0), design))
    return shares


def main() -> int:
    """Print a table, a line a promise; return 1 where one is not kept."""
    parser = argparse.ArgumentParser(prog="benchmarks.power", description=__doc__)
    parser.add_argument("--batteries", type=int, default=2_000, help="for each promise [2000]")
    options = parser.parse_args()
    broken = 0
    print(
        "| easy + niche + impossible | K | repeats | noise | promised to 80% | delivered | kept |"
    )
    print("| --- | --: | --: | --: | --- | --: | --- |")
    for promise in promises():
        share, design = delivered(promise, options.batteries), promise.design
        kept = share >= LEAST and (promise.counted or share <= MOST_SEEN)
        broken += not kept
        tasks = " + ".join(map(str, design.phases))
        print(
            f"| {tasks} | {design.iterations} | {design.repeats} | {design.noise:g} | "
            f"{promise.about} | {share:.1%} | {'yes' if kept else '**no**'} |",
            flush=True,
        )
    for design in DESIGNS[:2]:
        shares = np.array(measured_noise(design, min(200, options.batteries)))
        print(
            f"\nNoise measured on {design.tasks} tasks in {design.iterations} iterations: what is "
            f"promised to 80% is delivered to {shares.mean():.0%} on average, and to 77% or more "
            f"in {(shares >= LEAST).mean():.0%} of batteries.",
            flush=True,
        )
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
