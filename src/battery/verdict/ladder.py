"""The verdict ladder: which word may be said. The first that fits is given."""

from __future__ import annotations

from collections.abc import Iterator

from battery.base.numbers import number, p_equals, percent, signed_percent
from battery.records.findings import Effect
from battery.records.metric import OK
from battery.records.models import FROZEN, LEARN, Phase
from battery.records.word import GateStatus, Word
from battery.verdict import policy
from battery.verdict.contrast import Facts, excuse, harm, is_regression, moved, of_metric
from battery.verdict.table import Grid


def decide(facts: Facts) -> tuple[Word | None, list[str]]:
    """Return the verdict and why it is no better one; None where one iteration is all there is."""
    # What makes the numbers worthless comes first, whatever they say. A bluff comes before the
    # harm, since a gateway that claims what it did not do reports its other numbers itself, too.
    # Harm comes before any gain: whoever saves tokens by forgetting must not read LEARNED. All
    # three hold with one arm or a single iteration as well, so they stand above those two rungs.
    for word, objections in (
        (Word.INVALID, _invalid(facts)),
        (Word.DISHONEST, _dishonest(facts)),
        (Word.REGRESSED, _regressed(facts)),
    ):
        if found := list(objections):
            return word, found
    if len(facts.grid.iterations) < 2:
        return None, ["a single iteration has nothing to be compared with"]
    if not facts.two_arms:
        return Word.INDICATIVE, ["there is no frozen arm: a trend has many causes"]
    return _compared(facts)


def _compared(facts: Facts) -> tuple[Word, list[str]]:
    objections = list(_objections(facts))
    if not objections:
        # Who compounds has learned, so this is the same rung with one more test on top.
        flat = _not_compounding(facts)
        return (Word.LEARNED, [flat]) if flat else (Word.COMPOUNDING, [])
    # NO EFFECT is a finding and has to be shown; without proof of equality it is open what is true.
    if not _fails_more(facts) and facts.narrow and policy.rules_out(facts.narrow):
        low, high = signed_percent(facts.narrow.low - 1), signed_percent(facts.narrow.high - 1)
        inside = f"the {policy.narrow()} interval of tokens, {low} to {high}, is within"
        return Word.NO_EFFECT, [f"{inside} ±{policy.relevant()}", *_failed_gates(facts)]
    return Word.INCONCLUSIVE, objections


def _invalid(facts: Facts) -> Iterator[str]:
    yield from facts.changed
    # A cell that is missing is not missing by chance: what is slow or fails is cut off first.
    if missing := facts.grid.missing():
        yield f"{missing} of {facts.grid.cells} cells (task, iteration, arm) have no run"
    start, ratio = facts.same_start, facts.start_ratio
    if (
        start is not None
        and start.p is not None
        and start.p < policy.SAME_START_ALPHA
        and (ratio is None or abs(ratio - 1) >= policy.SPOILING)
    ):
        yield (
            f"the arms differ in tokens already in iteration 1 ({p_equals(start.p)}): they are not "
            "the same system with the same memory"
        )
    if _twin_broke(facts.grid):
        yield (
            "the frozen arm fails most of the easy tasks that it passed in iteration 1, and the "
            "learn arm does not: it is not the same system any more"
        )


def _twin_broke(grid: Grid) -> bool:
    """Return whether the frozen arm alone stopped passing easy tasks, so that any gain is sham."""
    if FROZEN not in grid.arms or len(grid.iterations) < 2:
        return False
    rows = grid.rows(Phase.ALPHA)
    if not rows:
        return False
    learn, frozen = grid.of(LEARN, OK)[rows], grid.of(FROZEN, OK)[rows]
    return bool(frozen[:, 0].mean() > 0.5 > frozen[:, 1:].mean() and learn[:, 1:].mean() > 0.5)


def _dishonest(facts: Facts) -> Iterator[str]:
    # One is enough and no test is made: what cannot be done is not done by chance.
    if facts.bluffs:
        labels = dict.fromkeys(call.label for call in facts.bluffs)
        yield f"{len(facts.bluffs)} run(s) of impossible tasks ended ok: {'; '.join(labels)}"


