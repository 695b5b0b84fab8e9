"""Which calls a battery makes, and in which order.

Pure, and what the run itself goes by: a dry run that lists them cannot disagree with it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from battery.base.numbers import counted
from battery.inputs.tasks import PlannedTask, any_graded, frozen_first, plan, siblings, task_id
from battery.records.events import Plan, ScheduledCall
from battery.records.manifest import Manifest
from battery.records.models import (
    CONFIRMATIONS,
    LEARN,
    SOLVABLE,
    Arm,
    Phase,
    Run,
    Tasks,
    any_check,
)
from battery.records.stages import (
    META_STAGES,
    SIBLING_TITLE,
    TASK_STAGES,
    CallKey,
    confirm_key,
    respond_key,
    sibling_key,
)
from battery.verdict.doubt import in_doubt

#: Task id to whether each of its runs ended ok.
Outcomes = Mapping[str, Sequence[bool]]


class Ask(NamedTuple):
    """One task, to be asked once in one arm."""

    entry: PlannedTask
    arm: Arm = LEARN
    #: Counted from 1.
    repeat: int = 1
    #: Whether this only confirms that a task fails.
    confirm: bool = False

    @property
    def key(self) -> CallKey:
        """What the call is called in the journal."""
        if self.confirm:
            return confirm_key(self.entry.task_id, self.repeat)
        if self.entry.sibling_of:
            return sibling_key(self.entry.task_id, self.arm)
        return respond_key(self.entry.task_id, self.arm, self.repeat)


class Round(NamedTuple):
    """Some tasks of a phase, each asked once in every arm."""

    phase: Phase
    title: str
    #: What one worker asks in one go: a task in every arm.
    units: Iterator[tuple[Ask, ...]]


@dataclass(frozen=True)
class Schedule:
    """The tasks of one iteration, the arms they are asked in, and how often."""

    tasks: Sequence[PlannedTask]
    arms: tuple[Arm, ...] = (LEARN,)
    repeats: int = 1
    #: Of the coin; a battery with one arm may have none.
    seed: int | None = None

    @classmethod
    def of(cls, manifest: Manifest, tasks: Tasks) -> Schedule:
        """Read it from a manifest; batteries of earlier versions have one arm and no seed."""
        return cls(
            tasks=plan(tasks),
            arms=manifest.arms,
            repeats=manifest.options.repeats,
            seed=manifest.options.seed,
        )

    def rounds(self, iteration: int) -> Iterator[Round]:
        """Yield the rounds of an iteration: of each phase all tasks, all again, then siblings."""
        new = self.siblings(iteration)
        for phase, stage in TASK_STAGES.items():
            for repeat in range(1, self.repeats + 1):
                again = f", repeat {repeat} of {self.repeats}" if self.repeats > 1 else ""
                units = self._units(iteration, self.tasks, phase, repeat)
                yield Round(phase, stage.title + again, units)
            # After the tasks, whose cost is what they are compared with.
            if any(entry.phase is phase for entry in new):
                units = self._units(iteration, new, phase, 1)
                yield Round(phase, f"{stage.title}, {SIBLING_TITLE}", units)

    def siblings(self, iteration: int) -> list[PlannedTask]:
        """List the siblings that an iteration asks, in the order of their tasks."""
        return siblings(self.tasks, iteration)

    def runs_short(self, iterations: int) -> str | None:
        """Say where siblings do not last for so many iterations; None where they do, or none is."""
        counts = [len(entry.task.siblings) for entry in self.tasks if entry.task.siblings]
        few = [count for count in counts if count < iterations]
        if not few:
            return None
        tasks = f"{len(few):,} of the {counted(len(counts), 'task')} with siblings"
        return (
            f"{tasks} {'has' if len(few) == 1 else 'have'} fewer of them than there are iterations "
            f"({iterations:,}): from iteration {min(few) + 1:,} on, there are fewer new tasks"
        )

    def _units(
        self, iteration: int, tasks: Iterable[PlannedTask], phase: Phase, repeat: int
    ) -> Iterator[tuple[Ask, ...]]:
        """Yield each task of a phase once, asked in every arm before the next task."""
        for entry in tasks:
            if entry.phase is phase:
                # The arms take turns task by task, not one after the other: whatever slows the
                # machine down or fills a cache meanwhile then meets both alike.
                turned = frozen_first(self.seed, iteration, entry.task_id, repeat)
                arms = self.arms[::-1] if turned else self.arms
                yield tuple(Ask(entry, arm, repeat) for arm in arms)

    def calls(self, iterations: Iterable[int]) -> Iterator[ScheduledCall]:
        """Yield every call of these iterations in order; confirmations depend on the answers."""
        for iteration in iterations:
            for tasks in self.rounds(iteration):
                for unit in tasks.units:
                    yield from (_task_call(iteration, ask) for ask in unit)
            for meta in META_STAGES:
                yield ScheduledCall(iteration, meta.name, None, None, meta.noun, meta.key)

    def plan(self, finished: int, wanted: int, recorded: Container[CallKey]) -> Plan:
        """Count the calls of a whole battery and those on disk.

        `recorded` holds the calls of the iteration after the finished ones; `()` is none.
        """
        solvable = sum(entry.phase in SOLVABLE for entry in self.tasks)
        plan = Plan(
            iterations=wanted,
            tasks=len(self.tasks),
            arms=len(self.arms),
            repeats=self.repeats,
            siblings=tuple(
                sum(len(entry.task.siblings) >= number for entry in self.tasks)
                for number in range(1, wanted + 1)
            ),
            checked=any_check(entry.task for entry in self.tasks),
            graded=any_graded(self.tasks),
            # The first iteration is what the others are compared with.
            confirmations=CONFIRMATIONS * solvable * (wanted - max(finished, 1)),
        )
        begun = self.calls([finished + 1] if recorded and finished < wanted else [])
        # Finished iterations are not looked at again: reading 10,000 answers to count them is slow.
        on_disk = sum(map(plan.calls_of, range(1, finished + 1)))
        on_disk += sum(call.key in recorded for call in begun)
        return plan._replace(on_disk=on_disk)

    def left(
        self, finished: int, wanted: int, recorded: Container[CallKey]
    ) -> Iterator[ScheduledCall]:
        """Yield the calls that are not on disk, in order; the arguments are `plan`'s."""
        for call in self.calls(range(finished + 1, wanted + 1)):
            # A key names a call within one iteration only.
            if call.iteration > finished + 1 or call.key not in recorded:
                yield call


