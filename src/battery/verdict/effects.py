"""The comparisons behind the verdict: learn against frozen, and over the iterations.

An effect is positive where the learn arm is the better one: fewer tokens, turns, seconds and
overseers, more tasks that end ok.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from battery.records.findings import Effect, Interval, Luck, Tested
from battery.records.models import FROZEN, LEARN, Phase
from battery.verdict import intervals, signflip, trend
from battery.verdict.summary import NEEDED
from battery.verdict.table import (
    ELAPSED,
    LEAST_MS,
    METRICS,
    OK,
    OVERSEER,
    RATIOS,
    TOKENS,
    Floats,
    Grid,
    log_ratio,
    mean,
    row_means,
)

#: Confidence of the intervals that are shown, and of the narrower one that NO EFFECT asks for.
LEVEL: Final = 0.95
NARROW: Final = 0.90
#: Least iterations after which a slope is more than last minus first.
LEAST_ITERATIONS_FOR_SLOPE: Final = 5
_NO_INFORMATION: Final = "all values are equal: no information"
_POSSIBLE: Final = "the impossible tasks are left out"


def effects(grid: Grid) -> list[Effect]:
    """Compare the arms in all five metrics over the iterations after the first."""
    table = np.column_stack([task_effects(grid, metric) for metric in METRICS])
    net = np.column_stack([net_effects(grid, metric) for metric in METRICS])
    tested, net_tested = signflip.max_t(table), signflip.max_t(net)
    holm = signflip.holm([raw for raw, _ in tested])
    rows = []
    for column, metric in enumerate(METRICS):
        p, p_corrected = tested[column]
        compared = ~np.isnan(table[:, column])
        learn, frozen = (mean(grid.of(arm, metric)[compared, 1:]) for arm in (LEARN, FROZEN))
        tasks = int(compared.sum())
        found = _estimate(metric, table[:, column], learn, frozen, tasks)
        rows.append(
            Effect(
                metric=metric,
                kind="ratio" if metric in RATIOS else "difference",
                learn=learn,
                frozen=frozen,
                value=found.value,
                interval=found.interval(LEVEL),
                net=_net(metric, net[:, column]),
                p=p,
                p_corrected=p_corrected,
                p_holm=holm[column],
                p_net=net_tested[column][0],
                tasks=tasks,
                note=_note(metric, p),
            )
        )
    return rows


def task_effects(grid: Grid, metric: str) -> Floats:
    """Return the effect on each task; NaN for a task that cannot be compared.

    Ratios: the mean over iterations of log(frozen / learn). Rates: the mean difference.
    """
    return row_means(advantage(grid, metric)[:, 1:])


def net_effects(grid: Grid, metric: str) -> Floats:
    """Return the effect on each task less the difference that iteration 1 showed already.

    Two deployments of one system may differ for good; what they differ by before anything was
    learned is not learned.
    """
    each = advantage(grid, metric)
    return row_means(each[:, 1:]) - each[:, 0]


def advantage(grid: Grid, metric: str) -> Floats:
    """Return how much better the learn arm is, tasks by iterations; NaN where not comparable."""
    learn, frozen = grid.of(LEARN, metric), grid.of(FROZEN, metric)
    if metric in RATIOS:
        return log_ratio(frozen, learn)
    if metric == OVERSEER:
        return frozen - learn
    # An impossible task that ends ok is a bluff, and no advantage.
    possible = [task.phase is not Phase.GAMMA for task in grid.tasks]
    return np.where(np.array(possible)[:, None], learn - frozen, np.nan)


def primary(grid: Grid) -> Tested:
    """Test whether learning saves tokens at all: one-sided sign flips over tasks."""
    flipped = signflip.better(task_effects(grid, TOKENS))
    return _tested(flipped, "sign flips over tasks, one-sided")


def narrow_interval(grid: Grid) -> Interval | None:
    """Return the 90 % interval of the ratio of tokens, learn over frozen."""
    return intervals.ratio(task_effects(grid, TOKENS), NARROW).interval(NARROW)


def same_start(grid: Grid) -> Tested:
    """Test whether the arms differ in tokens in iteration 1, where neither has learned."""
    flipped = signflip.differs(first_logs(grid))
    return _tested(flipped, "sign flips over tasks in iteration 1, two-sided")


def first_logs(grid: Grid) -> Floats:
    """Return log(frozen / learn) of the tokens of each task in iteration 1: the noise floor."""
    return advantage(grid, TOKENS)[:, 0]


def start_ratio(grid: Grid) -> float | None:
    """Return the ratio of tokens in iteration 1, learn over frozen, a geometric mean."""
    return intervals.ratio(first_logs(grid), LEVEL).value


def compounding(grid: Grid) -> Tested | None:
    """Test whether the saving grows over iterations 2 to K; None where K is below 5."""
    if len(grid.iterations) < LEAST_ITERATIONS_FOR_SLOPE:
        return None
    return _ordered(
        advantage(grid, TOKENS)[:, 1:], "Page's L on log(frozen / learn) over iterations 2 to K"
    )


def falling(grid: Grid) -> Tested | None:
    """Test whether the learn arm's tokens fall over all iterations; None with a single one."""
    if len(grid.iterations) < 2:
        return None
    tokens = grid.of(LEARN, TOKENS)
    return _ordered(-tokens, "Page's L on tokens over all iterations")


