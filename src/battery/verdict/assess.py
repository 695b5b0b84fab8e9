"""The whole verdict: calls in, everything that may be claimed out.

`battery summarize` and `battery calibrate` call the same function.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from battery.records.findings import Evidence, OtherMetric
from battery.records.metric import OK
from battery.records.models import FROZEN, LEARN
from battery.verdict import (
    advice,
    cautions,
    cost,
    gates,
    ladder,
    planning,
    repeats,
    sentences,
    twin,
    work,
)
from battery.verdict.bluffs import bluffs
from battery.verdict.facts import Facts, Observed
from battery.verdict.forgetting import forgotten
from battery.verdict.growth import falling, growth
from battery.verdict.luck import luck
from battery.verdict.questions import Answers, answer
from battery.verdict.siblings import siblings
from battery.verdict.start import Alike, alike
from battery.verdict.table import CACHED, Grid, mean
from battery.verdict.tasks import by_task


def assess(observed: Observed, *, plan: bool = True) -> Evidence:
    """Judge what may be claimed of a battery with at least one call.

    Without `plan` the sensitivity and what would settle the question are left out: they decide
    nothing and take longer than all the rest.
    """
    facts = facts_of(observed)
    word, reasons, holds = ladder.decide(facts)
    grid = observed.grid
    return Evidence(
        verdict=word,
        sentence=sentences.sentence(word, facts, reasons),
        claim=sentences.sentence(word, facts, reasons, short=True),
        reasons=reasons,
        holds=holds,
        arms=list(grid.arms),
        tasks=len(grid.tasks),
        iterations=len(grid.iterations),
        repeats=grid.repeats,
        cost=facts.cost,
        looks=facts.looks,
        questions=list(facts.questions),
        groups=list(facts.groups),
        by_task=by_task(observed, facts.cost, facts.later) if facts.later else [],
        others=list(_others(grid, facts)),
        harm_p=facts.harm_p,
        success_p=facts.losses[0].p if facts.losses else None,
        growth=facts.growth,
        # With a twin the contrast answers the question. A trend next to it would invite a reader to
        # take for learning what the provider or the day did to both arms.
        trend=None if facts.two_arms else falling(grid, facts.cost),
        start=facts.start,
        bluffs=facts.bluffs,
        siblings=facts.siblings,
        gates=list(facts.gates),
        cached=_cached(grid),
        repeated=repeats.repeated(grid),
        checked=observed.checked,
        luck=luck(grid),
        sensitivity=planning.sensitivity(facts) if plan else None,
        settle=advice.settle(word, facts) if plan else [],
        assumptions=list(cautions.assumptions(facts)),
        scope=cautions.scope(word, facts),
        cautions=list(cautions.cautions(word, facts)),
    )


def may_claim(observed: Observed) -> bool:
    """Return whether a question is answered yes, without which no verdict claims learning."""
    _, answers = _answered(observed)
    return answers is not None and any(question.yes for question in answers.questions)


def _answered(observed: Observed) -> tuple[Alike | None, Answers | None]:
    grid = observed.grid
    start = alike(grid, grid.cost, kept=observed.kept) if FROZEN in grid.arms else None
    # Iteration 1 comes before any learning: two arms without a second one have nothing to say.
    asked = start is not None and len(grid.iterations) > 1
    return start, answer(observed, grid.cost, start) if start and asked else None


def facts_of(observed: Observed) -> Facts:
    """Find everything that the ladder looks at."""
    grid = observed.grid
    start, answers = _answered(observed)
    later = grid.over(slice(1, None))
    lost = forgotten(observed)
    bluffed = bluffs(grid)
    return Facts(
        observed=observed,
        cost=grid.cost,
        looks=answers.looks if answers else None,
        questions=answers.questions if answers else [],
        groups=answers.groups if answers else [],
        later=answers.later if answers else None,
        harm_p=answers.harm_p if answers else None,
        harm_level=answers.harm_level if answers else 0.0,
        losses=work.losses(later, observed.reruns) if answers else [],
        growth=growth(grid, grid.cost) if answers else None,
        start=start.start if start else None,
        bluffs=bluffed,
        siblings=siblings(observed, grid.cost, answers) if answers else None,
        lost=lost,
        gates=gates.check(observed, lost, bluffed),
        spoiled=list(twin.spoiled(observed, start)),
        nothing=twin.nothing_to_learn(observed),
        shared=twin.shared(observed, grid.cost),
    )


def _others(grid: Grid, facts: Facts) -> Iterator[OtherMetric]:
    """Yield the means of the metrics that decide nothing."""
    if not facts.questions:
        return
    later = grid.over(slice(1, facts.looks.iterations if facts.looks else None))
    for metric in grid.metrics:
        if metric.key not in {facts.cost, OK}:
            learn, frozen = cost.common(*(later.asked(arm, metric.key) for arm in (LEARN, FROZEN)))
            yield OtherMetric(metric=metric.key, learn=mean(learn), frozen=mean(frozen))


def _cached(grid: Grid) -> dict[str, int]:
    """Count the cells, by arm, that hold an answer from a cache."""
    return {
        arm: int((np.nan_to_num(grid.asked(arm, CACHED)) > 0).any(axis=-1).sum())
        for arm in grid.arms
    }