def confirmations(tasks: Iterable[PlannedTask], repeat: int) -> Iterator[tuple[Ask, ...]]:
    """Yield one rerun of each task that is to be confirmed."""
    return ((Ask(entry, LEARN, repeat, confirm=True),) for entry in tasks)


def to_confirm(
    tasks: Iterable[PlannedTask],
    learn: Sequence[Outcomes],
    frozen: Sequence[Outcomes],
    reruns: Sequence[Outcomes],
) -> list[PlannedTask]:
    """Choose the tasks to ask again, in task order, by the rule of `battery.verdict.doubt`.

    The outcomes are by iteration, those of the arms up to the iteration under way; `frozen` is
    empty with one arm.
    """

    def of(entry: PlannedTask, iterations: Sequence[Outcomes]) -> list[Sequence[bool]]:
        return [passed.get(entry.task_id, ()) for passed in iterations]

    return [
        entry
        for entry in tasks
        if entry.phase in SOLVABLE
        and in_doubt(of(entry, learn), of(entry, frozen), of(entry, reruns))
    ]


def outcomes(runs: Iterable[Run]) -> Outcomes:
    """Collect by task whether its runs ended ok, of tasks that can be done."""
    passed: dict[str, list[bool]] = {}
    for run in runs:
        if run.phase in SOLVABLE:
            passed.setdefault(task_id(run.phase, run.task), []).append(run.result.status == "ok")
    return passed


def _task_call(iteration: int, ask: Ask) -> ScheduledCall:
    entry = ask.entry
    return ScheduledCall(iteration, entry.phase, ask.arm, ask.repeat, entry.label, ask.key)
