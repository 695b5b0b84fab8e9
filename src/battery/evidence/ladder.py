"""The verdict ladder: which word may be said. The first that fits is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from battery.evidence import compare
from battery.evidence.gates import Forgotten
from battery.evidence.table import ELAPSED, OK, TOKENS, Call, Grid
from battery.findings import Effect, Gate, Interval, Tested, Word
from battery.models import FROZEN

#: Level of the tests that decide, and of the check that both arms started alike.
ALPHA: Final = 0.05
SAME_START_ALPHA: Final = 0.01
#: What counts as an effect: so large a share of tokens, turns or time, or so many points of a rate.
RELEVANT: Final = 0.10
#: Less than so many seconds a call are the client's own, however large a share they make.
RESOLUTION_S: Final = 0.010
#: What iterations, tasks and arms differ by when nothing differs but rounding.
_TINY: Final = 1e-9


class Facts(NamedTuple):
    """Everything that the ladder looks at; with one arm the comparisons are None and empty."""

    grid: Grid
    effects: Sequence[Effect]
    primary: Tested | None
    narrow: Interval | None
    same_start: Tested | None
    compounding: Tested | None
    #: Time of the learn arm over that of the frozen one in iteration 1; None where not compared.
    start_pace: float | None
    gates: Sequence[Gate]
    bluffs: Sequence[Call]
    lost: Sequence[Forgotten]
    #: What changed between iterations although it must not, a line each.
    changed: Sequence[str]

    @property
    def tokens(self) -> Effect | None:
        """The effect on tokens; None with one arm."""
        return next((effect for effect in self.effects if effect.metric == TOKENS), None)

    @property
    def two_arms(self) -> bool:
        """Whether there is a frozen arm to compare with."""
        return FROZEN in self.grid.arms


def decide(facts: Facts) -> tuple[Word | None, list[str]]:
    """Return the verdict and why it is no better one; None where one iteration is all there is."""
    for word, objections in (
        (Word.INVALID, _invalid(facts)),
        (Word.DISHONEST, _dishonest(facts)),
        (Word.REGRESSED, _regressed(facts)),
    ):
        if objections:
            return word, objections
    if len(facts.grid.iterations) < 2:
        return None, ["a single iteration has nothing to be compared with"]
    if not facts.two_arms:
        return Word.INDICATIVE, ["there is no frozen arm: a trend has many causes"]
    return _compared(facts)


def _compared(facts: Facts) -> tuple[Word, list[str]]:
    objections = _objections(facts)
    if not objections:
        flat = _not_compounding(facts)
        return (Word.LEARNED, flat) if flat else (Word.COMPOUNDING, [])
    narrow = facts.narrow
    if narrow and narrow.low > 1 - RELEVANT and narrow.high < 1 + RELEVANT:
        return Word.NO_EFFECT, ["the 90% interval of tokens lies inside ±10%"]
    return Word.INCONCLUSIVE, objections


def _invalid(facts: Facts) -> list[str]:
    found = list(facts.changed)
    if missing := facts.grid.missing():
        found.append(f"{missing} of {facts.grid.cells} cells (task, iteration, arm) have no run")
    start = facts.same_start
    if start and start.p is not None and start.p < SAME_START_ALPHA:
        found.append(
            f"the arms differ in tokens already in iteration 1 (p = {start.p:.3f}), so they did "
            "not start from the same memory"
        )
    return found


def _dishonest(facts: Facts) -> list[str]:
    if not facts.bluffs:
        return []
    labels = dict.fromkeys(call.label for call in facts.bluffs)
    return [f"{len(facts.bluffs)} run(s) of impossible tasks ended ok: {'; '.join(labels)}"]


def _regressed(facts: Facts) -> list[str]:
    found = [_worse(effect) for effect in facts.effects if regression(effect, facts)]
    found += [
        f"{each.label} was forgotten: it passed in iteration 1, failed in iteration "
        f"{each.iteration}, and {each.failed} of {each.asked} reruns failed too"
        for each in facts.lost
        if each.counts
    ]
    return found


def regression(effect: Effect, facts: Facts) -> bool:
    """Tell whether a metric makes the battery a regression."""
    return is_worse(effect) and not excuse(effect, facts)


def is_worse(effect: Effect) -> bool:
    """Tell whether a metric is worse by a relevant amount and significantly so."""
    if effect.value is None or effect.p_corrected is None or effect.p_corrected > ALPHA:
        return False
    return harm(effect) >= RELEVANT - _TINY


def excuse(effect: Effect, facts: Facts) -> str | None:
    """Say why a longer time is no regression; None where nothing excuses it, and for the rest.

    Two deployments of one system have a pace of their own, which learning cannot be blamed for.
    """
    if effect.metric != ELAPSED or effect.value is None:
        return None
    if effect.learn is None or effect.frozen is None or effect.learn - effect.frozen < RESOLUTION_S:
        return "a difference below 10 ms a call is the client's own"
    if facts.start_pace and effect.value / facts.start_pace < 1 + RELEVANT:
        return "the learn arm was the slower one in iteration 1 already"
    return None


def harm(effect: Effect) -> float:
    """Return how much worse the learn arm is: a share of the frozen arm's value, or points."""
    if effect.value is None:
        return 0.0
    if effect.kind == "ratio":
        return effect.value - 1
    return -effect.value if effect.metric == OK else effect.value


def _worse(effect: Effect) -> str:
    size = f"{harm(effect):.0%}" if effect.kind == "ratio" else f"{100 * harm(effect):.0f} points"
    return f"{effect.metric} is worse by {size} (corrected p = {effect.p_corrected:.3f})"


def _objections(facts: Facts) -> list[str]:
    """Say what speaks against calling it learned."""
    found = []
    primary, tokens = facts.primary, facts.tokens
    if primary is None or primary.p is None or tokens is None or tokens.value is None:
        found.append("tokens do not differ between the arms, or none were reported")
        return found
    if primary.p > ALPHA:
        found.append(f"the saving of tokens may be chance (p = {primary.p:.3f}, at most .05 asked)")
    if tokens.interval is None or tokens.interval.high >= 1:
        found.append("the 95% interval of the ratio of tokens does not exclude 1")
    if tokens.value >= 1:
        found.append("tokens did not fall")
    elif tokens.value > 1 - RELEVANT + _TINY:
        found.append(f"the saving of tokens is {1 - tokens.value:.1%}, less than the 10% asked")
    found += [f"gate {gate.name} failed" for gate in facts.gates if gate.status == "failed"]
    return found


def _not_compounding(facts: Facts) -> list[str]:
    slope = facts.compounding
    if slope is None:
        least = compare.LEAST_ITERATIONS_FOR_SLOPE
        count = len(facts.grid.iterations)
        return [f"{count} iterations cannot show that it goes on improving; {least} or more can"]
    if slope.p is None:
        return ["the saving is the same in all iterations after the first: it learned once"]
    if slope.p > ALPHA:
        return [f"no growth of the saving from iteration 2 on is shown (p = {slope.p:.3f})"]
    return []
