"""What a comparison of two batteries found, as records: A is before a change, B after it.

The records hold numbers and short texts and compute nothing; `battery.comparison` fills them.
Tasks are matched by what is asked (phase, class, operation and spec). A share is 0 to 1; null is
what could not be measured or tested, and never 0.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from battery.records.findings import Interval, Record
from battery.records.metric import METRICS, TOKENS
from battery.records.models import SCHEMA_VERSION, Arm, Phase
from battery.records.word import Flip, Outcome, Word


def _readable(text: object) -> object:
    return text.encode("utf-8", "backslashreplace").decode() if isinstance(text, str) else text


#: A name of a file or folder, of which systems allow bytes that are not UTF-8, and JSON does not.
FileName = Annotated[str, BeforeValidator(_readable)]


class Side(Record):
    """One of the two batteries."""

    name: str = Field(
        description="What it is called here: its own name where only one of them has it, else the "
        "shortest name of a folder that tells the two apart, which of an archived battery is the "
        "time of its start; cut where it is long."
    )
    called: str | None = Field(default=None, description="What its user calls it, whole.")
    note: str | None = Field(default=None, description="What its user notes about it.")
    tags: list[str] = Field(default=[], description="Words its user sorts batteries by.")
    folder: FileName = Field(description="As it was named.")
    report: FileName | None = Field(
        default=None, description="Its report, as a path; null where there is none."
    )
    run_id: str | None = Field(description="From the manifest; null without one.")
    started_at: str | None = Field(description="From the manifest; null without one.")
    state: str | None = Field(description="From the manifest; null without one.")
    verdict: Word | None = Field(
        description="Its own verdict, computed again; null where it has none."
    )
    arms: list[Arm] = Field(description="`learn`, and `frozen` where there is a twin.")
    tasks: int = Field(description="Number of tasks.")
    iterations: list[int] = Field(
        description="Those whose tasks are all done; the review may be missing, which a "
        "difference says.",
    )
    repeats: int = Field(description="Calls per task, iteration and arm.")
    checked: bool = Field(
        description="Whether any task has a check, siblings aside; otherwise `ok` is the "
        "system's own word."
    )

    @property
    def trusted(self) -> bool:
        """Whether its numbers can be built on; a verdict can make them worthless."""
        return self.verdict is None or self.verdict.about.trusted

    @property
    def own_word(self) -> str:
        """Its own verdict, with what that takes from a comparison if it takes anything."""
        if self.verdict is None:
            return "no verdict"
        caveat = self.verdict.about.caveat
        return f"{self.verdict} ({caveat})" if caveat else self.verdict


class CostChange(Record):
    """What a typical task costs in B against A, over the cells that both measured."""

    metric: str = Field(
        default=TOKENS, description="The metric that is the cost: its key in `metrics.json`."
    )
    before: float | None = Field(description="Mean cost of a call in A.")
    after: float | None = Field(description="The same in B.")
    ratio: float | None = Field(
        description="Cost of a typical task, B over A: a geometric mean over tasks, each a ratio "
        "of means; null when nothing could be compared."
    )
    interval: Interval | None = Field(
        description="Of the ratio, by inverting the test of `p`; null where so few tasks cannot "
        "reach its level."
    )
    p: float | None = Field(
        description="Sign flips over tasks, two-sided; null where no task differs."
    )
    tasks: int = Field(description="Tasks that both have a cost for.")
    cells: int = Field(description="Cells, a task in an iteration, that both have a cost for.")

    @property
    def plain(self) -> str:
        """What people call the cost: `tokens`."""
        return METRICS[self.metric].plain


class DoneChange(Record):
    """How many calls of tasks that can be done ended ok in B against A, over the same cells."""

    before: int = Field(description="Calls in A that ended `ok`.")
    before_calls: int = Field(description="Out of how many.")
    after: int = Field(description="The same in B.")
    after_calls: int = Field(description="Out of how many.")
    difference: float | None = Field(
        description="Share in B minus share in A, each task weighted as in the test (Mantel and "
        "Haenszel); null without such a task."
    )
    p: float | None = Field(
        description="Exact conditional test, stratified by task, two-sided; null where all calls "
        "of every task ended alike."
    )
    p_fewer: float | None = Field(
        description="The same one-sided: whether fewer are done in B; null likewise."
    )
    tasks: int = Field(description="Tasks that can be done and that both have calls of.")


class Means(Record):
    """A metric that decides nothing: both batteries, over the cells that both measured."""

    metric: str = Field(description="Its key in `metrics.json`.")
    before: float | None = Field(description="Mean per call in A; of times in seconds.")
    after: float | None = Field(description="The same in B.")


class Change(Record):
    """One arm of B against that of A: the two questions that decide, then what is only shown."""

    cost: CostChange = Field(description="Does the work cost more or less?")
    done: DoneChange = Field(description="Are more or fewer tasks done?")
    others: list[Means] = Field(description="The metrics that decide nothing.")


class NamedTask(Record):
    """A task by its id and by what people call it."""

    task: str = Field(description="Id of the task.")
    label: str = Field(description="Its operation.")
    phase: Phase = Field(description="Phase of the tasks file.")


class Claims(Record):
    """How often a task was claimed done that was not."""

    done: int = Field(description="Runs that claim it.")
    runs: int = Field(description="Runs of the task in total.")


class TaskPair(NamedTask):
    """One task in both batteries, over the iterations that are compared."""

    cost_before: float | None = Field(
        description="Mean cost of a call in A, over the cells that both measured."
    )
    cost_after: float | None = Field(description="The same in B.")
    ratio: float | None = Field(description="Cost in B over that in A, a ratio of means.")
    ok_before: float | None = Field(description="Share of runs in A that ended `ok`.")
    ok_after: float | None = Field(description="The same in B.")
    claims_before: Claims | None = Field(
        description="Of an impossible task, in A, over all iterations of both."
    )
    claims_after: Claims | None = Field(description="The same in B.")
    refuted_before: Claims | None = Field(
        default=None,
        description="Of any other task, in A, how often its checks refute a claim, over the "
        "iterations compared; null where no run was graded.",
    )
    refuted_after: Claims | None = Field(default=None, description="The same in B.")
    # A majority of the runs decides, so that one flaky repeat flips nothing; of what cannot be done
    # a single claim is too many.
    flip: Flip | None = Field(
        description="Where most runs ended ok in one battery and not in the other; of an "
        "impossible task also where any did and none in the other."
    )


class Flips(Record):
    """How many tasks changed sides; nothing is tested by them."""

    lost: int = Field(description="Tasks that passed in A and not in B.")
    gained: int = Field(description="Tasks that passed in B and not in A.")
    bluffs: int = Field(
        description="Impossible tasks that B claims done and A never did, or that B mostly claims"
        " done.",
    )
    bluffs_ended: int = Field(description="The same with A and B exchanged.")


class Noise(Record):
    """How much the same task varies where nothing was learned: sd of the log cost of a call."""

    before: float | None = Field(
        description="Standard deviation of the log cost of one call in A; null if it cannot be "
        "measured.",
    )
    after: float | None = Field(description="The same in B.")
    source_before: Literal["arms", "repeats"] | None = Field(
        description="Between the arms in iteration 1, or between repeats of a task."
    )
    source_after: Literal["arms", "repeats"] | None = Field(description="The same in B.")
    floor: float | None = Field(
        description="Share by which noise alone, taken as normal, moves the cost of a typical task "
        "in 1 of 20 cases."
    )


class Difference(Record):
    """Something other than the results in which the two batteries differ."""

    what: str = Field(description="What differs.")
    before: str | None = Field(description="Its value in A; `-` where only B is concerned.")
    after: str | None = Field(description="Its value in B; `-` where only A is concerned.")
    unfair: bool = Field(
        description="Whether it limits what may be compared; else it may be the change under test."
    )
    text: str = Field(description="What follows from it.")
    advice: str | None = Field(
        default=None, description="What would make it fair; null where that is not called for."
    )


class Comparison(Record):
    """Everything that the reports of `battery compare` say, as numbers and sentences."""

    schema_version: int = Field(default=SCHEMA_VERSION, description="Version of the format.")
    outcome: Outcome = Field(
        description="The comparison in a word; none but NOT COMPARABLE and WORSE where the numbers "
        "of a side cannot be trusted."
    )
    sentence: str = Field(description="The outcome in plain language.")
    reasons: list[str] = Field(description="Why this word and not another one, one line each.")
    cause: str | None = Field(
        description="What the twins say about where a change comes from; null if nothing was "
        "compared or can be trusted.",
    )
    before: Side = Field(description="A.")
    after: Side = Field(description="B.")
    iterations: list[int] = Field(
        description="Those that are compared: after the first, or the first where it is all there"
        " is.",
    )
    cost: str = Field(description="The metric that is the cost: its key in `metrics.json`.")
    change: Change | None = Field(description="The learners; null where nothing could be compared.")
    start: Change | None = Field(
        description="The same in iteration 1, before anything was learned; null where that is "
        "what is compared anyway."
    )
    twins: Change | None = Field(
        description="The twins, over the same iterations; null where one is missing."
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
