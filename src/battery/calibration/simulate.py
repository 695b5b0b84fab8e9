"""Batteries made of random numbers and dials, to see what the verdict makes of them.

The logarithm of a call's tokens is the size of its task, plus what its iteration and arm do to
everything, plus noise. Turns and time share most of that noise, for a run with more turns costs
more of both. Nothing here looks at a verdict, and no verdict sees the dials.

Many batteries are drawn at once, as arrays of the shape (batteries, arms, tasks, iterations,
draws): the repeats of a call, then the reruns that it would have. A battery then is a slice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import log
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from battery.calibration.dials import Dials
from battery.records.metric import ELAPSED, LEAST_MS, OK, OVERSEER, TOKENS, TURNS
from battery.records.models import CONFIRMATIONS, FROZEN, LEARN, SOLVABLE, Arm, Phase
from battery.verdict.doubt import doubtful
from battery.verdict.facts import Observed, Reruns
from battery.verdict.signflip import Booleans, Floats
from battery.verdict.table import BLUFF, CACHED, FACTS, MEMORY, SILENT, Grid, TaskRow, means

_ARMS: Final[tuple[Arm, ...]] = (LEARN, FROZEN)
_LEARN: Final = 0
#: By phase: usual tokens, turns and milliseconds of a call. Impossible tasks are given up early,
#: well inside the budget of their gate, which is a gate on tokens and not a test of noise.
_USUAL: Final = {
    Phase.ALPHA: (3_000, 3, 4_000),
    Phase.BETA: (6_000, 6, 9_000),
    Phase.GAMMA: (1_000, 4, 2_000),
}
# Easy tasks neither fail nor need help unless a dial makes them: otherwise the gates would lower
# verdicts that the scenarios of learning have to show.
#: How often the overseer steps in, and how often a task fails, while nothing has been learned.
_OVERSEER: Final = {Phase.ALPHA: 0.0, Phase.BETA: 0.8, Phase.GAMMA: 0.4}
_FAILS: Final = {Phase.ALPHA: 0.0, Phase.BETA: 0.3, Phase.GAMMA: 1.0}
# The metrics of real runs move together. Independent ones would make five of them look like five
# witnesses, which is the very mistake that the direction count makes.
#: Correlation of the noise of turns and of time with that of tokens.
_SHARED: Final = 0.8
#: A task of e times the tokens takes so many times the turns, as a logarithm.
_TURNS_BY_SIZE: Final = 0.5
#: How much of an arm's own load is still there an iteration later.
_LASTING: Final = 0.7


class _Drawn(NamedTuple):
    """All calls there could be, of many batteries."""

    #: By metric and fact: (batteries, arms, tasks, iterations, draws).
    calls: Mapping[str, Floats]
    dials: Dials

    @property
    def asked(self) -> dict[str, Floats]:
        """The calls without the reruns."""
        return {key: values[..., : self.dials.repeats] for key, values in self.calls.items()}


def simulate(dials: Dials, batteries: int, rng: np.random.Generator) -> Iterator[Observed]:
    """Draw so many batteries, as `summarize` would find them on disk.

    The confirmations are asked as a run asks them (`battery.verdict.doubt`).
    """
    drawn = _draw(dials, batteries, rng)
    asked = drawn.asked
    values = {key: means(calls) for key, calls in asked.items() if key not in FACTS}
    again = _in_doubt(drawn)
    new = list(_new_tasks(dials, batteries, rng)) if dials.siblings else None
    names = [f"{phase} {number}" for number, phase in enumerate(dials.phases, start=1)]
    tasks = tuple(
        TaskRow(name, name, phase) for name, phase in zip(names, dials.phases, strict=True)
    )
    for battery in range(batteries):
        grid = Grid(
            tasks=tasks,
            iterations=tuple(range(1, dials.length + 1)),
            calls={key: calls[battery] for key, calls in asked.items()},
            values={key: cells[battery] for key, cells in values.items()},
            arms=_ARMS[: dials.arms],
        )
        yield Observed(
            grid=grid,
            reruns=_reruns(drawn, battery, again[battery]),
            distilled=dict.fromkeys(grid.iterations, True),
            planned=dials.iterations,
            siblings=new[battery] if new else None,
        )


def _new_tasks(dials: Dials, batteries: int, rng: np.random.Generator) -> Iterator[Grid]:
    """Draw the siblings of all tasks: one in each iteration, asked once in both arms."""
    plain = replace(dials, siblings=False, memorises=False, repeats=1)
    helped = replace(plain, drop=0.0, saved=()) if dials.memorises else plain
    return (observed.grid for observed in simulate(helped, batteries, rng))


def first_iterations(observed: Observed, count: int) -> Observed:
    """Return what a battery left behind after so many iterations."""
    return observed._replace(
        grid=observed.grid.over(slice(count)),
        reruns={place: each for place, each in observed.reruns.items() if place[1] <= count},
        distilled={number: each for number, each in observed.distilled.items() if number <= count},
    )


def _draw(dials: Dials, batteries: int, rng: np.random.Generator) -> _Drawn:
    # Reruns are drawn with all the rest, asked or not: whether one is needed then changes no other
    # number of the battery.
    draws = dials.repeats + CONFIRMATIONS
    shape = (batteries, dials.arms, len(dials.phases), dials.length, draws)
    usual = np.log([_USUAL[phase] for phase in dials.phases])[:, :, None, None]
    size = rng.normal(0.0, dials.size_spread, (batteries, 1, len(dials.phases), 1, 1))
    noise = _noise(dials, shape, rng)
    effort = (_load(dials, batteries, rng) + _saving(dials))[..., None]
    tokens = usual[:, 0] + size + effort + _of_tokens(dials, batteries, rng) + noise[0]
    turns = usual[:, 1] + _TURNS_BY_SIZE * size + effort + noise[1]
    elapsed = usual[:, 2] + size + effort + _of_time(dials) + noise[2]
    ok = rng.random(shape) >= _failing(dials, batteries, rng)[..., None]
    memory = np.zeros(shape)
    # Used even where it does not help: no gate may save the verdict from a null.
    memory[:, _LEARN, :, 1:] = 1.0
    impossible = np.array([phase is Phase.GAMMA for phase in dials.phases])
    calls = {
        TOKENS: _whole(tokens),
        TURNS: _whole(turns),
        OVERSEER: (rng.random(shape) < _overseen(dials)).astype(float),
        OK: ok.astype(float),
        ELAPSED: np.maximum(_whole(elapsed), LEAST_MS) / 1000,
        SILENT: (~ok & (rng.random(shape) < dials.silent)).astype(float),
        CACHED: np.zeros(shape),
        MEMORY: memory,
        BLUFF: (ok & impossible[:, None, None]).astype(float),
    }
    if dials.free:
        calls[TOKENS][rng.random(shape) < dials.free] = 0.0
    if dials.cached:
        calls[CACHED][:, 1:] = 1.0
    if dials.missing:
        lost = _lost(dials, shape[:-1], rng)
        for values in calls.values():
            values[lost] = np.nan
    return _Drawn(calls, dials)


def _whole(logs: Floats) -> Floats:
    # Nothing takes less than one token, turn or millisecond.
    return np.maximum(np.rint(np.exp(logs)), 1.0)


def _noise(dials: Dials, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return the noise of tokens, turns and time; the first axis says which."""
    drawn = rng.standard_normal((3, *shape))
    if dials.tails == "t2":
        drawn[0] = rng.standard_t(2, shape)
    if dials.tails == "pareto":
        drawn[0] = rng.standard_exponential(shape) - 1.0
    if dials.alike:
        common = rng.standard_normal((*shape[:2], len(Phase), shape[3], 1))
        phase_of = [list(Phase).index(phase) for phase in dials.phases]
        drawn[0] *= np.sqrt(1 - dials.alike)
        drawn[0] += np.sqrt(dials.alike) * common[:, :, phase_of]
    drawn[1:] = _SHARED * drawn[0] + np.sqrt(1 - _SHARED**2) * drawn[1:]
    drawn *= dials.noise
    if dials.erratic is not None:
        later = drawn[:, :, _LEARN, :, 1:]
        later *= dials.erratic / dials.noise
        # The mean of what is lognormal grows with its spread: here it must not.
        later += (dials.noise**2 - dials.erratic**2) / 2
    return drawn


