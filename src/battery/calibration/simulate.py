"""Batteries made of random numbers and dials, to see what the verdict makes of them.

The logarithm of a call's tokens is the size of its task, plus what its iteration and arm do to
everything, plus noise. Turns and time share most of that noise, for a run with more turns costs
more of both. Nothing here looks at a verdict, and no verdict sees the dials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from battery.records.models import CONFIRMATIONS, FROZEN, LEARN, SOLVABLE, Arm, Phase, RunResult
from battery.verdict.contrast import Observed
from battery.verdict.doubt import doubtful
from battery.verdict.signflip import Floats
from battery.verdict.table import Call

#: Indices of arm, iteration and task.
Cell = tuple[int, int, int]

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


@dataclass(frozen=True)
class Dials:
    """What a simulated battery is made of; the defaults learn nothing and do no harm.

    Shares and chances are 0 to 1, and a drop is below 1. "log" is a natural logarithm, added to
    that of tokens.
    """

    #: Tasks of alpha, beta and gamma.
    tasks: tuple[int, int, int] = (3, 3, 2)
    iterations: int = 3
    repeats: int = 1
    #: 2 with the frozen arm, 1 without.
    arms: int = 2
    #: Share of the effort that the learn arm saves, an iteration after the other.
    drop: float = 0.0
    #: Share that the learn arm saves from iteration 2 on, for good: it learned once.
    saved_once: float = 0.0
    #: Standard deviation of the log tokens of a call.
    noise: float = 0.3
    #: Standard deviation of the log sizes of tasks.
    size_spread: float = 0.7
    #: Standard deviation of a log shock that hits all calls of an iteration, in both arms.
    shock: float = 0.0
    #: Standard deviation of a log shock that each arm has for itself in each iteration.
    own_shock: float = 0.0
    #: Log growth of everything from one iteration to the next, in both arms.
    drift: float = 0.0
    #: Factor on tokens and time of iteration 1, in both arms.
    warm_up: float = 1.0
    #: Log growth of tokens from one iteration to the next, in the learn arm.
    bloat: float = 0.0
    #: Iteration from which the learn arm fails some alpha tasks for good; None is never.
    forget_from: int | None = None
    #: Share of the alpha tasks that it then fails, at least one.
    forget_share: float = 0.34
    #: Chance that any call but an impossible one fails for no reason, in both arms.
    flaky: float = 0.0
    #: Chance that a gamma call of the learn arm ends ok, from iteration 2 on.
    bluff: float = 0.0
    #: Log factor on iteration 1 of the learn arm: the arms did not start from the same memory.
    unlike_start: float = 0.0
    #: Log factor on the learn arm's tokens in all iterations: its deployment is another.
    offset: float = 0.0
    #: Factor on the learn arm's time in all iterations: its deployment is slower.
    pace: float = 1.0
    #: Cells (task, iteration, arm) whose calls are lost.
    missing: int = 0

    @property
    def phases(self) -> list[Phase]:
        """The phase of each task, in the order of a tasks file."""
        pairs = zip(Phase, self.tasks, strict=True)
        return [phase for phase, count in pairs for _ in range(count)]


class _Drawn(NamedTuple):
    """All calls there could be, as nested lists: arm, iteration, task, repeat, then reruns."""

    tokens: Any
    turns: Any
    elapsed_ms: Any
    ok: Any
    overseer: Any


def simulate(dials: Dials, rng: np.random.Generator) -> Observed:
    """Draw one battery, as `summarize` would find it on disk.

    The confirmations are asked as a run asks them (`battery.verdict.doubt`).
    """
    phases = dials.phases
    drawn, ok = _draw(dials, phases, rng)
    lost = _lost(dials, len(phases), rng)
    return Observed(
        calls=list(_calls(dials, phases, drawn, lost)),
        confirmations=list(
            _confirmations(dials, phases, drawn, _doubtful(dials, phases, ok) - lost)
        ),
        distilled=dict.fromkeys(range(1, dials.iterations + 1), True),
    )


def _draw(
    dials: Dials, phases: list[Phase], rng: np.random.Generator
) -> tuple[_Drawn, NDArray[np.bool_]]:
    # Reruns are drawn with all the rest, asked or not: whether one is needed then changes no other
    # number of the battery.
    shape = (dials.arms, dials.iterations, len(phases), dials.repeats + CONFIRMATIONS)
    usual = np.log([_USUAL[phase] for phase in phases])
    size = rng.normal(0.0, dials.size_spread, len(phases))
    effort = _effort(dials, rng)[:, :, None, None]
    noise = dials.noise * rng.standard_normal((3, *shape))
    noise[1:] = _SHARED * noise[0] + np.sqrt(1 - _SHARED**2) * noise[1:]
    warm, own = _warm_up(dials)[:, None, None], _own_tokens(dials)[:, :, None, None]
    # An offset and bloat move tokens alone: the verdict has to notice without turns or time.
    tokens = (usual[:, 0] + size)[:, None] + effort + warm + own + noise[0]
    turns = (usual[:, 1] + _TURNS_BY_SIZE * size)[:, None] + effort + noise[1]
    elapsed = (usual[:, 2] + size)[:, None] + effort + warm + noise[2]
    elapsed[_LEARN] += np.log(dials.pace)
    ok = rng.random(shape) >= _failing(dials, phases, rng)[..., None]
    overseer = rng.random(shape) < _overseen(dials, phases)[..., None]
    drawn = _Drawn(
        tokens=_whole(tokens),
        turns=_whole(turns),
        elapsed_ms=_whole(elapsed),
        ok=ok.tolist(),
        overseer=overseer.tolist(),
    )
    return drawn, ok


def _whole(logs: Floats) -> Any:
    # Nothing takes less than one token, turn or millisecond.
    return np.maximum(np.rint(np.exp(logs)), 1).astype(np.int64).tolist()


def _effort(dials: Dials, rng: np.random.Generator) -> Floats:
    """Return what arm and iteration do to every call, as a logarithm."""
    steps = np.arange(dials.iterations)
    effort = np.zeros((dials.arms, dials.iterations))
    effort += rng.normal(0.0, dials.shock, dials.iterations) + dials.drift * steps
    effort += rng.normal(0.0, dials.own_shock, effort.shape)
    effort[_LEARN] += np.log(_left(dials))
    effort[_LEARN, 0] += dials.unlike_start
    return effort


def _left(dials: Dials) -> Floats:
    """Return the share of its first effort that the learn arm still needs, by iteration."""
    steps = np.arange(dials.iterations)
    once: Floats = np.where(steps > 0, 1 - dials.saved_once, 1.0)
    return (1 - dials.drop) ** steps * once


def _warm_up(dials: Dials) -> Floats:
    warm = np.zeros(dials.iterations)
    warm[0] = np.log(dials.warm_up)
    return warm


def _own_tokens(dials: Dials) -> Floats:
    """Return what the learn arm's tokens alone are changed by, as a logarithm."""
    own = np.zeros((dials.arms, dials.iterations))
    own[_LEARN] = dials.offset + dials.bloat * np.arange(dials.iterations)
    return own


