"""Two batteries, task by task: what they share, which tasks flipped, and what is noise.

The statistics are those of the verdict (`battery.verdict.effects`), with B in the place of the
side in question and A as its base.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import expm1, isnan, log, sqrt
from typing import Final, Literal, NamedTuple

import numpy as np

from battery.records.comparison import Change, Claims, Flips, NamedTask, Noise, TaskPair
from battery.records.findings import Interval
from battery.records.metric import METRICS, OK, OVERSEER, TOKENS, TURNS
from battery.records.models import FROZEN, LEARN, Arm, Phase
from battery.records.word import Flip
from battery.verdict import policy, statistics
from battery.verdict.effects import contrasts, first_logs, narrow_interval, task_effects
from battery.verdict.power import call_noise
from battery.verdict.table import Call, Table, grid, row_means, table_of

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

    @property
    def window(self) -> tuple[int, ...]:
        """The iterations to compare: those after the first; the first where it is all there is."""
        # In iteration 1 nothing has been learned: its difference is one of the systems and would
        # dilute what their memories make of it, so it is shown apart.
        return tuple(number for number in self.iterations if number > 1) or self.iterations


class Facts(NamedTuple):
    """Everything that the word and the sentences of a comparison rest on."""

    #: The learn arms, B with A as its base.
    table: Table
    #: The same in iteration 1; None where that is what is compared.
    first: Table | None
    changes: Sequence[Change]
    #: Of `first`; empty without it.
    start: Sequence[Change]
    #: The frozen arms; empty where one is missing.
    twins: Sequence[Change]
    narrow: Interval | None
    pairs: Sequence[TaskPair]
    flips: Flips
    #: The iterations compared.
    iterations: Sequence[int]

    @property
    def tokens(self) -> Change:
        """The change of the tokens."""
        return self.change(TOKENS)

    def change(self, metric: str) -> Change:
        """Return the change of one of the metrics that are always measured."""
        return next(change for change in self.changes if change.metric == metric)

    @property
    def deciding(self) -> list[Change]:
        """The changes in the metrics that decide."""
        return [change for change in self.changes if METRICS[change.metric].decides]


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
    return table_of(*sides) if all(sides) else None


def weigh(before: Sequence[Call], after: Sequence[Call], both: Shared) -> Facts | None:
    """Compare the arms of two batteries on what they share; None where that is nothing."""
    window = both.window
    table = side_by_side(before, after, LEARN, window, both)
    if table is None:
        return None
    twins = side_by_side(before, after, FROZEN, window, both)
    first = None
    if 1 in both.iterations and 1 not in window:
        first = side_by_side(before, after, LEARN, (1,), both)
    pairs = task_pairs(table, claims(before, both), claims(after, both))
    return Facts(
        table=table,
        first=first,
        changes=_changes(table, twins),
        start=_changes(first) if first else [],
        twins=_changes(twins) if twins else [],
        narrow=narrow_interval(table),
        pairs=pairs,
        flips=count_flips(pairs),
        iterations=window,
    )


def _changes(table: Table, twins: Table | None = None) -> list[Change]:
    """Compare B with A in every metric; with `twins`, also net of what those differ by."""
    # Time decides nothing, for it depends on the machine and the network, which nothing holds still
    # between two batteries; so it is not among the metrics that are corrected for their number.
    # What the frozen arms differ by was not learned: they show what the system, the provider and
    # the day did to a memory that stays empty.
    joint = [metric.key for metric in table.metrics if metric.decides]
    return contrasts(Change, table, joint, unlearned=twins)


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
    table: Table, before: Mapping[str, Claims], after: Mapping[str, Claims]
) -> list[TaskPair]:
    """List every task with its means over the iterations compared, in the order of A.

    `before` and `after` are the claims of A and B in impossible tasks, by task.
    """
    after_means, before_means = _means_by_task(table)
    effects = task_effects(table, TOKENS)
    return [
        TaskPair(
            task=task.task,
            label=task.label,
            phase=task.phase,
            tokens_before=before_means[TOKENS][row],
            tokens_after=after_means[TOKENS][row],
            ratio=statistics.ratio(effects[row : row + 1]).value,
            turns_before=before_means[TURNS][row],
            turns_after=after_means[TURNS][row],
            overseer_before=before_means[OVERSEER][row],
            overseer_after=after_means[OVERSEER][row],
            ok_before=before_means[OK][row],
            ok_after=after_means[OK][row],
            claims_before=before.get(task.task),
            claims_after=after.get(task.task),
            flip=(
                _bluff(before.get(task.task), after.get(task.task))
                if task.phase is Phase.GAMMA
                else _flip(before_means[OK][row], after_means[OK][row])
            ),
        )
        for row, task in enumerate(table.tasks)
    ]


def _means_by_task(table: Table) -> list[dict[str, list[float | None]]]:
    """Return for each side, by metric, the means of the tasks over the cells that both measured."""
    sides: list[dict[str, list[float | None]]] = [{}, {}]
    for metric in (TOKENS, TURNS, OVERSEER, OK):
        cells = table.values[metric]
        # Else a mean would also tell which cells were measured.
        common = np.where(np.isnan(cells).any(axis=0), np.nan, cells)
        for side, own in zip(sides, common, strict=True):
            side[metric] = [None if isnan(mean) else mean for mean in row_means(own).tolist()]
    return sides


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
    return min(1.0, 2 * statistics.at_most(min(one_way, other_way), flipped, 0.5))


def noise(before: Sequence[Call], after: Sequence[Call], table: Table) -> Noise:
    """Measure what a call varies by in either battery, and what that does to the mean change."""
    (a, from_a), (b, from_b) = _call_noise(before), _call_noise(after)
    return Noise(
        before=a,
        after=b,
        source_before=from_a,
        source_after=from_b,
        floor=None if a is None or b is None else _floor(a, b, table, before, after),
    )


def _call_noise(calls: Sequence[Call]) -> tuple[float | None, Source | None]:
    """Return the sd of log tokens between the arms in iteration 1, else between repeats."""
    # Nothing is learned before iteration 1 ends, so there two arms are two tries at the same thing;
    # later on they differ by what one of them knows.
    first = [call for call in calls if call.iteration == 1]
    if {call.arm for call in first} == {LEARN, FROZEN}:
        table = grid(first)
        between_arms = call_noise(first_logs(table), table.repeats)
        if between_arms is not None:
            return between_arms, "arms"
    between_repeats = _between_repeats(calls)
    return between_repeats, None if between_repeats is None else "repeats"


def _between_repeats(calls: Sequence[Call]) -> float | None:
    """Pool the variance of log tokens inside the cells that were asked more than once."""
    cells: dict[tuple[Arm, int, str], list[float]] = defaultdict(list)
    for call in calls:
        if call.result.tokens:  # no logarithm of 0, nor of what is not reported
            cells[call.arm, call.iteration, call.task].append(log(call.result.tokens))
    repeated = [logs for logs in cells.values() if len(logs) > 1]
    freedom = sum(len(logs) - 1 for logs in repeated)
    if not freedom:
        return None
    return sqrt(sum(float(np.var(logs)) * len(logs) for logs in repeated) / freedom)


def _floor(
    a: float, b: float, table: Table, before: Sequence[Call], after: Sequence[Call]
) -> float | None:
    tasks = int((~np.isnan(task_effects(table, TOKENS))).sum())
    if tasks < 2:
        return None
    spread = sum(
        sd**2 / (len(table.iterations) * max((call.repeat for call in calls), default=1))
        for sd, calls in ((a, before), (b, after))
    )
    half = statistics.half_width(sqrt(spread), tasks, policy.LEVEL)
    return expm1(min(half, _MOST_LOG))
