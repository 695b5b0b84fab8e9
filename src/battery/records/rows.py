"""One tidy row a call: what the tables for other programs hold."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from battery.protocol.wire import Status
from battery.records.models import Arm


class Row(NamedTuple):
    """One respond call; the fields are the columns of CSV and Parquet, in this order.

    What the gateway or the folder does not tell is None, never 0.
    """

    #: Of the battery: None in folders without a manifest.
    run_id: str | None
    started_at: datetime | None
    #: Counted from 1.
    iteration: int
    arm: Arm
    #: For the how manieth time the task was asked in this arm and iteration, from 1.
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
