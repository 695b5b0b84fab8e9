"""Read from a folder one tidy row a call, of all arms, repeats and iterations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from battery.base.errors import ShapeError
from battery.inputs.tasks import labels, task_id
from battery.protocol.wire import Json, Spent, respond_spent
from battery.records.models import ELAPSED_KEY, LEARN, Arm, Run
from battery.records.rows import Row
from battery.store.battery_dir import BatteryDir, IterationDir
from battery.store.documents import wrong


def call_rows(folder: BatteryDir) -> Iterator[Row]:
    """Yield a row a respond call, iteration by iteration, the learn arm first.

    The reruns that confirm a failure come last in their iteration. Of one set of runs the numbers
    are in memory at a time, never the answers. Raises `ArtifactError`.
    """
    manifest = folder.read_manifest()
    run_id = manifest.run_id if manifest else None
    started_at = _moment(folder, manifest.started_at) if manifest else None
    for step in folder.complete():
        for row in _rows(step):
            yield row._replace(run_id=run_id, started_at=started_at)


class _Asked(NamedTuple):
    """A run with what its answer told besides the numbers that every run has."""

    run: Run
    spent: Spent
    elapsed_ms: int | None

    @classmethod
    def of(cls, run: Run, answer: Json) -> _Asked:
        """Keep apart what was not reported and what was 0."""
        timed = answer.get(ELAPSED_KEY) is not None
        return cls(run, respond_spent(answer), run.result.elapsed_ms if timed else None)


class _Place(NamedTuple):
    """Where a task stands, and under which name."""

    task_id: str
    position: int
    label: str


def _rows(step: IterationDir) -> Iterator[Row]:
    places: dict[str, _Place] = {}
    for (arm, repeat), group in groupby(step.answers(), key=lambda each: each[:2]):
        asked = [_Asked.of(run, answer) for _, _, run, answer in group]
        names = labels(each.run.task for each in asked)
        for position, (each, label) in enumerate(zip(asked, names, strict=True), start=1):
            yield _row(step.number, arm, repeat, each, _place(places, each.run, position, label))
    seen: Counter[str] = Counter()
    for run, answer in step.confirmed_answers():
        place = _place(places, run, len(places) + 1, run.task.operation)
        seen[place.task_id] += 1
        again = _row(step.number, LEARN, seen[place.task_id], _Asked.of(run, answer), place)
        yield again._replace(confirmation=True)


def _place(places: dict[str, _Place], run: Run, position: int, label: str) -> _Place:
    """Return the place that the task had where it was met first: in an incomplete set it moves."""
    task = task_id(run.phase, run.task)
    return places.setdefault(task, _Place(task, position, label))


def _row(iteration: int, arm: Arm, repeat: int, asked: _Asked, place: _Place) -> Row:
    task, phase, result = asked.run
    return Row(
        run_id=None,
        started_at=None,
        iteration=iteration,
        arm=arm,
        repeat=repeat,
        confirmation=False,
        phase=phase.value,
        position=place.position,
        task_id=place.task_id,
        task_class=task.task_class,
        operation=task.operation,
        label=place.label,
        status=result.status,
        turns=asked.spent.turns,
        tokens=asked.spent.tokens,
        prompt_tokens=asked.spent.input,
        completion_tokens=asked.spent.output,
        overseer_called=result.overseer_called,
        elapsed_ms=asked.elapsed_ms,
        cached=result.cached,
        memory_used=result.memory_used,
        error=result.error,
    )


def _moment(folder: BatteryDir, text: str) -> datetime:
    try:
        # A time without a zone is meant as UTC, like all times of an artifact.
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        fault = ShapeError("started_at", f"a time was expected, got {text!r:.60}")
        raise wrong(folder.root / "battery.json", fault) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
