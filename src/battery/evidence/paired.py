"""Two batteries, task by task: what changed from A (before) to B (after), and what is noise.

The statistics are those of the verdict (`signflip`, `intervals`). Calls of both batteries go into
one grid, B where the learn arm stands and A where the frozen one does, so that a change for the
better is positive: fewer tokens, turns, seconds and overseers, more tasks that end ok.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.special import bdtr

from battery.comparison import Change, Flip, Flips, NamedTask, TaskPair
from battery.evidence import compare, intervals, signflip
from battery.evidence.table import (
    METRICS,
    OK,
    OVERSEER,
    RATIOS,
    TOKENS,
    TURNS,
    Call,
    Floats,
    Grid,
    TaskRow,
    grid,
    row_means,
)
from battery.findings import Interval
from battery.models import FROZEN, LEARN, Arm, Phase

_NO_INFORMATION: Final = "no task differs: no information"
_POSSIBLE: Final = "the impossible tasks are left out"


class Shared(NamedTuple):
    """What two batteries have in common, and what only one of them has."""

    tasks: frozenset[str]
    #: Iterations of both, in order.
    iterations: tuple[int, ...]
    only_before: list[NamedTask]
    only_after: list[NamedTask]

    @property
    def window(self) -> tuple[int, ...]:
        """The iterations to compare: those after the first; the first where it is all there is."""
        return tuple(number for number in self.iterations if number > 1) or self.iterations


def shared(before: Sequence[Call], after: Sequence[Call]) -> Shared:
    """Match tasks and iterations of the learn arms; what is not in both is listed by name."""
    a, b = (_named(calls) for calls in (before, after))
    iterations = _iterations(before) & _iterations(after)
    return Shared(
        tasks=frozenset(a) & frozenset(b),
        iterations=tuple(sorted(iterations)),
        only_before=[task for key, task in a.items() if key not in b],
        only_after=[task for key, task in b.items() if key not in a],
    )


def _named(calls: Sequence[Call]) -> dict[str, NamedTask]:
    return {
        call.task: NamedTask(task=call.task, label=call.label, phase=call.phase)
        for call in calls
        if call.arm == LEARN
    }


def _iterations(calls: Sequence[Call]) -> set[int]:
    return {call.iteration for call in calls if call.arm == LEARN}


def beside(
    before: Iterable[Call], after: Iterable[Call], arm: Arm, iterations: Sequence[int], both: Shared
) -> Grid | None:
    """Put one arm of both batteries into a grid: B as its learn arm, A as its frozen one.

    Tasks that only one of them has are left out. None where either has no such call.
    """
    stands: list[tuple[Iterable[Call], Arm]] = [(after, LEARN), (before, FROZEN)]
    found = [
        call._replace(arm=place)
        for calls, place in stands
        for call in calls
        if call.arm == arm and call.iteration in iterations and call.task in both.tasks
    ]
    return grid(found) if len({call.arm for call in found}) == len(stands) else None


def changes(table: Grid, twins: Grid | None = None) -> list[Change]:
    """Compare B with A in all five metrics; with `twins`, also net of what those differ by."""
    effects = np.column_stack([task_effects(table, metric) for metric in METRICS])
    tested = signflip.max_t(effects)
    holm = signflip.holm([raw for raw, _ in tested])
    rows = []
    for column, metric in enumerate(METRICS):
        each = effects[:, column]
        p, p_corrected = tested[column]
        compared = ~np.isnan(each)
        after, before = (_mean(table.of(arm, metric)[compared]) for arm in (LEARN, FROZEN))
        tasks = int(compared.sum())
        found = _estimate(metric, each, after, before)
        net, p_net = _net(metric, each, table, twins)
        rows.append(
            Change(
                metric=metric,
                kind="ratio" if metric in RATIOS else "difference",
                before=before,
                after=after,
                value=found.value,
                interval=_interval(found, compare.LEVEL),
                p=p,
                p_corrected=p_corrected,
                p_holm=holm[column],
                net=net.value,
                net_interval=_interval(net, compare.LEVEL),
                p_net=p_net,
                tasks=tasks,
                note=_note(metric, p),
            )
        )
    return rows


def task_effects(table: Grid, metric: str) -> Floats:
    """Return the change of each task, positive for better; NaN where it cannot be compared.

    Ratios: the mean over iterations of log(A / B). Rates: the mean difference.
    """
    return row_means(compare.advantage(table, metric))


def narrow_interval(table: Grid) -> Interval | None:
    """Return the 90 % interval of the ratio of tokens, B over A."""
    found = intervals.ratio(task_effects(table, TOKENS), compare.NARROW)
    return _interval(found, compare.NARROW)


def task_pairs(table: Grid) -> list[TaskPair]:
    """List every task with its means over the iterations compared, in the order of A."""
    columns = {
        (arm, metric): [_known(mean) for mean in row_means(table.of(arm, metric)).tolist()]
        for arm in (FROZEN, LEARN)
        for metric in (TOKENS, TURNS, OVERSEER, OK)
    }
    effects = task_effects(table, TOKENS)
    return [
        TaskPair(
            task=task.task,
            label=task.label,
            phase=task.phase,
            tokens_before=columns[FROZEN, TOKENS][row],
            tokens_after=columns[LEARN, TOKENS][row],
            ratio=intervals.ratio(effects[row : row + 1]).value,
            turns_before=columns[FROZEN, TURNS][row],
            turns_after=columns[LEARN, TURNS][row],
            overseer_before=columns[FROZEN, OVERSEER][row],
            overseer_after=columns[LEARN, OVERSEER][row],
            ok_before=columns[FROZEN, OK][row],
            ok_after=columns[LEARN, OK][row],
            flip=_flip(task, columns[FROZEN, OK][row], columns[LEARN, OK][row]),
        )
        for row, task in enumerate(table.tasks)
    ]


def _flip(task: TaskRow, before: float | None, after: float | None) -> Flip | None:
    if before is None or after is None or (before > 0.5) == (after > 0.5):
        return None
    if task.phase is Phase.GAMMA:
        return "bluff" if after > 0.5 else "bluff ended"
    return "failed to passed" if after > 0.5 else "passed to failed"


def count_flips(pairs: Sequence[TaskPair]) -> Flips:
    """Count the tasks that changed sides, and test whether more of them did so one way."""
    counts = {
        flip: sum(pair.flip == flip for pair in pairs)
        for flip in ("passed to failed", "failed to passed", "bluff", "bluff ended")
    }
    lost, gained = counts["passed to failed"], counts["failed to passed"]
    return Flips(
        lost=lost,
        gained=gained,
        bluffs=counts["bluff"],
        bluffs_ended=counts["bluff ended"],
        p=mcnemar(lost, gained),
    )


def mcnemar(one_way: int, other_way: int) -> float | None:
    """Return the exact two-sided p-value of McNemar's test; None where nothing flipped.

    Whichever way a task flips is a fair coin if the batteries do not differ. McNemar, Note on the
    sampling error of the difference between correlated proportions, Psychometrika 12, 1947.
    """
    flipped = one_way + other_way
    if not flipped:
        return None
    return min(1.0, 2 * float(bdtr(min(one_way, other_way), flipped, 0.5)))


def _net(
    metric: str, each: Floats, table: Grid, twins: Grid | None
) -> tuple[intervals.Estimate, float | None]:
    """Take from each task's change what the frozen arms of that task differ by."""
    if twins is None:
        return intervals.Estimate(None, None, None), None
    drift = {
        task.task: effect
        for task, effect in zip(twins.tasks, task_effects(twins, metric).tolist(), strict=True)
    }
    net = each - np.array([drift.get(task.task, np.nan) for task in table.tasks])
    p = signflip.differs(net).p
    return intervals.ratio(net) if metric in RATIOS else _mean_difference(metric, net), p


