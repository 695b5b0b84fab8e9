"""What the questions may spend, and what speaks against a small p."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from battery.base.numbers import percent
from battery.records.findings import QuestionName
from battery.records.models import FROZEN, LEARN, SOLVABLE, Phase
from battery.verdict import cost, niche, policy, sham, signflip, strata, work
from battery.verdict.facts import Observed
from battery.verdict.signflip import Booleans, Floats
from battery.verdict.start import Alike
from battery.verdict.strata import Stratum
from battery.verdict.table import Grid, means


class Sides(NamedTuple):
    """The calls of both arms after iteration 1, tasks by iterations by repeats.

    The learner's cost is net of what the arms differed by at the start, where that counts.
    """

    own: Floats
    base: Floats

    def of(self, rows: Sequence[int]) -> Sides:
        """Keep some of the tasks."""
        return Sides(self.own[list(rows)], self.base[list(rows)])


class Levels(NamedTuple):
    """What the questions may spend at a planned look, and what that follows from."""

    cost: float
    niche: float
    success: float
    #: Tasks done in both arms, a stratum per task.
    done: list[Stratum]
    #: Whether the learner's calls scatter more than those of its twin.
    wild: bool


def too_small(effects: Floats, least: float) -> Booleans:
    """Return whether the saving on a typical task counts too little."""
    saved: Booleans = 1 - np.exp(-np.nan_to_num(means(effects))) < least - policy.TINY
    return saved


def is_feigned(effects: Floats, own: Floats, base: Floats, least: float) -> Booleans:
    """Return whether too little is left once what scattering calls feign is taken off."""
    return too_small(effects - cost.skew(own, base)[..., None], least)


def no_less_together(own: Floats, base: Floats) -> Booleans:
    """Return whether all calls together, (…, tasks, iterations, repeats), cost no less."""
    # A typical task may save while the one task that costs most pays for it.
    learn, frozen = (means(each.reshape(*each.shape[:-2], -1)) for each in cost.common(own, base))
    no_less: Booleans = learn >= frozen
    return no_less


def may_lean(p: Floats, ratio: Floats, tasks: int) -> Booleans:
    """Return whether arms that differ so in iteration 1 may favour the learner."""
    # Too few tasks can never show that they lean, so that what they show is taken for it.
    told: Booleans = (p <= policy.LEANING) | (2 / 2 ** min(tasks, 30) > policy.LEANING)
    return told & (ratio < 1)


def leaned_as_far(effects: Floats, lean: Floats, least: float) -> Booleans:
    """Return whether less than `least` was saved beyond what was in iteration 1 already."""
    return too_small(effects - np.nan_to_num(lean), least)


def most_for_success(done: Sequence[Stratum]) -> float:
    """Return what the question about tasks done may take at most."""
    few = max((task.own for task in done), default=0) <= 2
    return policy.SUCCESS_OF_TWO if few else policy.SUCCESS


def one_task(p: Floats, tasks: int) -> Booleans:
    """Return whether flips of so many tasks, with this p, show one task's story."""
    # One task that gains much while others do not is no gain on niche tasks.
    story: Booleans = p > max(policy.NICHE_TASKS, 1 / 2 ** min(tasks, 30))
    return story


def shared(of_niche: float, of_success: float, wild: Booleans) -> tuple[Floats, Floats]:
    """Return the levels of the questions about the cost of all tasks, and of niche ones.

    The latter and the question about tasks done can spend so much; `wild` is whether the calls of
    the learner scatter more than those of the twin.
    """
    share = np.where(wild, policy.SCATTERED, 1)
    return (policy.planned() - of_niche - of_success) / share, of_niche / share


def most_gained(grid: Grid, before: Grid | None = None) -> float:
    """Return by how much more is done than before, of all tasks or of the niche ones."""
    kinds = grid.rows(*SOLVABLE), grid.rows(Phase.BETA)
    gains = (
        work.done(grid, rows).gain - (work.done(before, rows).gain if before else 0.0)
        for rows in kinds
    )
    return max(gains)


