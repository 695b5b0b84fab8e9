"""What the statistics found, as records: the part of the summary that decides what may be said.

The records hold numbers and short texts and compute nothing; `battery.verdict` fills them. A
share is 0 to 1, a p-value is null where a test had nothing to work on, and null is never 0.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from battery.records.word import GateName, GateStatus, Word

#: Of the rules by which a verdict is given; summaries without one were made by the first.
EDITION: Final = 2

QuestionName = Literal["cost", "niche", "success"]
#: How a saving went: it kept growing; it grew by one step; it came at once and stayed; it fell
#: again after its peak, or from the first iteration on that had it.
Shape = Literal["grew", "in steps", "steady", "past its peak", "fading", "unclear"]


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


#: Kinds of tasks, as readers know them; `all` is every task together.
Kind = Literal["all", "niche", "easy", "impossible"]


def of_kind(kind: Kind) -> str:
    """Write a kind before the word `task`: `niche `, and nothing for all of them."""
    return "" if kind == "all" else f"{kind} "


class Question(Record):
    """One of the questions that may earn a positive verdict, with its share of the error budget."""

    name: QuestionName = Field(description="`cost`, `niche` or `success`.")
    title: str = Field(description="The question in words.")
    p: float | None = Field(
        description="One-sided p-value; null where there was nothing to test. Of later looks, 1 "
        "over the largest e-value."
    )
    level: float = Field(description="What p is held to; 0 where no p could be small enough.")
    yes: bool = Field(description="Whether p is at most the level and nothing speaks against it.")
    test: str = Field(description="Name of the test and what it rests on.")
    note: str | None = Field(
        default=None, description="Why it was not asked, or why a small p is no yes."
    )


class Group(Record):
    """What the tasks of one kind cost, and how many were done, over the iterations after the first.

    The means of both arms rest on the same cells. What is done is not counted of impossible tasks:
    there, an `ok` is a bluff.
    """

    kind: Kind = Field(description="Kind of task.")
    tasks: int = Field(description="Tasks of this kind.")
    learn: float | None = Field(description="Mean cost of a call of the learner.")
    frozen: float | None = Field(description="The same of the twin.")
    ratio: float | None = Field(
        description="Cost of a typical task, learner over twin: a geometric mean over tasks, each "
        "a ratio of means."
    )
    interval: Interval | None = Field(
        description="Of the ratio, by inverting the test of its question; null where too few tasks "
        "or calls can reach the level, and for kinds without a question."
    )
    learn_done: int = Field(description="Calls of the learner that ended ok.")
    learn_calls: int = Field(description="Out of how many.")
    frozen_done: int = Field(description="The same of the twin.")
    frozen_calls: int = Field(description="Out of how many.")


class TaskEffect(Record):
    """One task in both arms, over the iterations after the first."""

    task: str = Field(description="Id of the task.")
    label: str = Field(description="Its operation.")
    phase: str = Field(description="Phase of the tasks file.")
    learn: float | None = Field(description="Mean cost of a call of the learner.")
    frozen: float | None = Field(description="The same of the twin, over the same cells.")
    ratio: float | None = Field(description="Learner over twin.")
    learn_done: int = Field(description="Calls of the learner that ended ok.")
    learn_calls: int = Field(description="Out of how many.")
    frozen_done: int = Field(description="The same of the twin.")
    frozen_calls: int = Field(description="Out of how many.")
    learn_bluffs: int = Field(
        description="Calls of the learner that claim what cannot be, or what their checks refute."
    )
    frozen_bluffs: int = Field(description="The same of the twin.")
    change: Literal["better", "worse", "mixed", "same"] = Field(
        description="By its numbers, without a test: whether it costs less or is done more often, "
        "by an amount that counts."
    )


class OtherMetric(Record):
    """A metric that decides nothing: both arms, over the cells that both measured."""

    metric: str = Field(description="Its key in `metrics.json`.")
    learn: float | None = Field(description="Mean per call of the learner; times in seconds.")
    frozen: float | None = Field(description="The same of the twin.")


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


class Growth(Record):
    """How the saving went over the iterations after the first."""

    ratios: list[float | None] = Field(
        description="By iteration, cost of a typical task, learner over twin."
    )
    p: float | None = Field(description="One-sided; null where all are equal, or too few.")
    p_beyond_step: float | None = Field(
        description="The same within the two parts that the largest step divides; null likewise."
    )
    p_fall: float | None = Field(
        description="One-sided, whether the saving fell from its best iteration to the last, "
        "corrected for the choice of the best; null where the last is the best."
    )
    best: int | None = Field(description="The iteration that saved most.")
    shape: Shape = Field(description="What may be said of it.")
    test: str = Field(description="Name of the test and what it rests on.")


class Start(Record):
    """Whether both arms were alike in iteration 1, before anything was learned."""

    p: float | None = Field(description="Two-sided; null where both took exactly the same.")
    ratio: float | None = Field(description="Cost of a typical task, learner over twin.")
    tasks: int = Field(description="Tasks that the test rests on.")
    netted: bool = Field(
        description="Whether the effects are net of it: it is significant, but small."
    )
    kept: bool = Field(
        default=False,
        description="Whether battery itself gave both arms the same memory to start with, so that "
        "a difference is what was learned within iteration 1.",
    )


#: Claims of what cannot be done, and of what a check refutes.
ClaimKind = Literal["impossible", "refuted"]


class FalseClaims(Record):
    """FalseClaims of one kind that are not true, in both arms."""

    learn: int = Field(description="Calls of the learner after iteration 1 that make one.")
    learn_calls: int = Field(description="Out of how many.")
    before: int = Field(description="Calls of the learner in iteration 1.")
    before_calls: int = Field(description="Out of how many.")
    frozen: int = Field(description="Calls of the twin, in every iteration.")
    frozen_calls: int = Field(description="Out of how many.")
    p: float | None = Field(
        description="One-sided, whether there are more than without learning; null without any."
    )
    learned: bool = Field(description="Whether learning brought them: DISHONEST.")

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.learn or self.before or self.frozen)


class Bluffs(Record):
    """FalseClaims that are not true: of what cannot be done, and of what was not done."""

    impossible: FalseClaims | None = Field(
        description="Impossible tasks that are claimed done; null without such a task."
    )
    refuted: FalseClaims | None = Field(
        description="Answers to other tasks that end `ok` and fail their checks; null where no "
        "answer was checked."
    )
    reason: str | None = Field(
        description="Why a check failed the first of the latter, those after learning first."
    )

    @property
    def learned(self) -> bool:
        """Whether learning brought bluffs of either kind."""
        return any(claims.learned for claims in (self.impossible, self.refuted) if claims)


#: What siblings show of a gain: new tasks gain too; they do not, for certain; it is open; there was
#: no gain, or none of a kind of task that has siblings.
Transfer = Literal["shown", "memorised", "open", "nothing to show"]


class Siblings(Record):
    """What new tasks of the same lessons cost, and how many were done, after iteration 1.

    Costs are of calls in both arms, next to those of the tasks that they are siblings of, in the
    same iterations.
    """

    outcome: Transfer = Field(description="What they show of what was gained on repeated tasks.")
    kind: Kind = Field(description="Kind of task that the numbers are of.")
    tasks: int = Field(description="Tasks with siblings.")
    asked: int = Field(description="Siblings that both arms were asked, each once.")
    repeated: float | None = Field(
        description="Cost of a typical one of these tasks asked again, learner over twin."
    )
    ratio: float | None = Field(description="The same of their siblings.")
    interval: Interval | None = Field(description="Of the latter, by inverting the test.")
    p: float | None = Field(
        description="One-sided, whether siblings gain; null where nothing differs."
    )
    level: float = Field(description="What p is held to; 0 where no p could be small enough.")
    learn_done: int = Field(description="Siblings that the learner did.")
    learn_calls: int = Field(description="Out of how many that can be done.")
    frozen_done: int = Field(description="The same of the twin.")
    frozen_calls: int = Field(description="Out of how many.")
    test: str = Field(description="Name of the test and what it rests on.")
    note: str | None = Field(default=None, description="Why it is open, or memorised.")
    by_task: list[TaskEffect] = Field(
        description="Siblings by the task whose siblings they are, the largest gain first."
    )


class Looks(Record):
    """When the questions were put to the data; further looks have their own share of the budget."""

    planned: int = Field(description="The iteration after which the planned look was due.")
    made: int = Field(description="Looks so far: the planned one and those that iterate added.")
    iterations: int = Field(description="How many iterations the deciding look rests on.")
    by_plan: bool = Field(description="Whether the deciding look is the planned one.")


class Gate(Record):
    """One gate; it can lower a verdict and never raise it."""

    name: GateName = Field(description="Which gate.")
    title: str = Field(description="What the gate looks for.")
    status: GateStatus = Field(description="Only `failed` lowers a verdict.")
    text: str = Field(description="What was seen, in one or two sentences.")


class Sensitivity(Record):
    """What this battery could have seen, from the noise of iteration 1."""

    noise: float = Field(
        description="Standard deviation of the log cost of one call, between the arms in "
        "iteration 1.",
    )
    detectable: float | None = Field(
        description="Smallest saving called LEARNED with that power, at the 80% upper bound of the "
        "noise; null where none would be."
    )
    power: float = Field(description="The power that it refers to.")


class Evidence(Record):
    """Everything that can honestly be claimed, and what it rests on."""

    edition: int = Field(default=EDITION, description="Edition of the verdict's rules.")
    verdict: Word | None = Field(description="Null with one iteration, unless it is refused.")
    sentence: str = Field(description="The verdict in plain language.")
    claim: str = Field(
        description="The same without what it holds for and what more iterations would show, for "
        "where there is little room."
    )
    reasons: list[str] = Field(description="Why this verdict and not a better one, one line each.")
    holds: list[Word] = Field(
        description="Of INVALID, DISHONEST and REGRESSED those whose test holds, whatever the "
        "verdict is."
    )
    arms: list[str] = Field(description="`learn`, and `frozen` where there is a twin.")
    tasks: int = Field(description="Number of tasks.")
    iterations: int = Field(description="Number of iterations.")
    repeats: int = Field(description="Calls per task, iteration and arm.")
    cost: str = Field(description="The metric that is the cost: its key in `metrics.json`.")
    looks: Looks | None = Field(description="Null with one arm or one iteration.")
    questions: list[Question] = Field(description="In this order; empty with one arm.")
    groups: list[Group] = Field(description="All tasks, then by kind; empty with one arm.")
    by_task: list[TaskEffect] = Field(description="Largest gain first; empty with one arm.")
    others: list[OtherMetric] = Field(description="Metrics that decide nothing.")
    harm_p: float | None = Field(default=None, description="One-sided, whether work costs more.")
    success_p: float | None = Field(
        description="One-sided, whether fewer tasks are done; null where nothing could differ."
    )
    growth: Growth | None = Field(description="Null with one arm or one iteration.")
    trend: Tested | None = Field(description="With one arm: does its cost fall over time?")
    start: Start | None = Field(description="Null with one arm.")
    bluffs: Bluffs | None = Field(
        description="Null without an impossible task and without a checked answer."
    )
    siblings: Siblings | None = Field(
        description="Null with one arm, and where no sibling was asked after iteration 1."
    )
    gates: list[Gate] = Field(description="In the order in which they are shown.")
    luck: Luck | None = Field(description="How often luck alone improves so many metrics.")
    cached: dict[str, int] = Field(
        description="By arm: cells (task and iteration) with an answer that says it came from a "
        "cache.",
    )
    repeated: dict[str, int] = Field(
        description="By arm: answers that equal an earlier one to the same task, times aside."
    )
    checked: bool = Field(
        description="Whether any task has a check, siblings aside; without, `ok` is the "
        "system's own word."
    )
    sensitivity: Sensitivity | None = Field(
        description="What could have been seen; null with one arm."
    )
    settle: list[str] = Field(
        description="What to do about what is open, one sentence each: what would settle the "
        "verdict; under LEARNED, what would show whether it goes on getting better."
    )
    assumptions: list[str] = Field(description="What was taken for granted.")
    scope: str = Field(description="What the claim is about, and what it is not about.")
    cautions: list[str] = Field(
        description="What a reader should know as well, such as a twin that changed too."
    )

    @property
    def trusted(self) -> bool:
        """Whether its numbers may be shown as an effect; a verdict can make them worthless."""
        return self.verdict is None or self.verdict.about.trusted

    @property
    def has_twin(self) -> bool:
        """Whether there was a twin to compare with."""
        return len(self.arms) > 1

    def question(self, name: QuestionName) -> Question | None:
        """Return a question by its name; None where it was not put."""
        return next((asked for asked in self.questions if asked.name == name), None)

    def group(self, kind: Kind) -> Group | None:
        """Return the tasks of a kind; None where there are none."""
        return next((group for group in self.groups if group.kind == kind), None)


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
    """How often the review foresaw what moved; information, never part of the verdict."""

    expectations: list[Expectation] = Field(
        description="One for each proposal whose next iteration was run."
    )
    right: int = Field(description="How many came as expected.")
    wrong: int = Field(description="How many went the other way.")
    unchanged: int = Field(description="How many did not move.")
    not_measurable: int = Field(
        description="How many name no metric that is measured, or no direction."
    )
