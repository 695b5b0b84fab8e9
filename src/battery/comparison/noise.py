"""How much the same task varies where nothing was learned: what a change must rise above."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import expm1, log, sqrt
from typing import Final, Literal

import numpy as np

from battery.comparison.pairing import task_effects
from battery.records.comparison import Noise
from battery.records.metric import TOKENS
from battery.records.models import FROZEN, LEARN, Arm
from battery.verdict import effects as compare
from battery.verdict import intervals, policy
from battery.verdict.power import call_noise
from battery.verdict.table import Call, Grid, grid

Source = Literal["arms", "repeats"]
#: The largest logarithm that is turned back into a number.
_MOST_LOG: Final = 700.0


def noise(before: Sequence[Call], after: Sequence[Call], table: Grid) -> Noise:
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
    first = [call for call in calls if call.iteration == 1]
    if {call.arm for call in first} == {LEARN, FROZEN}:
        table = grid(first)
        found = call_noise(compare.first_logs(table), table.repeats)
        if found is not None:
            return found, "arms"
    found = _between_repeats(calls)
    return found, None if found is None else "repeats"


def _between_repeats(calls: Sequence[Call]) -> float | None:
    """Pool the variance of log tokens inside the cells that were asked more than once."""
    cells: dict[tuple[Arm, int, str], list[float]] = defaultdict(list)
    for call in calls:
        if call.result.tokens > 0:
            cells[call.arm, call.iteration, call.task].append(log(call.result.tokens))
    repeated = [logs for logs in cells.values() if len(logs) > 1]
    freedom = sum(len(logs) - 1 for logs in repeated)
    if not freedom:
        return None
    return sqrt(sum(float(np.var(logs)) * len(logs) for logs in repeated) / freedom)


def _floor(
    a: float, b: float, table: Grid, before: Sequence[Call], after: Sequence[Call]
) -> float | None:
    tasks = int((~np.isnan(task_effects(table, TOKENS))).sum())
    if tasks < 2:
        return None
    spread = sum(
        sd**2 / (len(table.iterations) * max((call.repeat for call in calls), default=1))
        for sd, calls in ((a, before), (b, after))
    )
    half = intervals.half_width(sqrt(spread), tasks, policy.LEVEL)
    return expm1(min(half, _MOST_LOG))
