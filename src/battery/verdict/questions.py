"""The questions that may earn a positive verdict, and the effects next to them.

They share one error budget. Niche tasks and tasks done take a fixed part each; what they cannot
spend, because few calls have few possible p-values, goes to the cost of all tasks. How much they
can spend follows from the sizes of the effects and from how many calls ended ok, which an exchange
of the arms does not change, so that the chance of any false yes stays within the budget.

The budget is for one look, after the iterations that were planned. Every other look, before it or
after it, has p-values made of e-values and a small budget of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from battery.base.numbers import counted
from battery.records.findings import Group, Interval, Kind, Looks, Question, QuestionName
from battery.records.metric import OK
from battery.records.models import FROZEN, LEARN, SOLVABLE, Phase
from battery.verdict import cost, looks, niche, policy, signflip, strata, work
from battery.verdict.facts import Observed
from battery.verdict.objections import Objections, Sides, most_for_success, most_gained
from battery.verdict.signflip import Floats
from battery.verdict.start import Alike
from battery.verdict.strata import Stratum
from battery.verdict.table import Grid, mean

TITLES: Final[dict[QuestionName, str]] = {
    "cost": "Does the work cost less?",
    "niche": "Do the niche tasks cost less?",
    "success": "Are more tasks done?",
}
# The ends of some intervals are searched for.
#: Share by which an end may miss the ratio that it belongs to.
_ROUGHLY: Final = 1e-3
_E_PROCESS: Final = "e-values of pairs of calls, for looks that were not planned"


class Answers(NamedTuple):
    """The questions, the effects by kind of task, and what else rests on the same look."""

    looks: Looks
    questions: list[Question]
    groups: list[Group]
    #: The iterations after the first that the look rests on.
    later: Grid
    #: One-sided p-value of a higher cost, over all iterations there are, and its level.
    harm_p: float | None
    harm_level: float


class _Tried(NamedTuple):
    """The outcome of a test, before anything speaks against it."""

    p: float | None
    level: float
    #: Ends of the interval of the effect; None where they are out of reach.
    low: float | None
    high: float | None
    test: str
    note: str | None = None
    #: Whether the look was not planned.
    later: bool = False

    @property
    def small(self) -> bool:
        """Whether p is at most the level."""
        return self.p is not None and bool(self.p <= self.level)


def answer(observed: Observed, metric: str, alike: Alike) -> Answers:
    """Put the questions to a battery with two arms and at least two iterations."""
    return _Asking(observed, metric, alike).answers()


class _Asking(Objections):
    """One battery, to which the questions are put."""

    def answers(self) -> Answers:
        numbers = self.observed.grid.iterations
        # A look after iteration 1 could see nothing, so it spends nothing.
        planned = max(2, self.observed.planned or numbers[-1])
        due = sum(number <= planned for number in numbers)
        whole = self.observed.grid.over(slice(1, None))
        levels = self.levels(whole)
        if numbers[-1] >= planned and due > 1:
            harm = signflip.better(-self.effects(whole)).p
            early = self.observed.grid.over(slice(1, due))
            tried = self._planned(early)
            questions = self._judged(early, tried)
            if due == len(numbers) or (_any(questions) and self._holds(whole, harm)):
                made = 1 + len(numbers) - due
                seen = Looks(planned=planned, made=made, iterations=due, by_plan=True)
                groups = self._groups(early, tried)
                return Answers(seen, questions, groups, early, harm, levels.cost)
        # Each look that was not planned counts, those before it included.
        made = 1 + abs(len(numbers) - due) if due < len(numbers) else 1
        tried = self._unplanned(whole)
        seen = Looks(planned=planned, made=made, iterations=len(numbers), by_plan=False)
        if numbers[-1] < planned:
            tried = {name: _too_early(each, planned) for name, each in tried.items()}
        questions = self._judged(whole, tried)
        # Harm is held to the same bets, so that it agrees with the interval. Calls that scatter
        # make the learner look cheaper, so they are no reason to doubt that it costs more.
        bets = self._bets_on_harm(whole)
        return Answers(seen, questions, self._groups(whole, tried), whole, bets.p, bets.level)

    @property
    def _first(self) -> Grid:
        return self.observed.grid.over(slice(1))

    def _pairs(self, grid: Grid) -> tuple[Floats, Floats]:
        """Return the effects on pairs of calls, and on those of iteration 1."""
        pairs, before = (cost.log_ratio(*self.sides(each)) for each in (grid, self._first))
        return pairs, before

    def _bets_on_harm(self, grid: Grid) -> _Tried:
        pairs, before = self._pairs(grid)
        return _by_bets(-pairs, -before, wild=False)

    def _planned(self, grid: Grid) -> dict[QuestionName, _Tried]:
        few, levels = self.sides(grid).of(grid.rows(Phase.BETA)), self.levels(grid)
        note = (
            "the learner's calls seem to scatter more than the twin's, so the level is divided "
            f"by {policy.SCATTERED}"
            if levels.wild
            else None
        )
        return {
            "cost": _over_tasks(self.effects(grid), levels.cost, note),
            "niche": _of_niche(few, levels.niche, note) if len(few.own) else _NO_NICHE,
            "success": _of_success(levels.done, levels.success),
        }

    def _unplanned(self, grid: Grid) -> dict[QuestionName, _Tried]:
        levels, (pairs, before) = self.levels(grid), self._pairs(grid)
        niches = grid.rows(Phase.BETA)
        rows = grid.rows(*SOLVABLE)
        gains, gained = (
            each.asked(LEARN, OK)[rows] - each.asked(FROZEN, OK)[rows]
            for each in (grid, self._first)
        )
        found: dict[QuestionName, _Tried] = {
            "cost": _by_bets(pairs, before, wild=levels.wild),
            "niche": _by_bets(pairs[niches], before[niches], wild=levels.wild)
            if niches
            else _NO_NICHE,
            "success": _by_bets(gains, gained, wild=False),
        }
        if not levels.wild:
            found["cost"] = _with_ends(found["cost"], pairs, before)
        if niches and found["niche"].small:
            found["niche"] = _with_ends(found["niche"], pairs[niches], before[niches])
        return found

    def _judged(self, grid: Grid, tried: dict[QuestionName, _Tried]) -> list[Question]:
        questions = []
        for name, each in tried.items():
            against = self.against(name, grid, later=each.later)
            objection = next(against, None) if each.small else None
            questions.append(
                Question(
                    name=name,
                    title=TITLES[name],
                    p=each.p,
                    level=each.level,
                    yes=each.small and objection is None,
                    test=each.test,
                    note=objection or each.note,
                )
            )
        return questions

    def _holds(self, whole: Grid, harm: float | None) -> bool:
        """Return whether what the planned look found still counts with all that came later."""
        # Neither a price nor a loss that came later may hide behind an earlier look.
        more = (cost.ratio(self.effects(whole)) or 1.0) - 1
        costly = harm is not None and bool(harm <= policy.PRICE)
        if costly and policy.is_relevant(more, self.relevant_cost):
            return False
        lost = work.losses(whole, self.observed.reruns)
        if any(loss.counts(self.relevant_success, policy.LOSS) for loss in lost):
            return False
        saving = 1 - (cost.ratio(self.effects(whole)) or 1.0)
        of_niche = self.effects(whole)[whole.rows(Phase.BETA)]
        best = max(saving, 1 - (cost.ratio(of_niche) or 1.0))
        return policy.is_relevant(best, self.relevant_cost) or policy.is_relevant(
            most_gained(whole), self.relevant_success
        )

    def _groups(self, grid: Grid, tried: dict[QuestionName, _Tried]) -> list[Group]:
        of_kind: dict[Kind, _Tried | None] = {"all": tried["cost"], "niche": tried["niche"]}
        shown = cost.common(*(grid.asked(arm, self.metric) for arm in (LEARN, FROZEN)))
        return [
            _group(kind, grid, shown, self.effects(grid), of_kind.get(kind))
            for kind, phases in work.PHASES.items()
            if grid.rows(*phases)
        ]


_NO_NICHE: Final = _Tried(None, 0.0, None, None, "none", "there is no niche task")


def _any(questions: Sequence[Question]) -> bool:
    return any(question.yes for question in questions)


def _over_tasks(effects: Floats, level: float, note: str | None) -> _Tried:
    flipped = signflip.better(effects)
    low = signflip.bound(effects, level)
    high = signflip.bound(-effects, level)
    how = f"all {flipped.flips:,}" if flipped.exact else f"{flipped.flips:,} random, seeded"
    if flipped.p is None:
        how, note = "nothing to flip", "no task's cost differs"
    elif low is None:
        known = counted(int((~np.isnan(effects)).sum()), "task")
        note = f"with {known} no p can be {policy.level(level)} or less"
    high = None if high is None else -high
    return _Tried(flipped.p, level, low, high, f"sign flips over tasks, one-sided, {how}", note)


def _of_niche(few: Sides, level: float, note: str | None) -> _Tried:
    p = niche.saves(*few)
    low = high = None
    # An end takes two dozen tests: they are made where the answer is yes, and its size is news.
    if p is not None and p <= level:
        low, high = niche.bound(*few, level), niche.bound(few.base, few.own, level)
    if not level:
        note = "too few pairs of calls to tell"
    return _Tried(p, level, low, None if high is None else -high, niche.about(*few), note)


def _of_success(done: list[Stratum], level: float) -> _Tried:
    p = strata.more(done)
    test = "an exact test of tasks done, task by task, one-sided"
    note = "the calls of each task ended alike in learner and twin" if p is None else None
    if p is not None and not level:
        note = f"with so few calls no p can be {policy.level(most_for_success(done))} or less"
    return _Tried(p, level, None, None, test, note)


def _by_bets(pairs: Floats, before: Floats, *, wild: bool) -> _Tried:
    level = policy.LATER / len(TITLES)
    if wild:
        note = "the learner's calls seem to scatter more, so that only a planned look can tell"
        return _Tried(1.0, level, None, None, _E_PROCESS, note)
    values = looks.e_values(_blocks(pairs), before.ravel())
    p = 1 / max(1.0, float(values.max(initial=1.0)))
    return _Tried(p, level, None, None, _E_PROCESS, later=True)


def _with_ends(tried: _Tried, pairs: Floats, before: Floats) -> _Tried:
    """Add the interval: what bets either way do not exclude."""
    low, high = (
        looks.bound(_blocks(sign * pairs), tried.level, sign * before.ravel()) for sign in (1, -1)
    )
    return tried if low is None or high is None else tried._replace(low=low, high=-high)


def _too_early(tried: _Tried, planned: int) -> _Tried:
    """Note that a look before the planned one asks for more."""
    if tried.small or tried.note:
        return tried
    level = policy.level(tried.level)
    due = f"the look is planned after iteration {planned}"
    note = f"{due}; before that, p has to be {level} or less"
    return tried._replace(note=note)


def _blocks(pairs: Floats) -> list[Floats]:
    return [pairs[:, column].ravel() for column in range(pairs.shape[1])]


def _group(
    kind: Kind, grid: Grid, shown: tuple[Floats, Floats], effects: Floats, tried: _Tried | None
) -> Group:
    rows = grid.rows(*work.PHASES[kind])
    learn, frozen = (mean(cells[rows]) for cells in shown)
    possible = [row for row in rows if grid.tasks[row].phase in SOLVABLE]
    done = work.done(grid, possible)
    ratio = cost.ratio(effects[rows])
    return Group(
        kind=kind,
        tasks=len(rows),
        learn=learn,
        frozen=frozen,
        ratio=ratio,
        interval=_interval(tried, ratio),
        learn_done=done.learn,
        learn_calls=done.learn_calls,
        frozen_done=done.frozen,
        frozen_calls=done.frozen_calls,
    )


def _interval(tried: _Tried | None, ratio: float | None) -> Interval | None:
    if tried is None or tried.low is None or tried.high is None or ratio is None:
        return None
    low, high = cost.as_ratio(tried.high), cost.as_ratio(tried.low)
    # Bets on pairs of calls are about a typical pair, and merged pairs are not all of one weight.
    # Where these differ so much from a ratio of means, the interval is not of that ratio.
    if not low * (1 - _ROUGHLY) <= ratio <= high * (1 + _ROUGHLY):
        return None
    return Interval(low=low, high=high, level=1 - 2 * tried.level)
