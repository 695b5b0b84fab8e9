"""The system under test as the rest of battery sees it: a connection, whoever answers at its end.

`battery.target.http` is the connection to a system behind HTTP, `battery.target.local` the one to a
system that battery starts itself. A `Kind` is what battery has to know of a sort of system before
it can call one; `battery.target.kinds` lists the kinds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeGuard, runtime_checkable

from battery.inputs.settings import Settings, Target
from battery.protocol import Json
from battery.protocol.distill import Distilled, DistillStream
from battery.records.checks import Checked
from battery.records.events import Observer
from battery.records.models import ELAPSED_KEY, Arm, Models, RunResult, Task, Tasks


class RespondReply(NamedTuple):
    """A system's whole answer, with `_elapsed_ms`, and what battery reads of it."""

    answer: Json
    result: RunResult
    #: Of a `Learner`: the fingerprint of its memory after the call, of which a copy is kept.
    memory: str | None = None

    @classmethod
    def of(cls, answer: Any, elapsed_ms: int) -> Self:
        """Add the elapsed time to an answer and check it; raise `ShapeError`."""
        whole = {**answer, ELAPSED_KEY: elapsed_ms} if isinstance(answer, dict) else answer
        return cls(whole, RunResult.of(whole))


class ChatReply(NamedTuple):
    """The content of a chat answer, and the whole answer."""

    content: str
    answer: Json
    elapsed_ms: int


class DistillReply(NamedTuple):
    """What a distillation amounts to, all events, and how many were not JSON objects."""

    result: Distilled
    events: list[Json]
    broken: int
    elapsed_ms: int
    #: How the stream broke off after its outcome; empty where it did not.
    cut: str = ""
    #: As in `RespondReply`.
    memory: str | None = None
    #: Tokens that it took, where battery counted them itself.
    usage: Json | None = None

    @classmethod
    def of(cls, stream: DistillStream, elapsed_ms: int, cut: str = "") -> Self:
        """Take what a stream collected; raise `ShapeError` when it has no event."""
        return cls(stream.result(), stream.events, stream.broken, elapsed_ms, cut)


class Feedback(NamedTuple):
    """How a task ended, for the system that was asked."""

    task: Task
    #: The whole answer, as it is on record.
    answer: Json
    #: What its checks say; None where there are none.
    checked: Checked | None
    #: Whether it was a new instance of a task, of which never more than the grade is told.
    sibling: bool = False


class Told(NamedTuple):
    """That a system has heard how a task ended."""

    #: As in `RespondReply`.
    memory: str | None
    elapsed_ms: int
    #: Tokens that it took to hear it; None where nobody knows.
    usage: Json | None = None


class Finding(NamedTuple):
    """What a look at a system found: whether it is fine, in words, and what to do."""

    ok: bool
    text: str
    hint: str | None = None


class Chatting(Protocol):
    """Whoever reviews and judges."""

    async def chat(
        self, role: str, prompt: str, model: str, temperature: float, timeout_s: float
    ) -> ChatReply:
        """Ask a large model one question; an answer without content is an error.

        `role`, a chat stage's, names the call in messages and is not sent. Raises `CallError`.
        """
        ...


# A protocol, not a base class: a system in a package of its own needs nothing of battery's client.
class Connection(Chatting, Protocol):
    """A connection to a system under test; it makes one call at a time.

    Every method raises `CallError` for a call without a usable answer, which ends the run. No
    method may ask twice: whatever is asked may teach the system, and is measured. Elapsed times
    are wall time in whole milliseconds, timeouts are seconds and bound the whole call.
    """

    async def respond(self, task: Task, models: Models, timeout_s: float) -> RespondReply:
        """Work on one task; an honest failure is an answer with the status `failed`."""
        ...

    async def distill(self, on_event: Callable[[Json], None], timeout_s: float) -> DistillReply:
        """Learn from the last outcomes; call `on_event` as each event arrives.

        Only the learner is asked. A stream without any event is an error; one that says that
        the distillation failed is a reply, because asking again would distil twice.
        """
        ...

    async def probe(self, timeout_s: float) -> Finding:
        """Find out whether the system is there, for `doctor`, without teaching it anything."""
        ...


