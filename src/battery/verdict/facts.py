"""What the verdict rests on: what a battery left behind, and what was found in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from battery.records.expectations import Expectations
from battery.records.findings import (
    Bluffs,
    Gate,
    Group,
    Growth,
    Kind,
    Looks,
    Question,
    Siblings,
    Start,
)
from battery.records.models import CONFIRMED, FROZEN, RunResult
from battery.verdict import policy
from battery.verdict.table import Call, Grid


class Reruns(NamedTuple):
    """What came of asking a task again that failed."""

    #: Whether each ended ok.
    passed: Sequence[bool]
    #: Whether all answers were alike, in how they ended and in what they took.
    alike: bool


class Observed(NamedTuple):
    """What a battery left behind, as the statistics need it."""

    #: Every respond call of both arms, the confirmations left out.
    grid: Grid
    #: Reruns of tasks of the learner that failed after they had passed, by row of the grid and
    #: number of the iteration.
    reruns: Mapping[tuple[int, int], Reruns] = {}
    expectations: Expectations = Expectations()
    #: Iteration to whether its distillation delivered anything; empty where that is not known.
    distilled: Mapping[int, bool] = {}
    #: What changed between iterations although it must not, a line each.
    changed: Sequence[str] = ()
    #: After which iteration a look was planned; None where nobody recorded it, and then the one
    #: look is after the last.
    planned: int | None = None
    # New instances of what a task teaches, each asked once: they are no part of `grid`.
    #: The siblings of tasks: a row is the task that they are siblings of. None where none was
    #: asked.
    siblings: Grid | None = None
    #: Whether any task has a check, so that `ok` is more than the system's own word.
    checked: bool = False
    #: Tasks whose right answer, as the tasks file has it, a system may have been told.
    told: int = 0
    #: Whether battery itself put the memories of both arms in place.
    kept: bool = False


def reruns_of(grid: Grid, calls: Sequence[Call]) -> dict[tuple[int, int], Reruns]:
    """Sort reruns by row of the grid and iteration; those of tasks that it lacks are left out."""
    rows = {task.task: row for row, task in enumerate(grid.tasks)}
    found: dict[tuple[int, int], list[RunResult]] = {}
    for call in calls:
        if call.task in rows:
            found.setdefault((rows[call.task], call.iteration), []).append(call.result)
    return {place: _reruns(results) for place, results in found.items()}


def _reruns(results: Sequence[RunResult]) -> Reruns:
    answers = {(each.status, each.tokens, each.turns, each.error) for each in results}
    passed = tuple(result.status == "ok" for result in results)
    return Reruns(passed, alike=len(answers) == 1 < len(results))


class Forgotten(NamedTuple):
    """A task that could be done, and fails in a later iteration of the learner."""

    label: str
    iteration: int
    #: Reruns that failed too, of so many; 0 of 0 when nobody asked again.
    failed: int
    asked: int
    #: Whether the twin mostly failed it from then on as well.
    frozen_too: bool
    #: Whether the learner mostly passes it again in the last iteration.
    came_back: bool
    #: Chance of so many failures in a task that is no worse than before; None with one arm, where
    #: too few runs came before to tell.
    chance: float | None
    #: How many iterations there are in which it could have come under suspicion.
    occasions: int = 1
    #: Whether the twin never passed it from then on.
    frozen_never: bool = False

    @property
    def suspected(self) -> bool:
        """Whether it may be lost or given up: confirmed, lasting, and the twin can still do it."""
        return self.failed >= CONFIRMED and not self.frozen_never and not self.came_back

    @property
    def counts(self) -> bool:
        """Whether this is forgetting: suspected, not shared by the twin, and no luck."""
        # Divided by the occasions (Bonferroni), or a flaky task would be lost sooner or later.
        lucky = self.chance is not None and self.chance > policy.FLAKY / self.occasions
        return self.suspected and not self.frozen_too and not lucky


class Loss(NamedTuple):
    """Whether fewer tasks of a kind are done by the learner."""

    kind: Kind
    #: One-sided; None where none could differ.
    p: float | None
    #: How much smaller the share of calls that end ok is; below 0 it is larger.
    amount: float

    def counts(self, least: float, level: float) -> bool:
        """Return whether it is as large as counts, with a p as small as is asked.

        Niche and easy tasks share the level, next to that of both together: what the ones lose the
        others may hide, and a loss must be easy to object with.
        """
        share = level if self.kind == "all" else level / 2
        return self.p is not None and self.p <= share and policy.is_relevant(self.amount, least)


class Facts(NamedTuple):
    """Everything that the ladder looks at; with one arm the comparisons are None and empty."""

    observed: Observed
    #: Key of the metric that is the cost.
    cost: str
    looks: Looks | None
    questions: Sequence[Question]
    groups: Sequence[Group]
    #: The iterations that the questions rest on.
    later: Grid | None
    #: One-sided, whether the work costs more, and its level.
    harm_p: float | None
    harm_level: float
    #: By kind of task, over all iterations after the first; all tasks that can be done come first.
    losses: Sequence[Loss]
    growth: Growth | None
    start: Start | None
    bluffs: Bluffs | None
    #: None where no sibling was asked after iteration 1.
    siblings: Siblings | None
    lost: Sequence[Forgotten]
    gates: Sequence[Gate]
    #: What makes the numbers worthless, a line each.
    spoiled: Sequence[str]
    #: Why there was nothing to learn from; None where there was.
    nothing: str | None
    #: Why the twin is no measure; None where it is.
    shared: str | None = None

    @property
    def grid(self) -> Grid:
        """The calls of the battery."""
        return self.observed.grid

    @property
    def two_arms(self) -> bool:
        """Whether there is a twin to compare with."""
        return FROZEN in self.grid.arms

    def question(self, name: str) -> Question | None:
        """Return a question by its name; None where it was not put."""
        return next((asked for asked in self.questions if asked.name == name), None)

    def group(self, kind: str) -> Group | None:
        """Return the tasks of a kind; None where there are none."""
        return next((group for group in self.groups if group.kind == kind), None)

    def yes(self, *names: str) -> bool:
        """Return whether any of these questions was answered yes."""
        return any(asked.yes for asked in self.questions if asked.name in names)
