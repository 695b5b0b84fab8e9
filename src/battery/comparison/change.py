"""What one arm of B differs by from that of A: its cost, the tasks done, and what is only shown.

Two questions decide, and half of the error budget is for each: does the work cost more or less, and
are more or fewer tasks done? Both tests are two-sided, so a quarter of the budget is at either end.
"""

from __future__ import annotations

from math import fsum

import numpy as np

from battery.records.comparison import Change, CostChange, DoneChange, Means
from battery.records.findings import Interval
from battery.records.metric import OK, Metric
from battery.records.models import SOLVABLE
from battery.verdict import cost, policy, signflip, strata
from battery.verdict.signflip import Floats
from battery.verdict.strata import Stratum
from battery.verdict.table import Table, mean


def change_of(table: Table) -> Change:
    """Compare the sides of a table, B in question and A as its base."""
    return Change(
        cost=_cost(table),
        done=_done(table),
        others=[_means(table, each) for each in table.metrics if each.key not in {table.cost, OK}],
    )


def effects(table: Table) -> Floats:
    """Return log(cost in A / cost in B) of each task; NaN for one that cannot be compared."""
    return cost.task_effects(*table.calls[table.cost])


def interval(effects: Floats) -> Interval | None:
    """Return the interval of the ratio that inverts `signflip.differs` at the level of a question.

    None where so few tasks cannot reach that level.
    """
    level = policy.compared()
    least, least_loss = (signflip.bound(way, level / 2) for way in (effects, -effects))
    if least is None or least_loss is None:
        return None
    return Interval(low=cost.as_ratio(-least_loss), high=cost.as_ratio(least), level=1 - level)


def _cost(table: Table) -> CostChange:
    after, before = cost.common(*table.calls[table.cost])
    by_task = effects(table)
    return CostChange(
        metric=table.cost,
        before=mean(before),
        after=mean(after),
        ratio=cost.ratio(by_task),
        interval=interval(by_task),
        p=signflip.differs(by_task).p,
        tasks=int((~np.isnan(by_task)).sum()),
        cells=int((~np.isnan(after)).sum()),
    )


def _done(table: Table) -> DoneChange:
    # An impossible task that ends ok is a bluff, and no work.
    calls = table.calls[OK][:, table.rows(*SOLVABLE)]
    # Only cells that both have: the means would also tell which iteration a side lacks.
    both = (~np.isnan(calls)).any(axis=-1, keepdims=True).all(axis=0)
    after, before = (side.reshape(len(side), -1) for side in np.where(both, calls, np.nan))
    tasks = [task for task in strata.by_task(after, before) if task.own and task.base]
    more, fewer = strata.more(tasks), strata.fewer(tasks)
    return DoneChange(
        before=sum(task.base_events for task in tasks),
        before_calls=sum(task.base for task in tasks),
        after=sum(task.own_events for task in tasks),
        after_calls=sum(task.own for task in tasks),
        difference=_difference(tasks),
        p=signflip.either_way(more, fewer),
        p_fewer=fewer,
        tasks=len(tasks),
    )


def _difference(tasks: list[Stratum]) -> float | None:
    """Return the difference of the shares, weighted so that its sign is that of the test.

    Mantel & Haenszel, Statistical aspects of the analysis of data from retrospective studies of
    disease, J Natl Cancer Inst 22, 1959. With as many calls of every task it is the plain one.
    """
    if not tasks:
        return None
    # Multiplied out, so that whole numbers are divided once: 3 of 30 less is a tenth.
    weights = [task.own * task.base / (task.own + task.base) for task in tasks]
    ahead = [
        (task.own_events * task.base - task.base_events * task.own) / (task.own + task.base)
        for task in tasks
    ]
    return fsum(ahead) / fsum(weights)


def _means(table: Table, metric: Metric) -> Means:
    after, before = cost.common(*table.calls[metric.key])
    return Means(metric=metric.key, before=mean(before), after=mean(after))
