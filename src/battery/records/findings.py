"""What the statistics found, as records: the part of the summary that decides what may be said.

The records hold numbers and short texts and compute nothing; `battery.verdict` fills them. A
share is 0 to 1, a p-value is null where a test had nothing to work on, and null is never 0.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from battery.records.word import GateName, GateStatus, Word


class Record(BaseModel):
    """A frozen record that refuses keys it does not know."""

    # An unknown key is a typo, or the word of a newer program. Passed over, it would be lost when
    # the file is written again.
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(Record):
    """A confidence interval."""

    low: float = Field(description="Lower end.")
    high: float = Field(description="Upper end.")
    level: float = Field(description="Confidence, such as 0.95.")


class Contrast(Record):
    """One metric of one side against that of another, which is its base.

    Learn against frozen and after against before are two of a kind: they are computed, judged and
    shown by the same functions, and differ in what their means are called.
    """

    #: Names of the fields with the mean of the side in question and with that of its base.
    sides: ClassVar[tuple[str, str]]

    metric: str = Field(description="Its key in `metrics.json`.")
    kind: Literal["ratio", "difference"] = Field(
        description="Ratio: learn over frozen or B over A, a geometric mean over tasks. "
        "Difference: learn minus frozen or B minus A, of rates."
    )
    value: float | None = Field(description="As `kind` says; null when nothing could be compared.")
    interval: Interval | None = Field(
        description="95% interval of the value: a t interval on logs, or Newcombe's score "
        "interval; null with one task."
    )
    net: float | None = Field(
        description="The value minus what both differ by without learning: of an effect in "
        "iteration 1, of a change between the frozen arms; null where that is not known."
    )
    p: float | None = Field(description="Two-sided sign-flip p-value of this metric alone.")
    p_corrected: float | None = Field(
        description="The same, corrected for the metrics that decide (max-T); null for the others."
    )
    p_holm: float | None = Field(
        description="The same, corrected by Holm's method; null for the others."
    )
    p_net: float | None = Field(description="Two-sided sign-flip p-value of the net value.")
    tasks: int = Field(
        description="Tasks that both have a value for; impossible ones are not part of `ok_tasks`."
    )
    note: str | None = Field(
        default=None, description="What limits this row; null where nothing does."
    )

    @property
    def own(self) -> float | None:
        """The mean of the side in question, over the cells that both sides measured."""
        mean: float | None = getattr(self, self.sides[0])
        return mean

    @property
    def base(self) -> float | None:
        """The mean of the side that it is held against."""
        mean: float | None = getattr(self, self.sides[1])
        return mean


class Effect(Contrast):
    """Learn against frozen, over the iterations after the first."""

    sides = ("learn", "frozen")

    learn: float | None = Field(
        description="Mean per task and call in the learn arm, over the cells that both arms "
        "measured; of times in seconds."
    )
    frozen: float | None = Field(description="The same in the frozen arm.")


class Tested(Record):
    """The outcome of one test."""

    p: float | None = Field(description="The p-value; null where all values are equal or missing.")
    tasks: int = Field(description="Tasks that the test rests on.")
    method: str = Field(description="Name of the method, one- or two-sided, and how p was counted.")


class Luck(Record):
    """How often the direction count comes out well when iterations may be exchanged."""

    improved: int = Field(description="Metrics that improved, as counted.")
    as_many: float = Field(
        description="Chance of as many or more if only luck separates the last iteration from the "
        "first.",
    )
    validated: float = Field(description="The same chance for as many as the label requires.")


class Gate(Record):
    """One gate; it can lower a verdict and never raise it."""

    name: GateName = Field(description="Which gate.")
    title: str = Field(description="What the gate looks for.")
    status: GateStatus = Field(description="Only `failed` lowers a verdict.")
    text: str = Field(description="What was seen, in one or two sentences.")


class Sensitivity(Record):
    """What this battery could have seen, from the noise of iteration 1."""

    noise: float = Field(
        description="Standard deviation of the log tokens of one call, between the arms in "
        "iteration 1.",
    )
    detectable: float | None = Field(
        description="Smallest saving called LEARNED with that power; null where none would be."
    )
    power: float = Field(description="The power that it refers to.")


class Evidence(Record):
    """Everything that can honestly be claimed, and what it rests on."""

    verdict: Word | None = Field(description="Null with one iteration, unless it is refused.")
    sentence: str = Field(description="The verdict in plain language.")
    reasons: list[str] = Field(description="Why this verdict and not a better one, one line each.")
    arms: list[str] = Field(description="`learn`, and `frozen` where there is a control arm.")
    tasks: int = Field(description="Number of tasks.")
    iterations: int = Field(description="Number of iterations.")
    repeats: int = Field(description="Calls per task, iteration and arm.")
    primary: Tested | None = Field(description="Does learning save tokens? Null with one arm.")
    compounding: Tested | None = Field(
        description="Does the saving grow? Null with few iterations."
    )
    trend: Tested | None = Field(description="With one arm: do its tokens fall over time?")
    same_start: Tested | None = Field(description="Did both arms start alike in iteration 1?")
    narrow: Interval | None = Field(description="Narrower interval of the ratio of tokens.")
    effects: list[Effect] = Field(description="As in the summary's table; empty with one arm.")
    gates: list[Gate] = Field(description="In the order in which they are shown.")
    luck: Luck | None = Field(description="How often luck alone improves so many metrics.")
    cached: dict[str, int] = Field(
        description="By arm: cells (task and iteration) with an answer that says it came from a "
        "cache.",
    )
    sensitivity: Sensitivity | None = Field(
        description="What could have been seen; null with one arm."
    )
    settle: list[str] = Field(
        description="What more would settle an open question, one sentence each."
    )
    assumptions: list[str] = Field(description="What was taken for granted.")
    scope: str = Field(description="What the claim is about, and what it is not about.")
    cautions: list[str] = Field(
        description="What a reader should know as well, such as other metrics that moved."
    )


class Expectation(Record):
    """One proposal of an iteration's review, held against the next iteration."""

    iteration: int = Field(description="Iteration whose review made the proposal.")
    proposal: int = Field(description="Number of the proposal in that review.")
    title: str = Field(description="Its title.")
    metric: str | None = Field(description="Metric that was to move; null when none was named.")
    expected: Literal["fall", "rise"] | None = Field(
        description="Null when no direction can be read."
    )
    before: float | None = Field(description="The metric in that iteration.")
    after: float | None = Field(description="The metric in the next iteration.")
    outcome: Literal["right", "wrong", "no change", "not measurable"] = Field(
        description="Whether it came as expected."
    )


class Scorecard(Record):
    """How often the overseer foresaw what moved; information, never part of the verdict."""

    expectations: list[Expectation] = Field(
        description="One for each proposal whose next iteration was run."
    )
    right: int = Field(description="How many came as expected.")
    wrong: int = Field(description="How many went the other way.")
    unchanged: int = Field(description="How many did not move.")
    not_measurable: int = Field(
        description="How many name no metric that is measured, or no direction."
    )
