"""What the verdict rests on, and how bad or good an effect is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from battery.base.numbers import number, p_equals, percent
from battery.records.findings import Effect, Gate, Interval, Tested
from battery.records.metric import ELAPSED, METRICS, TOKENS
from battery.records.models import FROZEN
from battery.verdict import policy
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
        return self.effect(TOKENS)

    def effect(self, metric: str) -> Effect | None:
        """Return the effect on a metric; None with one arm."""
        return next((effect for effect in self.effects if effect.metric == metric), None)

    @property
    def two_arms(self) -> bool:
        """Whether there is a frozen arm to compare with."""
        return FROZEN in self.grid.arms


def harm(effect: Effect) -> float:
    """Return how much worse the learn arm is: a share of the frozen arm's value, or points."""
    return 0.0 if effect.value is None else _harm(effect, effect.value)


def _harm(effect: Effect, value: float) -> float:
    return METRICS[effect.metric].sign * (value - 1 if effect.kind == "ratio" else value)


def size(effect: Effect) -> str:
    """Write how much worse or better a metric is: `38%`, `38 percentage points`."""
    return amount(abs(harm(effect)), effect.kind)


def amount(change: float, kind: str) -> str:
    """Write the size of a change: `38%` of a ratio, `38 percentage points` of a difference."""
    return percent(change) if kind == "ratio" else f"{number(100 * change, 0)} percentage points"


def corrected(effect: Effect) -> str:
    """Write the p-value that decides: `(corrected p = 0.008)`."""
    return f"(corrected {p_equals(effect.p_corrected)})"


def is_regression(effect: Effect) -> bool:
    """Return whether a metric makes the battery a regression."""
    return is_worse(effect) and not excuse(effect)


def is_worse(effect: Effect) -> bool:
    """Return whether a metric is worse by a relevant amount and significantly so."""
    if effect.value is None or effect.p_corrected is None or effect.p_corrected > policy.ALPHA:
        return False
    return policy.is_relevant(harm(effect))


def excuse(effect: Effect) -> str | None:
    """Give the reason why something worse is no regression; None where nothing excuses it."""
    # Two deployments of one system may differ for good, in pace above all, and learning cannot be
    # blamed for that: what counts is what came on top of iteration 1.
    if effect.net is not None and not policy.is_relevant(_harm(effect, effect.net)):
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


def within_jitter(effect: Effect) -> bool:
    """Return whether two mean times differ by less than the machine's own jitter."""
    if effect.learn is None or effect.frozen is None:
        return True
    return abs(effect.learn - effect.frozen) < policy.RESOLUTION_S
