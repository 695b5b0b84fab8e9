"""Simulated batteries, and the words that the rule gives them, many at a time.

The logarithm of a call's cost is normal around the mean of its task and iteration, with the same
deviation for all calls of both arms. As many tasks are done as without learning, the gates pass,
and a twin that happened to be cheap in iteration 1 is not objected to. What decides are the tests
and objections of the verdict (`battery.verdict.objections`); only the numbers of a thousand
batteries go through them at once.
"""

from __future__ import annotations

from functools import lru_cache
from math import sqrt
from statistics import NormalDist
from typing import Final, Literal, NamedTuple, Self

import numpy as np

from battery.records.models import SOLVABLE, Phase
from battery.verdict import cost, niche, objections, policy, signflip, statistics
from battery.verdict.growth import largest_step, rises
from battery.verdict.signflip import SEED, Booleans, Floats

Dimension = Literal["iterations", "tasks", "repeats"]
#: Tasks by phase where nothing else is known, as in the packaged file.
PACKAGED: Final = (3, 3, 2)
#: A power near .8 from so many simulated batteries has a standard error of .009.
SIMULATIONS: Final = 2_000

#: Large batteries are simulated less often, within this many random numbers: with so many tasks
#: power rises so steeply that its exact value matters little.
_MOST_CELLS: Final = 400_000
_LEAST_SIMULATIONS: Final = 50
# The verdict tries up to 100,000. With 512 already, power comes out the same within half a point.
#: Most patterns of signs for each simulated battery.
_FLIPS: Final = 1_024
#: Usual cost of a call by phase, and the deviation of the log sizes of tasks around it.
_USUAL: Final = (3_000.0, 6_000.0, 1_000.0)
_SIZES: Final = 0.7


class Design(NamedTuple):
    """The size of a battery with two arms, and its noise."""

    #: Tasks by phase: easy, niche, impossible.
    phases: tuple[int, int, int]
    iterations: int
    repeats: int
    #: Standard deviation of the log cost of one call around its task's mean.
    noise: float
    #: The least saving that counts; None for `policy.RELEVANT`.
    relevant: float | None = None

    @property
    def tasks(self) -> int:
        """How many tasks there are."""
        return sum(self.phases)

    def but(self, name: Dimension, count: int) -> Self:
        """Return the same design with another number of `iterations`, `tasks` or `repeats`."""
        if name == "tasks":
            return self._replace(phases=split(count, self.phases))
        if name == "repeats":
            return self._replace(repeats=count)
        return self._replace(iterations=count)

    def rows(self) -> list[list[int]]:
        """Return the rows of the tasks of each phase."""
        ends = np.cumsum(self.phases).tolist()
        return [list(range(end - count, end)) for end, count in zip(ends, self.phases, strict=True)]


class Saving(NamedTuple):
    """What the learner saves, as shares."""

    #: In each iteration, compared with the one before.
    drop: float = 0.0
    #: In every iteration after the first, compared with that.
    once: float = 0.0
    #: Whether only niche tasks save.
    niche: bool = False

    def left(self, iterations: int) -> Floats:
        """Return the share of the cost that is left, by iteration."""
        steps = np.arange(iterations)
        left: Floats = np.where(steps > 0, 1 - self.once, 1.0) * (1 - self.drop) ** steps
        return left


def split(tasks: int, like: tuple[int, int, int] = PACKAGED) -> tuple[int, int, int]:
    """Divide tasks among the phases in the proportion of others."""
    shares = [tasks * count / sum(like) for count in like]
    counts = [int(share) for share in shares]
    # The largest remainders first; of equal ones the earlier phase.
    by_rest = sorted(range(3), key=lambda phase: counts[phase] - shares[phase])
    for phase in by_rest[: tasks - sum(counts)]:
        counts[phase] += 1
    return counts[0], counts[1], counts[2]


class Judged(NamedTuple):
    """What the rule says of each simulated battery."""

    #: The question about the cost of all tasks.
    cost: Booleans
    #: LEARNED or COMPOUNDING.
    learned: Booleans


