"""What happens during a battery, as values; whoever shows them decides how."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from battery.models import Metrics, Phase, RunResult


class Plan(NamedTuple):
    """What is ahead, told once before the first call."""

    iterations: int
    #: Respond calls of one iteration; distill, review and judgment come on top.
    tasks_per_iteration: int


class StageStarted(NamedTuple):
    """A stage begins: `name` is alpha … zeta, `title` is what happens in it."""

    iteration: int
    name: str
    title: str


class TaskStarted(NamedTuple):
    """A respond call goes out."""

    iteration: int
    phase: Phase
    label: str


class TaskFinished(NamedTuple):
    """A respond call came back and is on disk; `replayed` when an earlier run had made it."""

    iteration: int
    phase: Phase
    label: str
    result: RunResult
    replayed: bool


class DistillEvent(NamedTuple):
    """One event of the distill stream arrived."""

    iteration: int
    role: str
    text: str


class MetaFinished(NamedTuple):
    """Distill, review or judgment is done and on disk."""

    iteration: int
    name: str
    elapsed_ms: int
    detail: str
    replayed: bool


class IterationFinished(NamedTuple):
    """All six stages of an iteration are on disk."""

    metrics: Metrics


class Notice(NamedTuple):
    """Something the user should know; a warning is a notice that may change what they conclude."""

    text: str
    warning: bool = False


Event = (
    Plan
    | StageStarted
    | TaskStarted
    | TaskFinished
    | DistillEvent
    | MetaFinished
    | IterationFinished
    | Notice
)
Observer = Callable[[Event], None]
