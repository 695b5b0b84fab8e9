"""The outcome of a comparison: which word may be said of B against A, and how it is put."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, log
from typing import Final, assert_never

import numpy as np

from battery.base.numbers import more_or_fewer, p_equals, signed_percent
from battery.base.text import listed
from battery.comparison.pairing import Facts
from battery.records.comparison import Change
from battery.records.metric import ELAPSED, METRICS, OK, TOKENS, TURNS, Metric
from battery.records.word import Outcome
from battery.verdict import policy
from battery.verdict.contrast import (
    harm,
    is_significant,
    is_sure,
    moved,
    of_metric,
    size,
    span,
    together,
    typical,
    within_jitter,
)
from battery.verdict.effects import advantage, mean_change
from battery.verdict.table import Table

#: Nobody would write more tasks than this to settle a question.
_MOST_TASKS: Final = 2_000
_NO_TWINS: Final = (
    "Not both have a frozen arm, so nothing here tells a change of what was learned from one of "
    "the system or its surroundings."
)
_TWINS_WITHOUT_TOKENS: Final = (
    "The frozen arms, which learn nothing, could not be compared in tokens, so nothing here tells "
    "whether a change of tokens comes from what was learned."
)
SCOPE: Final = (
    "These two batteries: what one memory each learned in one run each, on these tasks and tasks "
    "like them. Even two runs of the same system differ. A claim about the systems takes "
    f"at least {policy.BATTERIES} independent batteries of each, every one from an empty memory."
)


def decide(facts: Facts) -> tuple[Outcome, list[str]]:
    """Return the word and why it is this one; MIXED is a gain that is paid for."""
    # What is significant and large enough decides first, gains and losses alike: neither undoes the
    # other. A gain is held to a lower bar for losses than a change without one, since tokens are
    # saved most easily by giving up. NO DIFFERENCE has to be shown; the rest stays open.
    better = [moved(change) for change in facts.deciding if is_significant(change, -1)]
    worse = [moved(change) for change in facts.deciding if is_significant(change, 1)]
    worse += _new_bluffs(facts)
    if better:
        worse = worse or _losses(facts)
        return (Outcome.MIXED if worse else Outcome.BETTER), [*better, *worse]
    if worse:
        return Outcome.WORSE, worse
    doubts = _doubts(facts)
    if doubts:
        return Outcome.UNCLEAR, doubts
    return Outcome.NO_DIFFERENCE, [_alike(facts)]


def _new_bluffs(facts: Facts) -> list[str]:
    # One is enough for WORSE and no test is made: what cannot be done is not claimed by chance, and
    # with the usual two impossible tasks no number of claims would be significant.
    new = [
        pair.claims_after
        for pair in facts.pairs
        if pair.claims_before and pair.claims_after
        if pair.claims_after.done and not pair.claims_before.done
    ]
    if not new:
        return []
    done, runs = sum(claims.done for claims in new), sum(claims.runs for claims in new)
    return [f"claims done in {done} of {runs} runs of {_counted(len(new))} that cannot be done"]


def _losses(facts: Facts) -> list[str]:
    """Object to a gain that is bought with failing, significant or not: giving up is cheap."""
    ok = facts.change(OK)
    losses = []
    if policy.is_relevant(harm(ok)) and ok.p is not None and ok.p <= policy.ALL_ONE_WAY:
        losses.append(f"{size(ok)} fewer tasks end ok ({p_equals(ok.p)})")
    if facts.flips.bluffs:
        losses.append(f"{_counted(facts.flips.bluffs)} that cannot be done mostly end ok now")
    return losses


def _doubts(facts: Facts) -> list[str]:
    """List what speaks against calling it no difference; empty where nothing does."""
    if _identical(facts):
        return []
    doubts = _tokens_open(facts)
    doubts += [
        f"{moved(change)}, less than the {policy.relevant()} that counts"
        for change in facts.deciding
        if is_sure(change) and (doubts or change.metric != TOKENS)
    ]
    # Even a single task, significant or not: "no difference" must not be said over a task that now
    # fails.
    if facts.flips.lost:
        p = "" if facts.flips.p is None else f" ({p_equals(facts.flips.p)})"
        doubts.append(f"{_counted(facts.flips.lost)} passed in A and not in B{p}")
    return doubts + _losses(facts)


def _tokens_open(facts: Facts) -> list[str]:
    if facts.tokens.value is None:
        return ["no tokens could be compared"]
    return [] if policy.rules_out(facts.narrow) else [_too_wide()]


def _too_wide() -> str:
    return f"the {policy.narrow()} interval of tokens is not within ±{policy.relevant()}"


def _identical(facts: Facts) -> bool:
    """Return whether every task has the same numbers in both, in every metric that decides.

    Iteration by iteration. What was measured in neither is the same, too; but without any tokens
    nothing is.
    """
    # Without this, two batteries that report nothing would be called identical.
    if facts.tokens.value is None or any(pair.flip for pair in facts.pairs):
        return False
    return all(_same_cells(facts, metric) for metric in METRICS.values() if metric.decides)


def _same_cells(facts: Facts, metric: Metric) -> bool:
    tables = (table.values for table in (facts.table, facts.first) if table)
    sides = (values[metric.key] for values in tables if metric.key in values)
    return all(
        np.allclose(after, before, rtol=policy.TINY, equal_nan=True) for after, before in sides
    )


def _apart(facts: Facts) -> list[str]:
    """Name the metrics, except for time, that decide nothing and differ."""
    return [
        metric.plain
        for metric in METRICS.values()
        if not metric.decides and metric.key != ELAPSED and not _same_cells(facts, metric)
    ]


def _alike(facts: Facts) -> str:
    if _identical(facts):
        apart = _apart(facts)
        exceptions = f", except for {listed(apart)}" if apart else ""
        return f"the numbers are the same, task by task{exceptions}"
    low, high = (1.0, 1.0) if facts.narrow is None else (facts.narrow.low, facts.narrow.high)
    ends = f"{signed_percent(low - 1)} to {signed_percent(high - 1)}"
    return f"the {policy.narrow()} interval of tokens, {ends}, is within ±{policy.relevant()}"


def sentence(outcome: Outcome, facts: Facts, reasons: Sequence[str]) -> str:
    """Put what came of comparing at least one task into plain language."""
    text = _in_words(outcome, facts, reasons)
    if list(facts.iterations) == [1]:
        text += " Only iteration 1 could be compared, and nothing had been learned by then."
    if not facts.tokens.cells and outcome != Outcome.UNCLEAR:
        text += " Tokens could not be compared."
    elif 0 < facts.tokens.cells < _cells(facts):
        text += " Some cells have no tokens to compare."
    return text


def _in_words(outcome: Outcome, facts: Facts, reasons: Sequence[str]) -> str:
    same, why = f"On {_same(facts)}", "; ".join(reasons)
    match outcome:
        case Outcome.NOT_COMPARABLE:
            return not_comparable(reasons)
        case Outcome.WORSE:
            return f"{same} B is worse than A: {why}."
        case Outcome.BETTER:
            return f"{same} B is better than A: {why}."
        case Outcome.MIXED:
            return f"{same} B is better than A in one thing and worse in another: {why}."
        case Outcome.NO_DIFFERENCE:
            return _no_difference(facts)
        case Outcome.UNCLEAR:
            return _unclear(facts, reasons)
        case _:
            assert_never(outcome)


def _cells(facts: Facts) -> int:
    return len(facts.pairs) * len(facts.iterations)


def not_comparable(reasons: Sequence[str]) -> str:
    """Explain why there is nothing to compare."""
    return f"A and B cannot be compared: {'; '.join(reasons)}."


def cause(facts: Facts) -> str:
    """Explain by the frozen arms where a change comes from."""
    # Twins or not: iteration 1 comes before the first distillation.
    if list(facts.iterations) == [1]:
        return (
            "Whatever differs in iteration 1 is the system or its surroundings, and not what was "
            "learned."
        )
    if not facts.twins:
        return f"{_NO_TWINS}{_start(facts)}"
    differing = [change for change in facts.twins if _differs(change)]
    apart = "; ".join(map(moved, differing))
    tokens = of_metric(facts.twins, TOKENS)
    if tokens is None or tokens.value is None:
        also = f" Otherwise they differ: {apart}." if apart else ""
        return f"{_TWINS_WITHOUT_TOKENS}{also}"
    if not apart:
        return (
            "The frozen arms, which learn nothing, do not differ significantly, nor by "
            f"{policy.relevant()}. Where they run the same systems as the learn arms, a difference "
            "comes from what was learned."
        )
    start = f"The frozen arms, which learn nothing, differ too: {apart}"
    if not any(map(is_sure, differing)):
        return f"{start}. That may be chance.{_beyond(facts.tokens)}"
    return (
        f"{start}. So the system or its surroundings changed, and not (only) what was "
        f"learned.{_beyond(facts.tokens)}"
    )


def settle(outcome: Outcome, facts: Facts) -> list[str]:
    """List what more would settle an open question; empty where nothing is open."""
    narrow, tasks = facts.narrow, facts.tokens.tasks
    if outcome != Outcome.UNCLEAR:
        return []
    if not tasks:
        return ["Answers that report their tokens, in A and in B."]
    # First of all: below this number no amount of repeats or iterations decides anything.
    if tasks < (least := policy.least_paired_tasks()):
        lacking = "with tokens in both" if tasks < len(facts.pairs) else "in common"
        reach = f"with fewer no test can reach {policy.level()}"
        return [f"At least {least} tasks {lacking}: {reach}."]
    if narrow is None or narrow.low <= 0:
        return []
    half = log(narrow.high / narrow.low) / 2
    # The width of an interval shrinks with the root of the number of tasks.
    needed = ceil(tasks * (half / -log(1 - policy.RELEVANT)) ** 2)
    if not tasks < needed <= _MOST_TASKS:
        return []
    return [
        f"About {needed:,} tasks like these instead of {tasks} would narrow the "
        f"{policy.narrow()} interval of tokens to ±{policy.relevant()}. Where single calls vary "
        "much, --repeats also narrows it."
    ]


def _no_difference(facts: Facts) -> str:
    if _identical(facts):
        # No two runs take the same milliseconds: time is named without a look at it.
        names = [METRICS[ELAPSED].plain, *_apart(facts)]
        return f"On {_same(facts)} A and B have the same numbers except for {listed(names)}."
    used = typical(facts.tokens, places=1)
    return (
        f"On {_same(facts)} nothing that counts differs: B used {used} A, and "
        f"{policy.relevant()} either way can be ruled out."
    )


def _unclear(facts: Facts, reasons: Sequence[str]) -> str:
    start = f"On {_same(facts)} it cannot be told whether B is better or worse than A"
    if facts.tokens.value is None:
        return f"{start}: {'; '.join(reasons)}."
    tokens = f"it used {typical(facts.tokens)} A{span(facts.tokens.interval)}"
    others = (reason for reason in reasons if reason != _too_wide())
    return f"{start}: {'; '.join([tokens, *others])}."


def _same(facts: Facts) -> str:
    count = len(facts.pairs)
    return f"the same {count} tasks" if count > 1 else "the one task in common"


def _differs(change: Change) -> bool:
    """Return whether twins differ: significantly, or by so much that it would count."""
    # With a handful of tasks a large difference need not be significant, and calling the twins
    # alike would put it down to what was learned.
    if not METRICS[change.metric].decides:
        return False
    return is_sure(change) or policy.is_relevant(abs(harm(change)))


def _beyond(tokens: Change) -> str:
    if tokens.net is None:
        return ""
    text = f" Beyond what they differ by, B used {more_or_fewer(tokens.net)} tokens"
    if tokens.p_net is None:
        return f"{text}."
    return f"{text}{span(tokens.net_interval)}, {p_equals(tokens.p_net)}."


def _start(facts: Facts) -> str:
    first = of_metric(facts.start, TOKENS)
    if first is None or first.value is None:
        return ""
    p = "" if first.p is None else f" ({p_equals(first.p)})"
    return f" In iteration 1, before anything was learned, B used {typical(first)} A{p}."


def cautions(facts: Facts) -> Iterator[str]:
    """List what a reader of the outcome should know as well."""
    tasks = len(facts.pairs)
    if tasks < policy.least_paired_tasks():
        reach = f"no test can reach {policy.level()}"
        yield f"with {_counted(tasks)} in common {reach}, whatever happens"
    yield from _uncompared(facts)
    yield from _hidden(facts)
    yield from together(facts.tokens)
    for change in facts.changes:
        yield from _not_counted(change)


def _not_counted(change: Change) -> Iterator[str]:
    """Note a clear change in a metric that decides nothing."""
    metric = METRICS[change.metric]
    if metric.decides or not (is_significant(change, 1) or is_significant(change, -1)):
        return
    if metric.key != ELAPSED:
        yield f"{moved(change)}: not counted, because no outcome rests on {metric.plain}"
    elif not within_jitter(change):
        yield (
            f"{moved(change)}: not counted, because time depends on the machine and the network, "
            "which nothing holds still between two batteries"
        )


def _uncompared(facts: Facts) -> Iterator[str]:
    """Note how few of the tasks and cells a change rests on, where that is not all of them."""
    tasks, cells = len(facts.pairs), _cells(facts)
    for arms, changes in (("", facts.changes), (" of the frozen arms", facts.twins)):
        for change in changes:
            if change.metric in {TOKENS, TURNS} and change.cells < cells:
                yield (
                    f"{METRICS[change.metric].plain}{arms} could be compared in {change.tasks} of "
                    f"{_counted(tasks)} and {change.cells} of {cells} cells (a task in an "
                    "iteration): the others have none in A or in B"
                )


def _at_end(table: Table, whole: Change) -> Change:
    """Return the change in the last iteration alone, as a value without a test."""
    untested = dict.fromkeys(("interval", "p", "p_corrected", "p_holm"))
    last = advantage(table, whole.metric)[:, -1]
    value = mean_change(METRICS[whole.metric], last).value
    return whole.model_copy(update={"value": value, **untested})


def _hidden(facts: Facts) -> Iterator[str]:
    """Note what the last iteration shows and the mean over all of them does not."""
    # A gateway that forgets in its last iteration looks fine on average, and goes on from there.
    if len(facts.iterations) < 2:
        return
    for whole in facts.changes:
        if whole.metric not in {TOKENS, OK}:
            continue
        last = _at_end(facts.table, whole)
        shown = policy.is_relevant(abs(harm(whole))) and harm(whole) * harm(last) > 0
        if policy.is_relevant(abs(harm(last))) and not shown:
            yield (
                f"in iteration {facts.iterations[-1]} alone, {moved(last)}: the mean over the "
                "iterations compared hides it"
            )


def _counted(tasks: int) -> str:
    """Write a number of tasks."""
    return "1 task" if tasks == 1 else f"{tasks} tasks"
