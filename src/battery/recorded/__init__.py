"""A battery on disk as a value: opened once, read at most once however many ask.

The only place where files meet the statistics, and where it is decided which iterations count.
Nothing is written, and no network is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from battery.base.errors import FolderError
from battery.base.numbers import counted
from battery.inputs.tasks import (
    PlannedTask,
    digest,
    digest_of_any_order,
    frozen_first,
    labels,
    plan,
    siblings,
    task_id,
)
from battery.records.expectations import Expectations
from battery.records.manifest import Manifest, Provenance
from battery.records.models import ARM_NAMES, FROZEN, LEARN, Arm, Run, RunResult, Tasks
from battery.records.summary import Metrics
from battery.store import original
from battery.store.artifacts import ARCHIVE, ITERATION, MANIFEST, RUN_SETS, TASKS
from battery.store.battery_dir import BatteryDir, no_battery
from battery.store.iteration_dir import IterationDir
from battery.store.journal import Journal
from battery.verdict.facts import Observed, reruns_of
from battery.verdict.metrics import measure, require_runs
from battery.verdict.table import Call, Grid, grid


@dataclass(frozen=True)
class OpenedBattery:
    """A battery as it was when it was opened; its files are read when they are first needed."""

    folder: BatteryDir
    #: A manifest, or what stands in for one where the original script wrote the folder.
    provenance: Provenance
    #: The complete iterations, in order. Listed once: a battery that is running gets more of them.
    steps: Sequence[IterationDir]
    #: Why the last iteration is none of them, where a crash of the original script left it torn.
    torn: str | None = None
    #: By iteration, the journals that this process has just written.
    written: Mapping[int, Journal] = field(default_factory=dict)

    def journals(self) -> dict[int, Journal]:
        """Return the journals of the complete iterations by their number; `ArtifactError`."""
        return {step.number: self._journal(step) for step in self.steps}

    def _journal(self, step: IterationDir) -> Journal:
        written = self.written.get(step.number)
        return written if written and written.is_as_left() else Journal(step.journal)

    @property
    def started_at(self) -> str:
        """When it started, in UTC; by its oldest file where no manifest tells."""
        return self.folder.started_at(self.provenance)

    @property
    def has_begun(self) -> bool:
        """Whether there is a battery, complete or not."""
        return isinstance(self.provenance, Manifest) or bool(self.folder.numbers())

    @cached_property
    def tasks(self) -> Tasks | None:
        """The tasks as run; None where they are not known. Raises `BatteryError`."""
        # The original script wrote no tasks.json: one in its folder is the user's own, and may
        # have changed since.
        recorded = isinstance(self.provenance, Manifest)
        return self.folder.read_tasks() if recorded else None

    @cached_property
    def content(self) -> str | None:
        """What its tasks hash to in any order; None where they are not what it asked."""
        manifest = self.provenance
        if not self.tasks or not isinstance(manifest, Manifest):
            return None
        as_run = digest(self.tasks) == manifest.tasks_digest
        return digest_of_any_order(self.tasks) if as_run else None

    @cached_property
    def planned(self) -> Sequence[PlannedTask]:
        """The tasks in the order in which an iteration asks them; empty where `tasks` is None."""
        return plan(self.tasks) if self.tasks else []

    @cached_property
    def asked(self) -> frozenset[str]:
        """The tasks that it asks, by their ids; raises `BatteryError`."""
        if self.tasks:
            return frozenset(entry.task_id for entry in self.planned)
        runs = self.steps[-1].read_runs() if self.steps else ()
        return frozenset(task_id(run.phase, run.task) for run in runs)

    @cached_property
    def calls(self) -> Sequence[Call]:
        """The respond calls of all arms and repeats, without the reruns that confirm a failure."""
        return [call for calls in self._run_sets.values() for call in calls]

    @property
    def results(self) -> Iterator[RunResult]:
        """What came of all respond calls, siblings included, but the reruns; `BatteryError`."""
        return (call.result for call in chain(self.calls, self.siblings))

    @cached_property
    def siblings(self) -> Sequence[Call]:
        """The calls that asked siblings, of both arms; raises `BatteryError`."""
        # What is left of an arm or a task that is gone has nothing to be held against.
        tasks, arms = {call.task for call in self.calls}, {call.arm for call in self.calls}
        return [
            call
            for calls in self._sibling_sets.values()
            for call in calls
            if call.sibling_of in tasks and call.arm in arms
        ]

    @cached_property
    def observed(self) -> Observed:
        """What the statistics need of it; raises `BatteryError`."""
        learned = {step.number: step.learned() for step in self.steps}
        calls = self.calls
        table = grid(calls)
        again = [
            call
            for step in self.steps
            for call in _calls(step, LEARN, 1, step.read_confirmations())
        ]
        return Observed(
            grid=table,
            reruns=reruns_of(table, again),
            siblings=_sibling_grid(self.siblings, calls),
            expectations=(self.tasks and self.tasks.expectations) or Expectations(),
            distilled={number: any_ for number, any_ in learned.items() if any_ is not None},
            changed=list(self._changes(calls)),
            planned=self.provenance.planned_iterations,
            checked=self.tasks is not None and self.tasks.checked,
            told=self._told(calls),
            kept=self.provenance.options.memory_kept,
        )

    def _told(self, calls: Sequence[Call]) -> int:
        """Count the tasks that were missed, and whose right answer the system may have heard."""
        if self.tasks is None or self.provenance.options.feedback != "answer":
            return 0
        taught = {entry.task_id for entry in self.planned if entry.task.teach}
        missed = (
            call for call in calls if call.result.overseer_called or call.result.status != "ok"
        )
        return len({call.task for call in missed if call.arm == LEARN} & taught)

    @cached_property
    def metrics(self) -> list[Metrics]:
        """The numbers of each iteration, in order; raises `BatteryError`."""
        return [self._measured(step.number, LEARN) for step in self.steps]

    @cached_property
    def control(self) -> list[Metrics]:
        """The twin's numbers, of those iterations that have one; raises `BatteryError`."""
        numbers = [step.number for step in self.steps]
        with_control = [number for number in numbers if (number, FROZEN, 1) in self._run_sets]
        return [self._measured(number, FROZEN) for number in with_control]

    @cached_property
    def _run_sets(self) -> dict[tuple[int, Arm, int], list[Call]]:
        """The respond calls by iteration, arm and repeat, in that order."""
        run_sets = {
            (step.number, arm, repeat): _calls(step, arm, repeat, runs, self._seed)
            for step in self.steps
            for arm, repeat, runs in step.run_sets()
        }
        for (number, _, repeat), calls in run_sets.items():
            # Whoever reads on would take what is left for the whole.
            if repeat == 1:
                require_runs(number, calls)
        return run_sets

    @cached_property
    def _sibling_sets(self) -> dict[tuple[int, Arm], list[Call]]:
        """The calls that asked siblings, by iteration and arm, in that order."""
        return {
            (step.number, arm): _calls(step, arm, 1, runs, self._seed)
            for step in self.steps
            for arm, _, runs in step.siblings.run_sets()
        }

    def _files(self) -> Iterator[tuple[str, Sequence[Call]]]:
        """Yield every file of runs by its name, with its calls."""
        for (number, arm, repeat), calls in self._run_sets.items():
            yield self.folder.iteration(number).runs_name(arm, repeat), calls
        for (number, arm), calls in self._sibling_sets.items():
            yield self.folder.iteration(number).siblings.runs_name(arm, 1), calls

    @property
    def _seed(self) -> int | None:
        return self.provenance.options.seed

    @property
    def faults(self) -> Iterator[str]:
        """Yield what counts as not reported although an answer has it, a sentence per file."""
        for file, calls in self._files():
            faults = [
                f"{file}: [{place}].{fault}"
                for place, call in enumerate(calls)
                for fault in call.result.faults
            ]
            if faults:
                others = len(faults) - 1
                more = f", as {'does' if others == 1 else 'do'} {others} more" if others else ""
                yield f"{faults[0]}; it counts as not reported{more}"

    def require_begun(self) -> None:
        """Refuse a folder in which no battery has begun; raise `FolderError`."""
        if not self.has_begun:
            raise no_battery(self.folder.root)

    def require_complete(self) -> None:
        """Refuse a battery without a complete iteration; raise `FolderError`."""
        if self.steps:
            return
        none = f"the battery in {self.folder.root} has no complete iteration"
        if isinstance(self.provenance, Manifest):
            raise FolderError(f"{none} yet", hint=self.folder.resume_hint)
        if self.torn:
            raise FolderError(f"{none}: {self.torn}", hint="start another: battery run")
        raise no_battery(self.folder.root)

    def require_whole(self) -> None:
        """Refuse a battery that lost iterations its manifest calls finished; `FolderError`."""
        # A summary of the rest would compare the wrong iterations and look whole.
        there = {step.number for step in self.steps}
        finished = range(1, self.provenance.iterations_finished + 1)
        missing = [
            f"{ITERATION.name(number)}/{RUN_SETS.name}"
            for number in finished
            if number not in there
        ]
        if missing:
            root = self.folder.root
            raise FolderError(
                f"{root} lacks {', '.join(missing)}, though {MANIFEST.name} calls it finished",
                hint=f"put it back; where a run was killed while it moved the battery to "
                f"{root / ARCHIVE}, `battery run` moves the rest",
            )

    def _measured(self, number: int, arm: Arm) -> Metrics:
        # Of the first repeat: further ones serve the statistics only, so that the metrics of a
        # battery with repeats compare with those of one without.
        return measure(number, self._run_sets[number, arm, 1])

    def _changes(self, calls: Sequence[Call]) -> Iterator[str]:
        """Yield what is not as it was when the battery ran, or was never so."""
        asked = Counter((call.arm, call.iteration, call.task, call.repeat) for call in calls)
        if twice := sum(count > 1 for count in asked.values()):
            yield f"{counted(twice, 'task')} found twice in one file of runs"
        manifest = self.provenance
        if not isinstance(manifest, Manifest):
            return
        if self.tasks is None:
            yield f"{TASKS.name} is gone, and with it what the gates expect"
        elif digest(self.tasks) != manifest.tasks_digest:
            yield f"{TASKS.name} is not the one that {MANIFEST.name} says was run"
        if FROZEN in manifest.arms and not any(call.arm == FROZEN for call in calls):
            yield f"{MANIFEST.name} names a twin, but no run of it is there"
        yield from _lost_repeats(manifest.options.repeats, calls)
        yield from self._lost_siblings(manifest)

    def _lost_siblings(self, manifest: Manifest) -> Iterator[str]:
        for number in (step.number for step in self.steps):
            wanted = {sibling.task_id for sibling in siblings(self.planned, number)}
            for arm in manifest.arms if wanted else ():
                there = {call.task for call in self._sibling_sets.get((number, arm), ())}
                if lost := len(wanted - there):
                    missing = f"{counted(lost, 'sibling')} missing"
                    yield f"iteration {number}, {ARM_NAMES[arm]}: {missing}"


