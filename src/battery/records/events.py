"""What happens during a battery, as values; whoever shows them decides how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from battery.protocol.wire import Json
from battery.records.models import LEARN, Arm, Metrics, Phase, Proposal, RunResult, Task, Verdict

#: Distill, review and judgment: what an iteration asks besides its tasks.
META_CALLS: Final = 3


class Plan(NamedTuple):
    """What is ahead, told once before the first call: what a battery costs in calls."""

    iterations: int
    #: Tasks of one iteration.
    tasks: int
    arms: int = 1
    repeats: int = 1
    #: Most calls that may come on top, to confirm that alpha tasks fail.
    confirmations: int = 0
    #: Calls that an earlier run has made.
    on_disk: int = 0

    @property
    def asks_per_iteration(self) -> int:
        """Respond calls of one iteration; distill, review and judgment come on top."""
        return self.tasks * self.arms * self.repeats

    @property
    def calls(self) -> int:
        """All calls of the battery but the confirmations."""
        return self.iterations * (self.asks_per_iteration + META_CALLS)


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
    arm: Arm = LEARN
    #: Counted from 1.
    repeat: int = 1
    #: Whether it only confirms that an alpha task fails.
    confirm: bool = False
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
    #: The gateway's whole answer; None for a replayed call.
    answer: Json | None = None


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
    #: Model, prompt and whole answer of a chat; None for a distill.
    model: str | None = None
    prompt: str | None = None
    answer: Json | None = None


def distilled(text: str) -> str:
    """Say what came of a distillation: the first line of its text."""
    return text.strip().partition("\n")[0]


def reviewed(proposals: Sequence[Proposal]) -> str:
    """Say what came of a review."""
    return f"{len(proposals)} proposals"


def judged(verdicts: Sequence[Verdict]) -> str:
    """Say what came of a judgment."""
    approved = sum(verdict.verdict == "APPROVE" for verdict in verdicts)
    return f"{approved} of {len(verdicts)} approved"


class IterationFinished(NamedTuple):
    """All six stages of an iteration are on disk; the numbers are the learn arm's."""

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