def _load(dials: Dials, batteries: int, rng: np.random.Generator) -> Floats:
    """Return what iteration and arm do to every call: (batteries, arms, 1, iterations), as a log.

    Nothing of it is learned.
    """
    count = dials.length
    steps = np.arange(count)
    shape = (batteries, dials.arms, 1, count)
    load: Floats = rng.normal(0.0, dials.shock, (batteries, 1, 1, count)) + dials.drift * steps
    load = load + dials.step * (steps >= count // 2) + rng.normal(0.0, dials.own_shock, shape)
    load[:, _LEARN, :, 0] += dials.unlike_start
    if dials.wander:
        load += dials.wander * _wandering(shape, rng)
    if dials.regime:
        begins = rng.integers(1, count, (batteries, 1))
        arm = rng.integers(0, dials.arms, batteries)
        load[np.arange(batteries), arm, 0] += dials.regime * (steps >= begins)
    if dials.playbook or dials.walk:
        worth = rng.normal(0.0, dials.walk, (batteries, count - 1))
        worth[:, 0] = rng.normal(0.0, dials.playbook, batteries)
        load[:, _LEARN, 0, 1:] += worth.cumsum(axis=1)
    return load


def _wandering(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return an autoregressive series along the last axis, of variance 1."""
    series = rng.standard_normal(shape)
    for place in range(1, shape[-1]):
        series[..., place] *= np.sqrt(1 - _LASTING**2)
        series[..., place] += _LASTING * series[..., place - 1]
    return series


def _left(dials: Dials) -> Floats:
    """Return what is left of the learner's effort, by iteration."""
    steps = np.arange(dials.length)
    saved = np.zeros(dials.length)
    if dials.saved:
        saved[1:] = np.array(dials.saved)[np.minimum(steps[1:], len(dials.saved)) - 1]
    left: Floats = (1 - dials.drop) ** steps * (1 - saved)
    return left


def _saving(dials: Dials) -> Floats:
    """Return the log of what is left of the effort: (arms, tasks, iterations)."""
    saving = np.zeros((dials.arms, len(dials.phases), dials.length))
    if not dials.niche_only:
        saving[_LEARN] = np.log(_left(dials))
    return saving


def _of_tokens(dials: Dials, batteries: int, rng: np.random.Generator) -> Floats:
    """Return what moves tokens alone: the verdict has to notice without turns or time."""
    tasks, later = len(dials.phases), np.arange(dials.length) > 0
    own = np.zeros((batteries, dials.arms, tasks, dials.length))
    own += rng.normal(0.0, dials.lasting, (batteries, dials.arms, tasks, 1))
    own[:, _LEARN] += dials.offset + dials.bloat * np.arange(dials.length) + dials.carries * later
    own[..., 0] += log(dials.warm_up)
    if dials.niche_only:
        own[:, _LEARN, _rows(dials, Phase.BETA)] += np.log(_left(dials))
    return own[..., None]


def _of_time(dials: Dials) -> Floats:
    own = np.zeros((dials.arms, 1, dials.length, 1))
    own[:, :, 0] += log(dials.warm_up)
    own[_LEARN] += log(dials.pace)
    own[1:, :, 1:] += log(dials.prompt_cache)
    return own


def _rows(dials: Dials, *phases: Phase) -> list[int]:
    return [row for row, phase in enumerate(dials.phases) if phase in phases]


def _failing(dials: Dials, batteries: int, rng: np.random.Generator) -> Floats:
    """Return the chance that a call fails: (batteries, arms, tasks, iterations)."""
    easy, niche, gamma = (_rows(dials, phase) for phase in Phase)
    chance = _fading(dials, _FAILS)
    if dials.solves:
        before, after = dials.solves
        chance[:, niche] = 1 - before
        chance[_LEARN, niche, 1:] = 1 - after
    # Two independent causes, of which either fails the call.
    chance = 1 - (1 - chance) * (1 - dials.flaky)
    chance[_LEARN, niche[: dials.gives_up], 1:] = 1.0
    if dials.hopeless:
        chance[:] = 1.0
    chance[:, gamma] = 1 - dials.claims
    # Only after iteration 1: until then both arms are the same system.
    chance[_LEARN, gamma, 1:] *= 1 - dials.bluff
    chance = np.repeat(chance[None], batteries, axis=0)
    if dials.forget_from is not None:
        count = max(round(dials.forget_share * len(easy)), 1)
        order = rng.random((batteries, len(easy))).argsort(axis=1)
        forgotten = np.array(easy)[order[:, :count]]
        chance[np.arange(batteries)[:, None], _LEARN, forgotten, dials.forget_from - 1 :] = 1.0
    return chance


def _overseen(dials: Dials) -> Floats:
    """Return the chance that the overseer steps in: (arms, tasks, iterations, 1)."""
    chance = _fading(dials, _OVERSEER)
    chance[:, _rows(dials, Phase.ALPHA)] = dials.overseen
    stepped_in: Floats = chance[..., None] * float(dials.overseer)
    return stepped_in


def _fading(dials: Dials, chances: Mapping[Phase, float]) -> Floats:
    """Spread chances over arms and iterations; what the learner learns takes a share away."""
    table = np.empty((dials.arms, len(dials.phases), dials.length))
    table[:] = np.array([chances[phase] for phase in dials.phases])[:, None]
    if not dials.niche_only:
        table[_LEARN] *= _left(dials)
    return table


def _lost(dials: Dials, shape: tuple[int, ...], rng: np.random.Generator) -> Booleans:
    """Choose the cells that have no call: (batteries, arms, tasks, iterations)."""
    order = rng.random((shape[0], int(np.prod(shape[1:])))).argsort(axis=1)
    lost: Booleans = (order < dials.missing).reshape(shape)
    return lost


def _in_doubt(drawn: _Drawn) -> Booleans:
    """Return which tasks that can be done mostly fail later on: (batteries, tasks)."""
    # Of no other one does the rule of a run ask anything, and the rule takes its time.
    ok = drawn.asked[OK][:, _LEARN, :, 1:]
    failing = (2 * np.nansum(ok, axis=-1) < ok.shape[-1]).any(axis=-1)
    solvable: Booleans = failing & np.isin(drawn.dials.phases, SOLVABLE)
    return solvable


def _reruns(
    drawn: _Drawn, battery: int, in_doubt: NDArray[np.bool_]
) -> dict[tuple[int, int], Reruns]:
    repeats = drawn.dials.repeats
    found: dict[tuple[int, int], Reruns] = {}
    for row in np.flatnonzero(in_doubt).tolist():
        ok = drawn.calls[OK][battery, :, row] > 0
        runs, again = ok[..., :repeats].tolist(), ok[_LEARN, :, repeats:].tolist()
        twin = runs[1] if drawn.dials.arms > 1 else []
        for column in doubtful(runs[_LEARN], twin, again):
            found[row, column + 1] = Reruns(again[column], _alike(drawn, battery, row, column))
    return found


def _alike(drawn: _Drawn, battery: int, row: int, column: int) -> bool:
    place = (battery, _LEARN, row, column, slice(drawn.dials.repeats, None))
    return all(np.ptp(drawn.calls[key][place]) == 0 for key in (OK, TOKENS, TURNS))
