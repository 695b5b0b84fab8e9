"""What the verdict rests on, and what makes an effect a regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from battery.base.numbers import number
from battery.records.findings import Effect, Gate, Interval, Tested
from battery.records.metric import ELAPSED, TOKENS
from battery.records.models import CONFIRMED, FROZEN, Expectations
from battery.verdict import policy
from battery.verdict.contrast import is_significant, net_harm, of_metric, within_jitter
from battery.verdict.table import Call, Grid


class Observed(NamedTuple):
    """What a battery left behind, as the statistics need it."""

    #: Every respond call of both arms, the confirmations left out.
    calls: Sequence[Call]
    #: Reruns of each easy task that failed after it had passed, in the learn arm.
    confirmations: Sequence[Call] = ()
    expectations: Expectations = Expectations()
    #: Iteration to whether its distillation delivered anything; empty where that is not known.
    distilled: Mapping[int, bool] = {}
    #: What changed between iterations although it must not, a line each.
    changed: Sequence[str] = ()


class Forgotten(NamedTuple):
    """An easy task that passed in the first iteration and failed in a later one."""

    label: str
    iteration: int
    #: Reruns that failed too, of so many; 0 of 0 when nobody asked again.
    failed: int
    asked: int
    #: Whether the frozen arm mostly failed it from then on as well.
    frozen_too: bool
    #: Chance of so many failures in a task that is no worse than before; None with one arm, where
    #: too few runs came before to tell.
    chance: float | None
    #: How many iterations there are in which it could have come under suspicion.
    occasions: int = 1

    @property
    def counts(self) -> bool:
        """Whether this is forgetting: confirmed, not shared by the frozen arm, and no luck."""
        # Divided by the occasions (Bonferroni), or a flaky task would be lost sooner or later.
        lucky = self.chance is not None and self.chance > policy.FLAKY / self.occasions
        return self.failed >= CONFIRMED and not self.frozen_too and not lucky


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
