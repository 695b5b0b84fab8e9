"""Two batteries, task by task: what changed from A (before) to B (after), and what is noise.

The statistics are those of the verdict (`signflip`, `intervals`). Calls of both batteries go into
one grid, B where the learn arm stands and A where the frozen one does, so that a change for the
better is positive: fewer tokens, turns, seconds and overseers, more tasks that end ok.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.special import bdtr

from battery.records.comparison import Change, Claims, Flips, NamedTask, TaskPair
from battery.records.findings import Interval
from battery.records.metric import METRICS, OK, OVERSEER, TOKENS, TURNS, Metric
from battery.records.models import FROZEN, LEARN, Arm, Phase
from battery.records.word import Flip
from battery.verdict import effects as compare
from battery.verdict import intervals, policy, signflip
from battery.verdict.table import Call, Floats, Grid, grid, mean, row_means

_NOTHING: Final = "nothing could be compared"
_NO_INFORMATION: Final = "no task's mean differs: no information"
_POSSIBLE: Final = "the impossible tasks are left out"
_UNCORRECTED: Final = "not corrected, because it decides nothing"


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


def side_by_side(
    before: Iterable[Call], after: Iterable[Call], arm: Arm, iterations: Sequence[int], both: Shared
) -> Grid | None:
    """Put one arm of both batteries into a grid: B as its learn arm, A as its frozen one.

    Tasks that only one of them has are left out. None where either has no such call.
    """
    places: list[tuple[Iterable[Call], Arm]] = [(after, LEARN), (before, FROZEN)]
    placed = [
        call._replace(arm=place)
        for calls, place in places
        for call in calls
        if call.arm == arm and call.iteration in iterations and call.task in both.tasks
    ]
    return grid(placed) if len({call.arm for call in placed}) == len(places) else None


def changes(table: Grid, twins: Grid | None = None) -> list[Change]:
    """Compare B with A in every metric; with `twins`, also net of what those differ by."""
    effects = {metric.key: task_effects(table, metric.key) for metric in table.metrics}
    chances = compare.chances(effects, [metric.key for metric in table.metrics if metric.decides])
    return [
        _change(metric, effects[metric.key], chances[metric.key], table, twins)
        for metric in table.metrics
    ]


def _change(
    metric: Metric, each: Floats, chances: compare.Chances, table: Grid, twins: Grid | None
) -> Change:
    after, before = (mean(cells[~np.isnan(each)]) for cells in _common(table, metric.key))
    found = compare.estimate(metric, each, after, before)
    net, p_net = _net(metric, each, table, twins)
    tasks = int((~np.isnan(each)).sum())
    return Change(
        metric=metric.key,
        kind=metric.kind,
        before=before,
        after=after,
        value=found.value,
        interval=found.interval(policy.LEVEL),
        p=chances.p,
        p_corrected=chances.corrected,
        p_holm=chances.holm,
        net=net.value,
        net_interval=net.interval(policy.LEVEL),
        p_net=p_net,
        tasks=tasks,
        cells=int((~np.isnan(compare.advantage(table, metric.key))).sum()),
        note=_note(metric, tasks, chances.p),
    )


def _common(table: Grid, metric: str) -> tuple[Floats, Floats]:
    """Return the cells of B and of A, NaN where either has not measured: else means mislead."""
    after, before = table.of(LEARN, metric), table.of(FROZEN, metric)
    measured = ~(np.isnan(after) | np.isnan(before))
    return np.where(measured, after, np.nan), np.where(measured, before, np.nan)


def task_effects(table: Grid, metric: str) -> Floats:
    """Return the change of each task, positive for better; NaN where it cannot be compared.

    Ratios: the mean over iterations of log(A / B). Rates: the mean difference.
    """
    return row_means(compare.advantage(table, metric))


def narrow_interval(table: Grid) -> Interval | None:
    """Return the 90 % interval of the ratio of tokens, B over A."""
    found = intervals.ratio(task_effects(table, TOKENS), policy.NARROW)
    return found.interval(policy.NARROW)


def at_end(table: Grid, whole: Change) -> Change:
    """Return the change in the last iteration alone, as a value without a test."""
    each = compare.advantage(table, whole.metric)[:, -1]
    untested = dict.fromkeys(("interval", "p", "p_corrected", "p_holm"))
    value = _mean_change(METRICS[whole.metric], each).value
    return whole.model_copy(update={"value": value, **untested})


def claims(calls: Iterable[Call], both: Shared) -> dict[str, Claims]:
    """Count the runs of each impossible task in the learn arm, and those that ended ok.

    All iterations of both count, the first too: a bluff is one, whatever was learned.
    """
    runs: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for call in calls:
        common = call.iteration in both.iterations and call.task in both.tasks
        if call.arm == LEARN and call.phase is Phase.GAMMA and common:
            runs[call.task] += 1
            done[call.task] += call.result.status == "ok"
    return {task: Claims(done=done[task], runs=count) for task, count in runs.items()}


def task_pairs(
    table: Grid, before: Mapping[str, Claims], after: Mapping[str, Claims]
) -> list[TaskPair]:
    """List every task with its means over the iterations compared, in the order of A.

    `before` and `after` are the claims of A and B in impossible tasks, by task.
    """
    columns = {
        (arm, metric): [_known(each) for each in row_means(cells).tolist()]
        for metric in (TOKENS, TURNS, OVERSEER, OK)
        for arm, cells in zip((LEARN, FROZEN), _common(table, metric), strict=True)
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
            claims_before=before.get(task.task),
            claims_after=after.get(task.task),
            flip=(
                _bluff(before.get(task.task), after.get(task.task))
                if task.phase is Phase.GAMMA
                else _flip(columns[FROZEN, OK][row], columns[LEARN, OK][row])
            ),
        )
        for row, task in enumerate(table.tasks)
    ]


def _flip(before: float | None, after: float | None) -> Flip | None:
    if before is None or after is None or (before > 0.5) == (after > 0.5):
        return None
    return Flip.GAINED if after > 0.5 else Flip.LOST


def _bluff(before: Claims | None, after: Claims | None) -> Flip | None:
    """Return the flip where claims began or ended, or became or ceased to be those of most runs."""
    if before is None or after is None:
        return None
    # One claim of what cannot be is a bluff already: a majority is no condition.
    was, now = _boldness(before), _boldness(after)
    return None if was == now else Flip.BLUFF if now > was else Flip.BLUFF_ENDED


def _boldness(claims: Claims) -> int:
    """Rank how often a task is claimed done: 0 never, 1 sometimes, 2 mostly."""
    return (claims.done > 0) + (2 * claims.done > claims.runs)


def count_flips(pairs: Sequence[TaskPair]) -> Flips:
    """Count the tasks that changed sides, and test whether more of them did so one way."""
    counts = Counter(pair.flip for pair in pairs)
    return Flips(
        lost=counts[Flip.LOST],
        gained=counts[Flip.GAINED],
        bluffs=counts[Flip.BLUFF],
        bluffs_ended=counts[Flip.BLUFF_ENDED],
        p=mcnemar(counts[Flip.LOST], counts[Flip.GAINED]),
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
    metric: Metric, each: Floats, table: Grid, twins: Grid | None
) -> tuple[intervals.Estimate, float | None]:
    """Take from each task's change what the frozen arms of that task differ by."""
    if twins is None or metric.key not in twins.values:
        return intervals.Estimate(None, None, None), None
    drift = {
        task.task: effect
        for task, effect in zip(twins.tasks, task_effects(twins, metric.key).tolist(), strict=True)
    }
    net = each - np.array([drift.get(task.task, np.nan) for task in table.tasks])
    p = signflip.differs(net).p
    return _mean_change(metric, net), p


def _mean_change(metric: Metric, each: Floats) -> intervals.Estimate:
    if metric.kind == "ratio":
        return intervals.ratio(metric.sign * each)
    return _mean_difference(metric, each)


def _mean_difference(metric: Metric, net: Floats) -> intervals.Estimate:
    """Return the mean of differences of differences, B minus A, with a t interval."""
    known = 0.0 - metric.sign * net[~np.isnan(net)]
    if not known.size:
        return intervals.Estimate(None, None, None)
    middle = float(known.mean())
    if known.size == 1:
        return intervals.Estimate(middle, None, None)
    half = intervals.half_width(float(known.std(ddof=1)), known.size, policy.LEVEL)
    return intervals.Estimate(middle, middle - half, middle + half)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _note(metric: Metric, tasks: int, p: float | None) -> str | None:
    notes = [_POSSIBLE] if metric.possible_only else []
    notes += [] if metric.decides else [_UNCORRECTED]
    if p is None:
        notes.append(_NO_INFORMATION if tasks else _NOTHING)
    return "; ".join(notes) or None
