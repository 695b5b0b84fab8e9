"""What one run says by itself, as far as a claim over several runs needs it.

Everything is taken from the facts that its own verdict rests on, so that a run reads the same in
its own report and in that of its campaign.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from battery.records.campaign import CostOf, Done, NewTasks, RunFindings, Spent, TaskClaims
from battery.records.findings import Kind, QuestionName
from battery.records.models import SOLVABLE, Phase
from battery.records.word import GateStatus, Word
from battery.verdict import bluffs, cost, repeats, sham, work
from battery.verdict.facts import Facts
from battery.verdict.ladder import Decision
from battery.verdict.objections import Objections
from battery.verdict.signflip import Floats
from battery.verdict.start import Alike, alike
from battery.verdict.table import Grid
from battery.verdict.tasks import by_task


class About(NamedTuple):
    """Who a run is, and what it took."""

    name: str
    folder: str = ""
    run_id: str | None = None
    seed: int | None = None
    started_at: str | None = None
    #: Its own verdict in a sentence.
    claim: str = ""
    spent: Spent | None = None


def findings(about: About, facts: Facts, decision: Decision) -> RunFindings:
    """Return what a run says: its facts, and the verdict that they came to."""
    left_out = next(_left_out(facts, decision), None)
    found = _Comparing(facts) if facts.two_arms and len(facts.grid.iterations) > 1 else None
    return RunFindings(
        name=about.name,
        folder=about.folder,
        run_id=about.run_id,
        seed=about.seed,
        started_at=about.started_at,
        word=decision.word,
        claim=about.claim,
        left_out=left_out,
        iterations=len(facts.grid.iterations),
        repeats=facts.grid.repeats,
        tasks=len(facts.grid.tasks),
        metric=facts.cost,
        relevant_cost=facts.observed.expectations.relevant.cost,
        relevant_success=facts.observed.expectations.relevant.success,
        costs=list(found.costs()) if found else [],
        solvable=found.solvable() if found else None,
        error=found.error() if found else None,
        done=list(found.done()) if found else [],
        by_iteration=facts.growth.ratios if facts.growth else [],
        shape=facts.growth.shape if facts.growth else None,
        siblings=_new_tasks(facts),
        failed=[gate.name for gate in facts.gates if gate.status is GateStatus.FAILED],
        lost=list(dict.fromkeys(lost.label for lost in facts.lost if lost.counts)),
        objections=found.objections() if found else {},
        untold=facts.nothing or facts.shared,
        kept=_kept(facts),
        claims=list(_claims(facts.grid)),
        checked=facts.observed.checked,
        by_task=by_task(facts.observed, facts.cost, found.later) if found else [],
        spent=about.spent,
    )


def _left_out(facts: Facts, decision: Decision) -> Iterator[str]:
    """Say why a run is no part of any effect; by nothing that learning could have changed."""
    if decision.word is Word.INVALID:
        yield f"{Word.INVALID}: {'; '.join(facts.spoiled)}"
    if not facts.two_arms:
        yield "it has no twin, so nothing tells what learning did"
    if len(facts.grid.iterations) < 2:
        yield "it has a single iteration, so nothing was asked after learning"


class _Comparing:
    """A run with two arms and at least two iterations."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self.observed = facts, facts.observed
        self.later = facts.later or facts.grid.over(slice(1, None))
        self.alike: Alike = alike(facts.grid, facts.cost, kept=self.observed.kept)
        self.sides = Objections(self.observed, facts.cost, self.alike).sides(self.later)
        self.effects = cost.task_effects(*self.sides)

    def costs(self) -> Iterator[CostOf]:
        for kind, phases in work.PHASES.items():
            if rows := self.later.rows(*phases):
                yield CostOf(
                    kind=kind,
                    ratio=cost.ratio(self.effects[rows]),
                    together=_together(*self.sides.of(rows)),
                    before=self._before(rows),
                    feigned=float(cost.skew(*self.sides.of(rows))),
                )

    def _before(self, rows: Sequence[int]) -> float | None:
        # What battery itself put in place was alike: what differs was learned in iteration 1.
        if self.alike.start.netted or self.alike.start.kept:
            return None
        return cost.ratio(self.alike.effects[list(rows)])

    def solvable(self) -> float | None:
        return cost.ratio(self.effects[self.later.rows(*SOLVABLE)])

    def error(self) -> float | None:
        known = self.effects[~np.isnan(self.effects)]
        return float(known.std(ddof=1)) / sqrt(known.size) if known.size > 1 else None

    def done(self) -> Iterator[Done]:
        first = self.facts.grid.over(slice(1))
        for kind, phases in work.PHASES.items():
            rows = self.later.rows(*(phase for phase in phases if phase in SOLVABLE))
            if rows:
                counts = work.done(self.later, rows)
                yield Done(
                    kind=kind,
                    learn=counts.learn,
                    learn_calls=counts.learn_calls,
                    frozen=counts.frozen,
                    frozen_calls=counts.frozen_calls,
                    gain_before=work.done(first, rows).gain,
                )

    def objections(self) -> dict[QuestionName, list[str]]:
        """List by question what is saved or done without work."""
        rows = {"cost": list(range(len(self.later.tasks))), "niche": self.later.rows(Phase.BETA)}
        found = {"cost": self._no_work(rows["cost"]), "niche": self._no_work(rows["niche"])}
        objections: dict[QuestionName, list[str]] = {
            "cost": list(found["cost"]),
            "niche": list(found["niche"]) if rows["niche"] else [],
            "success": [
                *sham.one_for_all(self.later),
                *sham.troubled(self.later),
                *sham.twin_does_less(self.facts.grid),
            ],
        }
        return {name: texts for name, texts in objections.items() if texts}

    def _no_work(self, rows: list[int]) -> Iterator[str]:
        least = self.observed.expectations.relevant.cost
        yield from sham.no_work(self.later, rows, self.facts.cost, least)
        yield from sham.twin_alone(self.facts.grid, rows, self.facts.cost, least)