def judge(own: Floats, base: Floats, design: Design) -> Judged:
    """Give the words to batteries in which as many tasks are done and the gates pass.

    Calls are (batteries, tasks, iterations, repeats), and none is missing.
    """
    least = policy.RELEVANT if design.relevant is None else design.relevant
    start = _start(own, base)
    netted = np.where(start.netted[:, None], start.effects, 0.0)
    lean = start.effects - netted
    later = own[:, :, 1:] * np.exp(netted)[:, :, None, None], base[:, :, 1:]
    rows = design.rows()
    effects = cost.task_effects(*later)
    wild = _wild(*later, rows)
    levels = _levels(*later, rows, wild)
    objected = _objected(later, effects, effects - lean, start.leans, least)
    objected |= wild & objections.is_feigned(effects, *later, least)
    if doable := [row for phase in SOLVABLE for row in rows[list(Phase).index(phase)]]:
        objected |= objections.too_small(effects[:, doable], policy.DOABLE * least)
    yes = (signflip.each(effects, most=_FLIPS) <= levels[0]) & ~objected & ~start.spoils
    learned = yes.copy()
    few = rows[list(Phase).index(Phase.BETA)]
    # Most batteries are decided by then, and exchanges take time.
    pays = _pays(effects, start, least) | _pays_together(own, base, least)
    still = ~yes & ~start.spoils & ~pays & bool(few)
    if still.any():
        sides = later[0][still][:, few], later[1][still][:, few]
        everywhere = lean[still].mean(axis=1, keepdims=True)
        part, lean = effects[still][:, few], lean[still][:, few]
        learned[still] = (
            (niche.saves_each(*sides, _FLIPS) <= levels[1][still])
            & ~_objected(sides, part, part - lean, start.leans[still], least)
            & ~(start.leans[still] & objections.leaned_as_far(part, everywhere, least))
            & ~(wild[still] & objections.is_feigned(part, *sides, least))
            & ~objections.leaned_as_far(part, lean, policy.NICHE_SINCE * least)
            & ~objections.one_task(signflip.each(part, most=_FLIPS), len(few))
        )
    return Judged(yes, learned)


def compounding(own: Floats, base: Floats, design: Design) -> Booleans:
    """Return which batteries, as in `judge`, are COMPOUNDING."""
    grown = judge(own, base, design).cost
    if design.iterations < policy.SLOPE_ITERATIONS or design.tasks < policy.SLOPE_TASKS:
        return np.zeros_like(grown)
    grown[grown] = _grew(cost.cell_effects(own[grown, :, 1:], base[grown, :, 1:]))
    return grown


class _Start(NamedTuple):
    """What each battery shows in iteration 1."""

    effects: Floats
    ratio: Floats
    netted: Booleans
    spoils: Booleans
    leans: Booleans


def _start(own: Floats, base: Floats) -> _Start:
    first = cost.task_effects(own[:, :, :1], base[:, :, :1])
    p = signflip.each(first, two_sided=True, most=_FLIPS)
    ratio = np.exp(-first.mean(axis=1))
    unlike, large = p < policy.SAME_START_ALPHA, np.abs(ratio - 1) >= policy.SPOILING
    leans = objections.may_lean(p, ratio, first.shape[1])
    return _Start(first, ratio, unlike & ~large, unlike & large, leans)


def spoils(own: Floats, base: Floats) -> Booleans:
    """Return which batteries are INVALID, because their arms happen to start apart."""
    return _start(own, base).spoils


def _objected(
    sides: tuple[Floats, Floats], effects: Floats, net: Floats, leans: Booleans, least: float
) -> Booleans:
    """Return what speaks against a small p, of all tasks or of niche ones."""
    return (
        objections.too_small(effects, least)
        | objections.no_less_together(*sides)
        | (leans & objections.too_small(net, least))
    )


def _pays(effects: Floats, start: _Start, least: float) -> Booleans:
    """Return where the other tasks would pay for what niche tasks save."""
    ratio = np.exp(-effects.mean(axis=1))
    since = np.where(start.netted, ratio, ratio / start.ratio)
    pays: Booleans = np.minimum(ratio, since) - 1 >= least - policy.TINY
    return pays


def _pays_together(own: Floats, base: Floats, least: float) -> Booleans:
    """Return where all tasks together cost more, of calls of all iterations."""
    spent, twins = (side[:, :, 1:].mean(axis=(1, 2, 3)) for side in (own, base))
    pays: Booleans = spent / twins - 1 >= least - policy.TINY
    return pays


