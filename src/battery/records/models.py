"""The records that travel through the battery: one place for their fields and meanings.

Times are ISO 8601 in UTC; durations end in `_ms` (whole milliseconds) or `_s` (seconds); rates
are 0 to 1. What was not measured is null or absent, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from pydantic import ConfigDict, Field

from battery.base.errors import ShapeError
from battery.protocol import (
    MOST_COUNTED,
    Json,
    Status,
    answer_digests,
    memory_fingerprint,
    memory_used,
    read_respond,
    was_cached,
)
from battery.protocol.usage import Spent, respond_spent, usage_numbers
from battery.records.checks import HONEST, Check, Checked
from battery.records.expectations import COMMENT, Expectations, also
from battery.records.findings import Kind, Record

#: Version of the file formats that this program writes, `summary.json` aside.
SCHEMA_VERSION: Final = 1

ELAPSED_KEY: Final = "_elapsed_ms"


class Phase(StrEnum):
    """The three stages that send tasks, in the order they run."""

    ALPHA = "alpha"
    BETA = "beta"
    GAMMA = "gamma"


#: The phases whose tasks can be done.
SOLVABLE: Final = (Phase.ALPHA, Phase.BETA)
#: What the tasks of each phase are to readers.
KINDS: Final[Mapping[Phase, Kind]] = {
    Phase.ALPHA: "easy",
    Phase.BETA: "niche",
    Phase.GAMMA: "impossible",
}

#: The system under test, which learns between iterations, and its twin that never does.
Arm = Literal["learn", "frozen"]
LEARN: Final = "learn"
FROZEN: Final = "frozen"
#: What the arms are called wherever people read of them; files keep the names above.
ARM_NAMES: Final[Mapping[str, str]] = {LEARN: "learner", FROZEN: "twin"}
#: What the targets of a manifest are called wherever people read of them.
TARGET_NAMES: Final = {"gateway": "system", "llm_team": "learning side", "control": "twin"}


#: A task that learning may have lost is asked so often again ...
CONFIRMATIONS: Final = 5
#: ... and so many of these must fail to call it lost: a task that passes four times in five
#: fails so often in under one case of a hundred.
CONFIRMED: Final = 4


SCHEMA_KEY: Final = "$schema"
_SCHEMA: Final[Json] = {
    SCHEMA_KEY: {"description": "Where an editor finds this schema.", "type": "string"}
}


class Sibling(Record):
    """Another instance of the lesson that a task teaches, asked once and never again."""

    model_config = ConfigDict(json_schema_extra=also(COMMENT))

    operation: str = Field(min_length=1, description="The task in one line.")
    spec: Json = Field(description="Any JSON object; sent as it is.")
    checks: list[Check] = Field(default=[], description="What its answer is held to.")
    teach: str | None = Field(
        default=None, min_length=1, description="A correction, told after an answer that misses."
    )


class Task(Record):
    """One thing to ask of the gateway."""

    model_config = ConfigDict(json_schema_extra=also(COMMENT))

    task_class: str = Field(min_length=1, description="Kind of task, as the gateway names it.")
    operation: str = Field(min_length=1, description="The task in one line.")
    spec: Json = Field(description="Any JSON object; sent as it is.")
    checks: list[Check] = Field(
        default=[], description="What an answer is held to; without any, its own word counts."
    )
    siblings: list[Sibling] = Field(
        default=[],
        description="New instances of the same lesson: iteration N asks the N-th of them, once.",
    )
    teach: str | None = Field(
        default=None, min_length=1, description="A correction, told after an answer that misses."
    )

    @property
    def asked(self) -> Json:
        """The keys that are sent: a gateway that saw the rest could behave to suit it."""
        return {"task_class": self.task_class, "operation": self.operation, "spec": self.spec}

    def held_to(self, phase: Phase) -> dict[str, Check]:
        """Return each check by its place; an impossible task without any is to be declined."""
        if not self.checks and phase is Phase.GAMMA:
            return {"declines": HONEST}
        return {f"checks[{index}]": check for index, check in enumerate(self.checks)}

    def sibling(self, number: int) -> Task | None:
        """Return a sibling as a task of its own, counted from 1; None where there are fewer."""
        if number > len(self.siblings):
            return None
        sibling = self.siblings[number - 1]
        return Task(
            task_class=self.task_class,
            operation=sibling.operation,
            spec=sibling.spec,
            checks=sibling.checks,
            teach=sibling.teach,
        )


def any_check(tasks: Iterable[Task]) -> bool:
    """Return whether any of the tasks has a check of its own; those of its siblings do not count.

    Without one, the `ok` that a verdict rests on is the system's own word.
    """
    return any(task.checks for task in tasks)


class Phases(Record):
    """The tasks of the three phases; a phase may be empty."""

    model_config = ConfigDict(json_schema_extra=also(COMMENT))

    alpha_baseline: list[Task] = Field(description="Easy tasks, done without escalation.")
    beta_drift: list[Task] = Field(description="Niche tasks that make the executor miss.")
    gamma_impossible: list[Task] = Field(description="Tasks with zero supply; must fail.")

    def of(self, phase: Phase) -> list[Task]:
        """Return the tasks of one phase, in file order."""
        return {
            Phase.ALPHA: self.alpha_baseline,
            Phase.BETA: self.beta_drift,
            Phase.GAMMA: self.gamma_impossible,
        }[phase]


class Models(Record):
    """The model names that go out with the calls."""

    model_config = ConfigDict(json_schema_extra=also(COMMENT))

    executor_cloud: str = Field(min_length=1, description="Works on the task.")
    reviewer_cloud: str = Field(min_length=1, description="Checks the executor's work.")
    overseer_cloud: str = Field(min_length=1, description="Writes the review and the judgment.")


class Price(Record):
    """What a model takes for its tokens, in US dollars per million."""

    input: float = Field(ge=0, allow_inf_nan=False, description="Of prompt tokens.")
    cached_input: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="Of prompt tokens that the provider had cached; left out, `input` counts.",
    )
    output: float = Field(ge=0, allow_inf_nan=False, description="Of tokens that it writes.")


class KnownPrice(Price):
    """A price that a summary used."""

    source: str = Field(description="Where it is from, such as `genai-prices 0.2.3`.")


#: Expectations that earlier versions did not know.
_LATER: Final = frozenset({"relevant", "max_turns", "tokens_per_call"})


class Tasks(Record):
    """A whole tasks file."""

    model_config = ConfigDict(json_schema_extra=also(_SCHEMA | COMMENT))

    phases: Phases = Field(description="The tasks by phase.")
    models: Models = Field(description="The models to ask for.")
    expectations: Expectations | None = Field(
        default=None, description="What the gates expect of them; null means the defaults."
    )
    prices: dict[str, Price] | None = Field(
        default=None, description="By model, what its tokens cost; wins over any other price."
    )
    attempts: int = Field(
        default=1,
        ge=1,
        strict=True,
        description="How often an answer that misses may be corrected and given again, the first "
        "included.",
    )
    overseer_after: int | None = Field(
        default=None,
        ge=1,
        strict=True,
        description="After so many misses the overseer corrects; null means never.",
    )

    @property
    def checked(self) -> bool:
        """Whether any task that is asked again and again has a check; siblings do not count."""
        return any_check(task for phase in Phase for task in self.phases.of(phase))

    def document(self) -> Json:
        """Return the file's content; what the file does not use has no key in it."""
        document = self.model_dump(mode="json", by_alias=True)
        for phase in document["phases"].values():
            for task in phase:
                _drop_empty(task)
        if self.prices is None:
            del document["prices"]
        if self.attempts == 1:
            del document["attempts"]
        if self.overseer_after is None:
            del document["overseer_after"]
        if self.expectations is None:
            del document["expectations"]
            return document
        # A default that came later is left out, or every battery of an earlier version would have
        # another digest than its manifest says.
        defaults = Expectations()
        for name in _LATER:
            if getattr(self.expectations, name) == getattr(defaults, name):
                del document["expectations"][name]
        return document


