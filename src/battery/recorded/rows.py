"""Read from an opened battery one tidy row per call, of all arms, repeats and iterations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final, NamedTuple, get_type_hints

from battery.base.errors import ShapeError
from battery.inputs.tasks import labels, task_id
from battery.protocol.wire import Json, Status, respond_spent
from battery.recorded.open import OpenedBattery
from battery.records.metric import TABLE
from battery.records.models import ELAPSED_KEY, LEARN, Arm, Run, Task
from battery.store.artifacts import MANIFEST
from battery.store.battery_dir import IterationDir
from battery.store.documents import wrong


class Row(NamedTuple):
    """One respond call, as CSV and Parquet show it.

    What the gateway or the folder does not tell is None, never 0.
    """

    #: Of the battery: None in folders without a manifest.
    run_id: str | None
    started_at: datetime | None
    #: Counted from 1.
    iteration: int
    arm: Arm
    #: Which repeat of the task in this arm and iteration, from 1.
    repeat: int
    #: Whether the call only confirms that an alpha task fails; then `repeat` counts those.
    confirmation: bool
    phase: str
    #: Place of the task over all phases, counted from 1.
    position: int
    task_id: str
    task_class: str
    operation: str
    #: The operation, numbered where tasks share one.
    label: str
    status: Status
    turns: int | None
    tokens: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    overseer_called: bool
    elapsed_ms: int | None
    cached: bool
    memory_used: bool | None
    error: str | None
    #: Those of `MORE`, in its order.
    more: tuple[float | None, ...] = ()

    @property
    def cells(self) -> tuple[Any, ...]:
        """Return the cells of `COLUMNS`."""
        return *self[:-1], *self.more


#: Metrics that have no column in the record itself.
MORE: Final = tuple(metric for metric in TABLE if not metric.counted)
#: Names and types of the columns, in order.
COLUMNS: Final[dict[str, Any]] = {
    name: hint for name, hint in get_type_hints(Row).items() if name != "more"
} | {metric.key: float | None for metric in MORE}


def call_rows(opened: OpenedBattery) -> Iterator[Row]:
    """Yield a row a respond call, iteration by iteration, the learn arm first.

    The reruns that confirm a failure come last in their iteration. Of one set of runs the numbers
    are in memory at a time, never the answers. Raises `ArtifactError`.
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
    reruns: Counter[str] = Counter()
    for run, answer in step.confirmed_answers():
        row = _row(step.number, LEARN, 1, run, answer)
        reruns[row.task_id] += 1
        position, label = places.setdefault(row.task_id, (len(places) + 1, row.operation))
        yield row._replace(
            position=position, label=label, repeat=reruns[row.task_id], confirmation=True
        )


def _row(iteration: int, arm: Arm, repeat: int, run: Run, answer: Json) -> Row:
    """Write a call as a row; its battery, its place and whether it is a rerun are added later."""
    task, phase, result = run
    spent = respond_spent(answer)
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
        status=result.status,
        turns=spent.turns,
        tokens=spent.tokens,
        prompt_tokens=spent.input,
        completion_tokens=spent.output,
        overseer_called=result.overseer_called,
        # A result without a time reads 0, which is not what the call took.
        elapsed_ms=None if answer.get(ELAPSED_KEY) is None else result.elapsed_ms,
        cached=result.cached,
        memory_used=result.memory_used,
        error=result.error,
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
