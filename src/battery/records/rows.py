"""One tidy row a call: what the tables for other programs hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple, get_type_hints

from battery.protocol.wire import Status
from battery.records.metric import TABLE
from battery.records.models import Arm


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
