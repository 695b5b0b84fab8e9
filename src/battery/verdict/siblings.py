"""Whether what was gained on repeated tasks is there on new ones of the same kind, too.

A sibling is a new instance of what a task teaches, asked once. Like is compared with like: siblings
with the tasks that they are siblings of, in the same iterations. Whoever keeps answers saves on
what is asked again and on nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from battery.base.numbers import counted, more_or_fewer, p_equals, percent
from battery.records.findings import Interval, Kind, Siblings, Transfer, of_kind
from battery.records.metric import METRICS, OK
from battery.records.models import FROZEN, LEARN, SOLVABLE
from battery.verdict import cost, niche, policy, sham, signflip, strata, work
from battery.verdict.facts import Observed
from battery.verdict.objections import Sides
from battery.verdict.questions import Answers
from battery.verdict.signflip import Booleans, Floats
from battery.verdict.table import Grid
from battery.verdict.tasks import by_task


def siblings(observed: Observed, metric: str, answers: Answers) -> Siblings | None:
    """Hold what was gained against siblings; None where none was asked after iteration 1."""
    grids = _grids(observed.siblings, answers.later)
    if grids is None:
        return None
    asking = _Asking(*grids, metric, observed.expectations.relevant.success)
    best = asking.gain({question.name for question in answers.questions if question.yes})
    rows = asking.rows(best.kind)
    done = work.done(asking.new, asking.solvable(best.kind))
    new, repeated = asking.costs(asking.new, rows), asking.costs(asking.repeated, rows)
    return Siblings(
        outcome=best.says,
        kind=best.kind,
        tasks=len(rows),
        asked=int(_asked(asking.new)[rows].sum()),
        repeated=cost.ratio(cost.task_effects(*repeated)),
        ratio=cost.ratio(cost.task_effects(*new)),
        interval=best.interval,
        p=best.p,
        level=best.level,
        learn_done=done.learn,
        learn_calls=done.learn_calls,
        frozen_done=done.frozen,
        frozen_calls=done.frozen_calls,
        test=best.test,
        note=best.note,
        by_task=by_task(observed, metric, asking.new),
    )


def _grids(asked: Grid | None, later: Grid) -> tuple[Grid, Grid] | None:
    """Return the siblings that both arms were asked, and the tasks that they are siblings of."""
    if asked is None or FROZEN not in asked.arms:
        return None
    columns = [at for at, number in enumerate(asked.iterations) if number in later.iterations]
    places = {task.task: row for row, task in enumerate(later.tasks)}
    rows = [places[task.task] for task in asked.tasks]
    at = [later.iterations.index(asked.iterations[column]) for column in columns]
    numbers = tuple(asked.iterations[column] for column in columns)
    calls = {key: each[:, :, columns] for key, each in asked.calls.items()}
    new = replace(asked, iterations=numbers, calls=calls, values={})
    there = _asked(new)[None, :, :, None]
    repeated = {key: each[:, rows][:, :, at] for key, each in later.calls.items()}
    return (_only(new, new.calls, there), _only(new, repeated, there)) if columns else None


def _asked(grid: Grid) -> Booleans:
    """Return which siblings both arms were asked: tasks by iterations."""
    known: Booleans = ~np.isnan(grid.calls[OK])
    asked: Booleans = np.logical_and.reduce(known.any(axis=3))
    return asked


def _only(grid: Grid, calls: Mapping[str, Floats], there: Booleans) -> Grid:
    return replace(grid, calls={k: np.where(there, each, np.nan) for k, each in calls.items()})


class _Found(NamedTuple):
    """What siblings show of one gain."""

    says: Transfer
    kind: Kind
    p: float | None
    level: float
    interval: Interval | None
    test: str
    note: str | None


class _Asking(NamedTuple):
    """Siblings, the tasks that they are siblings of, and what is asked of them."""

    new: Grid
    repeated: Grid
    metric: str
    #: The least difference of rates that counts.
    relevant: float

    def gain(self, names: Collection[str]) -> _Found:
        """Ask about what was gained; more tasks done only where nothing costs less."""
        if "niche" in names and self.rows("niche") and ("cost" not in names or self._is_of_niche()):
            return self.cost("niche")
        if "cost" in names:
            return self.cost("all")
        if "success" in names and "niche" not in names and self.solvable("all"):
            return self.success()
        return self.cost("all")._replace(says="nothing to show", note=None)

    def _is_of_niche(self) -> bool:
        """Return whether other tasks, asked again, save too little next to niche ones."""
        # Few of the siblings gain then, and over all of them that may be lost in noise.
        niches = self.rows("niche")
        others = [row for row in self.rows("all") if row not in niches]
        ratio = cost.ratio(cost.task_effects(*self.costs(self.repeated, others)))
        return ratio is None or 1 - ratio < self._least("niche")

    def rows(self, kind: Kind) -> list[int]:
        """Return the rows of a kind of task that have siblings."""
        asked = np.flatnonzero(_asked(self.new).any(axis=1)).tolist()
        return [row for row in self.new.rows(*work.PHASES[kind]) if row in asked]

    def solvable(self, kind: Kind) -> list[int]:
        """Return those of them that can be done."""
        return [row for row in self.rows(kind) if self.new.tasks[row].phase in SOLVABLE]

    def costs(self, grid: Grid, rows: list[int]) -> Sides:
        """Return the cost of the calls of some tasks in both arms."""
        return Sides(*(grid.told(arm, self.metric)[rows] for arm in (LEARN, FROZEN)))

    def cost(self, kind: Kind) -> _Found:
        """Ask whether siblings cost less as well, by the test of niche tasks."""
        rows = self.rows(kind)
        sides = self.costs(self.new, rows)
        p, level = niche.saves(*sides), niche.reach(*sides, policy.NEW)
        low = high = None
        if level:
            low, high = niche.bound(*sides, level), niche.bound(sides.base, sides.own, level)
        interval = None
        if low is not None and high is not None:
            ends = cost.as_ratio(-high), cost.as_ratio(low)
            interval = Interval(low=ends[0], high=ends[1], level=1 - 2 * level)
        least = self._least(kind)
        memorised = high is not None and least > 0 and 1 - cost.as_ratio(-high) < least
        note = next(self._against(kind, p, level), None)
        says: Transfer = "shown" if note is None else "memorised" if memorised else "open"
        return _Found(says, kind, p, level, interval, niche.about(*sides, "siblings"), note)

    def _least(self, kind: Kind) -> float:
        """Return the part of what repeated tasks save that siblings have to save."""
        repeated = cost.ratio(cost.task_effects(*self.costs(self.repeated, self.rows(kind))))
        return policy.SHARE * (1 - (1.0 if repeated is None else repeated))

    def _against(self, kind: Kind, p: float | None, level: float) -> Iterator[str]:
        """List what speaks against calling a saving one on new tasks, too."""
        rows, noun = self.rows(kind), METRICS[self.metric].plain
        sides = self.costs(self.new, rows)
        ratio, least = cost.ratio(cost.task_effects(*sides)), self._least(kind)
        if ratio is None:
            yield f"no {noun} of new tasks could be compared"
            return
        new = f"new {of_kind(kind)}tasks of the same kind took {more_or_fewer(ratio)} {noun}"
        if least <= 0:
            yield "in the iterations with new tasks, the repeated ones saved nothing"
        elif not policy.is_relevant(1 - ratio, least):
            repeated = cost.ratio(cost.task_effects(*self.costs(self.repeated, rows))) or 1.0
            yield f"{new}, those that were asked again took {more_or_fewer(repeated)}"
        elif not level:
            yield f"with so few new tasks no p can be {policy.level(policy.NEW)} or less"
        elif p is None or p > level:
            yield f"{new}, which may be luck ({p_equals(p)})"
        # What is no work saved on repeated tasks is none on new ones.
        for objection in sham.no_work(self.new, rows, self.metric, max(least, 0.0)):
            yield f"of new {of_kind(kind)}tasks, {objection}"
        yield from self._refused(kind)
        yield from self._given_up(kind, least)

    def _refused(self, kind: Kind) -> Iterator[str]:
        """Object to what is saved on impossible siblings alone: to refuse soon is no answer."""
        rows, noun = self.solvable(kind), METRICS[self.metric].plain
        if not rows:
            return
        ratio, repeated = (
            cost.ratio(cost.task_effects(*self.costs(grid, rows)))
            for grid in (self.new, self.repeated)
        )
        if ratio is None or repeated is None:
            return
        if not policy.is_relevant(1 - ratio, policy.SHARE * (1 - repeated)):
            took = f"{more_or_fewer(ratio)} {noun}"
            yield (
                f"new {of_kind(kind)}tasks that can be done took {took}, "
                f"those that were asked again took {more_or_fewer(repeated)}"
            )

    def _given_up(self, kind: Kind, least: float) -> Iterator[str]:
        """Object to siblings that cost less because they are not done."""
        rows = self.solvable(kind)
        ended = [self.new.asked(arm, OK)[rows] for arm in (LEARN, FROZEN)]
        done, again = work.done(self.new, rows), work.done(self.repeated, rows)
        p, level = _fewer(ended[0], ended[1]), policy.NEW
        # New tasks alone are few. Where the twin does them like those asked again they are no
        # harder, and then every call but the learner's new ones says what can be done.
        harder = _share(again.frozen, again.frozen_calls) - _share(done.frozen, done.frozen_calls)
        if (p is None or p > level) and not policy.is_relevant(harder, self.relevant):
            others = [ended[1], *(self.repeated.asked(arm, OK)[rows] for arm in (LEARN, FROZEN))]
            # A wrong answer now and then is the lot of honest systems.
            p, level = _fewer(ended[0], np.concatenate(others, axis=2)), policy.WRONG_NEW
        many = policy.is_relevant(-done.gain, self.relevant)
        if many and p is not None and p <= level:
            counts = f"{done.learn} of {done.learn_calls}, twin {done.frozen} of "
            yield f"fewer new tasks are done ({counts}{done.frozen_calls}; {p_equals(p)})"
        # Too few to test, and still no saving: whoever gives up soon is cheap.
        every = self.rows(kind)
        own, base = self.costs(self.new, every)
        lost = np.zeros(own.shape, dtype=np.bool_)
        lost[[every.index(row) for row in rows]] = (ended[0] == 0) & (ended[1] > 0)
        kept = cost.ratio(cost.task_effects(np.where(lost, np.nan, own), base))
        if lost.any() and not policy.is_relevant(1 - (1.0 if kept is None else kept), least):
            yield "new tasks cost less only because some are no longer done"

    def success(self) -> _Found:
        """Ask whether more siblings are done as well, by the test of tasks done."""
        rows = self.solvable("all")
        sides = [self.new.asked(arm, OK)[rows] for arm in (LEARN, FROZEN)]
        tasks = strata.by_task(*sides)
        p, level = strata.more(tasks), strata.attained(tasks, policy.NEW)
        done, repeated = work.done(self.new, rows), work.done(self.repeated, rows)
        least = policy.SHARE * repeated.gain
        pairs = (sides[0] - sides[1]).ravel()
        highest = signflip.bound(-pairs, policy.NEW)
        memorised = highest is not None and least > 0 and -highest < least
        gain = f"{percent(abs(done.gain))} {'fewer' if done.gain < 0 else 'more'}"
        new = f"of new tasks {gain} are done, of those asked again {percent(repeated.gain)} more"
        note = None
        if least <= 0 or not policy.is_relevant(done.gain, least):
            note = new
        elif not level:
            note = f"with so few new tasks no p can be {policy.level(policy.NEW)} or less"
        elif p is None or p > level:
            note = f"{new}, which may be luck ({p_equals(p)})"
        says: Transfer = "shown" if note is None else "memorised" if memorised else "open"
        test = f"an exact test of {counted(done.learn_calls, 'sibling')} done, by task, one-sided"
        return _Found(says, "all", p, level, None, test, note)


def _fewer(own: Floats, base: Floats) -> float | None:
    return strata.fewer(strata.by_task(own, base))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
