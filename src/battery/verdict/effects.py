"""The comparisons behind the verdict: learn against frozen, and over the iterations.

An effect is positive where the learn arm is the better one: fewer tokens, turns, seconds and
overseers, more tasks that end ok.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from battery.records.findings import Effect, Interval, Luck, Tested
from battery.records.metric import COUNTED, ELAPSED, LEAST_MS, METRICS, TOKENS, Metric
from battery.records.models import FROZEN, LEARN, Phase
from battery.verdict import intervals, policy, signflip, trend
from battery.verdict.metrics import NEEDED
from battery.verdict.table import Floats, Grid, log_ratio, mean, row_means

_NO_INFORMATION: Final = "all values are equal: no information"
_POSSIBLE: Final = "the impossible tasks are left out"


class Chances(NamedTuple):
    """The p-values of one metric; only those that decide are corrected."""

    p: float | None
    corrected: float | None = None
    holm: float | None = None


def effects(grid: Grid) -> list[Effect]:
    """Compare the arms in every metric over the iterations after the first."""
    # Iteration 1 comes before any learning: it would dilute the effect, and it serves as the check
    # that both arms started alike.
    each = {metric.key: task_effects(grid, metric.key) for metric in grid.metrics}
    net = {metric.key: net_effects(grid, metric.key) for metric in grid.metrics}
    joint = [metric.key for metric in grid.metrics if metric.counted]
    tested, net_tested = chances(each, joint), chances(net, joint)
    return [
        _effect(grid, metric, each[metric.key], tested[metric.key]).model_copy(
            update={"net": _net(metric, net[metric.key]), "p_net": net_tested[metric.key].p}
        )
        for metric in grid.metrics
    ]


def _effect(grid: Grid, metric: Metric, each: Floats, tested: Chances) -> Effect:
    """Compare the arms in one metric; what iteration 1 showed is left to the caller."""
    compared = ~np.isnan(each)
    learn, frozen = (mean(grid.of(arm, metric.key)[compared, 1:]) for arm in (LEARN, FROZEN))
    found = estimate(metric, each, learn, frozen)
    return Effect(
        metric=metric.key,
        kind=metric.kind,
        learn=learn,
        frozen=frozen,
        value=found.value,
        interval=found.interval(policy.LEVEL),
        net=None,
        p=tested.p,
        p_corrected=tested.corrected,
        p_holm=tested.holm,
        p_net=None,
        tasks=int(compared.sum()),
        note="; ".join(_notes(metric, tested.p)) or None,
    )


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


def task_effects(grid: Grid, metric: str) -> Floats:
    """Return the effect on each task; NaN for a task that cannot be compared.

    Ratios: the mean over iterations of log(frozen / learn), of a metric of which more is better
    log(learn / frozen). Rates: the mean difference.
    """
    # The iterations of a task share its memory and are no independent witnesses: they are averaged,
    # and the task is the unit of every test. As logs, so that a large task does not outweigh all
    # others, and a saving by half weighs as much as a doubling.
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
    known = METRICS[metric]
    less = log_ratio(frozen, learn) if known.kind == "ratio" else frozen - learn
    if known.possible_only:
        # An impossible task that ends ok is a bluff, and no advantage.
        less[grid.rows(Phase.GAMMA)] = np.nan
    return known.sign * less


def primary(grid: Grid) -> Tested:
    """Test whether learning saves tokens at all: one-sided sign flips over tasks."""
    # One-sided, as the question is; harm has a test of its own. One metric decides: with five that
    # may, luck in any of them would read as learning.
    flipped = signflip.better(task_effects(grid, TOKENS))
    return _tested(flipped, "sign flips over tasks, one-sided")


def narrow_interval(grid: Grid) -> Interval | None:
    """Return the narrower interval of the ratio of tokens, learn over frozen."""
    return intervals.ratio(task_effects(grid, TOKENS), policy.NARROW).interval(policy.NARROW)


def same_start(grid: Grid) -> Tested:
    """Test whether the arms differ in tokens in iteration 1, where neither has learned."""
    flipped = signflip.differs(first_logs(grid))
    return _tested(flipped, "sign flips over tasks in iteration 1, two-sided")


def first_logs(grid: Grid) -> Floats:
    """Return log(frozen / learn) of the tokens of each task in iteration 1: the noise floor."""
    return advantage(grid, TOKENS)[:, 0]


def start_ratio(grid: Grid) -> float | None:
    """Return the ratio of tokens in iteration 1, learn over frozen, a geometric mean."""
    return intervals.ratio(first_logs(grid), policy.LEVEL).value


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


def estimate(
    metric: Metric, each: Floats, learn: float | None, frozen: float | None
) -> intervals.Estimate:
    """Return learn over frozen, or learn minus frozen, with its interval."""
    if metric.kind == "ratio":
        return intervals.ratio(metric.sign * each, policy.LEVEL)
    if learn is None or frozen is None:
        return intervals.Estimate(None, None, None)
    return intervals.difference(learn, frozen, int((~np.isnan(each)).sum()), policy.LEVEL)


def _net(metric: Metric, each: Floats) -> float | None:
    if metric.kind == "ratio":
        return intervals.ratio(metric.sign * each, policy.LEVEL).value
    each_mean = mean(each)
    return None if each_mean is None else 0.0 - metric.sign * each_mean


def _notes(metric: Metric, p: float | None) -> Iterator[str]:
    if metric.possible_only:
        yield _POSSIBLE
    if p is None:
        yield _NO_INFORMATION


def _tested(flipped: signflip.Flipped, method: str) -> Tested:
    how = f"all {flipped.flips:,}" if flipped.exact else f"{flipped.flips:,} random, seeded"
    shown = f"{method}, {how}" if flipped.flips else method
    return Tested(p=flipped.p, tasks=flipped.tasks, method=shown)


def _ordered(table: Floats, method: str) -> Tested:
    found = trend.page(table)
    how = "exact" if found.exact else "normal approximation"
    return Tested(p=found.p, tasks=found.tasks, method=f"{method}, {how}")