def _drop_empty(task: Json) -> None:
    """Take out the keys of a task that say nothing: a file without checks has none."""
    for sibling in task.get("siblings", []):
        _drop_empty(sibling)
    for key in ("checks", "siblings", "teach"):
        if key in task and not task[key]:
            del task[key]


_DECLINED: Final = "declined, in words"


class RunResult(NamedTuple):
    """What one respond call came back with, as numbers."""

    #: Graded, where there are checks: an `ok` that they contradict is `failed`.
    status: Status
    #: None where not reported, like tokens: sums count it as 0, means leave it out.
    turns: int | None
    tokens: int | None
    overseer_called: bool
    error: str | None
    elapsed_ms: int
    #: Whether the answer says that it came from a cache.
    cached: bool = False
    #: Whether memory was used; None where the answer does not let us see it.
    memory_used: bool | None = None
    #: The numbers at `artifact.usage`, such as `cost_usd`, by name.
    usage: Mapping[str, float] = {}
    #: What its checks say; None where there are none.
    checked: Checked | None = None
    #: `artifact.memory_fingerprint`: what the memory was that the answer rests on.
    fingerprint: str | None = None
    #: Of the whole answer, without times: equal where two answers are byte for byte the same.
    digest: bytes = b""
    #: Of what it hands in alone, without what it took: equal where two answers say the same.
    handed_in: bytes = b""
    #: The tokens by kind and by model, as far as the answer says.
    spent: Spent = Spent()
    #: US dollars; None where a model's price or its tokens are not known. `battery.pricing` says.
    cost_usd: float | None = None
    #: What an answer on disk has and no gateway may send; it counts as not reported. Each begins
    #: with its place, such as `result.iterations: `.
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, answer: Json) -> RunResult:
        """Read a gateway's answer, `_elapsed_ms` included; raise `ShapeError` for a wrong one."""
        read = read_respond(answer)
        whole, handed_in = answer_digests(answer)
        # The only number here that battery writes itself. It is checked all the same, since people
        # edit files and other programs write them.
        elapsed_ms = answer.get(ELAPSED_KEY) or 0
        if not isinstance(elapsed_ms, int | float) or not 0 <= elapsed_ms <= MOST_COUNTED:
            expected = f"a number from 0 to {MOST_COUNTED} was expected"
            raise ShapeError(ELAPSED_KEY, f"{expected}, got {elapsed_ms!r:.60}")
        return cls(
            status=read.status,
            turns=read.iterations,
            tokens=read.tokens,
            overseer_called=read.overseer_called,
            error=read.error,
            elapsed_ms=int(elapsed_ms),
            cached=was_cached(answer),
            memory_used=memory_used(answer),
            usage=usage_numbers(answer),
            spent=respond_spent(answer),
            fingerprint=memory_fingerprint(answer),
            digest=whole,
            handed_in=handed_in,
        )

    def graded(self, checked: Checked | None) -> RunResult:
        """Return the result as its checks have it."""
        if checked is None:
            return self
        if self.status != "ok" or checked.ok:
            return self._replace(checked=checked)
        # Who declines in words has said why, and who bluffs has not.
        error = self.error or checked.reason or _DECLINED
        return self._replace(status="failed", checked=checked, error=error)

    @property
    def claimed(self) -> bool:
        """Whether the answer's own status is `ok`."""
        return self.status == "ok" if self.checked is None else self.checked.claimed

    @property
    def refuted(self) -> str | None:
        """Say which checks refute what the answer claims; None where none does."""
        return self.checked.reason if self.checked else None

    @property
    def own_error(self) -> str | None:
        """The gateway's own error, without what grading says: all that may be sent to anyone."""
        return None if self.checked and self.error in {self.refuted, _DECLINED} else self.error

    def bluff(self, phase: Phase) -> bool:
        """Return whether the answer claims what cannot be, or what its checks contradict."""
        if self.checked is not None:
            return self.checked.bluff
        return phase is Phase.GAMMA and self.status == "ok"