def open_battery(folder: BatteryDir) -> OpenedBattery:
    """Open a folder, whatever it holds; raise `ArtifactError` for a manifest that is unreadable."""
    # The manifest first: an iteration that becomes complete after it is one more, never one less.
    manifest, steps = folder.read_manifest(), folder.complete()
    if manifest:
        return OpenedBattery(folder, manifest, steps)
    torn = original.torn(steps[-1].root) if steps else None
    return OpenedBattery(
        folder, original.provenance(folder.root), steps[:-1] if torn else steps, torn
    )


def _sibling_grid(siblings: Sequence[Call], calls: Sequence[Call]) -> Grid | None:
    """Lay siblings out by the tasks whose siblings they are; None without any."""
    tasks = {call.task: call for call in calls}
    asked = [
        call._replace(task=task.task, label=task.label, position=task.position)
        for call in siblings
        if (task := tasks.get(call.sibling_of or ""))
    ]
    return grid(asked) if asked else None


def _lost_repeats(repeats: int, calls: Sequence[Call]) -> Iterator[str]:
    sets = {(call.arm, call.iteration): set[int]() for call in calls}
    for call in calls:
        sets[call.arm, call.iteration].add(call.repeat)
    for (arm, iteration), there in sets.items():
        if len(there) < repeats:
            where = f"iteration {iteration}, {ARM_NAMES[arm]}"
            yield f"{where}: only {len(there)} of {repeats} repeats are there"


def calls_of(step: IterationDir) -> list[Call]:
    """Return the respond calls of an iteration, of all arms and repeats, without the reruns."""
    run_sets = step.run_sets()
    return [call for run_set in run_sets for call in _calls(step, *run_set)]


def _calls(
    step: IterationDir, arm: Arm, repeat: int, runs: Sequence[Run], seed: int | None = None
) -> list[Call]:
    """Return runs as calls; with the seed of the battery also which came before the other arm."""
    number, names = step.number, labels(run.task for run in runs)
    ids = [task_id(run.phase, run.task) for run in runs]
    turned = [frozen_first(seed, number, task, repeat) for task in ids] if seed is not None else []
    order: Sequence[bool | None] = [first == (arm == FROZEN) for first in turned]
    order = order or [None] * len(ids)
    return [
        Call(
            arm=arm,
            iteration=number,
            position=position,
            phase=run.phase,
            task=task,
            label=label,
            repeat=repeat,
            result=run.result,
            sibling_of=run.sibling_of,
            first=first,
        )
        for position, (run, label, task, first) in enumerate(
            zip(runs, names, ids, order, strict=True)
        )
    ]
