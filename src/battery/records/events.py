"""What happens during a battery, as values; whoever shows them decides how."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from battery.protocol import Json
from battery.records.models import LEARN, Arm, Phase, RunResult, Task
from battery.records.stages import META_STAGES, CallKey
from battery.records.summary import Metrics


class Introduction(NamedTuple):
    """Whom a battery asks what, and where it is kept; told once, before anything is asked.

    All of it is in words, without secrets.
    """

    target: str
    twin: str
    #: Whom it asks to distill.
    learning: str
    #: The tasks file, or `packaged`.
    tasks: str
    folder: str
    #: What its user calls the battery; empty without a name.
    name: str = ""


class Plan(NamedTuple):
    """What is ahead, told once before the first call: what a battery costs in calls."""

    iterations: int
    #: Tasks of one iteration.
    tasks: int
    arms: int = 1
    repeats: int = 1
    #: By iteration, how many siblings it asks, once in each arm.
    siblings: tuple[int, ...] = ()
    #: Whether any task that is asked again and again has a check; without, `ok` is the gateway's
    #: own word.
    checked: bool = False
    #: Whether any answer is held to a check, be it only that of a sibling.
    graded: bool = False
    # Kept apart from the total: they depend on the answers, and mostly none is needed.
    #: Most calls that may come on top, to confirm that tasks fail.
    confirmations: int = 0
    #: Calls that an earlier run has made.
    on_disk: int = 0

    def asks(self, iteration: int) -> int:
        """Respond calls of an iteration, from 1; one call for each meta stage comes on top."""
        new = sum(self.siblings[iteration - 1 : iteration])
        return (self.tasks * self.repeats + new) * self.arms

    def calls_of(self, iteration: int) -> int:
        """All calls of an iteration, from 1, but the confirmations."""
        return self.asks(iteration) + len(META_STAGES)

    @property
    def calls(self) -> int:
        """All calls of the battery but the confirmations."""
        return sum(map(self.calls_of, range(1, self.iterations + 1)))


class ScheduledCall(NamedTuple):
    """One call ahead; that of a meta stage has neither arm nor repeat."""

    iteration: int
    #: alpha … zeta.
    stage: str
    arm: Arm | None
    repeat: int | None
    label: str
    key: CallKey


class Estimate(NamedTuple):
    """What the calls ahead may take; confirmations come on top."""

    #: None where there is nothing to go by.
    tokens: int | None
    #: What it rests on; where there is nothing to go by, what would give an estimate.
    basis: str
    #: Least and most US dollars, which differ where nobody knows what is prompt and what output;
    #: None where a price is not known.
    cost_usd: tuple[float, float] | None = None


class Outlook(NamedTuple):
    """What a run would ask: how many calls, with which seed, and in which order."""

    plan: Plan
    #: None in a battery of an earlier version.
    seed: int | None
    #: What is not on disk yet; confirmations come on top.
    calls: list[ScheduledCall]
    estimate: Estimate


class StageStarted(NamedTuple):
    """A stage begins: `name` is alpha … zeta, `title` is for readers."""

    iteration: int
    name: str
    title: str


class TaskStarted(NamedTuple):
    """A respond call goes out."""

    iteration: int
    phase: Phase
    label: str
    arm: Arm = LEARN
    #: Counted from 1.
    repeat: int = 1
    #: Whether it only confirms that a task fails.
    confirm: bool = False
    #: Whether it is a sibling, which is asked for the first time.
    sibling: bool = False
    #: The executor's model and what is asked, for those who record more than they show.
    model: str | None = None
    task: Task | None = None


class TaskFinished(NamedTuple):
    """A respond call came back and is on disk; `replayed` when an earlier run had made it."""

    iteration: int
    phase: Phase
    label: str
    result: RunResult
    replayed: bool
    arm: Arm = LEARN
    repeat: int = 1
    confirm: bool = False
    sibling: bool = False
    #: The gateway's whole answer; None for a replayed call.
    answer: Json | None = None


class DistillEvent(NamedTuple):
    """One event of the distill stream arrived."""

    iteration: int
    role: str
    text: str


class MetaFinished(NamedTuple):
    """The call of a meta stage is done and on disk."""

    iteration: int
    name: str
    elapsed_ms: int
    detail: str
    replayed: bool
    #: Model, prompt and whole answer of a chat; None for a distill.
    model: str | None = None
    prompt: str | None = None
    answer: Json | None = None
    #: Whether the call brought an error in place of a result; `detail` says which.
    failed: bool = False


class IterationFinished(NamedTuple):
    """All stages of an iteration are on disk; the numbers are the learner's."""

    metrics: Metrics
    #: The twin's; None without one.
    twin: Metrics | None = None


class Notice(NamedTuple):
    """Something the user should know; a warning is a notice that may change what they conclude."""

    text: str
    warning: bool = False


Event = (
    Introduction
    | Plan
    | StageStarted
    | TaskStarted
    | TaskFinished
    | DistillEvent
    | MetaFinished
    | IterationFinished
    | Notice
)
Observer = Callable[[Event], None]
