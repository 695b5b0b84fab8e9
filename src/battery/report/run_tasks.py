"""The tasks of several runs: in how many each got better, and by how much; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import exp, log
from typing import Final, NamedTuple

from battery.base.numbers import counted
from battery.base.text import capital, listed
from battery.records.campaign import CampaignEvidence
from battery.records.findings import TaskEffect
from battery.records.metric import METRICS
from battery.records.models import KINDS, Phase
from battery.report import evidence as shown
from battery.report.evidence import relative


def noun(evidence: CampaignEvidence) -> str:
    """Name what the cost is counted in: `tokens`."""
    return METRICS[evidence.metric].plain


class TaskRuns(NamedTuple):
    """One task in all runs that count."""

    task: str
    label: str
    phase: str
    #: Runs that compared it, and those in which it got better and worse, by its numbers alone.
    runs: int
    better: int
    worse: int
    #: Cost, learner over twin, a geometric mean over runs; None where no run has both.
    ratio: float | None
    done: str
    twin: str

    @property
    def kind(self) -> str:
        """The kind of task, as people read it."""
        return KINDS[Phase(self.phase)]

    @property
    def result(self) -> str:
        """Its change as that of a task in one run is called, by what most runs say."""
        if self.better and self.worse:
            return "mixed"
        # What few runs show may be luck: half of them have to.
        return "better" if 2 * self.better > self.runs else "worse" if self.worse else "same"


def tasks(evidence: CampaignEvidence) -> list[TaskRuns]:
    """List every task over the runs that count, those that got better in most runs first."""
    found: dict[str, list[TaskEffect]] = {}
    for run in evidence.runs:
        for task in run.by_task if run.counted else ():
            found.setdefault(task.task, []).append(task)
    return sorted(map(_over_runs, found.values()), key=_gained)


def _gained(task: TaskRuns) -> tuple[int, float]:
    return task.worse - task.better, 1.0 if task.ratio is None else task.ratio


def _over_runs(several: Sequence[TaskEffect]) -> TaskRuns:
    first, changes = several[0], Counter(task.change for task in several)
    ratios = [task.ratio for task in several if task.ratio]
    own, twin = (
        tuple(sum(getattr(task, f"{arm}_{what}") for task in several) for what in _WHAT)
        for arm in ("learn", "frozen")
    )
    return TaskRuns(
        task=first.task,
        label=first.label,
        phase=first.phase,
        runs=len(several),
        better=changes["better"],
        worse=changes["worse"] + changes["mixed"],
        ratio=exp(sum(map(log, ratios)) / len(ratios)) if ratios else None,
        done=shown.done_or_claimed(first.phase, *own),
        twin=shown.done_or_claimed(first.phase, *twin),
    )


_WHAT: Final = ("done", "bluffs", "calls")


def task_heads(evidence: CampaignEvidence) -> list[str]:
    """Return the heads of the table of tasks."""
    change = f"{capital(noun(evidence))} vs twin"
    return ["Task", "Kind", "Better in", "Worse in", change, "Done", "Twin"]


def task_cells(task: TaskRuns) -> list[str]:
    """Write what `task_heads` names."""
    return [
        task.label,
        task.kind,
        f"{task.better} of {task.runs}",
        f"{task.worse} of {task.runs}",
        relative(task.ratio),
        task.done,
        task.twin,
    ]


def changes(evidence: CampaignEvidence) -> str:
    """Count the tasks by how many runs they got better in."""
    every = tasks(evidence)
    if not every:
        return "No task could be compared with its twin."
    groups = Counter(_when(task) for task in every)
    parts = [f"{count} {when}" for when in _WHENS if (count := groups[when])]
    if len(groups) == 1 < len(every):
        return f"All {counted(len(every), 'task')} {next(iter(groups))}."
    return f"Of {counted(len(every), 'task')} {listed(parts)}."


_WHENS: Final = (
    "got better in every run",
    "got better in some runs",
    "got better in some runs and worse in others",
    "got worse in some runs",
    "got worse in every run",
    "stayed as before",
)


def _when(task: TaskRuns) -> str:
    every, some, both, worse, all_worse, same = _WHENS
    if task.better and task.worse:
        return both
    if task.better:
        return every if task.better == task.runs else some
    if task.worse:
        return all_worse if task.worse == task.runs else worse
    return same
