"""What a reader of a verdict should know as well: its scope, what was assumed, what to mind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from battery.base.numbers import (
    HUGE,
    counted,
    more_or_fewer,
    p_equals,
    percent,
)
from battery.records.checks import UNCHECKED
from battery.records.metric import METRICS
from battery.records.models import ARM_NAMES
from battery.records.word import Word
from battery.verdict import bluffs, checks, cost, ladder, policy, repeats, twin
from battery.verdict.facts import Facts
from battery.verdict.table import CACHED, SILENT

#: How the caution about the total begins.
TOGETHER: Final = "all tasks together took"
#: Words that claim nothing which could hold for anything.
_NO_CLAIM: Final = (None, Word.INVALID, Word.DISHONEST, Word.INCONCLUSIVE, Word.INDICATIVE)


def scope(word: Word | None, facts: Facts) -> str:
    """Write what the claim is about, and what it is not about."""
    if word in _NO_CLAIM:
        return "Nothing, for no learning is claimed."
    new = ": nothing new was asked" if facts.two_arms else ""
    if asked := facts.siblings:
        new = f": even the new ones ({asked.asked:,}) were of the same kind"
    count = len(facts.grid.tasks)
    return (
        f"{'This' if count == 1 else 'These'} {counted(count, 'task')}, with what this one memory "
        "learned in this one run. It does not hold for the system in general: that takes at least "
        f"{policy.BATTERIES} independent batteries, each from an empty memory (battery campaign "
        f"plan --runs {policy.BATTERIES}, or battery pool). Nor does it hold "
        f"for tasks of another kind{new}."
    )


def assumptions(facts: Facts) -> Iterator[str]:
    """List what was taken for granted."""
    if not facts.two_arms:
        yield "Nothing but the memory changed between the iterations; nothing here checks that."
        return
    yield (
        "The twin is the same system, and its memory never changed. Iteration 1 checks that both "
        f"started alike: {_start(facts)}."
    )
    yield (
        "What changed at the provider or the network hit learner and twin alike, since they were "
        "asked task by task. A disturbance of one of them alone would look like learning."
    )
    yield "Tasks are independent of each other; repeats and iterations of a task are averaged."
    yield from filter(None, [checks.untried(facts.grid)])


def cautions(word: Word | None, facts: Facts) -> Iterator[str]:
    """List what a reader of the verdict should know as well."""
    grid = facts.grid
    yield from _bluffing(facts)
    # What nobody reported comes next: the main numbers are without it.
    calls = grid.calls[facts.cost]
    asked = int((~np.isnan(grid.calls[SILENT])).sum())
    noun = METRICS[facts.cost].plain
    # A gateway that reports only its small calls would look cheap.
    if silent := asked - int((~np.isnan(calls)).sum()):
        yield f"{silent} of {asked} runs report no {noun}; they are no part of any mean"
    if free := int((calls == 0).sum()):
        yield f"{free} of {asked} runs report 0 {noun}, which is taken at face value"
    if not facts.observed.checked:
        yield UNCHECKED
    yield from filter(None, [checks.refuting_all(grid)])
    if taught := facts.observed.told:
        yield (
            f"the `teach` of {counted(taught, 'task')} may have been told after a miss (--feedback "
            "answer): getting these right is then recall; siblings, whose answers are never "
            "told, show more"
        )
    yield from _cached(facts)
    yield from repeats.more_often(grid)
    # Uneven cells are no reason to refuse, but some means rest on fewer calls than it seems.
    if grid.fewest < grid.repeats and not grid.missing():
        yield f"some cells hold {grid.fewest} runs and others {grid.repeats}"
    told = facts.shared or len(grid.iterations) < 2 or not facts.two_arms
    if not told and (text := twin.trend(grid, facts.cost)):
        yield text
    if word is not Word.INVALID:
        yield from _apart_at_first(facts)
        yield from _together(facts)
    yield from _overstated(word, facts)


def _bluffing(facts: Facts) -> Iterator[str]:
    """Warn of a system that bluffs whatever it learns: its word is about learning alone."""
    if facts.bluffs and bluffs.always(facts.bluffs.impossible):
        yield (
            "it bluffs, though learning did not bring that: what it claims to have done is not "
            "to be trusted"
        )


def _cached(facts: Facts) -> Iterator[str]:
    grid = facts.grid
    for arm in grid.arms:
        marked = np.nan_to_num(grid.asked(arm, CACHED)) > 0
        if marked.any():
            asked = int((~np.isnan(grid.asked(arm, CACHED))).sum())
            hit, cells = int(marked.any(axis=2).sum()), marked.shape[0] * marked.shape[1]
            yield (
                f"{ARM_NAMES[arm]}: {int(marked.sum())} of {asked} answers, in {hit} of {cells} "
                "cells, say that they came from a cache; a cached answer is no work, and its "
                "repeats are one answer"
            )


def _apart_at_first(facts: Facts) -> Iterator[str]:
    """Warn of arms that differed before anything was learned, though not for certain."""
    start = facts.start
    # What is netted is no part of the effect, and equal memories began alike.
    if start is None or start.ratio is None or start.netted or start.kept:
        return
    if abs(start.ratio - 1) > policy.APART:
        yield (
            "in iteration 1, before anything was learned, the learner took "
            f"{more_or_fewer(start.ratio)} {METRICS[facts.cost].plain} on a typical task than its "
            f"twin; that may be luck ({p_equals(start.p)}), and the effect is not corrected for it"
        )


def _together(facts: Facts) -> Iterator[str]:
    """Note where all tasks together do not say the same as a typical one."""
    group, ratio = facts.group("all"), ladder.together(facts)
    if group is None or group.ratio is None or ratio is None:
        return
    # Two that are both huge read alike, and one of them is no news.
    apart = abs(min(ratio, HUGE) - min(group.ratio, HUGE))
    if policy.is_relevant(apart) and policy.is_relevant(apart / group.ratio):
        yield (
            f"{TOGETHER} {more_or_fewer(ratio)} {METRICS[facts.cost].plain}: tasks "
            "that take many weigh more in the total than in the figure for a typical task"
        )


def _overstated(word: Word | None, facts: Facts) -> Iterator[str]:
    """Warn where only a lucky estimate could have been significant: a type-M error."""
    group = facts.group("all")
    if word is None or not word.about.claims or not facts.yes("cost") or group is None:
        return
    interval, ratio = group.interval, group.ratio
    # What the test needs to see is as far from no effect as the interval is wide to that side.
    if interval and ratio and cost.effect(interval.high) < (cost.effect(ratio)) / 4:
        # Where calls do not vary by luck, it is the tasks that differ in what they gain.
        alike = facts.start is not None and facts.start.p is None
        why = "since tasks differ so much in what they gain" if alike else "with this much noise"
        yield (
            f"{why}, only a saving that looks large is seen, so the figure tends to "
            f"be too high: go by the lower end, {percent(1 - interval.high)}"
        )


def _start(facts: Facts) -> str:
    start = facts.start
    if start is None or start.ratio is None:
        return "it could not, for nothing was measured in both"
    if start.p is None:
        return "both took exactly the same"
    text = f"{p_equals(start.p)} for a difference"
    if start.kept:
        return f"{text}, which was learned: battery gave both the same memory to start with"
    if start.netted:
        return f"{text}, which is small ({more_or_fewer(start.ratio)}) and taken off the effects"
    refused = f"below {policy.level(policy.SAME_START_ALPHA)}"
    if 2 / 2**start.tasks >= policy.SAME_START_ALPHA:
        return f"{text}; with {start.tasks} tasks p is never {refused}, so this check cannot fail"
    return f"{text}, and {refused} with {percent(policy.SPOILING)} or more it would be refused"
