"""The table of stages: everything that an iteration does, in order, one record per stage.

Dry run, run loop, journal schema, `watch`, summary, displays and spans read this table. What a
chat stage asks and what is read from its answer is in `battery.review.chats`, under its role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from battery.protocol import Json
from battery.records.models import KINDS, LEARN, Arm, Phase


class CallKey(NamedTuple):
    """What tells a call of one iteration from all others in its journal; unused parts are empty."""

    call: str
    #: Of a chat; of a telling the kind of call whose outcome was told.
    role: str = ""
    arm: str = ""
    task_id: str = ""
    repeat: int = 0

    @classmethod
    def of(cls, entry: Json) -> CallKey:
        """Read the key back from a journal line."""
        return cls(**{name: entry[name] for name in cls._fields if name in entry})


def respond_key(task_id: str, arm: Arm = LEARN, repeat: int = 1) -> CallKey:
    """Name a respond call by task, arm and repeat, which is counted from 1."""
    # By what is asked and never by place: a task that moved in the file keeps its answer, and one
    # that changed does not get that of another.
    return CallKey("respond", arm=arm, task_id=task_id, repeat=repeat)


def confirm_key(task_id: str, repeat: int) -> CallKey:
    """Name one of the reruns that confirm that a task fails."""
    # Only the learner can have forgotten; the twin's own runs show how flaky a task is.
    return CallKey("confirm", arm=LEARN, task_id=task_id, repeat=repeat)


def sibling_key(task_id: str, arm: Arm) -> CallKey:
    """Name the call of a sibling by its own id."""
    # Once, whatever `--repeats` says: asked again it would no longer be new.
    return CallKey("sibling", arm=arm, task_id=task_id, repeat=1)


def tell_key(key: CallKey) -> CallKey:
    """Name the telling of how the task of a call ended."""
    return key._replace(call="tell", role=key.call)


@dataclass(frozen=True, kw_only=True)
class TaskStage:
    """A stage that asks the tasks of the phase it is named after, in every arm and repeat."""

    #: Its tasks, in two words.
    title: str
    #: Under which key of `phases` the tasks file has its tasks.
    tasks_key: str
    #: What its tasks are, and how they should end.
    about: str


@dataclass(frozen=True, kw_only=True)
class MetaStage:
    """A stage that makes one call about the iteration as a whole, after its tasks."""

    #: In files and events, `delta` … `zeta`.
    name: str
    #: Its one call in a word, for readers and in the bill of a battery.
    noun: str
    key: CallKey


@dataclass(frozen=True, kw_only=True)
class ChatStage(MetaStage):
    """A stage that asks the large model once."""

    #: The file of the answer, as it came, in the iteration's folder. What is read from it has
    #: files of its own in `battery.store.artifacts`.
    file: str
    #: What that file is, in a sentence.
    about: str
    temperature: float
    #: Earlier chats whose answers it needs.
    reads: tuple[ChatStage, ...] = ()

    @property
    def role(self) -> str:
        """Return who the model plays: what tells one chat's journal line from another's."""
        return self.key.role


#: By phase, in the order they run.
TASK_STAGES: Final = {
    Phase.ALPHA: TaskStage(
        title="easy tasks",
        tasks_key="alpha_baseline",
        about="easy tasks, which should end ok",
    ),
    Phase.BETA: TaskStage(
        title="niche tasks",
        tasks_key="beta_drift",
        about="niche tasks, which should end ok",
    ),
    Phase.GAMMA: TaskStage(
        title="impossible tasks",
        tasks_key="gamma_impossible",
        about="impossible tasks, which should fail",
    ),
}
DISTILL: Final = MetaStage(
    name="delta",
    noun="distill",
    key=CallKey("distill"),
)
OVERSEER: Final = ChatStage(
    name="epsilon",
    noun="review",
    key=CallKey("chat", role="overseer"),
    file="overseer_review.md",
    about="The review, as it came.",
    temperature=0.2,
)
SCRUM: Final = ChatStage(
    name="zeta",
    noun="judgment",
    key=CallKey("chat", role="scrum"),
    file="scrum_findings.md",
    about="The judgment of the review, as it came.",
    temperature=0.1,
    reads=(OVERSEER,),
)
#: A new chat comes after the ones whose answers it reads.
CHAT_STAGES: Final = (OVERSEER, SCRUM)
#: One call each.
META_STAGES: Final[tuple[MetaStage, ...]] = (DISTILL, *CHAT_STAGES)
#: What each stage is called wherever people read of it. Files, JSON and events keep alpha … zeta.
STAGE_NAMES: Final[Mapping[str, str]] = {
    **{str(phase): kind for phase, kind in KINDS.items()},
    **{stage.name: stage.noun for stage in META_STAGES},
}

#: What the round of a phase is called in which siblings are asked.
SIBLING_TITLE: Final = "new ones"
#: The extra round in which tasks that passed in iteration 1 and fail now are asked again.
CONFIRM_TITLE: Final = "failed tasks again"
