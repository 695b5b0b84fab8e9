"""What is drawn at random: numbers, and batteries with every oddity that a folder may have."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from battery.records.expectations import Expectations, Relevant
from battery.records.models import CONFIRMATIONS, LEARN, Arm, Phase
from battery.verdict.facts import Observed, Reruns
from battery.verdict.table import Call, Grid, grid
from tests.verdict.batteries import BOTH, PASSES, REFUTED, Cell, calls

#: By name, how much of the saving there is in an iteration after the first: place and their number.
COURSES: dict[str, Callable[[int, int], float]] = {
    "at once": lambda _place, _count: 1.0,
    "grows": lambda place, count: (place + 1) / count,
    "a step": lambda place, count: 1.0 if 2 * place >= count else 0.3,
    "a peak": lambda place, count: 1.0 if place == count // 2 else 0.4,
    "fades": lambda place, count: 1 - place / count,
}


def measurable(most: float) -> st.SearchStrategy[float]:
    """Draw differences up to a size: 0, or so large that squares and shares keep their digits."""
    return st.floats(-most, most).map(lambda number: number if abs(number) > 1e-100 else 0.0)


class World(NamedTuple):
    """What is drawn once for a battery and then holds for each of its calls."""

    arms: Sequence[Arm]
    phases: Sequence[Phase]
    iterations: int
    repeats: int
    noise: float
    #: Of the learner alone.
    erratic: float
    sizes: Sequence[float]
    #: Share that is saved of each task, in the end.
    savings: Sequence[float]
    course: Callable[[int, int], float]
    #: What the learner costs of the twin's cost from the start.
    offset: float
    #: Chance that each task ends ok, without what was learned and with it.
    usual: Sequence[float]
    learned: Sequence[float]
    #: Chances by name; of arms that differ, the learner's first.
    overseer: float
    cached: dict[Arm, float]
    free: dict[Arm, float]
    silent: dict[Arm, float]
    without_error: float
    #: Whether answers show what memory gave them.
    memory: bool
    #: How often a claimed answer is wrong, without what was learned and with it; None: no checks.
    wrong: tuple[float, float] | None


def battery(seed: int) -> Observed:
    """Draw a battery; the same for the same seed."""
    draw = random.Random(seed)
    world = _world(draw)
    asked = calls(
        lambda cell: _result(draw, world, cell),
        iterations=world.iterations,
        arms=world.arms,
        phases=world.phases,
        repeats=world.repeats,
    )
    gap = _gap(draw, world)
    table = grid(_torn(draw, [call for call in asked if call.iteration not in gap]))
    delivers = draw.choice([None, True, True, True, False])
    return Observed(
        siblings=_siblings(random.Random(seed), world),
        grid=table,
        reruns=dict(_reruns(draw, table)),
        expectations=_expectations(draw),
        distilled={} if delivers is None else dict.fromkeys(table.iterations, delivers),
        changed=["tasks.json is not the one that was run"] if draw.random() < 0.02 else [],
        planned=draw.choice([None, None, None, 1, 2, 3, 5, 8]),
    )


def _siblings(draw: random.Random, world: World) -> Grid | None:
    """Ask siblings of some tasks in some iterations; mostly none, or what was learned helps."""
    if draw.random() < 0.5 or len(world.arms) < 2:
        return None
    helps = draw.choice([0, 0.5, 1])
    taught = world._replace(savings=[helps * saving for saving in world.savings])
    tasks = [task for task in range(len(world.phases)) if draw.random() < draw.choice([0.5, 1])]
    last = draw.randint(1, world.iterations)
    asked = calls(lambda cell: _result(draw, taught, cell), iterations=last, phases=world.phases)
    kept = [call for call in asked if call.position in tasks]
    return grid(kept) if kept else None


def _world(draw: random.Random) -> World:
    phases = [
        *[Phase.ALPHA] * draw.choice([0, 1, 3, 3, 5, 12]),
        *[Phase.BETA] * draw.choice([0, 1, 2, 3, 3, 4, 6, 9]),
        *[Phase.GAMMA] * draw.choice([0, 1, 2, 2]),
    ] or [Phase.BETA]
    by_kind = {phase: draw.choice([0, 0, 0.05, 0.13, 0.25, 0.4, 0.7, -0.3]) for phase in Phase}
    whole = draw.choice([0, 0, 0.2, 0.4])
    usual_rate, learned_rate = draw.choice(
        [(1, 1), (1, 1), (0.9, 0.9), (0.1, 0.9), (0.9, 0.3), (0.5, 0.5), (0, 0), (0, 1), (1, 0)]
    )
    claims, claims_later = draw.choice([(0, 0), (0, 0), (0, 0), (0.1, 0.1), (1, 0), (0, 1), (1, 1)])
    usual, learned = [], []
    for phase in phases:
        moved = phase is Phase.BETA or draw.random() < 0.2
        rates = (usual_rate, learned_rate if moved else usual_rate)
        before, after = (claims, claims_later) if phase is Phase.GAMMA else rates
        usual.append(before)
        learned.append(after)
    return World(
        arms=BOTH if draw.random() < 0.92 else (LEARN,),
        phases=phases,
        iterations=draw.choice([1, 2, 3, 3, 3, 4, 5, 5, 6, 8]),
        repeats=draw.choice([1, 1, 1, 2, 3]),
        noise=draw.choice([0, 0, 0.02, 0.1, 0.3, 1.0]),
        erratic=draw.choice([0, 0, 0, 0, 1.0]),
        sizes=[1000 * math.exp(draw.gauss(0, draw.choice([0, 0.7, 3]))) for _ in phases],
        savings=[max(by_kind[phase], whole) + draw.choice([0, 0.01]) for phase in phases],
        course=COURSES[draw.choice(list(COURSES))],
        offset=draw.choice([1] * 10 + [1.015, 0.985, 0.8, 1.2]),
        usual=usual,
        learned=learned,
        overseer=draw.choice([0, 0.05, 0.5, 1]),
        cached=_odd(draw, 0.03),
        free=_odd(draw, 0.1),
        silent=_odd(draw, 0.1),
        without_error=draw.choice([0, 0, 0, 0.1, 1]),
        memory=draw.random() < 0.8,
        wrong=draw.choice([None, None, (0, 0), (0.1, 0.1), (0.5, 0.5), (0, 1), (0.3, 0)]),
    )


def _odd(draw: random.Random, share: float) -> dict[Arm, float]:
    """Draw how often calls of each arm are odd in one way: mostly never."""
    rates = [0.05, 0.5, 1.0]
    return {arm: draw.choice(rates) if draw.random() < share else 0.0 for arm in BOTH}


def _result(draw: random.Random, world: World, cell: Cell) -> dict[str, Any]:
    learned = cell.arm == LEARN and cell.iteration > 1
    noise = world.noise + (world.erratic if learned else 0)
    cost = world.sizes[cell.task] * math.exp(draw.gauss(0, noise) if noise else 0)
    if cell.arm == LEARN:
        cost *= world.offset
    if learned:
        there = world.course(cell.iteration - 2, world.iterations - 1)
        cost *= 1 - world.savings[cell.task] * there
    ok = draw.random() < (world.learned if learned else world.usual)[cell.task]
    tokens: int | None = round(cost)
    if draw.random() < world.free[cell.arm]:
        tokens = 0
    if draw.random() < world.silent[cell.arm]:
        tokens = None
    return {
        "status": "ok" if ok else "failed",
        "error": None if ok or draw.random() < world.without_error else "no supply",
        "tokens": tokens,
        "turns": draw.choice([1, 2, 4, 8]),
        "overseer_called": draw.random() < world.overseer,
        "elapsed_ms": draw.randrange(5000),
        "cached": draw.random() < world.cached[cell.arm],
        "memory_used": learned if world.memory else None,
        **_graded(draw, world, cell, ok=ok),
    }


def _graded(draw: random.Random, world: World, cell: Cell, *, ok: bool) -> dict[str, Any]:
    """Have some answers that claim ok fail a check, in some batteries."""
    if world.wrong is None or cell.phase is Phase.GAMMA or not ok:
        return {}
    learned = cell.arm == LEARN and cell.iteration > 1
    return REFUTED if draw.random() < world.wrong[learned] else PASSES


def _gap(draw: random.Random, world: World) -> set[int]:
    """Draw which iterations are left out: their folders are gone."""
    rare = draw.random() < 0.05 and world.iterations > 2
    return {draw.randrange(2, world.iterations)} if rare else set()


def _torn(draw: random.Random, kept: list[Call]) -> list[Call]:
    """Lose some calls now and then; mostly some of several repeats, so that no cell is empty."""
    if draw.random() > 0.1:
        return kept
    whole = draw.random() < 0.7
    return [call for call in kept if (whole and call.repeat == 1) or draw.random() > 0.05] or kept


def _reruns(draw: random.Random, table: Grid) -> Iterator[tuple[tuple[int, int], Reruns]]:
    """Ask some of the tasks again that failed in the learner."""
    asked = draw.choice([0, 0.5, 1])
    status = table.of(LEARN, "ok_tasks")
    for row in table.rows(Phase.ALPHA, Phase.BETA):
        for column, iteration in enumerate(table.iterations):
            if column and status[row, column] < 0.5 and draw.random() < asked:
                rate = draw.choice([0, 0, 0.5, 1])
                passed = [draw.random() < rate for _ in range(CONFIRMATIONS)]
                yield (row, iteration), Reruns(passed, alike=draw.random() < 0.3)


def _expectations(draw: random.Random) -> Expectations:
    if draw.random() < 0.8:
        return Expectations(beta_must_drift=draw.random() < 0.5)
    cost, success = draw.choice([0.05, 0.2]), draw.choice([0.05, 0.3])
    return Expectations(
        relevant=Relevant(cost=cost, success=success),
        max_turns=draw.choice([None, 8]),
        alpha_without_overseer=False,
    )