@runtime_checkable
class Learner(Connection, Protocol):
    """A connection to a system whose memory battery keeps and puts back.

    The learner is told how each task ended; the memory of the twin is put back to the
    start before each call, and nothing is told.
    """

    async def tell(self, feedback: Feedback, timeout_s: float) -> Told | None:
        """Tell how a task ended; None where the system does not listen."""
        ...

    async def learn(
        self,
        outcomes: Sequence[Feedback],
        on_event: Callable[[Json], None],
        timeout_s: float,
    ) -> DistillReply:
        """Have it learn from the outcomes of an iteration; the rest as in `distill`."""
        ...

    async def put_back(self, memories: Sequence[str]) -> None:
        """Go on from the last of some kept memories, and keep all; of none, from the start."""
        ...


def is_learner(connection: Chatting) -> TypeGuard[Learner]:
    """Return whether battery keeps the memory of a system, and tells it how tasks ended."""
    return _is_learner(type(connection))


# Asked for each call, and Python compares all methods by name each time.
@cache
def _is_learner(kind: type) -> bool:
    return issubclass(kind, Learner)


#: Says whether an answer passes the checks of its task; None where there are none.
Judge = Callable[[Task, Json], Awaitable[Checked | None]]
#: Whom one worker asks in each arm. A worker makes one call at a time.
Worker = Mapping[Arm, Connection]


@dataclass(frozen=True)
class Opening:
    """What a kind is given to open its systems."""

    #: The target that `--gateway` or the manifest names.
    target: Target
    settings: Settings
    #: The learner, and the twin where there is one.
    arms: Sequence[Arm]
    #: How many tasks are asked at the same time.
    workers: int
    #: Where a system that battery starts keeps what it learns in an arm.
    memory: Callable[[Arm], Path]
    #: Where battery keeps the memories of a system whose folder it is to copy and put back.
    memories: Path
    tell: Observer
    #: What must stay secret of all targets.
    secrets: Sequence[str] = ()
    #: None where nobody will be asked a task of them.
    tasks: Tasks | None = None
    #: None where nothing will be judged.
    judge: Judge | None = None
    #: Variables for the processes of a system, on top of the environment.
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Of the battery, the same in each of its runs; empty where there is none.
    run_id: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of system under test: how it is recognized, opened and spoken of."""

    #: As messages name it.
    name: str
    #: Whether a target, as `--gateway` and the manifest write it, is of this kind.
    recognizes: Callable[[str], bool]
    #: Opens the systems, one per worker and arm, and closes them at the end.
    opened: Callable[[Opening], AbstractAsyncContextManager[Sequence[Worker]]]
    #: Checks the text of a target, with the headers for it; raises `UsageError`.
    read: Callable[[str, Mapping[str, str]], Target] = lambda text, _headers: Target(text)
    #: A target is an address. It may change between runs, because the same system may have moved,
    #: and its learning side and control are deployments at addresses of their own. Any other kind
    #: brings both: the learner distills, and its twin never does.
    is_address: bool = False
    #: `--model-url` drives it, so another model makes another battery.
    takes_model: bool = False
    #: The names of the models in the tasks file go out with a call.
    sends_models: bool = False
    #: What the twin is that it brings, in words.
    twin: str = "a second one that never learns"
    #: It is a `Learner`, which is told how tasks ended.
    is_local: bool = False
    #: Whether a target of this kind has a memory that battery keeps: one call may use that at a
    #: time.
    has_memory: Callable[[str], bool] = lambda _text: True
    #: What a target of this kind says, as a hash, where it is a file that may say something else
    #: when the battery goes on.
    digest: Callable[[str], str | None] = lambda _text: None
    #: The files of the system's own that a target of this kind names.
    files: Callable[[str], Sequence[Path]] = lambda _text: ()
