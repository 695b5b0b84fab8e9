"""A battery laid out as one row per call, for tables and other programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby

from battery.base.errors import ShapeError
from battery.inputs.tasks import labels, task_id
from battery.protocol import Json
from battery.recorded import OpenedBattery
from battery.records.lines import MORE, Row
from battery.records.models import ELAPSED_KEY, LEARN, Arm, Run, Task
from battery.store.artifacts import MANIFEST
from battery.store.documents import wrong
from battery.store.iteration_dir import IterationDir


def call_rows(opened: OpenedBattery) -> Iterator[Row]:
    """Yield a row a respond call, iteration by iteration, the learner first.

    Siblings, and then the reruns that confirm a failure, come last in their iteration. Of one set
    of runs the numbers are in memory at a time, never the answers. Raises `ArtifactError`.
    """
    started_at = _started_at(opened)
    for step in opened.steps:
        for row in _rows(step):
            yield row._replace(run_id=opened.provenance.run_id, started_at=started_at)


def _rows(step: IterationDir) -> Iterator[Row]:
    # Position and label of each task where it is met first: in an incomplete set it moves.
    places: dict[str, tuple[int, str]] = {}
    for (arm, repeat), answers in groupby(step.answers(), key=lambda call: call[:2]):
        tasks: list[Task] = []
        rows: list[Row] = []
        for _, _, run, answer in answers:
            tasks.append(run.task)
            rows.append(_row(step.number, arm, repeat, run, answer))
        for number, (row, name) in enumerate(zip(rows, labels(tasks), strict=True), start=1):
            position, label = places.setdefault(row.task_id, (number, name))
            yield row._replace(position=position, label=label)
    yield from _sibling_rows(step, places)
    reruns: Counter[str] = Counter()
    for run, answer in step.confirmed_answers():
        row = _row(step.number, LEARN, 1, run, answer)
        reruns[row.task_id] += 1
        position, label = places.setdefault(row.task_id, (len(places) + 1, row.operation))
        yield row._replace(
            position=position, label=label, repeat=reruns[row.task_id], confirmation=True
        )


def _sibling_rows(step: IterationDir, places: Mapping[str, tuple[int, str]]) -> Iterator[Row]:
    for arm, answers in groupby(step.siblings.answers(), key=lambda call: call[0]):
        runs = [(run, _row(step.number, arm, 1, run, answer)) for _, _, run, answer in answers]
        names = labels(run.task for run, _ in runs)
        for (run, row), label in zip(runs, names, strict=True):
            # Next to the task that it is an instance of.
            position, _ = places.get(run.sibling_of or "", (0, ""))
            yield row._replace(position=position, label=label)


def _row(iteration: int, arm: Arm, repeat: int, run: Run, answer: Json) -> Row:
    """Write a call as a row; its battery, its place and whether it is a rerun are added later."""
    task, phase, result = run.task, run.phase, run.result
    spent = result.spent.kinds
    return Row(
        run_id=None,
        started_at=None,
        iteration=iteration,
        arm=arm,
        repeat=repeat,
        confirmation=False,
        phase=phase.value,
        position=0,
        task_id=task_id(phase, task),
        task_class=task.task_class,
        operation=task.operation,
        label=task.operation,
        sibling_of=run.sibling_of,
        status=result.status,
        turns=result.turns,
        tokens=result.tokens,
        prompt_tokens=spent.prompt,
        completion_tokens=spent.output,
        overseer_called=result.overseer_called,
        # A result without a time reads 0, which is not what the call took.
        elapsed_ms=None if answer.get(ELAPSED_KEY) is None else result.elapsed_ms,
        cached=result.cached,
        memory_used=result.memory_used,
        error=result.own_error,
        checked=result.checked is not None,
        claimed=result.claimed,
        failed_checks=result.refuted,
        more=tuple(metric.of(result, answer) for metric in MORE),
    )


def _started_at(opened: OpenedBattery) -> datetime | None:
    text = opened.provenance.started_at
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        fault = ShapeError("started_at", f"a time was expected, got {text!r:.60}")
        raise wrong(opened.folder.root / MANIFEST.name, fault) from error
    # A time without a zone is meant as UTC, like all times of an artifact.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
