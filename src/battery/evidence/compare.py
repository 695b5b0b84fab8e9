"""The comparisons behind the verdict: learn against frozen, and over the iterations.

An effect is positive where the learn arm is the better one: fewer tokens, turns, seconds and
overseers, more tasks that end ok.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from battery.evidence import intervals, signflip, trend
from battery.evidence.table import (
    ELAPSED,
    METRICS,
    OK,
    RATIOS,
    TOKENS,
    Floats,
    Grid,
    log_ratio,
    row_means,
)
from battery.findings import Effect, Interval, Luck, Tested
from battery.models import FROZEN, LEARN

#: Confidence of the intervals that are shown, and of the narrower one that NO EFFECT asks for.
LEVEL: Final = 0.95
NARROW: Final = 0.90
#: Least iterations after which a slope is more than last minus first.
LEAST_ITERATIONS_FOR_SLOPE: Final = 5
#: So many of five metrics must improve for the direction count to speak well.
NEEDED: Final = 3
_NO_INFORMATION: Final = "all values are equal: no information"


def effects(grid: Grid) -> list[Effect]:
    """Compare the arms in all five metrics over the iterations after the first."""
    table = np.column_stack([task_effects(grid, metric) for metric in METRICS])
    tested = signflip.max_t(table)
    holm = signflip.holm([raw for raw, _ in tested])
    return [
        _effect(grid, metric, table[:, column], *tested[column], holm[column])
        for column, metric in enumerate(METRICS)
    ]


def task_effects(grid: Grid, metric: str) -> Floats:
    """Return the effect on each task; NaN for a task that cannot be compared.

    Ratios: the mean over iterations of log(frozen / learn). Rates: the mean difference.
    """
    learn, frozen = grid.of(LEARN, metric)[:, 1:], grid.of(FROZEN, metric)[:, 1:]
    if metric in RATIOS:
        return row_means(log_ratio(frozen, learn))
    return row_means(learn - frozen if metric == OK else frozen - learn)


def primary(grid: Grid) -> Tested:
    """Test whether learning saves tokens at all: one-sided sign flips over tasks."""
    flipped = signflip.better(task_effects(grid, TOKENS))
    return _tested(flipped, "sign flips over tasks, one-sided")


def narrow_interval(grid: Grid) -> Interval | None:
    """Return the 90 % interval of the ratio of tokens, learn over frozen."""
    return _interval(intervals.ratio(task_effects(grid, TOKENS), NARROW), NARROW)


def same_start(grid: Grid) -> Tested:
    """Test whether the arms differ in tokens in iteration 1, where neither has learned."""
    flipped = signflip.differs(first_logs(grid))
    return _tested(flipped, "sign flips over tasks in iteration 1, two-sided")


def first_logs(grid: Grid) -> Floats:
    """Return log(frozen / learn) of the tokens of each task in iteration 1: the noise floor."""
    return log_ratio(grid.of(FROZEN, TOKENS)[:, 0], grid.of(LEARN, TOKENS)[:, 0])


def start_pace(grid: Grid) -> float | None:
    """Return the ratio of times in iteration 1, learn over frozen, a geometric mean over tasks."""
    first = log_ratio(grid.of(FROZEN, ELAPSED)[:, 0], grid.of(LEARN, ELAPSED)[:, 0])
    return intervals.ratio(first, LEVEL).value


def compounding(grid: Grid) -> Tested | None:
    """Test whether the saving grows over iterations 2 to K; None where K is below 5."""
    if len(grid.iterations) < LEAST_ITERATIONS_FOR_SLOPE:
        return None
    logs = log_ratio(grid.of(FROZEN, TOKENS), grid.of(LEARN, TOKENS))[:, 1:]
    return _ordered(logs, "Page's L on log(frozen / learn) over iterations 2 to K")


def falling(grid: Grid) -> Tested | None:
    """Test whether the learn arm's tokens fall over all iterations; None with a single one."""
    if len(grid.iterations) < 2:
        return None
    tokens = grid.of(LEARN, TOKENS)
    return _ordered(np.where(tokens > 0, -tokens, np.nan), "Page's L on tokens over all iterations")


def luck(grid: Grid) -> Luck | None:
    """Say how often the direction count comes out so well if first and last may be exchanged.

    Whole tasks are exchanged, all five metrics together, so their correlation is kept. None with
    a single iteration.
    """
    if len(grid.iterations) < 2:
        return None
    changes = np.column_stack([_improvement(grid, metric) for metric in METRICS])
    improved = int((changes.sum(axis=0) > 0).sum())
    as_many = signflip.chance_of_count(changes, improved)
    validated = signflip.chance_of_count(changes, NEEDED)
    if as_many is None or validated is None:
        return None
    return Luck(improved=improved, as_many=as_many, validated=validated)


def _improvement(grid: Grid, metric: str) -> Floats:
    cells = grid.of(LEARN, metric)
    change = cells[:, -1] - cells[:, 0]
    return change if metric == OK else -change


def _effect(  # noqa: PLR0913, PLR0917 - one row of a table, with a value a column
    grid: Grid,
    metric: str,
    each: Floats,
    p: float | None,
    p_corrected: float | None,
    p_holm: float | None,
) -> Effect:
    learn, frozen = (_mean(grid.of(arm, metric)[:, 1:]) for arm in (LEARN, FROZEN))
    tasks = int((~np.isnan(each)).sum())
    if metric in RATIOS:
        value, interval = _ratio(each)
    else:
        value, interval = _difference(learn, frozen, tasks)
    return Effect(
        metric=metric,
        kind="ratio" if metric in RATIOS else "difference",
        learn=learn,
        frozen=frozen,
        value=value,
        interval=interval,
        p=p,
        p_corrected=p_corrected,
        p_holm=p_holm,
        tasks=tasks,
        note=_NO_INFORMATION if p is None else None,
    )


def _ratio(each: Floats) -> tuple[float | None, Interval | None]:
    found = intervals.ratio(each, LEVEL)
    return found.value, _interval(found, LEVEL)


def _difference(
    learn: float | None, frozen: float | None, tasks: int
) -> tuple[float | None, Interval | None]:
    if learn is None or frozen is None:
        return None, None
    found = intervals.difference(learn, frozen, tasks, LEVEL)
    return found.value, _interval(found, LEVEL)


def _interval(found: intervals.Estimate, level: float) -> Interval | None:
    if found.low is None or found.high is None:
        return None
    return Interval(low=found.low, high=found.high, level=level)


def _mean(cells: Floats) -> float | None:
    return None if np.isnan(cells).any() or not cells.size else float(cells.mean())


def _tested(flipped: signflip.Flipped, method: str) -> Tested:
    how = f"all {flipped.flips:,}" if flipped.exact else f"{flipped.flips:,} random, seeded"
    shown = f"{method}, {how}" if flipped.flips else method
    return Tested(p=flipped.p, tasks=flipped.tasks, method=shown)


def _ordered(table: Floats, method: str) -> Tested:
    found = trend.page(table)
    how = "exact" if found.exact else "normal approximation"
    return Tested(p=found.p, tasks=found.tasks, method=f"{method}, {how}")
