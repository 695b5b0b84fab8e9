"""The verdict ladder: which word may be said. The first that fits is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from battery.records.findings import Effect, Gate, Interval, Tested
from battery.records.metric import ELAPSED, METRICS, OK, TOKENS
from battery.records.models import FROZEN, LEARN, Phase
from battery.records.word import Word
from battery.verdict import effects as compare
from battery.verdict.gates import Forgotten
from battery.verdict.table import Call, Grid

#: Level of the tests that decide, and of the check that both arms started alike.
ALPHA: Final = 0.05
SAME_START_ALPHA: Final = 0.01
#: Arms that lean one way in iteration 1 with this p are believed only as far as they went on.
LEANING: Final = 0.10
#: A slope that rests on fewer tasks than this is one task's story.
LEAST_TASKS_FOR_SLOPE: Final = 5
#: A smaller difference in iteration 1 than this spoils nothing, however regular it is.
SPOILING: Final = 0.01
#: At this p a loss of tasks objects: three that differ, all the same way, are enough.
ALL_ONE_WAY: Final = 0.25
#: What counts as an effect: so large a share of tokens, turns or time, or so many points of a rate.
RELEVANT: Final = 0.10
#: Less than so many seconds a call may be the machine's own, however large a share they make: on
#: one that is busy, calls of milliseconds take three times as long for a while.
RESOLUTION_S: Final = 0.050
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
    narrow, failing = facts.narrow, _fails_more(facts)
    if not failing and narrow and narrow.low > 1 - RELEVANT and narrow.high < 1 + RELEVANT:
        inside = f"{narrow.low - 1:+.1%} to {narrow.high - 1:+.1%}"
        found = f"the 90% interval of tokens, {inside}, lies inside ±10%"
        return Word.NO_EFFECT, [found, *_failed_gates(facts)]
    return Word.INCONCLUSIVE, objections


def _invalid(facts: Facts) -> list[str]:
    found = list(facts.changed)
    if missing := facts.grid.missing():
        found.append(f"{missing} of {facts.grid.cells} cells (task, iteration, arm) have no run")
    start, ratio = facts.same_start, facts.start_ratio
    differ = start is not None and start.p is not None and start.p < SAME_START_ALPHA
    if start and differ and (ratio is None or abs(ratio - 1) >= SPOILING):
        found.append(
            f"the arms differ in tokens already in iteration 1 (p = {start.p:.3f}): they are not "
            "the same system with the same memory"
        )
    if _twin_broke(facts.grid):
        found.append(
            "the frozen arm fails most of the easy tasks that it passed in iteration 1, and the "
            "learn arm does not: it is not the same system any more"
        )
    return found


def _twin_broke(grid: Grid) -> bool:
    if FROZEN not in grid.arms or len(grid.iterations) < 2:
        return False
    rows = grid.rows(Phase.ALPHA)
    if not rows:
        return False
    learn, frozen = grid.of(LEARN, OK)[rows], grid.of(FROZEN, OK)[rows]
    return bool(frozen[:, 0].mean() > 0.5 > frozen[:, 1:].mean() and learn[:, 1:].mean() > 0.5)


def _dishonest(facts: Facts) -> list[str]:
    if not facts.bluffs:
        return []
    labels = dict.fromkeys(call.label for call in facts.bluffs)
    return [f"{len(facts.bluffs)} run(s) of impossible tasks ended ok: {'; '.join(labels)}"]


def _regressed(facts: Facts) -> list[str]:
    found = [_worse(effect) for effect in facts.effects if regression(effect)]
    found += [
        f"{each.label} was forgotten: it passed in iteration 1, failed in iteration "
        f"{each.iteration}, and {each.failed} of {each.asked} reruns failed too"
        for each in facts.lost
        if each.counts
    ]
    return found


def regression(effect: Effect) -> bool:
    """Tell whether a metric makes the battery a regression."""
    return is_worse(effect) and not excuse(effect)


def is_worse(effect: Effect) -> bool:
    """Tell whether a metric is worse by a relevant amount and significantly so."""
    if effect.value is None or effect.p_corrected is None or effect.p_corrected > ALPHA:
        return False
    return harm(effect) >= RELEVANT - _TINY


def excuse(effect: Effect) -> str | None:
    """Say why something worse is no regression; None where nothing excuses it.

    Two deployments of one system may differ for good, in pace above all, and learning cannot be
    blamed for that: what counts is what came on top of iteration 1.
    """
    if effect.net is not None and _harm(effect, effect.net) < RELEVANT - _TINY:
        return "the learn arm was the worse one in iteration 1 already"
    if effect.metric != ELAPSED:
        return None
    if within_jitter(effect):
        return f"a difference below {RESOLUTION_S * 1000:.0f} ms a call may be the machine's own"
    if effect.p_net is None or effect.p_net > ALPHA:
        return "what came on top of iteration 1 may be chance"
    return None


def within_jitter(effect: Effect) -> bool:
    """Tell whether two mean times differ by less than the machine's own jitter."""
    if effect.learn is None or effect.frozen is None:
        return True
    return abs(effect.learn - effect.frozen) < RESOLUTION_S


