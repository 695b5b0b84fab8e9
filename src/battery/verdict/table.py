"""From calls, one tidy row each, to a grid of cells: task by iteration by arm.

Repeats are averaged inside their cell, so a task that was asked five times is still one task. A
cell that no call fills is NaN, never 0; and a call that reports no tokens or turns has not measured
them and is no part of any mean. A reported 0 is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from battery.protocol.usage import Tokens
from battery.records.checks import FailedCheck
from battery.records.metric import METRICS, OVERSEER, TABLE, TOKENS, Metric, cost_of
from battery.records.models import LEARN, Arm, Phase, RunResult
from battery.verdict.signflip import Floats


class Call(NamedTuple):
    """One respond call and what came of it."""

    arm: Arm
    #: Counted from 1.
    iteration: int
    #: Place of the task in the tasks file, over all phases.
    position: int
    phase: Phase
    #: What identifies the task.
    task: str
    #: What people call it.
    label: str
    #: Counted from 1.
    repeat: int
    result: RunResult
    #: Id of the task whose sibling was asked; None of a task of the battery.
    sibling_of: str | None = None
    #: Whether this arm was asked before the other one; None where nobody can tell.
    first: bool | None = None


class TaskRow(NamedTuple):
    """A task of the grid."""

    task: str
    label: str
    phase: Phase


#: Facts of a call that are no metrics, as 1 and 0: whether it failed without an error, ended ok
#: with one, came from a cache, was given something from memory, claims what cannot be or what its
#: checks contradict, and whether a graded answer claims to have done its task. NaN where an answer
#: does not tell.
SILENT: Final = "silent"
TROUBLED: Final = "troubled"
CACHED: Final = "cached"
MEMORY: Final = "memory"
BLUFF: Final = "bluff"
CLAIMED: Final = "claimed"
FACTS: Final[Mapping[str, Callable[[Call], float]]] = {
    SILENT: lambda call: float(call.result.status != "ok" and not call.result.error),
    TROUBLED: lambda call: float(call.result.status == "ok" and bool(call.result.error)),
    CACHED: lambda call: float(call.result.cached),
    MEMORY: lambda call: _truth(call.result.memory_used),
    BLUFF: lambda call: float(call.result.bluff(call.phase)),
    CLAIMED: lambda call: nan if (checked := call.result.checked) is None else checked.claimed,
}
#: Tokens of a call by kind, which are no metrics either.
PROMPT: Final = "prompt"
CACHED_PROMPT: Final = "cached_prompt"
OUTPUT: Final = "output"
_KINDS: Final[Mapping[str, Callable[[Tokens], int | None]]] = {
    PROMPT: lambda kinds: kinds.prompt,
    CACHED_PROMPT: lambda kinds: kinds.cached,
    OUTPUT: lambda kinds: kinds.output,
}
#: Whether the arm of a call was asked before the other one, as 1 and 0.
FIRST: Final = "first"
#: What can only be told apart, as numbers that stand for it: what memory an answer rests on, the
#: whole answer, what it hands in, and the checks that it fails (their number is their place in
#: `Table.failures`).
FINGERPRINT: Final = "fingerprint"
ANSWER: Final = "answer"
HANDED_IN: Final = "handed in"
FAILURES: Final = "failures"


def _truth(value: bool | None) -> float:
    return nan if value is None else float(value)


@dataclass(frozen=True, eq=False)
class Table:
    """The calls of one or two sides, and their means by cell.

    Of two sides the first is the one in question and the second its base.
    """

    tasks: tuple[TaskRow, ...]
    iterations: tuple[int, ...]
    #: By metric and by fact, of the shape (sides, tasks, iterations, repeats); NaN where there is
    #: no call, or it has not measured that. Of metrics that the verdict does not count, and of what
    #: can only be told apart, only those that some call has.
    calls: Mapping[str, Floats]
    #: By metric, the means of the cells: (sides, tasks, iterations).
    values: Mapping[str, Floats]
    #: The checks that some call failed, for the numbers of `FAILURES`.
    failures: Sequence[tuple[FailedCheck, ...]] = ()
    #: The metric that is the cost of a call.
    cost: str = TOKENS

    @classmethod
    def of_calls(
        cls,
        tasks: Sequence[TaskRow],
        iterations: Sequence[int],
        calls: Mapping[str, Floats],
        failures: Sequence[tuple[FailedCheck, ...]] = (),
    ) -> Self:
        """Average the repeats of every cell."""
        values = {key: means(each) for key, each in calls.items() if key in METRICS}
        return cls(tuple(tasks), tuple(iterations), calls, values, failures)

    @property
    def metrics(self) -> list[Metric]:
        """List the metrics of the grid, in the order of the table of metrics."""
        return [METRICS[key] for key in self.values]

    @property
    def repeats(self) -> int:
        """The most calls that any cell holds."""
        return int(self._counts.max(initial=0))

    @property
    def fewest(self) -> int:
        """The fewest calls that any cell with a call holds."""
        counts = self._counts
        return int(counts[counts > 0].min(initial=self.repeats))

    @property
    def _counts(self) -> NDArray[np.int64]:
        # Every call tells whether the overseer stepped in: here NaN is no call.
        counts: NDArray[np.int64] = (~np.isnan(self.calls[OVERSEER])).sum(axis=-1)
        return counts

    def over(self, columns: slice) -> Self:
        """Keep some of the iterations."""
        return replace(
            self,
            iterations=self.iterations[columns],
            calls={key: each[:, :, columns] for key, each in self.calls.items()},
            values={metric: cells[:, :, columns] for metric, cells in self.values.items()},
        )

    def rows(self, *phases: Phase) -> list[int]:
        """Return the rows of the tasks of these phases."""
        return [row for row, task in enumerate(self.tasks) if task.phase in phases]

    @property
    def cells(self) -> int:
        """How many cells a whole battery of this size has."""
        return self.values[OVERSEER].size

    def missing(self) -> int:
        """Count the cells that no call fills."""
        return int((self._counts == 0).sum())


@dataclass(frozen=True, eq=False)
class Grid(Table):
    """All calls of a battery, an arm a side: learn first."""

    arms: tuple[Arm, ...] = (LEARN,)

    def of(self, arm: Arm, metric: str) -> Floats:
        """Return one metric in one arm: tasks by iterations."""
        cells: Floats = self.values[metric][self.arms.index(arm)]
        return cells

    def asked(self, arm: Arm, key: str) -> Floats:
        """Return one metric or fact of the calls of one arm: tasks by iterations by repeats."""
        calls: Floats = self.calls[key][self.arms.index(arm)]
        return calls

    def told(self, arm: Arm, key: str) -> Floats:
        """Return the same of what answers need not tell: NaN where none of the battery does."""
        if key in self.calls:
            return self.asked(arm, key)
        return np.full(self.asked(arm, OVERSEER).shape, np.nan)


def grid(calls: Sequence[Call]) -> Grid:
    """Average the repeats of every cell of a battery; raise `ValueError` without a call."""
    # Effects are learn over frozen: the order of the sides is part of their meaning.
    arms = sorted({call.arm for call in calls}, key=lambda arm: arm != LEARN)
    table = table_of(*([call for call in calls if call.arm == arm] for arm in arms))
    return Grid(**vars(table), arms=tuple(arms))


def table_of(*sides: Sequence[Call]) -> Table:
    """Average the repeats of every cell; the order of the calls of a side does not matter.

    Tasks are in the order of their position, iterations ascend. Raises `ValueError` without a call.
    """
    calls = [call for own in sides for call in own]
    if not calls:
        raise ValueError("no call, no table")
    # Two batteries may have the same task at different places of their files; the first place wins.
    seen = {call.task: call for call in sorted(calls, key=lambda call: -call.position)}
    tasks = sorted(seen.values(), key=lambda call: (call.position, call.task))
    iterations = sorted({call.iteration for call in calls})
    repeats = max(call.repeat for call in calls)
    shape = (len(sides), len(tasks), len(iterations), repeats)
    cells = _cells(sides, [call.task for call in tasks], iterations, repeats)
    failed = [_failed(call.result) for call in calls]
    known = _measured(calls) | _kinds(calls) | _order(calls) | _told_apart(calls, failed)
    table = Table.of_calls(
        [TaskRow(call.task, call.label, call.phase) for call in tasks],
        iterations,
        {key: _filled(cells, each, shape) for key, each in known.items()},
        tuple(dict.fromkeys(filter(None, failed))),
    )
    return replace(table, cost=cost_of(call.result for call in calls))


def means(calls: Floats) -> Floats:
    """Average over the last axis what is not NaN; NaN where nothing was measured."""
    # A verdict takes means a hundred times, and nearly always everything was measured.
    sums = calls.sum(axis=-1)
    if calls.shape[-1] and not np.isnan(sums).any():
        return np.asarray(sums / calls.shape[-1])
    # A call that measured nothing must not pull the mean toward 0.
    there = ~np.isnan(calls)
    counts = there.sum(axis=-1)
    sums = np.where(there, calls, 0.0).sum(axis=-1)
    result = np.full(counts.shape, np.nan)
    np.divide(sums, counts, out=result, where=counts > 0)
    return result


def counts(calls: Floats) -> tuple[int, int]:
    """Count the calls with a fact, and all calls; NaN is no call."""
    known = calls[~np.isnan(calls)]
    return int((known != 0).sum()), int(known.size)


def mean(cells: Floats) -> float | None:
    """Average what is not NaN; None where nothing was measured."""
    measured = cells[~np.isnan(cells)]
    return float(measured.mean()) if measured.size else None


def _filled(cells: NDArray[np.intp], each: Floats, shape: tuple[int, ...]) -> Floats:
    calls = np.full(int(np.prod(shape)), np.nan)
    calls[cells] = each
    return calls.reshape(shape)


def _cells(
    sides: Sequence[Sequence[Call]], tasks: Sequence[str], iterations: Sequence[int], repeats: int
) -> NDArray[np.intp]:
    """Give each call the index of its place, in row-major order."""
    task_at = {task: index for index, task in enumerate(tasks)}
    iteration_at = {number: index for index, number in enumerate(iterations)}
    width = len(iterations)
    return np.array(
        [
            ((side * len(tasks) + task_at[call.task]) * width + iteration_at[call.iteration])
            * repeats
            + call.repeat
            - 1
            for side, calls in enumerate(sides)
            for call in calls
        ],
        dtype=np.intp,
    )


def _measured(calls: Sequence[Call]) -> dict[str, Floats]:
    results = [call.result for call in calls]
    found = {metric: np.array(metric.values(results)) for metric in TABLE}
    metrics = {
        # A metric that is only shown has no table where nobody reports it. A counted one keeps its
        # empty table: that tokens were never reported has to be said.
        metric.key: each
        for metric, each in found.items()
        if metric.counted or not np.isnan(each).all()
    }
    facts = {key: np.array([fact(call) for call in calls]) for key, fact in FACTS.items()}
    return metrics | facts


def _kinds(calls: Sequence[Call]) -> dict[str, Floats]:
    """Return the tokens by kind, as far as any call tells them."""
    found = {key: [kind(call.result.spent.kinds) for call in calls] for key, kind in _KINDS.items()}
    return {
        key: np.array([nan if count is None else count for count in each], dtype=np.float64)
        for key, each in found.items()
        if any(count is not None for count in each)
    }


def _order(calls: Sequence[Call]) -> dict[str, Floats]:
    """Return which calls came before that of the other arm, where any call tells."""
    order = np.array([_truth(call.first) for call in calls])
    return {} if np.isnan(order).all() else {FIRST: order}


def _failed(result: RunResult) -> tuple[FailedCheck, ...]:
    return tuple(result.checked.failed) if result.checked else ()


def _told_apart(
    calls: Sequence[Call], failed: Sequence[tuple[FailedCheck, ...]]
) -> dict[str, Floats]:
    """Give a number to each value of what can only be told apart."""
    values: dict[str, Sequence[Hashable]] = {
        FINGERPRINT: [call.result.fingerprint for call in calls],
        ANSWER: [call.result.digest for call in calls],
        HANDED_IN: [call.result.handed_in for call in calls],
        FAILURES: failed,
    }
    numbered = {}
    for key, each in values.items():
        numbers: dict[Hashable, int] = {}
        if any(each):
            numbered[key] = np.array(
                [numbers.setdefault(value, len(numbers)) if value else nan for value in each]
            )
    return numbered
