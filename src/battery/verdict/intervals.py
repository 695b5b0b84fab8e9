"""Confidence intervals: how large an effect is, and what else is possible.

Tasks are the unit everywhere: calls, iterations and repeats of one task are averaged before they
come here. Levels are two-sided confidence, such as .95, unless a function says otherwise.
"""

from __future__ import annotations

from math import exp, sqrt
from typing import Final, NamedTuple

import numpy as np
from scipy.special import betaincinv, ndtri, stdtrit

from battery.records.findings import Interval
from battery.verdict.signflip import Floats

#: The log of the largest number that is reported.
_MOST_LOG: Final = 700.0


class Estimate(NamedTuple):
    """A value with its interval; None for what cannot be known."""

    value: float | None
    low: float | None
    high: float | None

    def interval(self, level: float) -> Interval | None:
        """Return the interval, with the level that it was made for; None without one."""
        if self.low is None or self.high is None:
            return None
        return Interval(low=self.low, high=self.high, level=level)


def ratio(effects: Floats, level: float = 0.95) -> Estimate:
    """Return learn over frozen, a geometric mean over tasks, with a t interval on logs.

    `effects` are log(frozen / learn), one a task, so a saving is positive; the ratio returned is
    exp(-mean), so a saving is below 1. The interval is Student's, The probable error of a mean,
    Biometrika 6, 1908, taken on the logs and turned back.

    NaN is left out. No task: nothing. One task: the value without an interval. Equal effects: the
    interval is the point.
    """
    known = effects[~np.isnan(effects)]
    if not known.size:
        return Estimate(None, None, None)
    mean = float(known.mean())
    if known.size == 1:
        return Estimate(_exp(-mean), None, None)
    half = half_width(float(known.std(ddof=1)), known.size, level)
    return Estimate(_exp(-mean), _exp(-mean - half), _exp(-mean + half))


def _exp(log: float) -> float:
    # Between two tasks that differ wildly the interval reaches further than a float can hold.
    return exp(min(log, _MOST_LOG))


def half_width(deviation: float, tasks: int, level: float) -> float:
    """Return half the width of the t interval of a mean over at least two tasks."""
    return float(stdtrit(tasks - 1, (1 + level) / 2)) * deviation / sqrt(tasks)


def clopper_pearson_upper(events: int, trials: int, level: float = 0.95) -> float:
    """Return the one-sided upper bound of a rate: 0 events in 6 trials still allow .393.

    Clopper & Pearson, The use of confidence or fiducial limits, Biometrika 26, 1934; exact and
    conservative. Without a trial, or where every trial is an event, it is 1.
    """
    if events >= trials:
        return 1.0
    return float(betaincinv(events + 1, trials - events, level))


def wilson(rate: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a rate over n tasks; it stays inside 0 to 1.

    Wilson, Probable inference, J Am Stat Assoc 22, 1927. Rates of 0 and 1 have an interval, too.
    The rate may be a mean of rates. Without a task anything is possible: 0 to 1.
    """
    if n == 0:
        return 0.0, 1.0
    z = float(ndtri((1 + level) / 2))
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    # Rounding must not lead past a bound that the interval of a rate of 0 or 1 touches.
    return max(0.0, min(rate, centre - half)), min(1.0, max(rate, centre + half))


def difference(
    learn_rate: float, frozen_rate: float, n_tasks: int, level: float = 0.95
) -> Estimate:
    """Return learn minus frozen, two rates over the same tasks, with a score interval.

    Newcombe, Interval estimation for the difference between independent proportions, Stat Med 17,
    1998, method 10: the two Wilson intervals put together.

    n is the number of tasks, also where each task's rate is itself a mean over iterations and
    repeats: among values between 0 and 1 with a given mean, all-or-nothing ones spread most, and
    that is the spread reckoned with. That the arms share their tasks is not used. Where they agree
    by task, as they mostly do, the interval is too wide; where they disagree by task, too narrow;
    and near its border it can contradict the sign flips, which do pair the tasks. A rate that is
    NaN, or no task, gives nothing.
    """
    if n_tasks == 0 or np.isnan(learn_rate) or np.isnan(frozen_rate):
        return Estimate(None, None, None)
    value = learn_rate - frozen_rate
    learn_low, learn_high = wilson(learn_rate, n_tasks, level)
    frozen_low, frozen_high = wilson(frozen_rate, n_tasks, level)
    down = sqrt((learn_rate - learn_low) ** 2 + (frozen_high - frozen_rate) ** 2)
    up = sqrt((learn_high - learn_rate) ** 2 + (frozen_rate - frozen_low) ** 2)
    return Estimate(value, value - down, value + up)
