"""What two sides differ by, learn and frozen or after and before, and the tests over iterations.

An effect is positive where the side in question is the better one: fewer tokens, turns, seconds
and overseers, more tasks that end ok.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from battery.records.findings import Contrast, Effect, Interval, Luck, Tested
from battery.records.metric import COUNTED, ELAPSED, LEAST_MS, METRICS, TOKENS, Metric
from battery.records.models import LEARN, Phase
from battery.verdict import policy, signflip, statistics
from battery.verdict.metrics import NEEDED
from battery.verdict.signflip import Floats
from battery.verdict.table import Grid, Table, log_ratio, mean, row_means

_NOTHING: Final = "nothing could be compared"
_NO_INFORMATION: Final = "no task's mean differs: no information"
_POSSIBLE: Final = "the impossible tasks are left out"
_UNCORRECTED: Final = "not corrected, because it decides nothing"

C = TypeVar("C", bound=Contrast)


class Chances(NamedTuple):
    """The p-values of one metric; only those that decide are corrected."""

    p: float | None
    corrected: float | None = None
    holm: float | None = None


def effects(grid: Grid) -> list[Effect]:
    """Compare the arms in every metric over the iterations after the first."""
    joint = [metric.key for metric in grid.metrics if metric.counted]
    # Iteration 1 comes before any learning: it would dilute the effect, and it serves as the check
    # that both arms started alike. Two deployments of one system may differ for good; what they
    # differ by before anything was learned is not learned.
    return contrasts(Effect, later(grid), joint, unlearned=grid.over(slice(1)))


def later(grid: Grid) -> Grid:
    """Leave out iteration 1, in which nothing has been learned yet."""
    return grid.over(slice(1, None))


def contrasts(
    record: type[C], table: Table, joint: Sequence[str], unlearned: Table | None = None
) -> list[C]:
    """Compare the two sides of a table in every metric.

    `joint` are the metrics that decide together and are corrected for their number. `unlearned`
    has the same sides where nothing was learned; without it nothing is net.
    """
    gains = {metric.key: advantage(table, metric.key) for metric in table.metrics}
    each = {metric: row_means(own) for metric, own in gains.items()}
    net = {metric: _net_effects(own, table, metric, unlearned) for metric, own in each.items()}
    tested, net_tested = chances(each, joint), chances(net, joint)
    rows = []
    for metric in table.metrics:
        key = metric.key
        # Only where both measured: means over other cells would differ by which cells they are.
        sides = [mean(cells[~np.isnan(gains[key])]) for cells in table.values[key]]
        numbers = {
            **dict(zip(record.sides, sides, strict=True)),
            **_numbers(metric, each[key], sides, tested[key]),
            **_net(metric, net[key], net_tested[key].p),
            "cells": int((~np.isnan(gains[key])).sum()),
        }
        rows.append(record(**{name: numbers[name] for name in record.model_fields}))
    return rows


def _numbers(
    metric: Metric, each: Floats, sides: Sequence[float | None], tested: Chances
) -> dict[str, Any]:
    tasks = int((~np.isnan(each)).sum())
    estimate = _estimate(metric, each, *sides)
    return {
        "metric": metric.key,
        "kind": metric.kind,
        "value": estimate.value,
        "interval": estimate.interval(policy.LEVEL),
        "p": tested.p,
        "p_corrected": tested.corrected,
        "p_holm": tested.holm,
        "tasks": tasks,
        "note": "; ".join(_notes(metric, tasks, tested)) or None,
    }


def _net(metric: Metric, each: Floats, p: float | None) -> dict[str, Any]:
    estimate = mean_change(metric, each)
    interval = estimate.interval(policy.LEVEL)
    return {"net": estimate.value, "net_interval": interval, "p_net": p}


def _notes(metric: Metric, tasks: int, tested: Chances) -> Iterator[str]:
    if metric.possible_only:
        yield _POSSIBLE
    if tested.p is None:
        yield _NO_INFORMATION if tasks else _NOTHING
    elif tested.corrected is None:
        yield _UNCORRECTED


def chances(effects: Mapping[str, Floats], joint: Sequence[str]) -> dict[str, Chances]:
    """Test each metric two-sided; correct those of `joint` for their number.

    The others are tested alone: among those corrected they would decide with, since other times
    would give the tokens other p-values.
    """
    tested = signflip.max_t(np.column_stack([effects[metric] for metric in joint]))
    holm = signflip.holm([p for p, _ in tested])
    found = {
        metric: Chances(p, corrected, of_holm)
        for metric, (p, corrected), of_holm in zip(joint, tested, holm, strict=True)
    }
    alone = effects.keys() - found.keys()
    return found | {metric: Chances(signflip.differs(effects[metric]).p) for metric in alone}


def task_effects(table: Table, metric: str) -> Floats:
    """Return the effect on each task; NaN for a task that cannot be compared.

    Ratios: the mean over iterations of log(base / own), of a metric of which more is better
    log(own / base). Rates: the mean difference.
    """
    # The iterations of a task share its memory and are no independent witnesses: they are averaged,
    # and the task is the unit of every test. As logs, so that a large task does not outweigh all
    # others, and a saving by half weighs as much as a doubling.
    return row_means(advantage(table, metric))


def _net_effects(each: Floats, table: Table, metric: str, unlearned: Table | None) -> Floats:
    """Take from the effect on each task the one on the same task where nothing was learned."""
    if unlearned is None or metric not in unlearned.values:
        return np.full(each.shape, np.nan)
    others = zip(unlearned.tasks, task_effects(unlearned, metric).tolist(), strict=True)
    of_task = {task.task: effect for task, effect in others}
    apart: Floats = np.array([of_task.get(task.task, np.nan) for task in table.tasks])
    return each - apart


def advantage(table: Table, metric: str) -> Floats:
    """Return how much better one side is, tasks by iterations; NaN where not comparable."""
    own, base = table.values[metric]
    known = METRICS[metric]
    less = log_ratio(base, own) if known.kind == "ratio" else base - own
    if known.possible_only:
        # An impossible task that ends ok is a bluff, and no advantage.
        less[table.rows(Phase.GAMMA)] = np.nan
    gain: Floats = known.sign * less
    return gain


def primary(grid: Grid) -> Tested:
    """Test whether learning saves tokens at all: one-sided sign flips over tasks."""
    # One-sided, as the question is; harm has a test of its own. One metric decides: with five that
    # may, luck in any of them would read as learning.
    flipped = signflip.better(task_effects(later(grid), TOKENS))
    return _tested(flipped, "sign flips over tasks, one-sided")


def narrow_interval(table: Table) -> Interval | None:
    """Return the narrower interval of the ratio of tokens, of one side over its base."""
    return statistics.ratio(task_effects(table, TOKENS), policy.NARROW).interval(policy.NARROW)


def same_start(grid: Grid) -> Tested:
    """Test whether the arms differ in tokens in iteration 1, where neither has learned."""
    flipped = signflip.differs(first_logs(grid))
    return _tested(flipped, "sign flips over tasks in iteration 1, two-sided")


def first_logs(grid: Grid) -> Floats:
    """Return log(frozen / learn) of the tokens of each task in iteration 1: the noise floor."""
    return advantage(grid, TOKENS)[:, 0]


def start_ratio(grid: Grid) -> float | None:
    """Return the ratio of tokens in iteration 1, learn over frozen, a geometric mean."""
    return statistics.ratio(first_logs(grid), policy.LEVEL).value


def compounding(grid: Grid) -> Tested | None:
    """Test whether the saving grows over iterations 2 to K; None where K is too small."""
    if len(grid.iterations) < policy.SLOPE_ITERATIONS:
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
    """Return how often the direction count comes out so well if first and last may be exchanged.

    Whole tasks are exchanged, all counted metrics together, so their correlation is kept. None
    with a single iteration.
    """
    if len(grid.iterations) < 2:
        return None
    changes = np.column_stack([_improvement(grid, metric) for metric in COUNTED])
    improved = int((changes.sum(axis=0) > 0).sum())
    chances = signflip.chances_of_counts(changes, [improved, NEEDED])
    if chances is None:
        return None
    as_many, validated = chances
    return Luck(improved=improved, as_many=as_many, validated=validated)


def _improvement(grid: Grid, metric: Metric) -> Floats:
    # What was not measured counts as 0 here, as it does in the count itself.
    cells = np.nan_to_num(grid.of(LEARN, metric.key))
    if metric.key == ELAPSED:
        cells = np.where(cells <= LEAST_MS / 1000, 0.0, cells)
    improved: Floats = metric.sign * (cells[:, 0] - cells[:, -1])
    return improved


def _estimate(
    metric: Metric, each: Floats, own: float | None, base: float | None
) -> statistics.Estimate:
    """Return one side over its base, or minus its base, with its interval."""
    if metric.kind == "ratio":
        return mean_change(metric, each)
    if own is None or base is None:
        return statistics.Estimate(None, None, None)
    return statistics.difference(own, base, int((~np.isnan(each)).sum()), policy.LEVEL)


def mean_change(metric: Metric, each: Floats) -> statistics.Estimate:
    """Return the mean of effects on tasks as a ratio or a difference, with a t interval.

    Unlike a difference of two rates, one of differences has no score interval.
    """
    if metric.kind == "ratio":
        return statistics.ratio(metric.sign * each, policy.LEVEL)
    known = 0.0 - metric.sign * each[~np.isnan(each)]
    if not known.size:
        return statistics.Estimate(None, None, None)
    middle = float(known.mean())
    if known.size == 1:
        return statistics.Estimate(middle, None, None)
    half = statistics.half_width(float(known.std(ddof=1)), known.size, policy.LEVEL)
    return statistics.Estimate(middle, middle - half, middle + half)


def _tested(flipped: signflip.Flipped, method: str) -> Tested:
    how = f"all {flipped.flips:,}" if flipped.exact else f"{flipped.flips:,} random, seeded"
    shown = f"{method}, {how}" if flipped.flips else method
    return Tested(p=flipped.p, tasks=flipped.tasks, method=shown)


def _ordered(table: Floats, method: str) -> Tested:
    found = statistics.page(table)
    how = "exact" if found.exact else "normal approximation"
    return Tested(p=found.p, tasks=found.tasks, method=f"{method}, {how}")
