"""What a system under test is to battery when it is a class of your own: one method, `ask`.

Standard library only: your code is loaded into a process of its own, together with this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

#: One message of a talk, in the form of OpenAI: `role` and `content`.
Message = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One task, put to a system; never its checks, nor in which round or arm it is asked."""

    task_class: str
    operation: str
    #: Any JSON object, as the tasks file has it.
    spec: Mapping[str, Any]
    #: The talk so far: the task as a message, and in later turns what was answered and refused.
    messages: Sequence[Message] = ()
    #: The same in all turns of one task, and another one in any other call.
    session: str = ""
    #: Counted from 1.
    turn: int = 1


@dataclass(kw_only=True)
class Reply:
    """What a system makes of a task; whatever it does not know stays None.

    A text alone stands for `Reply(text=…)`, and a dict with other keys for `Reply(artifact=…)`.
    """

    text: str | None = None
    #: Any JSON: what checks may look at apart from the text.
    artifact: Any = None
    #: Tokens as the provider tells them, such as `{"total_tokens": 812}`.
    usage: Mapping[str, Any] | None = None
    #: `None` claims success and leaves the judgment to the checks.
    status: Literal["ok", "failed", "blocked"] | None = None
    #: How many turns it took, such as calls of a model.
    turns: int | None = None
    #: What was recalled from memory for this task.
    recalled: Sequence[Any] | None = None
    #: What happened on the way; objects with a `kind`.
    log: Sequence[Any] = ()
    #: Whether the answer comes from a cache.
    cached: bool | None = None
    #: Why it failed; with an error and no status the task has failed.
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a task ended. What `--feedback` withholds is None."""

    ask: Ask
    #: The whole talk, the last answer included.
    messages: Sequence[Message]
    passed: bool | None = None
    #: From 0 to 1.
    reward: float | None = None
    #: Why it was refused.
    why: str | None = None
    #: What would have been right, in words, where the task says so.
    correction: str | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """A line of progress of a learning step, or its result with the role `final`."""

    text: str
    role: str = "progress"
    #: Tokens that the step took, as the provider tells them.
    usage: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Verbs:
    """Which of the optional methods a system has, and how it is asked."""

    tell: bool = False
    learn: bool = False
    #: `snapshot`, `restore` and `fingerprint`, all three; else its folder is copied and hashed.
    memory: bool = False
    #: Whether it answers one turn at a time, so that battery says what was refused and asks again.
    one_turn: bool = False
    #: Whether its twin may go on running as long as its folder is what it was at the start.
    stays: bool = False


class System(Protocol):
    """A system under test. Only `ask` is required; the methods may be asynchronous.

    What is registered makes one: a class or function that is called as `make(memory, model)`, once
    per arm, with a folder of that arm's own for everything that is to be remembered.
    """

    def ask(self, ask: Ask) -> Reply | Mapping[str, Any] | str:
        """Work on one task. An exception ends the battery: it is a fault, and no failed task."""
        ...

    def tell(self, outcome: Outcome) -> None:
        """Hear how a task ended; only the arm that learns does."""
        ...

    def learn(self, outcomes: Sequence[Outcome]) -> Iterable[Event | str] | None:
        """Learn from the outcomes of one iteration; only the arm that learns does."""
        ...

    def snapshot(self, to: Path) -> None:
        """Write the whole memory into an empty folder."""
        ...

    def restore(self, source: Path) -> None:
        """Replace the whole memory by what `snapshot` wrote; forget everything else."""
        ...

    def fingerprint(self) -> str:
        """Return a text that is the same for the same memory, and another for any other."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
