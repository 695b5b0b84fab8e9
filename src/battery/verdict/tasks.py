"""Which tasks learned: every task by its own numbers in both arms, without a test."""

from __future__ import annotations

from typing import Literal

from battery.records.findings import TaskEffect
from battery.records.metric import OK
from battery.records.models import FROZEN, LEARN, SOLVABLE, Phase
from battery.verdict import cost, policy, work
from battery.verdict.facts import Observed
from battery.verdict.table import BLUFF, Grid, TaskRow, mean
from battery.verdict.work import Counts


def by_task(observed: Observed, metric: str, later: Grid) -> list[TaskEffect]:
    """List the tasks of a battery with two arms, the largest gain first.

    `later` has the iterations that count.
    """
    own, base = (later.asked(arm, metric) for arm in (LEARN, FROZEN))
    ratios = map(cost.ratio, cost.task_effects(own, base)[:, None])
    costs = zip(*(map(mean, cells) for cells in cost.common(own, base)), strict=True)
    counts = zip(work.of_each(later, OK), work.of_each(later, BLUFF), strict=True)
    rows = zip(later.tasks, ratios, costs, counts, strict=True)
    return sorted((_effect(observed, *row) for row in rows), key=_gain, reverse=True)


def _effect(
    observed: Observed,
    task: TaskRow,
    ratio: float | None,
    costs: tuple[float | None, float | None],
    counts: tuple[Counts, Counts],
) -> TaskEffect:
    learn, frozen = costs
    done, claimed = counts
    return TaskEffect(
        task=task.task,
        label=task.label,
        phase=task.phase,
        learn=learn,
        frozen=frozen,
        ratio=ratio,
        learn_done=done.learn,
        learn_calls=done.learn_calls,
        frozen_done=done.frozen,
        frozen_calls=done.frozen_calls,
        learn_bluffs=claimed.learn,
        frozen_bluffs=claimed.frozen,
        change=_change(observed, task.phase, ratio, done, claimed),
    )


def _change(
    observed: Observed, phase: Phase, ratio: float | None, done: Counts, claimed: Counts
) -> Literal["better", "worse", "mixed", "same"]:
    relevant = observed.expectations.relevant
    saving = 0.0 if ratio is None else 1 - ratio
    # What cannot be done is not done, whatever the gateway says.
    gain = done.gain if phase in SOLVABLE else -claimed.gain
    # Nor is it a gain to claim for less what cannot be done.
    saved = policy.is_relevant(saving, relevant.cost) and (phase in SOLVABLE or not claimed.learn)
    better = saved or policy.is_relevant(gain, relevant.success)
    worse = policy.is_relevant(-saving, relevant.cost) or policy.is_relevant(
        -gain, relevant.success
    )
    if better and worse:
        return "mixed"
    return "better" if better else "worse" if worse else "same"


def _gain(task: TaskEffect) -> tuple[int, float]:
    order = {"better": 2, "mixed": 1, "same": 0, "worse": -1}
    return order[task.change], 1 - (1.0 if task.ratio is None else task.ratio)