def _together(own: Floats, base: Floats) -> float | None:
    sums = [float(np.nansum(side)) for side in cost.common(own, base)]
    return sums[0] / sums[1] if sums[1] > 0 else None


def _new_tasks(facts: Facts) -> NewTasks | None:
    new = facts.siblings
    if new is None:
        return None
    both = new.learn_calls and new.frozen_calls
    shares = new.learn_done / max(1, new.learn_calls), new.frozen_done / max(1, new.frozen_calls)
    return NewTasks(
        outcome=new.outcome,
        asked=new.asked,
        repeated=new.repeated,
        ratio=new.ratio,
        gain=shares[0] - shares[1] if both else None,
    )


def _kept(facts: Facts) -> str | None:
    if facts.siblings is not None or not facts.two_arms:
        return None
    return next(repeats.kept(facts.grid), None)


def _claims(grid: Grid) -> Iterator[TaskClaims]:
    """Yield the bluffs of each task that could tell any: those of a run hang together by task."""
    names = [row.task for row in grid.tasks]
    for kind, rows, counted in bluffs.events(grid):
        for row, task in zip(rows, counted.strata, strict=True):
            if task.own or task.base:
                yield TaskClaims(
                    task=names[row],
                    kind=kind,
                    learn=task.own_events,
                    learn_calls=task.own,
                    others=task.base_events,
                    other_calls=task.base,
                )


def by_kind(runs: Iterable[RunFindings]) -> list[Done]:
    """Add up what was done, by kind, over runs."""
    kinds: dict[Kind, list[Done]] = {}
    for run in runs:
        for done in run.done:
            kinds.setdefault(done.kind, []).append(done)
    return [_added(kind, kinds[kind]) for kind in work.PHASES if kind in kinds]


def _added(kind: Kind, done: Sequence[Done]) -> Done:
    return Done(
        kind=kind,
        learn=sum(each.learn for each in done),
        learn_calls=sum(each.learn_calls for each in done),
        frozen=sum(each.frozen for each in done),
        frozen_calls=sum(each.frozen_calls for each in done),
        gain_before=sum(each.gain_before for each in done) / len(done),
    )