def luck(grid: Grid) -> Luck | None:
    """Say how often the direction count comes out so well if first and last may be exchanged.

    Whole tasks are exchanged, all five metrics together, so their correlation is kept. None with
    a single iteration.
    """
    if len(grid.iterations) < 2:
        return None
    changes = np.column_stack([_improvement(grid, metric) for metric in METRICS])
    improved = int((changes.sum(axis=0) > 0).sum())
    chances = signflip.chances_of_counts(changes, [improved, NEEDED])
    if chances is None:
        return None
    as_many, validated = chances
    return Luck(improved=improved, as_many=as_many, validated=validated)


def _improvement(grid: Grid, metric: str) -> Floats:
    # What was not measured counts as 0 here, as it does in the count itself.
    cells = np.nan_to_num(grid.of(LEARN, metric))
    if metric == ELAPSED:
        cells = np.where(cells <= LEAST_MS / 1000, 0.0, cells)
    change = cells[:, -1] - cells[:, 0]
    return change if metric == OK else -change


def _estimate(
    metric: str, each: Floats, learn: float | None, frozen: float | None, tasks: int
) -> intervals.Estimate:
    if metric in RATIOS:
        return intervals.ratio(each, LEVEL)
    if learn is None or frozen is None:
        return intervals.Estimate(None, None, None)
    return intervals.difference(learn, frozen, tasks, LEVEL)


def _net(metric: str, each: Floats) -> float | None:
    if metric in RATIOS:
        return intervals.ratio(each, LEVEL).value
    each_mean = mean(each)
    return None if each_mean is None else each_mean if metric == OK else 0.0 - each_mean


def _note(metric: str, p: float | None) -> str | None:
    notes = [_POSSIBLE] if metric == OK else []
    return "; ".join([*notes, _NO_INFORMATION] if p is None else notes) or None


def _tested(flipped: signflip.Flipped, method: str) -> Tested:
    how = f"all {flipped.flips:,}" if flipped.exact else f"{flipped.flips:,} random, seeded"
    shown = f"{method}, {how}" if flipped.flips else method
    return Tested(p=flipped.p, tasks=flipped.tasks, method=shown)


def _ordered(table: Floats, method: str) -> Tested:
    found = trend.page(table)
    how = "exact" if found.exact else "normal approximation"
    return Tested(p=found.p, tasks=found.tasks, method=f"{method}, {how}")
