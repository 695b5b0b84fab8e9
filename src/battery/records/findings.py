"""What the statistics found, as records: the part of the summary that decides what may be said.

The records hold numbers and short texts and compute nothing; `battery.verdict` fills them. A
share is 0 to 1, a p-value is null where a test had nothing to work on, and null is never 0.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from battery.records.word import GateName, GateStatus, Word


class Record(BaseModel):
    """A frozen record that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(Record):
    """A confidence interval."""

    low: float
    high: float
    level: float = Field(description="Confidence, such as 0.95.")


class Effect(Record):
    """One metric, learn against frozen, over the iterations after the first."""

    metric: str = Field(description="Name as in the table of the metrics.")
    kind: Literal["ratio", "difference"] = Field(
        description="Ratio: learn over frozen, a geometric mean over tasks. Difference: learn "
        "minus frozen, of rates."
    )
    learn: float | None = Field(description="Mean a task and call in the learn arm.")
    frozen: float | None = Field(description="The same in the frozen arm.")
    value: float | None = Field(description="The effect; null when nothing could be compared.")
    interval: Interval | None
    net: float | None = Field(
        description="The value less what the arms differed by in iteration 1 already."
    )
    p: float | None = Field(description="Two-sided sign-flip p-value of this metric alone.")
    p_corrected: float | None = Field(description="The same, corrected for all metrics (max-T).")
    p_holm: float | None = Field(description="The same, corrected by Holm's method.")
    p_net: float | None = Field(description="Two-sided sign-flip p-value of the net effect.")
    tasks: int = Field(description="Tasks that both arms have a value for.")
    note: str | None = Field(default=None, description="What limits this row.")


class Tested(Record):
    """The outcome of one test."""

    p: float | None = Field(description="Null where there is no information to test.")
    tasks: int = Field(description="Tasks that the test rests on.")
    method: str = Field(description="Name of the method, its side and how p was counted.")


class Luck(Record):
    """How often the direction count comes out well when iterations may be exchanged."""

    improved: int = Field(description="Metrics that improved, as counted.")
    as_many: float = Field(description="Chance of so many or more without any learning.")
    validated: float = Field(description="Chance of three or more without any learning.")


class Gate(Record):
    """One gate; it can lower a verdict and never raise it."""

    name: GateName
    title: str
    status: GateStatus
    text: str = Field(description="What was seen, in one or two sentences.")


class Sensitivity(Record):
    """What this battery could have seen, from the noise of iteration 1."""

    noise: float = Field(
        description="Standard deviation of the log tokens of a call, measured between the arms."
    )
    detectable: float | None = Field(
        description="Smallest reduction of tokens seen with this power; null when none would be."
    )
    power: float = Field(description="The power meant, as a share.")


class Evidence(Record):
    """Everything that can honestly be claimed, and what it rests on."""

    verdict: Word | None = Field(description="Null with a single iteration, unless it is refused.")
    sentence: str = Field(description="The verdict in plain language.")
    reasons: list[str] = Field(description="Why this verdict and not a better one.")
    arms: list[str]
    tasks: int
    iterations: int
    repeats: int
    primary: Tested | None = Field(description="Does learning help at all? Tokens, one-sided.")
    compounding: Tested | None = Field(description="Does it go on improving? Page's L.")
    trend: Tested | None = Field(description="One arm: do tokens fall over the iterations?")
    same_start: Tested | None = Field(description="Did both arms start alike in iteration 1?")
    narrow: Interval | None = Field(description="Narrower interval of the ratio of tokens.")
    effects: list[Effect]
    gates: list[Gate]
    luck: Luck | None
    cached: dict[str, int] = Field(
        description="By arm: cells with an answer that says it came from a cache."
    )
    sensitivity: Sensitivity | None
    settle: list[str] = Field(description="What more would settle it, a sentence each.")
    assumptions: list[str]
    scope: str = Field(description="What the claim is about: this memory, tasks like these, ….")
    cautions: list[str] = Field(description="What a reader of the verdict should know as well.")


class Expectation(Record):
    """One proposal of an iteration's review, held against the next iteration."""

    iteration: int = Field(description="Iteration whose review made the proposal.")
    proposal: int = Field(description="Number of the proposal in that review.")
    title: str
    metric: str | None = Field(description="Metric that was to move; null when none was named.")
    expected: Literal["fall", "rise"] | None
    before: float | None = Field(description="The metric in that iteration.")
    after: float | None = Field(description="The metric in the next one.")
    outcome: Literal["right", "wrong", "no change", "not measurable"]


class Scorecard(Record):
    """How often the overseer foresaw what moved; information, never part of the verdict."""

    expectations: list[Expectation]
    right: int
    wrong: int
    unchanged: int
    not_measurable: int