def _failing(dials: Dials, phases: list[Phase], rng: np.random.Generator) -> Floats:
    """Return the chance that a call fails: arm, iteration, task."""
    chance = _fading(dials, [_FAILS[phase] for phase in phases])
    alpha, _, gamma = (np.array([p is phase for p in phases]) for phase in Phase)
    chance[..., gamma] = 1.0
    # Two independent causes, of which either fails the call.
    chance[..., ~gamma] = 1 - (1 - chance[..., ~gamma]) * (1 - dials.flaky)
    # Only after iteration 1: until then both arms are the same system.
    chance[_LEARN, 1:, gamma] = 1 - dials.bluff
    if dials.forget_from is not None:
        easy = np.flatnonzero(alpha)
        count = max(round(dials.forget_share * len(easy)), 1)
        forgotten = rng.choice(easy, count, replace=False)
        chance[_LEARN, dials.forget_from - 1 :, forgotten] = 1.0
    return chance


def _overseen(dials: Dials, phases: list[Phase]) -> Floats:
    """Return the chance that the overseer steps in: arm, iteration, task."""
    return _fading(dials, [_OVERSEER[phase] for phase in phases])


def _fading(dials: Dials, chances: list[float]) -> Floats:
    """Spread chances over arms and iterations; what the learn arm learns takes a share away."""
    table = np.empty((dials.arms, dials.iterations, len(chances)))
    table[:] = chances
    table[_LEARN] *= _left(dials)[:, None]
    return table


def _lost(dials: Dials, tasks: int, rng: np.random.Generator) -> frozenset[Cell]:
    """Choose the cells that have no call: arm, iteration, task."""
    if not dials.missing:
        return frozenset()
    shape = (dials.arms, dials.iterations, tasks)
    chosen = rng.choice(int(np.prod(shape)), dials.missing, replace=False)
    return frozenset(zip(*(each.tolist() for each in np.unravel_index(chosen, shape)), strict=True))


def _calls(
    dials: Dials, phases: list[Phase], drawn: _Drawn, lost: frozenset[Cell]
) -> Iterator[Call]:
    for iteration in range(dials.iterations):
        for task in range(len(phases)):
            for arm in range(dials.arms):
                if (arm, iteration, task) not in lost:
                    cell = (arm, iteration, task)
                    yield from _cell(phases, drawn, cell, range(dials.repeats))


def _doubtful(dials: Dials, phases: list[Phase], ok: NDArray[np.bool_]) -> set[Cell]:
    """Choose the cells that are asked again, by the rule of a run."""
    # Arm, task, iteration, draw.
    arms = ok.swapaxes(1, 2)
    runs, reruns = arms[..., : dials.repeats].tolist(), arms[_LEARN, ..., dials.repeats :].tolist()
    return {
        (_LEARN, iteration, task)
        for task, phase in enumerate(phases)
        if phase in SOLVABLE
        for iteration in doubtful(
            runs[_LEARN][task], runs[1][task] if dials.arms > 1 else [], reruns[task]
        )
    }


def _confirmations(
    dials: Dials, phases: list[Phase], drawn: _Drawn, cells: set[Cell]
) -> Iterator[Call]:
    reruns = range(dials.repeats, dials.repeats + CONFIRMATIONS)
    for cell in sorted(cells):
        yield from _cell(phases, drawn, cell, reruns)


def _cell(phases: list[Phase], drawn: _Drawn, cell: Cell, draws: range) -> Iterator[Call]:
    """Yield the calls of one cell; repeats are counted from 1."""
    arm, iteration, task = cell
    columns = (table[arm][iteration][task] for table in drawn)
    rows = list(zip(*columns, strict=True))
    for repeat, draw in enumerate(draws, start=1):
        tokens, turns, elapsed_ms, ok, overseer = rows[draw]
        result = RunResult(
            status="ok" if ok else "failed",
            turns=turns,
            tokens=tokens,
            overseer_called=overseer,
            error=None if ok else "nothing fits the request",
            elapsed_ms=elapsed_ms,
            # Used even where it does not help: no gate may save the verdict from a null.
            memory_used=arm == _LEARN and iteration > 0,
        )
        name = f"{phases[task]} {task + 1}"
        yield Call(_ARMS[arm], iteration + 1, task, phases[task], name, name, repeat, result)
