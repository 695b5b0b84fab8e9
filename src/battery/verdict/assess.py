"""The whole verdict: calls in, everything that may be claimed out.

`battery summarize` and `battery calibrate` call the same function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from battery.records.findings import Effect, Evidence
from battery.records.models import FROZEN
from battery.verdict import effects as compare
from battery.verdict import gates, ladder, planning, sentences
from battery.verdict.contrast import Facts, Observed
from battery.verdict.table import Call, Grid, grid


def assess(observed: Observed, *, plan: bool = True) -> Evidence:
    """Judge what may be claimed of a battery with at least one call.

    Without `plan` the sensitivity and what would settle the question are left out: they decide
    nothing and take longer than all the rest. Raises `ValueError` without a call.
    """
    table = grid(observed.calls)
    facts = _facts(observed, table)
    word, reasons = ladder.decide(facts)
    return Evidence(
        verdict=word,
        sentence=sentences.sentence(word, facts, reasons),
        reasons=reasons,
        arms=list(table.arms),
        tasks=len(table.tasks),
        iterations=len(table.iterations),
        repeats=table.repeats,
        primary=facts.primary,
        compounding=facts.compounding,
        # With a twin the contrast answers the question. A trend next to it would invite a reader to
        # take for learning what the provider or the day did to both arms.
        trend=None if facts.two_arms else compare.falling(table),
        same_start=facts.same_start,
        narrow=facts.narrow,
        effects=list(facts.effects),
        gates=list(facts.gates),
        cached=_cached(observed.calls, table),
        # The direction count is made of the first repeat, so its chance has to be as well.
        luck=compare.luck(_first_repeats(observed.calls, table)),
        sensitivity=planning.sensitivity(facts) if plan else None,
        settle=planning.settle(word, facts) if plan else [],
        assumptions=list(sentences.assumptions(facts)),
        scope=sentences.scope(facts),
        cautions=list(sentences.cautions(facts, observed.calls)),
    )


def _facts(observed: Observed, table: Grid) -> Facts:
    two_arms = FROZEN in table.arms
    # Iteration 1 comes before any learning: two arms without a second one have nothing to say.
    compared = two_arms and len(table.iterations) > 1
    lost = gates.forgotten(observed.calls, table, observed.confirmations)
    effects: list[Effect] = compare.effects(table) if compared else []
    return Facts(
        grid=table,
        effects=effects,
        primary=compare.primary(table) if compared else None,
        narrow=compare.narrow_interval(compare.later(table)) if compared else None,
        same_start=compare.same_start(table) if two_arms else None,
        compounding=compare.compounding(table) if compared else None,
        start_ratio=compare.start_ratio(table) if two_arms else None,
        gates=gates.check(observed.calls, table, lost, observed.expectations, observed.distilled),
        cached=sum(call.result.cached for call in observed.calls),
        bluffs=gates.bluffs(observed.calls),
        lost=lost,
        changed=[*observed.changed, *_twin_learned(observed.calls, table)],
    )


def _twin_learned(calls: Sequence[Call], table: Grid) -> Iterator[str]:
    """Object to a frozen arm that was given what iteration 1 did not know yet."""
    first = table.iterations[0]
    # A gateway that fills this field before anything was distilled does not mean learning by it.
    if any(call.result.memory_used for call in calls if call.iteration == first):
        return
    # A twin that learns hides what learning does: the battery is refused, not only annotated.
    frozen = [call for call in calls if call.arm == FROZEN and call.result.memory_used]
    if frozen:
        yield f"{len(frozen)} runs of the frozen arm were given something from memory: it learned"


def _cached(calls: Sequence[Call], table: Grid) -> dict[str, int]:
    """Count the cells, by arm, that hold an answer from a cache."""
    marked = {(call.arm, call.task, call.iteration) for call in calls if call.result.cached}
    return {arm: sum(cell[0] == arm for cell in marked) for arm in table.arms}


def _first_repeats(calls: Sequence[Call], table: Grid) -> Grid:
    """Keep what the table of the counted metrics shows: the first repeat alone."""
    return table if table.repeats == 1 else grid([call for call in calls if call.repeat == 1])
