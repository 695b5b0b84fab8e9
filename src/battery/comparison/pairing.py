"""Two batteries, task by task: what they share, which tasks flipped, and what is noise.

B is the side in question, and A its base.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import expm1, isnan, log, sqrt
from statistics import NormalDist
from typing import Final, Literal, NamedTuple

import numpy as np

from battery.comparison.change import change_of, effects
from battery.comparison.naming import Names
from battery.records.comparison import Change, Claims, Flips, NamedTask, Noise, TaskPair
from battery.records.metric import METRICS, OK, Metric, cost_of
from battery.records.models import FROZEN, LEARN, Arm, Phase
from battery.records.word import Flip
from battery.verdict import cost, policy, signflip
from battery.verdict.power import call_noise
from battery.verdict.table import Call, Table, means, table_of

Source = Literal["arms", "repeats"]
#: The largest logarithm that is turned back into a number.
_MOST_LOG: Final = 700.0


class Shared(NamedTuple):
    """What two batteries have in common, and what only one of them has."""

    tasks: frozenset[str]
    #: Iterations of both, in order.
    iterations: tuple[int, ...]
    only_before: list[NamedTask]
    only_after: list[NamedTask]
    #: The metric that is the cost.
    cost: str

    @property
    def window(self) -> tuple[int, ...]:
        """The iterations to compare: those after the first; the first where it is all there is."""
        # In iteration 1 nothing has been learned: its difference is one of the systems and would
        # dilute what their memories make of it, so it is shown apart.
        return tuple(number for number in self.iterations if number > 1) or self.iterations


class Net(NamedTuple):
    """What the learners differ by beyond the twins, which learn nothing."""

    #: Cost of a typical task, B over A.
    ratio: float
    #: Two-sided; None where no task goes beyond.
    p: float | None


class Claimed(NamedTuple):
    """What one battery claims and has not done, by task."""

    #: Of impossible tasks.
    impossible: Mapping[str, Claims] = {}
    #: Of tasks that can be done, by their checks.
    refuted: Mapping[str, Claims] = {}


class Facts(NamedTuple):
    """Everything that the word and the sentences of a comparison rest on."""

    #: What the batteries are called.
    names: Names
    #: The learners, B with A as its base.
    table: Table
    #: The same in iteration 1; None where that is what is compared.
    first: Table | None
    change: Change
    #: Of `first`; None without it.
    start: Change | None
    #: The twins; None where one is missing.
    twins: Change | None
    #: None where it is not known.
    net: Net | None
    pairs: Sequence[TaskPair]
    flips: Flips
    #: The iterations compared.
    iterations: Sequence[int]

    @property
    def cells(self) -> int:
        """How many cells, a task in an iteration, there are to compare."""
        return len(self.pairs) * len(self.iterations)


def shared(before: Sequence[Call], after: Sequence[Call]) -> Shared:
    """Match tasks and iterations of the learners; what is not in both is listed by name."""
    a, b = (_named(calls) for calls in (before, after))
    iterations = _iterations(before) & _iterations(after)
    return Shared(
        tasks=frozenset(a) & frozenset(b),
        iterations=tuple(sorted(iterations)),
        # A battery without a complete iteration lacks no task: it has not asked them yet.
        only_before=[task for key, task in a.items() if b and key not in b],
        only_after=[task for key, task in b.items() if a and key not in a],
        cost=cost_of(call.result for call in (*before, *after)),
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
) -> Table | None:
    """Put one arm of both batteries side by side, B in question and A as its base.

    Tasks that only one of them has are left out. None where either has no such call.
    """
    sides = [
        [
            call
            for call in calls
            if call.arm == arm and call.iteration in iterations and call.task in both.tasks
        ]
        for calls in (after, before)
    ]
    return replace(table_of(*sides), cost=both.cost) if all(sides) else None


def weigh(
    before: Sequence[Call], after: Sequence[Call], both: Shared, names: Names
) -> Facts | None:
    """Compare the arms of two batteries on what they share; None where that is nothing."""
    window = both.window
    table = side_by_side(before, after, LEARN, window, both)
    if table is None:
        return None
    twins = side_by_side(before, after, FROZEN, window, both)
    first = None
    if 1 in both.iterations and 1 not in window:
        first = side_by_side(before, after, LEARN, (1,), both)
    pairs = task_pairs(
        table,
        Claimed(claims(before, both), refuted(before, both)),
        Claimed(claims(after, both), refuted(after, both)),
    )
    return Facts(
        names=names,
        table=table,
        first=first,
        change=change_of(table),
        start=change_of(first) if first else None,
        twins=change_of(twins) if twins else None,
        net=_net(table, twins) if twins else None,
        pairs=pairs,
        flips=count_flips(pairs),
        iterations=window,
    )


def _net(table: Table, twins: Table) -> Net | None:
    of_twins = dict(zip((task.task for task in twins.tasks), effects(twins).tolist(), strict=True))
    beyond = effects(table) - [of_twins.get(task.task, np.nan) for task in table.tasks]
    ratio = cost.ratio(beyond)
    return None if ratio is None else Net(ratio, signflip.differs(beyond).p)


def claims(calls: Iterable[Call], both: Shared) -> dict[str, Claims]:
    """Count the runs of each impossible task of the learner, and those that claim it.

    All iterations of both count, the first too: a bluff is one, whatever was learned.
    """
    return _bluffs(
        call
        for call in calls
        if call.phase is Phase.GAMMA and call.iteration in both.iterations
        if call.arm == LEARN and call.task in both.tasks
    )


def refuted(calls: Iterable[Call], both: Shared) -> dict[str, Claims]:
    """Count the graded runs of other tasks of the learner, and claims that checks refute.

    Only over the iterations compared, like the share that is ok.
    """
    return _bluffs(
        call
        for call in calls
        if call.phase is not Phase.GAMMA and call.iteration in both.window and call.result.checked
        if call.arm == LEARN and call.task in both.tasks
    )


def _bluffs(calls: Iterable[Call]) -> dict[str, Claims]:
    runs: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for call in calls:
        runs[call.task] += 1
        done[call.task] += call.result.bluff(call.phase)
    return {task: Claims(done=done[task], runs=count) for task, count in runs.items()}


def task_pairs(table: Table, before: Claimed, after: Claimed) -> list[TaskPair]:
    """List every task with its means over the iterations compared, in the order of A.

    `before` and `after` are what A and B claim.
    """
    costs, ok = (_means_by_task(table, key) for key in (table.cost, OK))
    by_task = effects(table)
    return [
        TaskPair(
            task=task.task,
            label=task.label,
            phase=task.phase,
            cost_before=costs[row].before,
            cost_after=costs[row].after,
            ratio=cost.ratio(by_task[row : row + 1]),
            ok_before=ok[row].before,
            ok_after=ok[row].after,
            claims_before=before.impossible.get(task.task),
            claims_after=after.impossible.get(task.task),
            refuted_before=before.refuted.get(task.task),
            refuted_after=after.refuted.get(task.task),
            flip=(
                _bluff(before.impossible.get(task.task), after.impossible.get(task.task))
                if task.phase is Phase.GAMMA
                else _flip(ok[row])
            ),
        )
        for row, task in enumerate(table.tasks)
    ]


class _Means(NamedTuple):
    """The means of one task in both batteries, over the cells that both measured."""

    after: float | None
    before: float | None


def _means_by_task(table: Table, metric: str) -> list[_Means]:
    sides = [means(cells).tolist() for cells in cost.common(*table.calls[metric])]
    known = [[None if isnan(mean) else mean for mean in side] for side in sides]
    return [_Means(*both) for both in zip(*known, strict=True)]


def _flip(ok: _Means) -> Flip | None:
    if ok.before is None or ok.after is None or (ok.before > 0.5) == (ok.after > 0.5):
        return None
    return Flip.GAINED if ok.after > 0.5 else Flip.LOST


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
    """Count the tasks that changed sides."""
    counts = Counter(pair.flip for pair in pairs)
    return Flips(
        lost=counts[Flip.LOST],
        gained=counts[Flip.GAINED],
        bluffs=counts[Flip.BLUFF],
        bluffs_ended=counts[Flip.BLUFF_ENDED],
    )


def noise(before: Sequence[Call], after: Sequence[Call], table: Table) -> Noise:
    """Measure what a call varies by in either battery, and what that does to the mean change."""
    (a, from_a), (b, from_b) = (_call_noise(calls, table.cost) for calls in (before, after))
    return Noise(
        before=a,
        after=b,
        source_before=from_a,
        source_after=from_b,
        floor=None if a is None or b is None else _floor(a, b, table, before, after),
    )


def _call_noise(calls: Sequence[Call], metric: str) -> tuple[float | None, Source | None]:
    """Return the sd of the log cost between the arms in iteration 1, else between repeats."""
    # Nothing is learned before iteration 1 ends, so there two arms are two tries at the same thing;
    # later on they differ by what one of them knows.
    first = [[c for c in calls if c.iteration == 1 and c.arm == arm] for arm in (LEARN, FROZEN)]
    if all(first):
        table = replace(table_of(*first), cost=metric)
        between_arms = call_noise(effects(table), table.repeats)
        if between_arms is not None:
            return between_arms, "arms"
    between_repeats = _between_repeats(calls, METRICS[metric])
    return between_repeats, None if between_repeats is None else "repeats"


def _between_repeats(calls: Sequence[Call], metric: Metric) -> float | None:
    """Pool the variance of the log cost inside the cells that were asked more than once."""
    cells: dict[tuple[Arm, int, str], list[float]] = defaultdict(list)
    for call in calls:
        # No logarithm of 0, nor of what is not reported.
        if (value := metric.value(call.result)) > 0:
            cells[call.arm, call.iteration, call.task].append(log(value))
    repeated = [logs for logs in cells.values() if len(logs) > 1]
    freedom = sum(len(logs) - 1 for logs in repeated)
    if not freedom:
        return None
    return sqrt(sum(float(np.var(logs)) * len(logs) for logs in repeated) / freedom)


def _floor(
    a: float, b: float, table: Table, before: Sequence[Call], after: Sequence[Call]
) -> float | None:
    tasks = int((~np.isnan(effects(table))).sum())
    if tasks < 2:
        return None
    spread = sum(
        sd**2 / (len(table.iterations) * max((call.repeat for call in calls), default=1))
        for sd, calls in ((a, before), (b, after))
    )
    # Of both sds little is known; a quantile of Student's t would only seem to account for that.
    half = NormalDist().inv_cdf((1 + policy.LEVEL) / 2) * sqrt(spread / tasks)
    return expm1(min(half, _MOST_LOG))