class Objections:
    """The effects of one battery, and what speaks against answering a question yes."""

    def __init__(self, observed: Observed, metric: str, alike: Alike) -> None:
        self.observed, self.metric, self.alike = observed, metric, alike
        wanted = observed.expectations.relevant
        self.relevant_cost, self.relevant_success = wanted.cost, wanted.success
        self._looked_at: dict[tuple[int, ...], tuple[Sides, Floats]] = {}
        self._spent: dict[tuple[int, ...], Levels] = {}

    def sides(self, grid: Grid) -> Sides:
        """Return the calls of both arms; effects on them are net where the start asks for it."""
        return self._look(grid)[0]

    def effects(self, grid: Grid) -> Floats:
        """Return the effect on each task."""
        return self._look(grid)[1]

    def _look(self, grid: Grid) -> tuple[Sides, Floats]:
        # Every question and every objection asks for them.
        if grid.iterations not in self._looked_at:
            own, base = (grid.asked(arm, self.metric) for arm in (LEARN, FROZEN))
            sides = Sides(own * np.exp(self.alike.netted)[:, None, None], base)
            self._looked_at[grid.iterations] = sides, cost.task_effects(*sides)
        return self._looked_at[grid.iterations]

    def levels(self, grid: Grid) -> Levels:
        """Return what the questions may spend at a planned look."""
        if grid.iterations not in self._spent:
            sides, niches = self.sides(grid), grid.rows(Phase.BETA)
            done = work.by_task(grid)
            of_niche = niche.level(*sides.of(niches)) if niches else 0.0
            of_success = strata.attained(done, most_for_success(done))
            phases = [rows for phase in Phase if (rows := grid.rows(phase))]
            wild = cost.scatters(*sides, phases)
            for_cost, for_niche = map(float, shared(of_niche, of_success, np.array(wild)))
            spent = Levels(for_cost, for_niche, of_success, done, wild)
            self._spent[grid.iterations] = spent
        return self._spent[grid.iterations]

    def against(self, name: QuestionName, grid: Grid, *, later: bool) -> Iterator[str]:
        """List what speaks against a small p; `later` is a look that was not planned."""
        if name == "success":
            return self._against_success(grid)
        against = self._against_cost if name == "cost" else self._against_niche
        return against(grid, later=later)

    def _against_cost(self, grid: Grid, *, later: bool) -> Iterator[str]:
        yield from self._unfounded(grid, list(range(len(grid.tasks))))
        effects, asked = self.effects(grid), policy.relevant(self.relevant_cost)
        if too_small(effects, self.relevant_cost):
            yield _little(effects, asked)
        if no_less_together(*self.sides(grid)):
            yield "all tasks together cost no less than in the twin"
        doable = grid.rows(*SOLVABLE)
        if doable and too_small(effects[doable], policy.DOABLE * self.relevant_cost):
            saved = 1 - (cost.ratio(effects[doable]) or 1.0)
            some = f"{percent(saved, 1)} less" if saved > 0 else "no less"
            yield f"possible tasks cost {some}: the saving is on impossible ones"
        if self._may_lean():
            net = effects - self.alike.effects + self.alike.netted
            if too_small(net, self.relevant_cost):
                yield f"the learner cost less in iteration 1 already, and gained under {asked}"
        if later:
            p = signflip.better(effects).p
            if p is None or p > policy.LATER_TASKS:
                yield "too few tasks changed in the same direction for a test that was not planned"

    def _against_niche(self, grid: Grid, *, later: bool) -> Iterator[str]:
        rows = grid.rows(Phase.BETA)
        yield from self._unfounded(grid, rows)
        effects = self.effects(grid)[rows]
        if too_small(effects, self.relevant_cost):
            yield _little(effects, policy.relevant(self.relevant_cost))
        if no_less_together(*self.sides(grid).of(rows)):
            yield "the niche tasks together cost no less than in the twin"
        lean = self.alike.effects[rows] - self.alike.netted[rows]
        share = policy.NICHE_SINCE_LATER if later else policy.NICHE_SINCE
        if leaned_as_far(effects, lean, share * self.relevant_cost):
            least = policy.relevant(share * self.relevant_cost)
            yield f"the learner's niche tasks gained less than {least} since iteration 1"
        # What the arms differ by is told better by all tasks than by a few niche ones.
        everywhere = means(self.alike.effects - self.alike.netted)
        if self._may_lean() and any(
            leaned_as_far(effects, each, self.relevant_cost) for each in (lean, everywhere)
        ):
            asked = policy.relevant(self.relevant_cost)
            yield f"the learner cost less in iteration 1 already, and gained under {asked}"
        if one_task(signflip.each(effects[None]), int((~np.isnan(effects)).sum())):
            yield "not all niche tasks changed in the same direction"

    def _unfounded(self, grid: Grid, rows: list[int]) -> Iterator[str]:
        """Object to a saving of tasks that is not work saved."""
        yield from sham.no_work(grid, rows, self.metric, self.relevant_cost)
        yield from sham.twin_alone(self.observed.grid, rows, self.metric, self.relevant_cost)
        sides, effects = self.sides(grid).of(rows), self.effects(grid)[rows]
        if self.levels(grid).wild and is_feigned(effects, *sides, self.relevant_cost):
            yield "calls vary so much that the means of so few can look like a saving"

    def _may_lean(self) -> bool:
        """Return whether the learner cost less from the start, for all that can be told."""
        start = self.alike.start
        if start.p is None or start.ratio is None:
            return False
        return bool(may_lean(np.array(start.p), np.array(start.ratio), start.tasks))

    def _against_success(self, grid: Grid) -> Iterator[str]:
        first = self.observed.grid.over(slice(1))
        gain = most_gained(grid)
        asked = policy.relevant(self.relevant_success)
        if not policy.is_relevant(gain, self.relevant_success):
            yield f"{percent(gain, 1)} more are done, less than the {asked} that count"
        if not policy.is_relevant(most_gained(grid, first), self.relevant_success):
            yield f"the learner did more in iteration 1 already, and gained under {asked}"
        yield from sham.one_for_all(grid)
        yield from sham.troubled(grid)
        yield from sham.twin_does_less(self.observed.grid)


def _little(effects: Floats, asked: str) -> str:
    saving = 1 - (cost.ratio(effects) or 1.0)
    # Bets that were won early stay won, also where more was lost since.
    if saving < 0:
        return f"what was saved at first has been spent again: {percent(-saving, 1)} more by now"
    return f"the saving is {percent(saving, 1)}, less than the {asked} that counts"
