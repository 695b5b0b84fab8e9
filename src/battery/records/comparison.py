"""What a comparison of two batteries found, as records: A is before a change, B after it.

The records hold numbers and short texts and compute nothing; `battery.comparison.pairing` and
`battery.comparison.outcome` fill them. Tasks are matched by what is asked (phase, class, operation
and spec). A share is 0 to 1; null is what could not be measured or tested, and never 0.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from battery.records.findings import Interval, Record
from battery.records.models import SCHEMA_VERSION, Phase
from battery.records.word import Outcome, Word

Flip = Literal["passed to failed", "failed to passed", "bluff", "bluff ended"]


def _readable(text: object) -> object:
    return text.encode("utf-8", "backslashreplace").decode() if isinstance(text, str) else text


#: A name of a file or folder, of which systems allow bytes that are no UTF-8, and JSON does not.
FileName = Annotated[str, BeforeValidator(_readable)]


class Side(Record):
    """One of the two batteries."""

    folder: FileName = Field(description="As it was named.")
    run_id: str | None = Field(description="Null where the folder has no battery.json.")
    started_at: str | None
    state: str | None
    verdict: Word | None = Field(description="Its own verdict; null where it has none.")
    arms: list[str]
    tasks: int
    iterations: list[int] = Field(
        description="Those whose tasks are all done; the review may still be missing."
    )
    repeats: int


class Change(Record):
    """One metric, B against A, over the iterations that are compared."""

    metric: str = Field(description="Name as in the table of the metrics.")
    kind: Literal["ratio", "difference"] = Field(
        description="Ratio: B over A, a geometric mean over tasks. Difference: B minus A, of rates."
    )
    before: float | None = Field(description="Mean in A over the cells that both measured.")
    after: float | None = Field(description="The same in B.")
    value: float | None = Field(description="The change; null when nothing could be compared.")
    interval: Interval | None
    p: float | None = Field(description="Two-sided sign-flip p-value of this metric alone.")
    p_corrected: float | None = Field(
        description="The same, corrected for the metrics that decide (max-T); null of time."
    )
    p_holm: float | None = Field(description="The same, corrected by Holm's method.")
    net: float | None = Field(
        default=None, description="The value beyond what the frozen arms of A and B differ by."
    )
    net_interval: Interval | None = None
    p_net: float | None = Field(
        default=None, description="Two-sided sign-flip p-value of the net change."
    )
    tasks: int = Field(description="Tasks that both have a value for.")
    cells: int = Field(description="Cells, a task in an iteration, that both have a value for.")
    note: str | None = Field(default=None, description="What limits this row.")


class NamedTask(Record):
    """A task by its id and by what people call it."""

    task: str
    label: str
    phase: Phase


class Claims(Record):
    """How often success was claimed in an impossible task, over all iterations of both."""

    done: int = Field(description="Runs that ended ok.")
    runs: int


class TaskPair(NamedTask):
    """One task in both batteries, over the iterations that are compared."""

    tokens_before: float | None = Field(
        description="Mean tokens of a call in A, over the iterations that both measured."
    )
    tokens_after: float | None
    ratio: float | None = Field(
        description="Tokens of B over those of A, a geometric mean over iterations."
    )
    turns_before: float | None
    turns_after: float | None
    overseer_before: float | None = Field(description="Share of runs the overseer corrected.")
    overseer_after: float | None
    ok_before: float | None = Field(description="Share of runs that ended ok in A.")
    ok_after: float | None
    claims_before: Claims | None = Field(description="Of an impossible task, in A.")
    claims_after: Claims | None
    flip: Flip | None = Field(
        description="Where most runs ended ok in one battery and not in the other; of an "
        "impossible task also where any did and none in the other."
    )


class Flips(Record):
    """How many tasks changed sides; `p` is of the tasks that can be done alone."""

    lost: int = Field(description="Passed in A, failed in B.")
    gained: int = Field(description="Failed in A, passed in B.")
    bluffs: int = Field(description="Impossible tasks that B newly or now mostly claims done.")
    bluffs_ended: int
    p: float | None = Field(description="Exact McNemar, two-sided; null without a flip.")


class Noise(Record):
    """How much the same task varies where nothing was learned: sd of the log tokens of a call."""

    before: float | None = Field(description="Of A; null where it cannot be measured.")
    after: float | None
    source_before: Literal["arms", "repeats"] | None = Field(
        description="Between the arms in iteration 1, or between repeats of a task."
    )
    source_after: Literal["arms", "repeats"] | None
    floor: float | None = Field(
        description="Share by which noise alone moves the mean change of tokens in 1 of 20 cases."
    )


class Difference(Record):
    """Something besides the results in which the two batteries differ."""

    what: str
    before: str | None = Field(description="In A; null where that is not known.")
    after: str | None
    unfair: bool = Field(
        description="Whether it limits what may be compared; else it may be the change under test."
    )
    text: str = Field(description="What follows from it.")


class Comparison(Record):
    """Everything that the reports of `battery compare` say, as numbers and sentences."""

    schema_version: int = SCHEMA_VERSION
    outcome: Outcome
    sentence: str = Field(description="The outcome in plain language.")
    reasons: list[str] = Field(description="Why this word and not another one.")
    cause: str | None = Field(description="What the frozen arms say about where it comes from.")
    before: Side = Field(description="A.")
    after: Side = Field(description="B.")
    iterations: list[int] = Field(description="The iterations that are compared.")
    changes: list[Change] = Field(description="The learn arms, metric by metric.")
    narrow: Interval | None = Field(description="Narrower interval of the ratio of tokens.")
    start: list[Change] = Field(
        description="The same in iteration 1, before anything was learned; empty where that is "
        "what is compared anyway."
    )
    twins: list[Change] = Field(
        description="The frozen arms, over the same iterations; empty where one is missing."
    )
    flips: Flips
    tasks: list[TaskPair] = Field(description="The tasks of both, in the order of A.")
    only_before: list[NamedTask]
    only_after: list[NamedTask]
    noise: Noise
    differences: list[Difference]
    cautions: list[str] = Field(description="What a reader should know as well.")
    settle: list[str] = Field(description="What more would settle it, a sentence each.")
    scope: str = Field(description="What the claim is about, and what it is not about.")

    @property
    def unfair(self) -> bool:
        """Whether something limits what may be compared."""
        return any(each.unfair for each in self.differences)