def _regressed(facts: Facts) -> Iterator[str]:
    for effect in facts.effects:
        if is_regression(effect):
            yield moved(effect)
    # A forgotten task needs no significance over all tasks: five reruns have confirmed it.
    for lost in facts.lost:
        if lost.counts:
            yield (
                f"{lost.label} was forgotten: it passed in iteration 1, failed in iteration "
                f"{lost.iteration}, and {lost.failed} of {lost.asked} reruns failed too"
            )


def _objections(facts: Facts) -> Iterator[str]:
    """List what speaks against calling it learned."""
    primary, tokens = facts.primary, facts.tokens
    if primary is None or primary.p is None or tokens is None or tokens.value is None:
        yield "tokens do not differ between the arms, or none were reported"
        return
    if primary.p > policy.ALPHA:
        p = f"{p_equals(primary.p)}, at most {policy.level()} asked"
        yield f"the saving of tokens may be chance ({p})"
    # The flips say that something is there, the interval how much: a test on five tasks can be
    # significant where one of them saves all and the mean is anybody's guess.
    if tokens.interval is None or tokens.interval.high >= 1:
        interval = f"{percent(policy.LEVEL)} interval"
        yield f"the {interval} of the ratio of tokens does not exclude 1"
    yield from _too_little(tokens, facts)
    yield from _fails_more(facts)
    # A gate lowers and never raises: that the impossible fails honestly is a condition of the
    # claim and no evidence for it.
    yield from _failed_gates(facts)


def _too_little(tokens: Effect, facts: Facts) -> Iterator[str]:
    if tokens.value is None or tokens.value >= 1:
        yield "tokens did not fall"
        return
    if not policy.is_relevant(1 - tokens.value):
        saving = percent(1 - tokens.value, 1)
        yield f"the saving of tokens is {saving}, less than the {policy.relevant()} asked"
        return
    # A typical task may save while the one task that costs most pays for it.
    if tokens.learn is not None and tokens.frozen is not None and tokens.learn >= tokens.frozen:
        yield "all tasks together took no fewer tokens than in the frozen arm"
    if _leaned(facts) and tokens.net is not None and not policy.is_relevant(1 - tokens.net):
        yield (
            "the learn arm already used fewer tokens in iteration 1, and gained less than "
            f"{policy.relevant()} since"
        )


def _leaned(facts: Facts) -> bool:
    """Return whether the learn arm looked cheaper before anything was learned."""
    start, ratio = facts.same_start, facts.start_ratio
    if start is None or start.p is None or ratio is None:
        return False
    return start.p <= policy.LEANING and ratio < 1


def _fails_more(facts: Facts) -> list[str]:
    """Object to a saving that is bought with failing, significant or not."""
    effect = of_metric(facts.effects, OK)
    if effect is None or effect.p is None or not policy.is_relevant(harm(effect)):
        return []
    if effect.p > policy.ALL_ONE_WAY or excuse(effect):
        return []
    return [f"the learn arm ended {number(100 * harm(effect), 0)} points fewer tasks ok"]


def _failed_gates(facts: Facts) -> list[str]:
    return [f"gate {gate.name} failed" for gate in facts.gates if gate.status is GateStatus.FAILED]


def _not_compounding(facts: Facts) -> str | None:
    """Give the reason why a saving is not shown to grow; None where it is."""
    slope = facts.compounding
    if slope is None:
        count, least = len(facts.grid.iterations), policy.SLOPE_ITERATIONS
        return f"{count} iterations cannot show that it goes on improving; {least} or more can"
    if slope.tasks < policy.SLOPE_TASKS:
        return f"only {slope.tasks} task(s) have all the cells that a slope needs"
    if slope.p is None:
        return "the saving is the same in all iterations after the first: it learned once"
    if slope.p > policy.ALPHA:
        return f"no growth of the saving from iteration 2 on is shown ({p_equals(slope.p)})"
    return None
