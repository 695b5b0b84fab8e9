"""What all systems of the gauntlet are made of: an agent that works honestly and learns nothing.

A system under test is a subclass that does one thing otherwise. It is asked through `Seated`, by
the same protocol as a gateway behind HTTP.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, NamedTuple, Self

from battery.gauntlet.world import LARGE, SECONDS_PER_TOKEN, Job, World
from battery.protocol import OVERSEER_KIND, Json, Status
from battery.protocol.distill import DistillStream
from battery.records.models import LEARN, Arm, Models, Phase, Task
from battery.target.system import ChatReply, DistillReply, Finding, RespondReply

#: Shares of the tokens of a call that are its prompt, and of the prompt that the provider caches.
PROMPT: Final = 0.85
CACHED: Final = 0.5

REVIEW: Final = """## What worked
- nothing to add
## What failed
- nothing to add
## Proposed changes for iteration N+1
### one
**Target file**: playbook.md
**Rationale**: total_tokens
**Expected impact**: total_tokens falls
"""
JUDGMENT: Final = """### Proposal 1: one
**Verdict**: REJECT
**Reason**: the file does not exist
"""


@dataclass(frozen=True)
class Draft:
    """An answer before it is sent."""

    status: Status = "ok"
    shelf: str | None = None
    count: int | None = None
    text: str | None = None
    error: str | None = None
    turns: float = 1.0
    prompt: float = 0.0
    #: The part of the prompt that the provider had cached.
    cached: float = 0.0
    output: float = 0.0
    seconds: float = 0.0
    model: str = LARGE
    overseer: bool = False
    #: What `artifact.memory` lists; None leaves it out.
    memory: tuple[str, ...] | None = None
    fingerprint: str | None = None
    #: Keys of the usage that win over those that follow from the numbers above.
    usage: Json = field(default_factory=dict)
    #: Whether the usage is reported.
    reported: bool = True
    #: More keys of the answer.
    extra: Json = field(default_factory=dict)

    def but(self, **changes: Any) -> Self:
        """Return it with other fields."""
        return replace(self, **changes)

    def scaled(self, share: float) -> Self:
        """Return it for so much of the work: tokens, turns and time."""
        return self.spending(share).but(
            turns=max(1.0, self.turns * share), seconds=self.seconds * share
        )

    def spending(self, share: float) -> Self:
        """Return it for so much of the tokens."""
        return self.but(
            prompt=self.prompt * share, cached=self.cached * share, output=self.output * share
        )

    def failing(self, error: str, **changes: Any) -> Self:
        """Return it as an honest failure."""
        return self.but(status="failed", shelf=None, count=None, text=None, error=error, **changes)

    def claiming(self, shelf: str | None, count: int | None, text: str | None) -> Self:
        """Return it as an answer that claims this."""
        return self.but(status="ok", shelf=shelf, count=count, text=text, error=None)

    def saying(self, other: Draft) -> Self:
        """Return it with what another one says, at its own cost."""
        return self.but(
            status=other.status,
            shelf=other.shelf,
            count=other.count,
            text=other.text,
            error=other.error,
        )

    def document(self) -> Json:
        """Return the body of the answer."""
        prompt, output = round(self.prompt), round(self.output)
        usage = {
            "prompt_tokens": prompt,
            "prompt_tokens_details": {"cached_tokens": min(prompt, round(self.cached))},
            "completion_tokens": output,
            "total_tokens": prompt + output,
            "model": self.model,
            **self.usage,
        }
        artifact = {
            "shelf": self.shelf,
            "count": self.count,
            "text": self.text,
            "memory": None if self.memory is None else list(self.memory),
            "memory_fingerprint": self.fingerprint,
            "usage": usage if self.reported else None,
        }
        log = [{"kind": OVERSEER_KIND, "text": "look again"}] if self.overseer else []
        return {
            "status": self.status,
            "iterations": max(1, round(self.turns)),
            "artifact": {key: value for key, value in artifact.items() if value is not None},
            "log": log,
            "error": self.error,
            **self.extra,
        }


class Seat(NamedTuple):
    """Where a system sits in a battery."""

    arm: Arm
    world: World
    rng: random.Random
    #: The same for both arms, for those that share what they should not.
    shared: dict[str, Any]


class Agent:
    """Works honestly, at a cost with noise, and learns nothing from a distillation."""

    #: Standard deviation of the logarithm of a call's tokens.
    noise: ClassVar[float] = 0.1
    #: How often niche tasks fail and need the overseer; how often impossible ones are claimed.
    misses: ClassVar[float] = 0.1
    needy: ClassVar[float] = 0.8
    claims: ClassVar[float] = 0.0
    #: Whether answers say anything of the memory.
    tells: ClassVar[bool] = True
    #: The share of the work that is left after each distillation; the last one stays.
    shares: ClassVar[tuple[float, ...]] = ()

    def __init__(self, seat: Seat) -> None:
        self.arm, self.world, self.rng, self.shared = seat
        #: Distillations so far; never any in the twin.
        self.round = 0
        #: How often each task was asked before.
        self.asked: Counter[str] = Counter()

    @property
    def learns(self) -> bool:
        """Whether this is the learner."""
        return self.arm == LEARN

    def left(self, job: Job) -> float:
        """Return which share of the work a task still takes."""
        return (1.0, *self.shares)[min(self.round, len(self.shares))]

    def answer(self, job: Job) -> Draft:
        """Answer a task."""
        return self.attempt(job)

    def distil(self) -> list[Json]:
        """Learn from the last outcomes; return the events of the stream."""
        return [{"role": "final", "text": f"playbook {self.round}: depots label shelves by aisle"}]

    def recall(self, job: Job) -> tuple[str, ...]:
        """Return what of the memory a call is given."""
        return (f"playbook {self.round}",) if self.round else ()

    def fingerprint(self) -> str:
        """Return what the memory is."""
        return f"playbook {self.round}"

    def missing(self, job: Job) -> float:
        """Return how often a niche task fails."""
        return self.misses

    def happens(self, probability: float) -> bool:
        """Return whether something with this probability happens."""
        return self.rng.random() < probability

    def attempt(self, job: Job) -> Draft:
        """Work on a task honestly, for the share of the work that it still takes."""
        scale = self.rng.lognormvariate(-(self.noise**2) / 2, self.noise)
        tokens = job.tokens * scale
        draft = Draft(
            turns=job.turns * self.rng.lognormvariate(0, self.noise / 2),
            prompt=tokens * PROMPT,
            cached=tokens * PROMPT * CACHED,
            output=tokens * (1 - PROMPT),
            seconds=tokens * SECONDS_PER_TOKEN,
            memory=self.recall(job) if self.tells else None,
            fingerprint=self.fingerprint() if self.tells else None,
            overseer=job.phase is Phase.BETA and self.happens(self.needy),
        ).scaled(self.left(job))
        return self.concluded(job, draft)

    def concluded(self, job: Job, draft: Draft) -> Draft:
        """Say what came of honest work."""
        if job.shelf is None:
            if self.happens(self.claims):
                return draft.claiming("A1-100", 1, "It is on shelf A1-100.")
            return draft.failing(f"no such part in {job.lesson}")
        if job.phase is Phase.BETA and self.happens(self.missing(job)):
            return draft.failing("the shelf was not found")
        return right(job, draft)


def right(job: Job, draft: Draft) -> Draft:
    """Return a draft with the right answer."""
    return draft.claiming(job.shelf, job.count, f"It is on shelf {job.shelf}, {job.count} pieces.")


class Seated:
    """An agent behind the protocol of a system under test."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    async def respond(self, task: Task, models: Models, timeout_s: float) -> RespondReply:
        """Answer one task, in no time and with the time that it would have taken."""
        job = self._agent.world.job(task)
        draft = self._agent.answer(job)
        self._agent.asked[task.operation] += 1
        return RespondReply.of(draft.document(), round(1000 * draft.seconds))

    async def distill(self, on_event: Callable[[Json], None], timeout_s: float) -> DistillReply:
        """Have the agent learn."""
        self._agent.round += 1
        stream = DistillStream(self._agent.distil())
        for event in stream.events:
            on_event(event)
        return DistillReply.of(stream, 1000)

    async def chat(
        self, role: str, prompt: str, model: str, temperature: float, timeout_s: float
    ) -> ChatReply:
        """Give a review or a judgment that says little; neither bears on the verdict."""
        content = JUDGMENT if "## PR-ready" in prompt else REVIEW
        return ChatReply(content, {"choices": [{"message": {"content": content}}]}, 1000)

    async def probe(self, timeout_s: float) -> Finding:
        """Say that it is there."""
        return Finding(True, "it is in this process")