def _mean_difference(metric: str, net: Floats) -> intervals.Estimate:
    """Return the mean of differences of differences, B minus A, with a t interval."""
    known = net[~np.isnan(net)]
    if metric == OVERSEER:
        known = 0.0 - known
    if not known.size:
        return intervals.Estimate(None, None, None)
    mean = float(known.mean())
    if known.size == 1:
        return intervals.Estimate(mean, None, None)
    half = intervals.half_width(float(known.std(ddof=1)), known.size, compare.LEVEL)
    return intervals.Estimate(mean, mean - half, mean + half)


def _estimate(
    metric: str, each: Floats, after: float | None, before: float | None
) -> intervals.Estimate:
    if metric in RATIOS:
        return intervals.ratio(each, compare.LEVEL)
    if after is None or before is None:
        return intervals.Estimate(None, None, None)
    return intervals.difference(after, before, int((~np.isnan(each)).sum()), compare.LEVEL)


def _interval(found: intervals.Estimate, level: float) -> Interval | None:
    if found.low is None or found.high is None:
        return None
    return Interval(low=found.low, high=found.high, level=level)


def _mean(cells: Floats) -> float | None:
    measured = cells[~np.isnan(cells)]
    return float(measured.mean()) if measured.size else None


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _note(metric: str, p: float | None) -> str | None:
    notes = [_POSSIBLE] if metric == OK else []
    return "; ".join([*notes, _NO_INFORMATION] if p is None else notes) or None
