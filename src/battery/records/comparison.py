"""What a comparison of two batteries found, as records: A is before a change, B after it.

The records hold numbers and short texts and compute nothing; `battery.comparison.pairing` and
`battery.comparison.outcome` fill them. Tasks are matched by what is asked (phase, class, operation
and spec). A share is 0 to 1; null is what could not be measured or tested, and never 0.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from battery.records.findings import Contrast, Interval, Record
from battery.records.models import SCHEMA_VERSION, Phase
from battery.records.word import Flip, Outcome, Word


def _readable(text: object) -> object:
    return text.encode("utf-8", "backslashreplace").decode() if isinstance(text, str) else text


#: A name of a file or folder, of which systems allow bytes that are not UTF-8, and JSON does not.
FileName = Annotated[str, BeforeValidator(_readable)]


class Side(Record):
    """One of the two batteries."""

    folder: FileName = Field(description="As it was named.")
    run_id: str | None = Field(description="From the manifest; null without one.")
    started_at: str | None = Field(description="From the manifest; null without one.")
    state: str | None = Field(description="From the manifest; null without one.")
    verdict: Word | None = Field(
        description="Its own verdict, computed again; null where it has none."
    )
    arms: list[str] = Field(description="`learn`, and `frozen` where there is a control arm.")
    tasks: int = Field(description="Number of tasks.")
    iterations: list[int] = Field(
        description="Those whose tasks are all done; the review may be missing, which a "
        "difference says.",
    )
    repeats: int = Field(description="Calls per task, iteration and arm.")


class Change(Contrast):
    """Battery B (after) against battery A (before), over the iterations that are compared."""

    sides = ("after", "before")

    before: float | None = Field(
        description="Mean in A over the cells that both measured; of times in seconds."
    )
    after: float | None = Field(description="The same in B.")
    net_interval: Interval | None = Field(description="95% t interval of the net value.")
    cells: int = Field(description="Cells, a task in an iteration, that both have a value for.")


class NamedTask(Record):
    """A task by its id and by what people call it."""

    task: str = Field(description="Id of the task.")
    label: str = Field(description="Its operation.")
    phase: Phase = Field(description="Phase of the tasks file.")


class Claims(Record):
    """How often success was claimed in an impossible task, over all iterations of both."""

    done: int = Field(description="Runs that ended `ok`.")
    runs: int = Field(description="Runs of the task in total.")


class TaskPair(NamedTask):
    """One task in both batteries, over the iterations that are compared."""

    tokens_before: float | None = Field(
        description="Mean tokens of a call in A, over the iterations that both measured."
    )
    tokens_after: float | None = Field(description="The same in B.")
    ratio: float | None = Field(
        description="Tokens of B over those of A, a geometric mean over iterations."
    )
    turns_before: float | None = Field(description="Mean turns in A.")
    turns_after: float | None = Field(description="Mean turns in B.")
    overseer_before: float | None = Field(
        description="Share of runs in A that the overseer corrected."
    )
    overseer_after: float | None = Field(description="The same in B.")
    ok_before: float | None = Field(description="Share of runs in A that ended `ok`.")
    ok_after: float | None = Field(description="The same in B.")
    claims_before: Claims | None = Field(
        description="For an impossible task, in A, the first iteration included."
    )
    claims_after: Claims | None = Field(description="The same in B.")
    # A majority of the runs decides, so that one flaky repeat flips nothing; of what cannot be done
    # a single claim is too many.
    flip: Flip | None = Field(
        description="Where most runs ended ok in one battery and not in the other; of an "
        "impossible task also where any did and none in the other."
    )


class Flips(Record):
    """How many tasks changed sides; `p` is of the tasks that can be done alone."""

    lost: int = Field(description="Tasks that passed in A and not in B.")
    gained: int = Field(description="Tasks that passed in B and not in A.")
    bluffs: int = Field(
        description="Impossible tasks that B claims done and A never did, or that B mostly claims"
        " done.",
    )
    bluffs_ended: int = Field(description="The same with A and B exchanged.")
    p: float | None = Field(
        description="McNemar's exact test of `lost` against `gained`, two-sided; null without "
        "either.",
    )


class Noise(Record):
    """How much the same task varies where nothing was learned: sd of the log tokens of a call."""

    before: float | None = Field(
        description="Standard deviation of the log tokens of one call in A; null if it cannot be "
        "measured.",
    )
    after: float | None = Field(description="The same in B.")
    source_before: Literal["arms", "repeats"] | None = Field(
        description="Between the arms in iteration 1, or between repeats of a task."
    )
    source_after: Literal["arms", "repeats"] | None = Field(description="The same in B.")
    floor: float | None = Field(
        description="Share by which noise alone moves the mean change of tokens in 1 of 20 cases."
    )


class Difference(Record):
    """Something other than the results in which the two batteries differ."""

    what: str = Field(description="What differs.")
    before: str | None = Field(description="Its value in A; `-` where only B is concerned.")
    after: str | None = Field(description="Its value in B.")
    unfair: bool = Field(
        description="Whether it limits what may be compared; else it may be the change under test."
    )
    text: str = Field(description="What follows from it.")


class Comparison(Record):
    """Everything that the reports of `battery compare` say, as numbers and sentences."""

    schema_version: int = Field(default=SCHEMA_VERSION, description="Version of the format.")
    outcome: Outcome = Field(description="The comparison in a word.")
    sentence: str = Field(description="The outcome in plain language.")
    reasons: list[str] = Field(description="Why this word and not another one, one line each.")
    cause: str | None = Field(
        description="What the frozen arms say about where a change comes from; null if nothing "
        "was compared.",
    )
    before: Side = Field(description="A.")
    after: Side = Field(description="B.")
    iterations: list[int] = Field(
        description="Those that are compared: after the first, or the first where it is all there"
        " is.",
    )
    changes: list[Change] = Field(description="The learn arms, metric by metric.")
    narrow: Interval | None = Field(description="Narrower interval of the ratio of tokens.")
    start: list[Change] = Field(
        description="The same in iteration 1, before anything was learned; empty where that is "
        "what is compared anyway."
    )
    twins: list[Change] = Field(
        description="The frozen arms, over the same iterations; empty where one is missing."
    )
    flips: Flips = Field(description="How many tasks changed sides.")
    tasks: list[TaskPair] = Field(description="The tasks of both, in the order of A.")
    only_before: list[NamedTask] = Field(description="Tasks that B lacks.")
    only_after: list[NamedTask] = Field(description="Tasks that A lacks.")
    noise: Noise = Field(description="How much a task varies by itself.")
    differences: list[Difference] = Field(description="What else differs, what is unfair first.")
    cautions: list[str] = Field(description="What a reader should know as well.")
    settle: list[str] = Field(
        description="What more would settle an open question, one sentence each."
    )
    scope: str = Field(description="What the claim is about, and what it is not about.")

    @property
    def unfair(self) -> bool:
        """Whether something limits what may be compared."""
        return any(difference.unfair for difference in self.differences)
