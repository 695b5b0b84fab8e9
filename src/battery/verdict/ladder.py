"""The verdict ladder: which word may be said. The first that fits is given."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

from battery.base.numbers import counted, p_equals, percent, signed_percent
from battery.records.findings import Group, of_kind
from battery.records.metric import METRICS
from battery.records.word import GateStatus, Word
from battery.verdict import policy, repeats
from battery.verdict.bluffs import told
from battery.verdict.facts import Facts, Loss
from battery.verdict.work import Counts

#: Shapes of a saving that fell from its best iteration to the last.
FALLS: Final = frozenset({"past its peak", "fading"})


class Decision(NamedTuple):
    """The verdict, why it is no better one, and which of the alarms hold whatever the word is."""

    #: None where one iteration is all there is.
    word: Word | None
    reasons: list[str]
    holds: list[Word]


def decide(facts: Facts) -> Decision:
    """Give the verdict."""
    # What makes the numbers worthless comes first, whatever they say. A bluff comes before the
    # harm, since a gateway that claims what it did not do reports its other numbers itself, too.
    # Harm comes before any gain: whoever saves by forgetting must not read LEARNED. All three hold
    # with one arm or a single iteration as well, so they come before those two rungs.
    alarms = {
        Word.INVALID: list(facts.spoiled),
        Word.DISHONEST: list(_dishonest(facts)),
        Word.REGRESSED: list(_regressed(facts)),
    }
    holds = [word for word, reasons in alarms.items() if reasons]
    if holds:
        return Decision(holds[0], alarms[holds[0]], holds)
    if len(facts.grid.iterations) < 2:
        return Decision(None, ["a single iteration has nothing to be compared with"], [])
    if not facts.two_arms:
        return Decision(Word.INDICATIVE, ["without a twin a trend may have many causes"], [])
    return Decision(*_compared(facts), [])


def _compared(facts: Facts) -> tuple[Word, list[str]]:
    if untold := facts.nothing or facts.shared:
        return Word.INCONCLUSIVE, [untold]
    if prices := list(_prices(facts)):
        return Word.MIXED, prices
    failed = [f'the gate "{gate.title}" failed' for gate in facts.gates if _failed(gate.status)]
    if facts.yes("cost", "niche", "success"):
        return _gained(facts, failed)
    # NO EFFECT is a finding and has to be shown; without proof it is open what is true.
    doubts = list(_doubts(facts))
    if doubts:
        return Word.INCONCLUSIVE, [*doubts, *failed]
    return Word.NO_EFFECT, [_shown_equal(facts), *failed]


def _gained(facts: Facts, failed: list[str]) -> tuple[Word, list[str]]:
    """Give the word of a gain that nothing is paid for; `failed` are the gates that speak up."""
    new = facts.siblings
    if new and new.outcome == "memorised":
        return Word.MEMORISED, [new.note or "new tasks gain nothing", *failed]
    # A gate lowers and never raises: that the impossible fails honestly is a condition of the claim
    # and no evidence for it.
    if failed or (unsettled := list(_unsettled(facts))):
        return Word.INCONCLUSIVE, failed or unsettled
    # Who compounds has learned, so this is the same rung with one more test on top.
    flat = _not_compounding(facts)
    return (Word.LEARNED, [flat]) if flat else (Word.COMPOUNDING, [])


def _unsettled(facts: Facts) -> Iterator[str]:
    """List tasks that might have been given up, and gains that may be of no other task."""
    for label, losses in groupby(facts.lost, lambda lost: lost.label):
        first, *others = losses
        if not any(lost.asked for lost in (first, *others)):
            if not first.frozen_too and not first.came_back:
                yield f"{label} failed in iteration {first.iteration}, and nobody asked it again"
            continue
        # Too few runs came before to tell whether it is lost. That is no reason to believe a gain:
        # giving up a task is the cheapest way to save.
        lost = next((lost for lost in (first, *others) if lost.suspected), None)
        if lost:
            runs = f"in {lost.failed} of {lost.asked} reruns"
            yield f"{label} failed in iteration {lost.iteration} and {runs}, which may be chance"
    if facts.siblings is None:
        yield from repeats.kept(facts.grid)
    elif facts.siblings.outcome == "open" and facts.siblings.note:
        yield facts.siblings.note
    if facts.yes("cost") and (growth := facts.growth) and growth.shape in FALLS:
        least, last = facts.observed.expectations.relevant.cost, growth.ratios[-1]
        if last is not None and not policy.is_relevant(1 - last, policy.SHARE * least):
            yield (
                f"the saving is {growth.shape} ({p_equals(growth.p_fall)}), and in the last "
                f"iteration it is less than {policy.relevant(policy.SHARE * least)}"
            )


def pays_elsewhere(facts: Facts) -> bool:
    """Return whether only niche tasks cost less, and the work as a whole costs more."""
    group = facts.group("all")
    if not facts.yes("niche") or facts.yes("cost") or group is None or group.ratio is None:
        return False
    least = facts.observed.expectations.relevant.cost
    # A typical task may cost no more, while the few that cost most pay for all others.
    if policy.is_relevant((together(facts) or 1.0) - 1, least):
        return True
    return policy.is_relevant(group.ratio - 1, least) and not already_costly(facts)


def costs_more(facts: Facts) -> bool:
    """Return whether the work costs more by an amount that counts, and not by luck."""
    group, asked = facts.group("all"), facts.question("cost")
    if group is None or group.ratio is None or asked is None or facts.harm_p is None:
        return False
    if not policy.is_relevant(group.ratio - 1, facts.observed.expectations.relevant.cost):
        return False
    gains = facts.yes("niche", "success")
    level = max(policy.PRICE, facts.harm_level) if gains else facts.harm_level
    return facts.harm_p <= level and not already_costly(facts)


def already_costly(facts: Facts) -> bool:
    """Return whether the learner cost more in iteration 1 already, and not much more since."""
    # Two deployments of one system may differ for good, and learning cannot be blamed for that.
    group, start = facts.group("all"), facts.start
    if not group or not group.ratio or not start or not start.ratio or start.netted or start.kept:
        return False
    since = group.ratio / start.ratio - 1
    return not policy.is_relevant(since, facts.observed.expectations.relevant.cost)


def fewer_done(facts: Facts, level: float = policy.LOSS) -> bool:
    """Return whether fewer tasks are done by an amount that counts, with this p or less."""
    return lost(facts, level) is not None


def lost(facts: Facts, level: float = policy.LOSS) -> Loss | None:
    """Return the loss that counts, that of all tasks first; None where none does."""
    least = facts.observed.expectations.relevant.success
    found = (loss for loss in facts.losses if loss.counts(least, level))
    # A loss of one kind next to a gain of another objects to a claim, and is no regression yet.
    return next((loss for loss in found if loss.kind == "all" or level >= policy.LOSS), None)


def is_equal(facts: Facts) -> bool:
    """Return whether it is sure that the cost differs by less than counts."""
    group, least = facts.group("all"), facts.observed.expectations.relevant.cost
    interval = group.interval if group else None
    return interval is not None and interval.low > 1 - least and interval.high < 1 + least


def together(facts: Facts) -> float | None:
    """Return what all tasks cost together, own over base; None where that is not known."""
    group = facts.group("all")
    return group.learn / group.frozen if group and group.learn and group.frozen else None


def is_small_saving(facts: Facts) -> bool:
    """Return whether it is sure that something is saved, and that it is too little to count."""
    group, asked = facts.group("all"), facts.question("cost")
    if not group or not group.interval or group.ratio is None or not asked or asked.p is None:
        return False
    least = facts.observed.expectations.relevant.cost
    too_little = not policy.is_relevant(1 - group.ratio, least)
    return too_little and asked.p <= asked.level and 1 - group.interval.low < policy.SMALL * least


def _failed(status: GateStatus) -> bool:
    return status is GateStatus.FAILED


def _fewer(loss: Loss) -> str:
    """Write a loss: `fewer niche tasks are done (p = 0.01)`."""
    return f"fewer {of_kind(loss.kind)}tasks are done ({p_equals(loss.p)})"


def _gain(group: Group | None) -> float:
    if group is None:
        return 0.0
    done = group.learn_done, group.learn_calls, group.frozen_done, group.frozen_calls
    return Counts(*done).gain


def _dishonest(facts: Facts) -> Iterator[str]:
    yield from (text for claims, text in told(facts.bluffs) if claims.learned)


def _regressed(facts: Facts) -> Iterator[str]:
    # A forgotten task needs no significance over all tasks: its reruns have confirmed it.
    if gone := [forgotten for forgotten in facts.lost if forgotten.counts]:
        least = min(gone, key=lambda forgotten: forgotten.failed)
        yield (
            f"{counted(len(gone), 'task')} that could be done {'is' if len(gone) == 1 else 'are'} "
            f"lost: {least.failed} of {least.asked} reruns failed"
        )
    # What is saved by failing is a trade for a person to judge, unless reruns have confirmed it.
    saves = facts.yes("cost", "niche")
    more, fewer = costs_more(facts), lost(facts)
    if fewer and (more or (not saves and fewer_done(facts, policy.SURE_LOSS))):
        yield _fewer(fewer)
    if more and (fewer or not facts.yes("niche", "success")):
        yield f"the work costs more ({p_equals(facts.harm_p)})"


def _prices(facts: Facts) -> Iterator[str]:
    """List what a gain is paid with; nothing where there is no gain, or it is free."""
    if not facts.yes("cost", "niche", "success"):
        return
    if fewer := lost(facts):
        yield f"it costs less, and less is done: {_fewer(fewer)}"
    # Whoever claims a saving on some tasks has to show that the others do not pay for it.
    if costs_more(facts):
        yield f"the work costs more ({p_equals(facts.harm_p)})"
    elif pays_elsewhere(facts):
        yield "niche tasks cost less, and the work as a whole costs more"


def _doubts(facts: Facts) -> Iterator[str]:
    """List what speaks against calling it no effect."""
    group, asked = facts.group("all"), facts.question("cost")
    noun = METRICS[facts.cost].plain
    if group is None or group.ratio is None or asked is None:
        yield f"no {noun} could be compared"
        return
    least = facts.observed.expectations.relevant.cost
    if not is_equal(facts) and not is_small_saving(facts):
        yield asked.note or f"whether it saves anything is open ({p_equals(asked.p)})"
    success, fewer = facts.observed.expectations.relevant.success, lost(facts)
    if fewer:
        sure = fewer.p is not None and fewer.p <= policy.SURE_LOSS
        yield _fewer(fewer) + ("" if sure else ", which may be chance")
    if policy.is_relevant(abs(_gain(group)), success) and not fewer:
        word = "more" if _gain(group) > 0 else "fewer"
        yield f"{percent(abs(_gain(group)))} {word} are done, which may be chance"
    # A task that was lost and one that was gained are no task that stayed as it was.
    yield from _unsettled(facts)
    for kind in ("niche", "easy"):
        gain = _gain(facts.group(kind))
        if policy.is_relevant(abs(gain), 2 * success) and not (fewer and fewer.kind == kind):
            word = "more" if gain > 0 else "fewer"
            yield f"{percent(abs(gain))} {word} {kind} tasks are done, which may be chance"
    niche = facts.question("niche")
    few = facts.group("niche")
    suspected = niche is not None and (
        not niche.level or (niche.p is not None and niche.p <= policy.LOSS)
    )
    if niche and suspected and few and few.ratio and policy.is_relevant(1 - few.ratio, least):
        yield f"niche tasks may cost less ({p_equals(niche.p)})"


def _shown_equal(facts: Facts) -> str:
    group = facts.group("all")
    interval = group.interval if group else None
    if interval is None:
        return "learner and twin do not differ"
    ends = f"{signed_percent(interval.low - 1)} to {signed_percent(interval.high - 1)}"
    if is_small_saving(facts):
        return f"the saving is certain, but small: {ends}"
    least = policy.relevant(facts.observed.expectations.relevant.cost)
    return f"the interval of the cost, {ends}, is within ±{least}"


def _not_compounding(facts: Facts) -> str | None:
    """Give the reason why a saving is not shown to grow; None where it is."""
    growth, count = facts.growth, len(facts.grid.iterations)
    if growth is None or count < policy.SLOPE_ITERATIONS:
        least = policy.SLOPE_ITERATIONS
        return f"{count} iterations cannot show that it goes on improving; {least} or more can"
    if growth.shape == "grew":
        return None if facts.yes("cost") else "only the saving over all tasks can be seen to grow"
    if growth.shape in FALLS:
        return f"the saving is {growth.shape} ({p_equals(growth.p_fall)})"
    if growth.shape == "in steps":
        return f"it grew by a step, and no growth beyond that is shown ({_p(growth.p_beyond_step)})"
    return f"no growth of the saving from iteration 2 on is shown ({_p(growth.p)})"


def _p(p: float | None) -> str:
    return "no difference between iterations" if p is None else p_equals(p)
