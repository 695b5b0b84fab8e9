"""What a verdict rests on, what it is about, and what else its reader should know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from battery.records.findings import Effect
from battery.records.metric import ELAPSED, METRICS, OK, TOKENS
from battery.records.models import Arm
from battery.verdict.ladder import (
    ALPHA,
    RELEVANT,
    SAME_START_ALPHA,
    Facts,
    excuse,
    harm,
    is_worse,
    regression,
    within_jitter,
)
from battery.verdict.power import LEAST_TASKS
from battery.verdict.sentences import change, size
from battery.verdict.table import Call


def scope(facts: Facts) -> str:
    """Say what the claim is about, and what it is not about."""
    tasks = len(facts.grid.tasks)
    return (
        f"{tasks} tasks like these, with what this one memory learned in this one run. Not the "
        "system as such: that takes five independent batteries at least, each from an empty "
        "memory. Not tasks of another kind."
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
    if silent := sum(call.result.tokens == 0 for call in calls):
        yield f"{silent} of {len(calls)} runs report no tokens; they are no part of any mean"
    if facts.grid.fewest < facts.grid.repeats and not facts.grid.missing():
        yield f"some cells hold {facts.grid.fewest} runs and others {facts.grid.repeats}"
    tasks = len(facts.grid.tasks)
    if facts.two_arms and tasks < LEAST_TASKS:
        yield f"with {tasks} task(s) the primary test cannot reach .05, whatever happens"
    yield from _totals(facts)
    saved = facts.primary is not None and facts.primary.p is not None and facts.primary.p <= ALPHA
    for effect in facts.effects:
        # Where tokens were saved, turns and time mostly were too: no news.
        if not saved or harm(effect) > 0:
            yield from filter(None, [_aside(effect)])


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


def _totals(facts: Facts) -> Iterator[str]:
    """Tell where all tasks together say something else than a typical one."""
    tokens = facts.tokens
    if tokens is None or tokens.value is None or not tokens.learn or not tokens.frozen:
        return
    together = tokens.learn / tokens.frozen
    if abs(together - tokens.value) >= RELEVANT:
        yield (
            f"all tasks together took {change(together)} tokens: tasks that take many weigh more "
            "there than in a typical task"
        )


def _aside(effect: Effect) -> str | None:
    """Name another metric that moved clearly, whatever became of the tokens."""
    if effect.metric == TOKENS or effect.p_corrected is None or regression(effect):
        return None
    if effect.metric == ELAPSED and within_jitter(effect):
        return None
    if effect.p_corrected > ALPHA:
        # Fewer tokens because tasks fail sooner would be a poor saving: say it early.
        fewer_ok = effect.metric == OK and harm(effect) >= RELEVANT
        return f"the learn arm ended {size(effect)} fewer tasks ok" if fewer_ok else None
    if abs(harm(effect)) < RELEVANT:
        return None
    word = "worse" if harm(effect) > 0 else "better"
    why = excuse(effect) if is_worse(effect) else None
    told = f"; not counted, because {why}" if why else ""
    p = f"(corrected p = {effect.p_corrected:.3f})"
    return f"{METRICS[effect.metric].plain}: {word} by {size(effect)} {p}{told}"


def _start(facts: Facts) -> str:
    start = facts.same_start
    if facts.start_ratio is None or start is None:
        return "it could not, for no tokens were reported"
    if start.p is None:
        return "both arms took exactly the same tokens"
    text = f"p = {start.p:.3f} for a difference in tokens"
    if 2 / 2**start.tasks >= SAME_START_ALPHA:
        return f"{text}; with {start.tasks} tasks it can never be below the .01 that refuses"
    return f"{text}, and below .01 it would be refused"