class Run(NamedTuple):
    """One task, asked once, and what came of it."""

    task: Task
    phase: Phase
    result: RunResult
    #: Id of the task whose sibling it is; None of a task of the battery.
    sibling_of: str | None = None


class Proposal(Record):
    """One change that the overseer proposes for the next iteration."""

    number: int = Field(description="Position in the review, counted from 1.")
    title: str = Field(description="As the review has it.")
    target_file: str | None = Field(description="Path as written, without code marks.")
    rationale: str | None = Field(description="What the metrics are said to show.")
    expected_impact: str | None = Field(description="What is said to change.")
    metric: str | None = Field(description="The metric that the expected impact names.")
    target_exists: bool | None = Field(
        default=None,
        description="Whether the file is in the repository of `--repo`; null without that option.",
    )


class Verdict(Record):
    """The scrum judgment of one proposal."""

    proposal: int | None = Field(description="Number of the proposal; null when none matches.")
    title: str = Field(description="As the judgment has it.")
    verdict: Literal["APPROVE", "REVISE", "REJECT"] = Field(description="What was decided.")
    reason: str | None = Field(description="The reason that was given.")
    details: str = Field(description="The rest of what was said of the proposal, as Markdown.")
    flags: list[str] = Field(
        default=[],
        description="What contradicts the verdict on disk, such as an approved change of a file "
        "that is missing.",
    )


class ReviewOutcome(Record):
    """What epsilon and zeta left behind for one iteration."""

    iteration: int
    proposals: list[Proposal]
    verdicts: list[Verdict]
    artifacts: list[str] = Field(description="Paths of the iteration's files, below the folder.")
