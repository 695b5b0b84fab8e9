"""A kind of target in one file: an agent with a file of notes, answered by Python, no socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from battery.base.errors import BrokenAnswerError
from battery.protocol import Json
from battery.protocol.chat import chat_answer
from battery.protocol.distill import DistillStream
from battery.records.models import Arm, Models, Task
from battery.target.system import (
    ChatReply,
    DistillReply,
    Finding,
    Kind,
    Opening,
    RespondReply,
    Worker,
)
from tests.support.gateway import REVIEW, SCRUM

#: What was asked, by arm, in order; a test empties it.
CALLS: list[tuple[Arm, str]] = []
#: Operations that break off.
BROKEN: set[str] = set()


class Agent:
    """Needs half as many tokens for what its notes have, once a distillation wrote it there."""

    def __init__(self, arm: Arm, memory: Path) -> None:
        self.arm = arm
        self.notes = memory / "notes.txt"
        self.seen: set[str] = set()

    async def respond(self, task: Task, models: Models, timeout_s: float) -> RespondReply:
        """Work on a task, in no time and with no model."""
        del models, timeout_s
        CALLS.append((self.arm, task.operation))
        if task.operation in BROKEN:
            raise BrokenAnswerError(f"respond for {task.operation!r}: the agent fell over")
        self.seen.add(task.operation)
        known = task.operation in self.known()
        usage = {"total_tokens": 50 if known else 100}
        answer = {"status": "ok", "iterations": 1, "artifact": {"usage": usage}}
        return RespondReply.of(answer, elapsed_ms=1)

    async def distill(self, on_event: Callable[[Json], None], timeout_s: float) -> DistillReply:
        """Write down what was seen."""
        del timeout_s
        CALLS.append((self.arm, "distill"))
        self.notes.parent.mkdir(parents=True, exist_ok=True)
        self.notes.write_text("\n".join(sorted(self.seen | self.known())))
        stream = DistillStream([{"role": "final", "text": "noted"}])
        on_event(stream.events[-1])
        return DistillReply.of(stream, elapsed_ms=1)

    async def chat(
        self, role: str, prompt: str, model: str, temperature: float, timeout_s: float
    ) -> ChatReply:
        """Say what every reviewer says, whatever was asked."""
        del prompt, temperature, timeout_s
        CALLS.append((self.arm, role))
        content = SCRUM if role == "scrum" else REVIEW
        return ChatReply(content, chat_answer(content, model, {}), elapsed_ms=1)

    async def probe(self, timeout_s: float) -> Finding:
        """Look whether it is awake."""
        del timeout_s
        return Finding(True, "the agent is awake")

    def known(self) -> set[str]:
        """Read the notes."""
        return set(self.notes.read_text().splitlines()) if self.notes.exists() else set()


@asynccontextmanager
async def _opened(opening: Opening) -> AsyncIterator[list[Worker]]:
    agents = {arm: Agent(arm, opening.memory(arm)) for arm in opening.arms}
    yield [agents] * opening.workers


NOTES = Kind(
    name="agent with notes",
    recognizes=lambda text: text.startswith("notes:"),
    opened=_opened,
)