def _wild(own: Floats, base: Floats, rows: list[list[int]]) -> Booleans:
    """Return in which batteries the calls of the learner scatter more than the twin's."""
    if (later := own.shape[2]) < 2:
        return np.zeros(len(own), dtype=np.bool_)
    scatter = cost.scatter(own, base, [phase for phase in rows if phase])
    wild: Booleans = signflip.each(scatter, most=_FLIPS) <= policy.SCATTER / later
    return wild


def _levels(
    own: Floats, base: Floats, rows: list[list[int]], wild: Booleans
) -> tuple[Floats, Floats]:
    """Return the levels of the questions about all tasks and niche ones, by battery."""
    few = rows[list(Phase).index(Phase.BETA)]
    of_niche = niche.level(own[0, few], base[0, few]) if few else 0.0
    # Where as many are done in both arms, and all, no call could have ended otherwise.
    return objections.shared(of_niche, 0.0, wild)


def _grew(effects: Floats) -> Booleans:
    """Return whether the saving grows, beyond its largest step too, and does not fall again."""
    count, tasks, positions = effects.shape
    least = statistics.critical_value(tasks, positions, level=policy.ALPHA)
    grew: Booleans = (page(effects) >= least) & rises(effects)
    places = largest_step(effects)
    for place in np.unique(places[grew]).tolist():
        here = grew & (places == place)
        parts = effects[here, :, :place], effects[here, :, place:]
        least = statistics.critical_value(tasks, place, positions - place, level=policy.ALPHA)
        grew[here] = sum(map(page, parts)) >= least
    by_iteration = effects.mean(axis=1)
    best = by_iteration.argmax(axis=1)
    fall = effects[np.arange(count), :, best] - effects[:, :, -1]
    fell = signflip.each(fall, most=_FLIPS) * (positions - 1) <= policy.ALPHA
    grew &= ~(fell & (best < positions - 1))
    return grew


def page(values: Floats) -> Floats:
    """Return Page's L of each table of (batteries, tasks, positions), without equal values."""
    ranks = np.argsort(np.argsort(values, axis=-1), axis=-1) + 1.0
    statistic: Floats = (ranks @ np.arange(1.0, values.shape[-1] + 1)).sum(axis=1)
    return statistic


# A search asks for the same few again and again.
@lru_cache(maxsize=512)
def judged(saving: Saving, design: Design, batteries: int) -> Judged:
    """Simulate batteries and give them their words."""
    return judge(*costs(saving, design, batteries), design)


def costs(saving: Saving, design: Design, batteries: int) -> tuple[Floats, Floats]:
    """Simulate the calls of both arms: (batteries, tasks, iterations, repeats)."""
    sizes, noise = _draws(design.tasks, design.iterations, design.repeats, batteries)
    usual = np.repeat(np.log(_USUAL), design.phases)
    own, base = np.exp((usual + _SIZES * sizes)[:, :, None, None] + design.noise * noise)
    left = np.ones((design.tasks, design.iterations))
    rows = design.rows()[list(Phase).index(Phase.BETA)] if saving.niche else slice(None)
    left[rows] = saving.left(design.iterations)
    return own * left[:, :, None], base


@lru_cache(maxsize=4)
def _draws(tasks: int, iterations: int, repeats: int, batteries: int) -> tuple[Floats, Floats]:
    """Return standard normal numbers: for each task, and for each call of both arms."""
    fitting = _MOST_CELLS // (2 * tasks * iterations * repeats)
    count = min(batteries, max(_LEAST_SIMULATIONS, fitting))
    rng = np.random.default_rng(SEED)
    sizes = rng.standard_normal((count, tasks))
    noise = rng.standard_normal((2, count, tasks, iterations, repeats))
    if iterations > 1:
        # Much of the luck of a battery is by how much its arms differ on average. Spread evenly
        # instead of drawn, two thirds of the batteries tell as much.
        later = noise[:, :, :, 1:]
        apart = later[0].mean(axis=(1, 2, 3)) - later[1].mean(axis=(1, 2, 3))
        even = np.empty(count)
        even[np.argsort(apart)] = [
            NormalDist().inv_cdf((place + 0.5) / count) for place in range(count)
        ]
        moved = even * sqrt(2 / later[0, 0].size) - apart
        later += np.array([0.5, -0.5])[:, None, None, None, None] * moved[:, None, None, None]
    return sizes, noise
