"""The effects of runs as numbers, one a run, and the interval of their mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import comb, sqrt
from typing import Final

import numpy as np

from battery.records.campaign import RunFindings
from battery.records.findings import Interval, Kind, QuestionName
from battery.verdict import cost, policy
from battery.verdict.signflip import Floats
from battery.verdict.statistics import student

#: The tasks that each question about costs is about.
KINDS: Final[dict[QuestionName, Kind]] = {"cost": "all", "niche": "niche"}


def gains(runs: Sequence[RunFindings], name: QuestionName) -> Floats:
    """Return what each run gained: of costs the log of twin over learner, of work a difference."""
    if name == "success":
        return more_done(runs)
    return logs(cost_of.ratio if (cost_of := run.cost(KINDS[name])) else None for run in runs)


def more_done(runs: Sequence[RunFindings], kind: Kind = "all") -> Floats:
    """Return by how much more each learner did; NaN where an arm has no call of such tasks."""
    found = [run.work(kind) for run in runs]
    return numbers(
        done.gain if done and done.learn_calls and done.frozen_calls else None for done in found
    )


def logs(ratios: Iterable[float | None]) -> Floats:
    """Turn ratios of learner over twin into effects; None becomes NaN."""
    # As with calls that are free, no effect is infinite.
    return numbers(
        None if ratio is None else cost.effect(max(ratio, cost.OF_OTHER)) for ratio in ratios
    )


def numbers(values: Iterable[float | None]) -> Floats:
    """Return values as an array, with NaN for None."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def middle(effects: Floats) -> float | None:
    """Return the mean of what is known; None where nothing is."""
    known = effects[~np.isnan(effects)]
    return float(known.mean()) if known.size else None


def interval(effects: Floats, level: float) -> Interval | None:
    """Return Student's t interval of the mean, `level` at either end; None below two values."""
    known = effects[~np.isnan(effects)]
    if known.size < 2:
        return None
    reach = student(1 - level, known.size - 1) * float(known.std(ddof=1)) / sqrt(known.size)
    mean = float(known.mean())
    return Interval(low=mean - reach, high=mean + reach, level=1 - 2 * level)


def shown(effect: float, name: QuestionName) -> float:
    """Turn an effect into what people read: of costs a ratio, of work done the difference."""
    return effect if name == "success" else cost.as_ratio(effect)


def shown_interval(ends: Interval | None, name: QuestionName) -> Interval | None:
    """Do the same with an interval, whose ends change places where a ratio falls as gains rise."""
    if ends is None:
        return None
    low, high = sorted([shown(ends.low, name), shown(ends.high, name)])
    return Interval(low=low, high=high, level=ends.level)


def more_than_chance(count: int, runs: int) -> bool:
    """Return whether so many runs show what one honest run in twenty shows by luck: two of five.

    The exact binomial tail, at the level that bounds the false alarms of a single run.
    """
    rate = policy.ALPHA
    tail = sum(
        comb(runs, many) * rate**many * (1 - rate) ** (runs - many)
        for many in range(count, runs + 1)
    )
    return count > 0 and tail <= policy.ALPHA + policy.TINY
