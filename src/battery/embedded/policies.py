"""The small interface between the loop and whoever thinks for it: rules or a language model.

A language model gets exactly the prompts of this module; where rules stand in for one, their
tokens are estimated on the same texts. The dials at the end make a gateway misbehave on purpose, to
show and test what the battery makes of it. Each is a fault that real agents have, and works by what
the gateway itself has done: none looks at who asks or how far a battery is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from battery.embedded.forms import Correction, Fill, GiveUp, Judgment, Search, Spec, Transcript
from battery.embedded.lessons import Lesson
from battery.embedded.tokens import Usage
from battery.embedded.world import facts
from battery.protocol import ChatRequest, Json, RespondRequest

T_co = TypeVar("T_co", covariant=True)


class PolicyError(Exception):
    """Report that a policy could not be asked, such as a model endpoint that fails."""


@dataclass
class Case:
    """Everything a policy may look at: the task, what memory brought, what happened so far."""

    request: RespondRequest
    spec: Spec
    lessons: list[Lesson] = field(default_factory=list)
    transcript: Transcript = field(default_factory=Transcript)


@dataclass(frozen=True)
class Reply(Generic[T_co]):
    """What a policy said and what it cost; `value` is None when `text` could not be read.

    `note` says why the text ended where it did, unless it simply was at its end.
    """

    value: T_co | None
    usage: Usage
    text: str
    note: str = ""


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


# What is shown of a form is harmless when it is copied, as small models do: no name, day or number
# that could pass for one of the task. The rules' tokens are estimated on these texts, so another
# length would make new batteries of the embedded gateway differ from older ones.
# What is shown of a form is harmless when it is copied, as small models do: no name, day or number
# that could pass for one of the task. The rules' tokens are estimated on these texts, so another
# length would make new batteries of the embedded gateway differ from older ones.
# What is shown of a form is harmless when it is copied, as small models do: no name, day or number
# that could pass for one of the task. The rules' tokens are estimated on these texts, so another
# length would make new batteries of the embedded gateway differ from older ones.
_EXECUTOR: Final = """\
You fill staffing demands from a database of workers. Each turn you take one action; you see
what came of it in the transcript. Search before you propose anybody. Reply with one JSON
object and nothing else, any of:
{"action": "search", "role": "...", "cities": ["..."]}
{"action": "fill", "workers": ["..."]}
{"action": "give_up", "reason": "..."}
A search matches role, city and certificate names as the database writes them. Where the spec of
the task has radius_miles, by or max_pay, so has a search; for its certificate, a search has
certificates, a list of which any will do. Propose exactly as many workers as the task asks for,
and only those a search has shown, and only such as meet every condition. Give up only when the
searches prove that there are not enough. A reviewer checks fills and give-ups."""

_REVIEWER: Final = """\
You check the work of a staffing desk before it goes out. Accept a fill only when everybody in
it meets every condition of the task; accept a give-up only when there truly are not enough
people. The check below was made on the whole database: believe it. Reply with one JSON object
and nothing else: {"verdict": "accept" or "reject", "reason": "one or two sentences"}"""

_OVERSEER: Final = """\
You oversee a staffing desk. The executor below is stuck: read the whole transcript, find out
which of its assumptions is wrong, and give it the searches to make instead, best first. The
reference facts are true; the executor does not know them. Reply with one JSON object and
nothing else: {"diagnosis": "...", "searches": [{"role": "...", "cities": ["..."]}]}. Where the
spec has radius_miles, by or max_pay, so does each search; any of its certificates is good
enough."""


def executor_prompt(case: Case) -> str:
    """Write the executor's prompt: the task, what memory says, the transcript."""
    parts = [_EXECUTOR, _task(case)]
    # Marked as perhaps unfitting: it was learned on another task, and a model should doubt it.
    if case.lessons:
        lines = "\n".join(f"- {lesson.text}" for lesson in case.lessons)
        parts.append(f"From the playbook (earlier tasks; may not fit this one):\n{lines}")
    return "\n\n".join([*parts, _transcript(case)])


def reviewer_prompt(case: Case, proposal: Fill | GiveUp, findings: list[str]) -> str:
    """Write the reviewer's prompt: the task, the proposal, what the database says against it."""
    check = "\n".join(f"- {finding}" for finding in findings) or "- Nothing speaks against it."
    return "\n\n".join(
        [_REVIEWER, _task(case), f"Proposal: {proposal.model_dump_json()}", f"Check:\n{check}"]
    )


def overseer_prompt(case: Case) -> str:
    """Write the overseer's prompt: the task, the transcript, the reference facts about it."""
    # The facts are looked up for it: the whole thesaurus would cost more than it tells.
    known = facts(case.spec) or ["Every word of the task is as the database writes it."]
    lines = "\n".join(f"- {fact}" for fact in known)
    return "\n\n".join([_OVERSEER, _task(case), _transcript(case), f"Reference facts:\n{lines}"])


def _task(case: Case) -> str:
    spec = case.spec.model_dump_json(exclude_none=True)
    return f"Task ({case.request.task_class}): {case.request.operation}\nSpec: {spec}"


def _transcript(case: Case) -> str:
    return f"Transcript:\n{case.transcript.lines()}"


# Above the 50 ms per call that the verdict puts down to the machine, so that the dial shows.
#: What a respond call takes longer while the server warms up.
WARM_UP_S: Final = 0.06
#: Why a gateway that forgot fails; it is shown in the log and in the error.
CROWDED_OUT: Final = (
    "the playbook fills the working context, so the executor no longer sees what it has done"
)


@dataclass(frozen=True)
class Dials:
    """How a gateway misbehaves; as they come, all dials are off."""

    # Dials count distillations and calls, the only clock a gateway has: it knows no iteration.
    #: Distillations in the gateway's life after which it forgets how to work; None is never.
    forget_after: int | None = None
    #: Claims success where it would give up for want of supply.
    bluff: bool = False
    #: So many respond calls at the start take `WARM_UP_S` longer.
    warm_up: int = 0
    #: Seconds that each respond call takes longer.
    slow: float = 0.0
    #: Keeps answers instead of lessons: what was asked before is cheap, what is new is not.
    answer_cache: bool = False

    def forgets(self, distillations: int) -> bool:
        """Return whether a gateway that has distilled so often has forgotten how to work."""
        return self.forget_after is not None and distillations >= self.forget_after


class CrowdedExecutor:
    """An executor that never sees its own turns, so that it begins anew until they are used up."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def propose(self, case: Case) -> Reply[Search | Fill | GiveUp]:
        """Propose what comes first; what was found before is out of sight."""
        return await self._executor.propose(replace(case, transcript=Transcript()))


def crowded(answer: Json) -> Json:
    """Say in log and error of an answer that the context was full; no error stays none."""
    error = answer["error"]
    return answer | {
        "log": [{"kind": "context", "turn": 0, "text": CROWDED_OUT}, *answer["log"]],
        "error": f"{error}; {CROWDED_OUT}" if error else None,
    }


def bluffed(answer: Json) -> Json:
    """Claim success; workers, turns, tokens and log stay as they are."""
    return answer | {"status": "ok", "error": None}
