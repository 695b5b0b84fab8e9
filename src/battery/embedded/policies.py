"""The small interface between the loop and whoever thinks for it: rules or a language model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

from battery.embedded.actions import Correction, Fill, GiveUp, Judgment, Search
from battery.embedded.lessons import DeadEnd, Plan, Substitution
from battery.embedded.spec import Spec
from battery.embedded.tokens import Usage
from battery.embedded.transcript import Transcript
from battery.protocol.wire import ChatRequest, Json, RespondRequest

T_co = TypeVar("T_co", covariant=True)


class PolicyError(Exception):
    """Report that a policy could not be asked, such as a model endpoint that fails."""


@dataclass
class Case:
    """Everything a policy may look at: the task, what memory brought, what happened so far."""

    request: RespondRequest
    spec: Spec
    lessons: list[Substitution | Plan | DeadEnd] = field(default_factory=list)
    transcript: Transcript = field(default_factory=Transcript)


@dataclass(frozen=True)
class Reply(Generic[T_co]):
    """What a policy said and what it cost; `value` is None when `text` could not be read."""

    value: T_co | None
    usage: Usage
    text: str


class Executor(Protocol):
    """Works on the task."""

    async def propose(self, case: Case) -> Reply[Search | Fill | GiveUp]:
        """Propose the next action."""


class Reviewer(Protocol):
    """Checks the executor's work."""

    async def review(
        self, case: Case, proposal: Fill | GiveUp, findings: list[str]
    ) -> Reply[Judgment]:
        """Judge a proposal, given what the database says against it."""


class Overseer(Protocol):
    """Steps in when the executor is stuck."""

    async def correct(self, case: Case) -> Reply[Correction]:
        """Look at the whole transcript and say what to do instead."""


class Chat(Protocol):
    """Answers free questions."""

    async def answer(self, request: ChatRequest) -> Json:
        """Return a chat answer in the wire's form."""


class Policies(NamedTuple):
    """The four together, as a gateway uses them."""

    executor: Executor
    reviewer: Reviewer
    overseer: Overseer
    chat: Chat