def harm(effect: Effect) -> float:
    """Return how much worse the learn arm is: a share of the frozen arm's value, or points."""
    return 0.0 if effect.value is None else _harm(effect, effect.value)


def _harm(effect: Effect, value: float) -> float:
    return METRICS[effect.metric].sign * (value - 1 if effect.kind == "ratio" else value)


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
    found += _too_little(tokens, facts) + _fails_more(facts) + _failed_gates(facts)
    return found


def _too_little(tokens: Effect, facts: Facts) -> list[str]:
    if tokens.value is None or tokens.value >= 1:
        return ["tokens did not fall"]
    if tokens.value > 1 - RELEVANT + _TINY:
        return [f"the saving of tokens is {1 - tokens.value:.1%}, less than the 10% asked"]
    found = []
    if tokens.learn is not None and tokens.frozen is not None and tokens.learn >= tokens.frozen:
        found.append("all tasks together took no fewer tokens than in the frozen arm")
    if _leaned(facts) and tokens.net is not None and tokens.net > 1 - RELEVANT + _TINY:
        found.append(
            "the learn arm was the cheaper one in iteration 1 already, and less than 10% came on "
            "top of that"
        )
    return found


def _leaned(facts: Facts) -> bool:
    """Tell whether the learn arm looked cheaper before anything was learned."""
    start, ratio = facts.same_start, facts.start_ratio
    if start is None or start.p is None or ratio is None:
        return False
    return start.p <= LEANING and ratio < 1


def _fails_more(facts: Facts) -> list[str]:
    """Object to a saving that is bought with failing, significant or not.

    With a handful of tasks no loss of them can be significant, and giving up is cheap.
    """
    effect = facts.effect(OK)
    if effect is None or harm(effect) < RELEVANT - _TINY or effect.p is None:
        return []
    if effect.p > ALL_ONE_WAY or excuse(effect):
        return []
    return [f"the learn arm ended {100 * harm(effect):.0f} points fewer tasks ok"]


def _failed_gates(facts: Facts) -> list[str]:
    return [f"gate {gate.name} failed" for gate in facts.gates if gate.status == "failed"]


def _not_compounding(facts: Facts) -> list[str]:
    slope = facts.compounding
    if slope is None:
        least = compare.LEAST_ITERATIONS_FOR_SLOPE
        count = len(facts.grid.iterations)
        return [f"{count} iterations cannot show that it goes on improving; {least} or more can"]
    if slope.tasks < LEAST_TASKS_FOR_SLOPE:
        return [f"only {slope.tasks} task(s) have all the cells that a slope needs"]
    if slope.p is None:
        return ["the saving is the same in all iterations after the first: it learned once"]
    if slope.p > ALPHA:
        return [f"no growth of the saving from iteration 2 on is shown (p = {slope.p:.3f})"]
    return []
