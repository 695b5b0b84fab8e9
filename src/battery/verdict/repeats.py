"""Answers that equal an earlier one to the same task: what a cache of answers hands in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from battery.base.numbers import p_equals
from battery.records.metric import OK
from battery.records.models import FROZEN, LEARN, Arm
from battery.verdict import policy, strata
from battery.verdict.signflip import Floats
from battery.verdict.table import ANSWER, HANDED_IN, Grid, counts


def repeated(grid: Grid) -> dict[str, int]:
    """Count them by arm."""
    return {arm: int(np.nansum(_again(grid.told(arm, ANSWER)))) for arm in grid.arms}


def more_often(grid: Grid) -> Iterator[str]:
    """Note that the learner has clearly more of them than its twin."""
    if FROZEN not in grid.arms:
        return
    own, base = (_again(grid.told(arm, ANSWER)) for arm in (LEARN, FROZEN))
    (again, asked), (twins, of_twin) = counts(own), counts(base)
    p = strata.more(strata.by_task(own, base))
    if p is None or p > policy.GATE or not asked or not of_twin:
        return
    if policy.is_relevant(again / asked - twins / of_twin):
        yield (
            f"{again} of {asked} answers of the learner equal an earlier one to the same task, "
            f"and {twins} of {of_twin} of the twin ({p_equals(p)}), as with a cache of answers"
        )


def kept(grid: Grid) -> Iterator[str]:
    """Object to a learner that hands in what it handed in before, where its twin does not.

    Only what ended ok counts: where there is one right answer, the twin repeats it as well.
    """
    if HANDED_IN not in grid.calls:
        return
    own, base = (_again(handed_in(grid, arm)) for arm in (LEARN, FROZEN))
    p = strata.more(strata.by_task(own, base))
    if p is None or p > policy.GATE or np.nanmean(own) - np.nanmean(base) < policy.KEPT:
        return
    runs, twins = ("{} of {}".format(*counts(each)) for each in (own, base))
    yield (
        f"{runs} answers of the learner repeat what it handed in for the same task before "
        f"(twin {twins}), as a cache of answers does, and no new task was asked"
    )


def handed_in(grid: Grid, arm: Arm) -> Floats:
    """Return what an arm handed in by calls that ended ok, equal where it is the same."""
    return np.where(grid.asked(arm, OK) == 1, grid.told(arm, HANDED_IN), np.nan)


def _again(answers: Floats) -> Floats:
    """Return by task which answers, in the order of the calls, came before; NaN is no answer."""
    rows = answers.reshape(len(answers), -1)
    # Sorted stably, equal answers are neighbors in the order of their calls.
    order = np.argsort(rows, axis=1, kind="stable")
    sorted_rows = np.take_along_axis(rows, order, axis=1)
    equal = np.zeros(rows.shape)
    equal[:, 1:] = sorted_rows[:, 1:] == sorted_rows[:, :-1]
    again = np.empty(rows.shape)
    np.put_along_axis(again, order, equal, axis=1)
    return np.where(np.isnan(rows), np.nan, again)
