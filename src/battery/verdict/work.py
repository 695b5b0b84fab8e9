"""The work that is done: how many calls of tasks that can be done end ok, in either arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from battery.records.findings import Kind
from battery.records.metric import OK
from battery.records.models import FROZEN, KINDS, LEARN, SOLVABLE, Phase
from battery.verdict import strata
from battery.verdict.facts import Loss, Reruns
from battery.verdict.strata import Stratum
from battery.verdict.table import Grid

#: The phases of each kind of task, in the order in which kinds are told.
PHASES: Final[dict[Kind, tuple[Phase, ...]]] = {
    "all": tuple(Phase),
    **{KINDS[phase]: (phase,) for phase in (Phase.BETA, Phase.ALPHA, Phase.GAMMA)},
}


class Counts(NamedTuple):
    """How many calls ended ok, or have another fact, of how many, in both arms."""

    learn: int
    learn_calls: int
    frozen: int
    frozen_calls: int

    @property
    def gain(self) -> float:
        """How much larger the share of the learner is; 0 where an arm has no call."""
        if not self.learn_calls or not self.frozen_calls:
            return 0.0
        return self.learn / self.learn_calls - self.frozen / self.frozen_calls


def done(grid: Grid, rows: Sequence[int]) -> Counts:
    """Count the calls of some tasks that ended ok, over the iterations of the grid."""
    return Counts(*_counts(grid, OK)[list(rows)].sum(axis=0).tolist())


def of_each(grid: Grid, key: str) -> list[Counts]:
    """Count the calls of every task with a fact, such as that they ended ok."""
    return [Counts(*counts) for counts in _counts(grid, key).tolist()]


def _counts(grid: Grid, key: str) -> NDArray[np.int64]:
    """Count, by task, the calls with a fact and all calls, of the learner and its twin."""
    counts = []
    for arm in (LEARN, FROZEN):
        calls = grid.asked(arm, key)
        counts += [(calls > 0).sum(axis=(1, 2)), (~np.isnan(calls)).sum(axis=(1, 2))]
    return np.stack(counts, axis=1)


def by_task(grid: Grid, reruns: Mapping[tuple[int, int], Reruns] = {}) -> list[Stratum]:
    """Return one stratum per task that can be done; `reruns` are added to the learner's calls."""
    rows = grid.rows(*SOLVABLE)
    own, base = (grid.asked(arm, OK)[rows] for arm in (LEARN, FROZEN))
    found = dict(zip(rows, strata.by_task(own, base), strict=True))
    for (row, iteration), outcomes in reruns.items():
        if row in found and iteration in grid.iterations:
            task, again = found[row], outcomes.passed
            found[row] = task._replace(
                own_events=task.own_events + sum(again), own=task.own + len(again)
            )
    return list(found.values())


def losses(grid: Grid, reruns: Mapping[tuple[int, int], Reruns]) -> list[Loss]:
    """Test by kind whether fewer tasks are done.

    A call that failed and was asked again counts with its reruns: it was asked again because it
    failed, so that a single failure must not weigh like a lasting one.
    """
    tasks = list(zip(grid.rows(*SOLVABLE), by_task(grid, reruns), strict=True))
    found = []
    for kind, phases in PHASES.items():
        if solvable := [phase for phase in phases if phase in SOLVABLE]:
            rows = grid.rows(*solvable)
            p = strata.fewer([stratum for row, stratum in tasks if row in rows])
            found.append(Loss(kind, p, -done(grid, rows).gain))
    return found
