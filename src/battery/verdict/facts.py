"""What the verdict rests on, and what makes an effect a regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from battery.base.numbers import number
from battery.records.findings import Effect, Gate, Interval, Tested
from battery.records.metric import ELAPSED, TOKENS
from battery.records.models import FROZEN
from battery.verdict import policy
from battery.verdict.contrast import is_significant, net_harm, of_metric, within_jitter
from battery.verdict.gates import Forgotten
from battery.verdict.table import Call, Grid


class Facts(NamedTuple):
    """Everything that the ladder looks at; with one arm the comparisons are None and empty."""

    grid: Grid
    effects: Sequence[Effect]
    primary: Tested | None
    narrow: Interval | None
    same_start: Tested | None
    compounding: Tested | None
    #: Tokens of the learn arm over those of the frozen one in iteration 1.
    start_ratio: float | None
    #: Answers that say they came from a cache.
    cached: int
    gates: Sequence[Gate]
    bluffs: Sequence[Call]
    lost: Sequence[Forgotten]
    #: What changed between iterations although it must not, a line each.
    changed: Sequence[str]

    @property
    def tokens(self) -> Effect | None:
        """The effect on tokens; None with one arm."""
        return of_metric(self.effects, TOKENS)

    @property
    def two_arms(self) -> bool:
        """Whether there is a frozen arm to compare with."""
        return FROZEN in self.grid.arms


def is_regression(effect: Effect) -> bool:
    """Return whether a metric makes the battery a regression."""
    return is_worse(effect) and not excuse(effect)


def is_worse(effect: Effect) -> bool:
    """Return whether a metric is worse by a relevant amount and significantly so."""
    # What is not corrected decides nothing: more metrics would make more false alarms.
    return effect.p_corrected is not None and is_significant(effect, 1)


def excuse(effect: Effect) -> str | None:
    """Give the reason why something worse is no regression; None where nothing excuses it."""
    # Two deployments of one system may differ for good, in pace above all, and learning cannot be
    # blamed for that: what counts is what came on top of iteration 1.
    if effect.net is not None and not policy.is_relevant(net_harm(effect)):
        return "the learn arm was the worse one in iteration 1 already"
    if effect.metric != ELAPSED:
        return None
    if within_jitter(effect):
        jitter = number(policy.RESOLUTION_S * 1000, 0)
        return f"a difference below {jitter} ms per call may be the machine's own"
    # Of two machines one is always the slower one: of time only what iteration 1 did not show yet
    # may be blamed on learning, and that has to be significant by itself.
    if effect.p_net is None or effect.p_net > policy.ALPHA:
        return "what came on top of iteration 1 may be chance"
    return None
