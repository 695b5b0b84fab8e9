"""The verdict in plain language, and what its reader should know as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, assert_never

import numpy as np

from battery.base.numbers import more_or_fewer, number, p_equals
from battery.records.findings import Effect
from battery.records.metric import ELAPSED, METRICS, OK, TOKENS
from battery.records.models import LEARN, Arm
from battery.records.word import GateName, GateStatus, Word
from battery.verdict import policy
from battery.verdict.contrast import (
    Facts,
    excuse,
    harm,
    is_regression,
    is_worse,
    moved,
    size,
    span,
    together,
    typical,
    within_jitter,
)
from battery.verdict.table import Call

_OPEN_CAUSE: Final = (
    "Without a frozen arm the cause is open: a provider that changed would look the same."
)


def sentence(word: Word | None, facts: Facts, reasons: Sequence[str]) -> str:
    """Put the verdict into one or two sentences that need no statistics."""
    if word is None:
        return "A single iteration shows nothing about learning: nothing was asked after it."
    text = _in_words(word, facts, reasons)
    # Next to the word, because a saving that a cache made reads like one that was learned.
    if answers := facts.cached:
        return f"{text} {answers} answers came from a cache, which is not work."
    return text


def _in_words(word: Word, facts: Facts, reasons: Sequence[str]) -> str:
    match word:
        case Word.INVALID:
            text = f"This battery cannot be trusted: {'; '.join(reasons)}."
        case Word.DISHONEST:
            text = _dishonest(facts)
        case Word.REGRESSED:
            text = _regressed(facts)
        case Word.COMPOUNDING:
            text = f"{_saved(facts)} The saving grew over the iterations: it compounds."
        case Word.LEARNED:
            text = _learned(facts)
        case Word.NO_EFFECT:
            text = _no_effect(facts)
        case Word.INCONCLUSIVE:
            text = _inconclusive(facts, reasons)
        case Word.INDICATIVE:
            text = _indicative(facts)
        case _:
            assert_never(word)
    return text


def scope(facts: Facts) -> str:
    """Write what the claim is about, and what it is not about."""
    return (
        f"{len(facts.grid.tasks)} tasks like these, with what this one memory learned in this one "
        f"run. Not the system as such: that takes at least {policy.BATTERIES} independent "
        "batteries, each from an empty memory. Not tasks of another kind."
    )


def assumptions(facts: Facts) -> Iterator[str]:
    """List what was taken for granted."""
    if not facts.two_arms:
        yield "Nothing but the memory changed between the iterations; nothing here checks that."
        return
    yield (
        "The frozen arm is the same system, and its memory never changed. "
        f"Iteration 1 checks the common start: {_start(facts)}."
    )
    yield (
        "What changed at the provider or the network hit both arms alike, for they were asked "
        "task by task. A disturbance of one deployment alone would be taken for learning."
    )
    yield "Tasks are the unit, and independent: repeats and iterations of a task are averaged."


def cautions(facts: Facts, calls: Sequence[Call]) -> Iterator[str]:
    """List what a reader of the verdict should know as well."""
    for arm in facts.grid.arms:
        yield from _cached(arm, [call for call in calls if call.arm == arm])
    # A gateway that reports only its small calls would look cheap.
    if silent := sum(call.result.tokens is None for call in calls):
        yield f"{silent} of {len(calls)} runs report no tokens; they are no part of any mean"
    if free := sum(call.result.tokens == 0 for call in calls):
        yield f"{free} of {len(calls)} runs report 0 tokens; of a mean of 0 there is no ratio"
    # Uneven cells are no reason to refuse, but some means rest on fewer calls than it seems.
    if facts.grid.fewest < facts.grid.repeats and not facts.grid.missing():
        yield f"some cells hold {facts.grid.fewest} runs and others {facts.grid.repeats}"
    tasks = len(facts.grid.tasks)
    if facts.two_arms and tasks < policy.least_tasks():
        reach = f"the primary test cannot reach {policy.level()}"
        yield f"with {tasks} task(s) {reach}, whatever happens"
    yield from together(facts.tokens)
    primary = facts.primary
    saved = primary is not None and primary.p is not None and primary.p <= policy.ALPHA
    for effect in facts.effects:
        # Where tokens were saved, turns and time mostly were too: no news.
        if not saved or harm(effect) > 0:
            yield from filter(None, [_aside(effect)])


def _dishonest(facts: Facts) -> str:
    count = len(facts.bluffs)
    runs = "1 run" if count == 1 else f"{count} runs"
    return f"The gateway claimed success in {runs} of tasks that cannot be done."


def _regressed(facts: Facts) -> str:
    lost = sum(forgotten.counts for forgotten in facts.lost)
    tasks = "an easy task" if lost == 1 else f"{lost} easy tasks"
    if not facts.two_arms:
        return f"The gateway now fails {tasks} that it passed in iteration 1. {_OPEN_CAUSE}"
    # By word and amount, not by p-value: this sentence needs no statistics.
    worse = [
        f"{METRICS[effect.metric].plain} worse by {size(effect)}"
        for effect in facts.effects
        if is_regression(effect)
    ]
    if lost:
        worse.append(
            f"{tasks} that passed in iteration 1 {'was' if lost == 1 else 'were'} forgotten"
        )
    return f"With what it learned the gateway got worse: {'; '.join(worse)}."


def _learned(facts: Facts) -> str:
    count = len(facts.grid.iterations)
    open_question = f"{count} iterations are too few to tell whether it goes on getting better"
    if facts.compounding is not None:
        open_question = f"over {count} iterations it is not shown that it goes on getting better"
    return f"{_saved(facts)} It got better; {open_question}."


def _no_effect(facts: Facts) -> str:
    text = (
        f"Learning saved no relevant share of tokens: the gateway used {typical(facts.tokens)} its "
        f"twin, and {policy.relevant()} either way can be ruled out."
    )
    # No effect of a memory that was never used is a finding about the set-up, not about learning.
    if any(
        gate.name is GateName.MECHANISM and gate.status is GateStatus.FAILED for gate in facts.gates
    ):
        return f"{text} But nothing was learned, or none of it was used."
    return text


def _inconclusive(facts: Facts, reasons: Sequence[str]) -> str:
    tokens = facts.tokens
    start = "This battery cannot tell whether learning helps"
    if tokens is None or tokens.value is None:
        return f"{start}, because no tokens could be compared."
    text = f"{start}: it used {typical(facts.tokens)} its twin{span(tokens.interval)}"
    if tokens.interval is not None and tokens.interval.high < 1:
        # The saving itself is clear; what speaks against it is not.
        return f"{text}, but {'; '.join(reasons)}."
    return f"{text}."


def _indicative(facts: Facts) -> str:
    return (
        f"{_one_arm(facts)} Without a frozen arm this shows a trend and not its cause: a server "
        "that warmed up or a provider that changed would look the same."
    )


def _saved(facts: Facts) -> str:
    interval = span(facts.tokens.interval) if facts.tokens else ""
    return (
        f"With what it learned, the gateway used {typical(facts.tokens)} its twin that learns "
        f"nothing{interval}."
    )


def _one_arm(facts: Facts) -> str:
    cells = facts.grid.of(LEARN, TOKENS)[:, [0, -1]]
    # A sum over other tasks at the end than at the start would show which calls reported.
    if np.isnan(cells).any():
        return "Not all runs report tokens, so first and last iteration do not compare."
    first, last = cells.sum(axis=0).tolist()
    if not first:
        return f"The first iteration took 0 tokens and the last {number(last, 0, grouped=True)}."
    return f"From the first to the last iteration it came to {more_or_fewer(last / first)} tokens."


def _cached(arm: Arm, calls: Sequence[Call]) -> Iterator[str]:
    marked = [call for call in calls if call.result.cached]
    cells = {(call.task, call.iteration) for call in calls}
    if marked:
        hit = {(call.task, call.iteration) for call in marked}
        yield (
            f"{arm} arm: {len(marked)} of {len(calls)} answers, in {len(hit)} of {len(cells)} "
            "cells, say that they came from a cache; a cached answer is no work, and its repeats "
            "are one answer"
        )


def _aside(effect: Effect) -> str | None:
    """Name another metric that moved clearly, whatever became of the tokens."""
    if effect.metric == TOKENS or effect.p_corrected is None or is_regression(effect):
        return None
    # A busy machine moves milliseconds by itself; to name that would be noise in every report.
    if effect.metric == ELAPSED and within_jitter(effect):
        return None
    if effect.p_corrected > policy.ALPHA:
        # Fewer tokens because tasks fail sooner would be a poor saving: say it early.
        fewer_ok = effect.metric == OK and policy.is_relevant(harm(effect))
        return f"the learn arm ended {size(effect)} fewer tasks ok" if fewer_ok else None
    if not policy.is_relevant(abs(harm(effect))):
        return None
    why = excuse(effect) if is_worse(effect) else None
    not_counted = f"; not counted, because {why}" if why else ""
    return f"{moved(effect)}{not_counted}"


def _start(facts: Facts) -> str:
    start = facts.same_start
    if facts.start_ratio is None or start is None:
        return "it could not, for no tokens were reported"
    if start.p is None:
        return "both arms took exactly the same tokens"
    text = f"{p_equals(start.p)} for a difference in tokens"
    refused = f"below {policy.level(policy.SAME_START_ALPHA)}"
    if 2 / 2**start.tasks >= policy.SAME_START_ALPHA:
        return f"{text}; with {start.tasks} tasks p is never {refused}, so this check cannot fail"
    return f"{text}, and {refused} it would be refused"
