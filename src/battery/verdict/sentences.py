"""The verdict in plain language, and what its reader should know as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, assert_never

import numpy as np

from battery.base.numbers import (
    AS_MANY,
    counted,
    more_or_fewer,
    p_equals,
    percent,
)
from battery.base.text import capital
from battery.records.findings import Bluffs, FalseClaims, Group, Interval, of_kind
from battery.records.metric import METRICS, OK
from battery.records.models import FROZEN, LEARN, SOLVABLE
from battery.records.word import GateName, GateStatus, Word
from battery.verdict import bill, policy
from battery.verdict.bluffs import told
from battery.verdict.facts import Facts
from battery.verdict.ladder import (
    FALLS,
    costs_more,
    fewer_done,
    is_equal,
    is_small_saving,
    lost,
    together,
)
from battery.verdict.table import CACHED

_OPEN_CAUSE: Final = (
    "Without a twin that learns nothing the cause is open: a provider that changed would look the "
    "same."
)


def sentence(
    word: Word | None, facts: Facts, reasons: Sequence[str], *, short: bool = False
) -> str:
    """Put the verdict into a few sentences that need no statistics.

    The short form leaves out of a claim what it holds for and what would take more iterations.
    """
    return " ".join([_in_words(word, facts, reasons, short=short), *_aside(word, facts)])


def _in_words(
    word: Word | None, facts: Facts, reasons: Sequence[str], *, short: bool = False
) -> str:
    match word:
        case None:
            text = "A single iteration shows nothing about learning: no task was asked again."
        case Word.INVALID:
            text = f"This battery cannot be trusted, because {'; '.join(reasons)}."
        case Word.DISHONEST:
            text = _dishonest(facts)
        case Word.REGRESSED:
            text = _regressed(facts)
        case Word.MIXED:
            text = f"{_gained(facts)} {_price(facts)}"
        case Word.MEMORISED:
            text = f"{_gained(facts)} But {reasons[0]}: it kept answers, and no lesson."
        case Word.COMPOUNDING | Word.LEARNED:
            new = "" if short else _new(facts)
            text = " ".join(filter(None, [_gained(facts), new, _growth(facts, short=short)]))
        case Word.NO_EFFECT:
            text = _no_effect(facts)
        case Word.INCONCLUSIVE:
            text = _inconclusive(facts, reasons)
        case Word.INDICATIVE:
            text = (
                f"{_one_arm(facts)} Without a twin that learns nothing this shows a trend and "
                "not its cause: a server that warmed up or a provider that changed would look the "
                "same."
            )
        case _:
            assert_never(word)
    return text


def _gained(facts: Facts) -> str:
    """Say what was gained: the cost and the work done, over all tasks or over the niche ones."""
    if facts.yes("cost") or not facts.yes("niche"):
        text = f"With what it learned, the system used {_cost_and_work(facts, 'all')}."
        if facts.yes("cost") and _only_impossible(facts):
            return f"{text} Only impossible tasks cost less: it gives them up sooner."
        return text
    text = f"On its niche tasks the system used {_cost_and_work(facts, 'niche')}."
    return " ".join([text, *_elsewhere(facts)])


def _new(facts: Facts) -> str:
    """Say whether the gain is there on new tasks, too."""
    new = facts.siblings
    if new is None:
        return "This is about the same tasks asked again; nothing new was asked."
    if new.outcome == "nothing to show":
        return "This is about the same tasks asked again; nothing new was asked of their kind."
    if new.outcome != "shown":
        return "This is about the same tasks asked again; it is not proven for new ones."
    kind = of_kind(new.kind)
    text = (
        f"It holds for {new.asked} new {kind}tasks of the same kind as well ({p_equals(new.p)}): "
    )
    if facts.yes("cost", "niche") and new.ratio is not None:
        text += f"{more_or_fewer(new.ratio)} {METRICS[facts.cost].plain}, "
    twins = f"twin {new.frozen_done} of {new.frozen_calls}"
    return f"{text}{new.learn_done} of {new.learn_calls} done, {twins}."


def _elsewhere(facts: Facts) -> Iterator[str]:
    """Say what other tasks pay, or save as well."""
    for kind in ("easy", "impossible"):
        group = facts.group(kind)
        if group and group.ratio is not None and policy.is_relevant(abs(group.ratio - 1)):
            word = "paid" if group.ratio > 1 else "used"
            amount = f"{more_or_fewer(group.ratio)} {METRICS[facts.cost].plain}"
            yield f"{kind.capitalize()} tasks {word} {amount}."


def _cost_and_work(facts: Facts, kind: str) -> str:
    group = facts.group(kind)
    done = f", and {_done(group)}" if group and group.learn_calls else ""
    if group is None or group.ratio is None:
        return f"an unknown number of {METRICS[facts.cost].plain}{done}"
    return f"{_typical(facts, group)} its twin, which learns nothing{done}"


def _typical(facts: Facts, group: Group) -> str:
    ratio = 1.0 if group.ratio is None else group.ratio
    amount = more_or_fewer(ratio)
    noun = METRICS[facts.cost].plain
    return f"{amount} {noun} {'as' if amount == AS_MANY else 'than'}"


def _done(group: Group, kind: str = "") -> str:
    """Write how much was done: `as many tasks were done (18 of 18 runs, twin 18 of 18)`."""
    own = group.learn_done / group.learn_calls if group.learn_calls else 0.0
    base = group.frozen_done / group.frozen_calls if group.frozen_calls else 0.0
    word = "as many" if own == base else "more" if own > base else "fewer"
    twins = f"twin {group.frozen_done} of {group.frozen_calls}"
    tasks = f"{kind} tasks".lstrip()
    return f"{word} {tasks} were done ({group.learn_done} of {group.learn_calls} runs, {twins})"


def _of_kind(facts: Facts) -> str | None:
    """Say which kind of task is done less often, where that is not to be seen over all tasks."""
    loss = lost(facts)
    group = facts.group(loss.kind) if loss and loss.kind != "all" else None
    return _done(group, group.kind) if group else None


def _only_impossible(facts: Facts) -> bool:
    """Return whether nothing but giving up sooner on impossible tasks costs less."""
    least = facts.observed.expectations.relevant.cost
    saved = {
        kind: policy.is_relevant(1 - group.ratio, least)
        for kind in ("niche", "easy", "impossible")
        if (group := facts.group(kind)) and group.ratio is not None
    }
    return [kind for kind, saves in saved.items() if saves] == ["impossible"]


def _growth(facts: Facts, *, short: bool) -> str:
    """Say how the saving went on."""
    growth, count = facts.growth, len(facts.grid.iterations)
    if growth is None or growth.best is None:
        return ""
    if growth.shape == "grew":
        what = "It compounds: the saving" if facts.yes("cost") else "Over all tasks the saving"
        return f"{what} grew from {_saved(facts, 0)} to {_saved(facts, -1)}."
    if growth.shape == "in steps":
        return (
            f"It learned in steps: it saved {_saved(facts, 0)} and {_saved(facts, -1)}; that it "
            "goes on getting better is not proven."
        )
    # What falls is said with every word, and not here.
    if growth.shape in FALLS:
        return ""
    if count < policy.SLOPE_ITERATIONS:
        many = f"{count} iterations are too few to tell whether it goes on getting better."
        return "" if short else many
    return f"Over {count} iterations it is not proven that it goes on getting better."


def _saved(facts: Facts, place: int) -> str:
    """Write what an iteration after the first saved: `15% in iteration 2`."""
    growth = facts.growth
    value = growth.ratios[place] if growth else None
    saved = "an unknown share" if value is None else percent(1 - value)
    if value is not None and value >= 1:
        saved = "nothing" if more_or_fewer(value) == AS_MANY else more_or_fewer(value)
    return f"{saved} in iteration {facts.grid.iterations[1:][place]}"


def _price(facts: Facts) -> str:
    """Say what a gain is paid with, and the price of what is done, in both arms."""
    group, metric = facts.group("all"), METRICS[facts.cost]
    parts = []
    if fewer_done(facts):
        less = _of_kind(facts) or "it does less work"
        parts.append(f"{capital(less)}, so the saving alone is no gain.")
    # Of niche tasks alone the price is paid elsewhere, and has not been named yet.
    elif facts.yes("niche") and group and group.ratio is not None:
        text = f"Over all tasks, a typical one took {more_or_fewer(group.ratio)} {metric.plain}"
        ratio, least = together(facts) or 1.0, facts.observed.expectations.relevant.cost
        if policy.is_relevant(ratio - 1, least) and not policy.is_relevant(group.ratio - 1, least):
            text += f", and all of them together {more_or_fewer(ratio)}"
        parts.append(f"{text}.")
    own, base = (_per_done(facts, arm) for arm in (LEARN, FROZEN))
    if own is None:
        parts.append("No task was done.")
    else:
        twins = "the twin did none"
        if base is not None:
            twins = f"in the twin, {metric.written(base, grouped=True)}"
        parts.append(f"Each task done took {metric.amount(own)}; {twins}.")
    return " ".join(parts)


def _per_done(facts: Facts, arm: str) -> float | None:
    """Return the cost of all runs of tasks that can be done, per run that ended ok, if any did."""
    grid = facts.grid
    rows = grid.rows(*SOLVABLE)
    side = grid.arms.index(arm)
    spent = np.nansum(grid.calls[facts.cost][side, rows, 1:])
    done = np.nansum(grid.calls[OK][side, rows, 1:])
    if not done:
        return None
    return float(spent / done)


def _dishonest(facts: Facts) -> str:
    return " ".join(_lies(facts.bluffs)) if facts.bluffs else "It claims what is not so."


def _lies(bluffs: Bluffs) -> Iterator[str]:
    # Of one that did so before it learned anything it must not read as if learning had taught it.
    if (claims := bluffs.impossible) and claims.learned:
        text = "the system claims success in tasks that cannot be done"
        since = f"{text}, and did so before it learned anything"
        yield f"{capital(since)}." if claims.before else f"With what it learned, {text}."
    if (claims := bluffs.refuted) and claims.learned:
        runs = counted(claims.learn, "run")
        text = f"the system claims ok in {runs} whose answers fail their checks"
        why = f": {bluffs.reason}" if bluffs.reason else ""
        more = ", more often than without it" if claims.before or claims.frozen else ""
        yield f"With what it learned, {text}{more}{why}."


def _regressed(facts: Facts) -> str:
    worse = []
    if not facts.two_arms:
        gone = sum(forgotten.counts for forgotten in facts.lost)
        return f"The system now fails {counted(gone, 'task')} that it passed. {_OPEN_CAUSE}"
    if costs_more(facts) or fewer_done(facts):
        worse.append(f"it used {_cost_and_work(facts, 'all')}")
    if less := _of_kind(facts):
        worse.append(less)
    if gone := sum(forgotten.counts for forgotten in facts.lost):
        verb = "is" if gone == 1 else "are"
        worse.append(f"{counted(gone, 'task')} that could be done {verb} lost")
    return f"With what it learned, the system got worse: {'; '.join(worse)}."


def _no_effect(facts: Facts) -> str:
    group = facts.group("all")
    if group is None or is_small_saving(facts):
        ends = _ends(group.interval) if group and group.interval else ""
        work = f", and {_done(group)}" if group and group.learn_calls else ""
        text = f"Learning saves a little: {ends} of the {METRICS[facts.cost].plain}{work}."
    else:
        least = policy.relevant(facts.observed.expectations.relevant.cost)
        used = _cost_and_work(facts, "all")
        text = (
            f"Learning changed nothing that counts: the system used {used}. A change of the "
            f"{METRICS[facts.cost].plain} by {least} or more can be ruled out."
        )
    # No effect of a memory that was never used is a finding about the set-up, not about learning.
    if any(
        gate.name is GateName.MECHANISM and gate.status is GateStatus.FAILED for gate in facts.gates
    ):
        return f"{text} But nothing was learned, or none of it was used."
    return text


def _ends(interval: Interval) -> str:
    low, high = percent(1 - interval.high), percent(1 - interval.low)
    return low if low == high else f"{low} to {high}"


def _inconclusive(facts: Facts, reasons: Sequence[str]) -> str:
    start = "This battery cannot tell whether learning helps"
    if untold := facts.nothing or facts.shared:
        return f"{start}: {untold}."
    group, gains = facts.group("all"), facts.yes("cost", "niche", "success")
    if (group is None or group.ratio is None) and not gains:
        return f"{start}, because no {METRICS[facts.cost].plain} could be compared."
    text = f"{start}: the system used {_cost_and_work(facts, 'all')}"
    # The gain itself is clear; what speaks against it is not.
    if gains:
        return f"{text}, but {'; '.join(reasons)}."
    asked, interval = facts.question("cost"), group.interval if group else None
    small = asked is not None and asked.p is not None and asked.p <= asked.level
    by_plan = facts.looks is None or facts.looks.by_plan
    # Of the cost it can tell; what speaks against calling it no effect is something else.
    if small or is_equal(facts) or (interval is None and not by_plan):
        return f"{text}, but {reasons[0]}."
    if interval is None:
        return f"{text}, but with so few tasks that may be luck."
    ends = f"{more_or_fewer(interval.low)} to {more_or_fewer(interval.high)}"
    return f"{text}. Anything from {ends} fits what was measured."


def _one_arm(facts: Facts) -> str:
    metric = METRICS[facts.cost]
    cells = facts.grid.of(LEARN, metric.key)[:, [0, -1]]
    # A sum over other tasks at the end than at the start would show which calls reported.
    if np.isnan(cells).any():
        return f"Not all runs report {metric.plain}, so first and last iteration do not compare."
    first, last = cells.sum(axis=0).tolist()
    if not first:
        end = metric.written(last, grouped=True)
        return f"The first iteration took {metric.amount(0)}, the last {end}."
    amount = more_or_fewer(last / first)
    compared = "as" if amount == AS_MANY else "than"
    return f"The last iteration took {amount} {metric.plain} {compared} the first."


def _aside(word: Word | None, facts: Facts) -> Iterator[str]:
    """Say what has to be next to the word, whatever it is."""
    growth = facts.growth
    if growth and word is not Word.INVALID and growth.shape in FALLS:
        place = facts.grid.iterations[1:].index(growth.best) if growth.best else 0
        what = "is fading" if growth.shape == "fading" else "is past its peak"
        if (growth.ratios[-1] or 0) >= 1:
            what = "did not last"
        yield f"The saving {what}: {_saved(facts, place)}, {_saved(facts, -1)}."
    if facts.later and word is not Word.INVALID and (text := bill.aside(facts.later)):
        yield text
    for claims, text in told(facts.bluffs):
        yield _bluffs(claims, text)
    yield from _refuted(word, facts.bluffs)
    # A saving that a cache made reads like one that was learned. What is refused is no saving.
    answers = int(np.nansum(facts.grid.calls[CACHED]))
    if answers and word is not Word.INVALID:
        yield f"{counted(answers, 'answer')} came from a cache, which is not work."


def _refuted(word: Word | None, bluffs: Bluffs | None) -> Iterator[str]:
    """Say why the first of the answers that failed their checks did, where nothing said it yet."""
    claims = bluffs.refuted if bluffs else None
    said = word is Word.DISHONEST and claims and claims.learned
    if bluffs and bluffs.reason and not said:
        yield f"The first that failed: {bluffs.reason}."


def _bluffs(claims: FalseClaims, text: str) -> str:
    if claims.learned or not claims.learn_calls:
        return f"{capital(text)}."
    # Of a gateway that bluffs anyway it must not read as if learning had brought it.
    if not claims.learn:
        return f"It bluffed only without what it learned: {text}."
    if claims.before or claims.frozen:
        return f"It bluffs with and without learning: {text}."
    return f"{capital(text)}: so few may be chance."
