"""The outcome of a comparison in sentences that need no statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, log
from typing import Final, assert_never

from battery.base.numbers import more_or_fewer, p_equals
from battery.comparison import pairing as paired
from battery.comparison.outcome import (
    Facts,
    counted,
    harm,
    identical,
    in_words,
    significant,
    sure,
    too_wide,
)
from battery.records.comparison import Change
from battery.records.metric import ELAPSED, METRICS, OK, TOKENS, TURNS
from battery.records.word import Outcome
from battery.verdict import policy
from battery.verdict.sentences import all_together, span, typical

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
    "like them. Two runs of one and the same system differ, too. A claim about the systems takes "
    f"at least {policy.BATTERIES} independent batteries of each, every one from an empty memory."
)


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
    if list(facts.iterations) == [1]:
        return (
            "Whatever differs in iteration 1 is the system or its surroundings, and not what was "
            "learned."
        )
    if not facts.twins:
        return f"{_NO_TWINS}{_start(facts)}"
    differing = [change for change in facts.twins if _differs(change)]
    apart = "; ".join(map(in_words, differing))
    tokens = next(change for change in facts.twins if change.metric == TOKENS)
    if tokens.value is None:
        also = f" Otherwise they differ: {apart}." if apart else ""
        return f"{_TWINS_WITHOUT_TOKENS}{also}"
    if not apart:
        return (
            "The frozen arms, which learn nothing, do not differ significantly, nor by "
            f"{policy.relevant()}. Where they run the same systems as the learn arms, a difference "
            "comes from what was learned."
        )
    start = f"The frozen arms, which learn nothing, differ too: {apart}"
    if not any(map(sure, differing)):
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
    if tasks < (least := policy.least_paired_tasks()):
        lacking = "with tokens in both" if tasks < len(facts.pairs) else "in common"
        reach = f"with fewer no test can reach {policy.level()}"
        return [f"At least {least} tasks {lacking}: {reach}."]
    if narrow is None or narrow.low <= 0:
        return []
    half = log(narrow.high / narrow.low) / 2
    needed = ceil(tasks * (half / -log(1 - policy.RELEVANT)) ** 2)
    if not tasks < needed <= _MOST_TASKS:
        return []
    return [
        f"About {needed:,} tasks like these instead of {tasks} would narrow the "
        f"{policy.narrow()} interval of tokens to ±{policy.relevant()}. Where single calls vary "
        "much, --repeats narrows it, too."
    ]


def _no_difference(facts: Facts) -> str:
    if identical(facts):
        return f"On {_same(facts)} A and B have the same numbers, but for time."
    used = typical(facts.tokens.value, places=1)
    return (
        f"On {_same(facts)} nothing that counts differs: B used {used} A, and "
        f"{policy.relevant()} either way can be ruled out."
    )


def _unclear(facts: Facts, reasons: Sequence[str]) -> str:
    start = f"On {_same(facts)} it cannot be told whether B is better or worse than A"
    if facts.tokens.value is None:
        return f"{start}: {'; '.join(reasons)}."
    tokens = f"it used {typical(facts.tokens.value)} A{span(facts.tokens.interval)}"
    return f"{start}: {'; '.join([tokens, *(each for each in reasons if each != too_wide())])}."


def _same(facts: Facts) -> str:
    count = len(facts.pairs)
    return f"the same {count} tasks" if count > 1 else "the one task in common"


def _differs(change: Change) -> bool:
    """Return whether twins differ: significantly, or by so much that it would count."""
    if not METRICS[change.metric].decides:
        return False
    return sure(change) or policy.is_relevant(abs(harm(change)))


def _beyond(tokens: Change) -> str:
    if tokens.net is None:
        return ""
    text = f" Beyond what they differ by, B used {more_or_fewer(tokens.net)} tokens"
    if tokens.p_net is None:
        return f"{text}."
    return f"{text}{span(tokens.net_interval)}, {p_equals(tokens.p_net)}."


def _start(facts: Facts) -> str:
    first = next((each for each in facts.start if each.metric == TOKENS), None)
    if first is None or first.value is None:
        return ""
    p = "" if first.p is None else f" ({p_equals(first.p)})"
    return f" In iteration 1, before anything was learned, B used {typical(first.value)} A{p}."


def cautions(facts: Facts) -> Iterator[str]:
    """List what a reader of the outcome should know as well."""
    tasks = len(facts.pairs)
    if tasks < policy.least_paired_tasks():
        reach = f"no test can reach {policy.level()}"
        yield f"with {counted(tasks)} in common {reach}, whatever happens"
    yield from _uncompared(facts)
    yield from _hidden(facts)
    yield from all_together(facts.tokens.after, facts.tokens.before, facts.tokens.value)
    time = next(each for each in facts.changes if each.metric == ELAPSED)
    if (significant(time, 1) or significant(time, -1)) and not _within_jitter(time):
        yield (
            f"{in_words(time)}: not counted, because time depends on the machine and the network, "
            "which nothing holds still between two batteries"
        )


def _uncompared(facts: Facts) -> Iterator[str]:
    """Note how few of the tasks and cells a change rests on, where that is not all of them."""
    tasks, cells = len(facts.pairs), _cells(facts)
    for arms, changes in (("", facts.changes), (" of the frozen arms", facts.twins)):
        for each in changes:
            if each.metric in {TOKENS, TURNS} and each.cells < cells:
                yield (
                    f"{METRICS[each.metric].plain}{arms} could be compared in {each.tasks} of "
                    f"{counted(tasks)} and {each.cells} of {cells} cells (a task in an "
                    "iteration): the others have none in A or in B"
                )


def _hidden(facts: Facts) -> Iterator[str]:
    """Note what the last iteration shows and the mean over all of them does not."""
    if len(facts.iterations) < 2:
        return
    for whole in facts.changes:
        if whole.metric not in {TOKENS, OK}:
            continue
        last = paired.at_end(facts.table, whole)
        shown = policy.is_relevant(abs(harm(whole))) and harm(whole) * harm(last) > 0
        if policy.is_relevant(abs(harm(last))) and not shown:
            yield (
                f"in iteration {facts.iterations[-1]} alone, {in_words(last)}: the mean over the "
                "iterations compared hides it"
            )


def _within_jitter(time: Change) -> bool:
    if time.before is None or time.after is None:
        return True
    return abs(time.after - time.before) < policy.RESOLUTION_S
