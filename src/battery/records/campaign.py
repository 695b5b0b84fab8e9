"""What several runs of one system found, as records: the run is the unit, the claim is about it.

A run is a battery that began with an empty memory. The records hold numbers and short texts and
compute nothing; `battery.verdict.runs` fills them. A ratio is learner over
twin, so that one below 1 is a saving; null is what was not measured, and never 0.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from battery.base.numbers import counted
from battery.records.findings import (
    EDITION,
    ClaimKind,
    Interval,
    Kind,
    QuestionName,
    Record,
    Shape,
    TaskEffect,
    Transfer,
)
from battery.records.models import Models
from battery.records.word import GateName, Word

#: Version of the format of a campaign's summary.
CAMPAIGN_VERSION: Final = 1
#: What every claim of a campaign is about.
SCOPE: Final = "the system"


class Done(Record):
    """How many calls of tasks that can be done ended ok in one run, after iteration 1."""

    kind: Kind = Field(description="Kind of task.")
    learn: int = Field(description="Calls of the learner that ended ok.")
    learn_calls: int = Field(description="Out of how many.")
    frozen: int = Field(description="The same of the twin.")
    frozen_calls: int = Field(description="Out of how many.")
    gain_before: float = Field(
        description="By how much more the learner did in iteration 1, before it learned anything."
    )

    @property
    def gain(self) -> float:
        """How much larger the share of the learner is; 0 where an arm has no call."""
        if not self.learn_calls or not self.frozen_calls:
            return 0.0
        return self.learn / self.learn_calls - self.frozen / self.frozen_calls


class CostOf(Record):
    """What the tasks of one kind cost in one run, after iteration 1."""

    kind: Kind = Field(description="Kind of task.")
    ratio: float | None = Field(description="Cost of a typical task, learner over twin.")
    together: float | None = Field(description="Cost of all these tasks together, likewise.")
    before: float | None = Field(
        description="The first ratio in iteration 1, before anything was learned; null also where "
        "the others are net of it already, or where battery itself gave both arms the same memory."
    )
    feigned: float = Field(
        description="How much of the log of the ratio a few calls that scatter may feign."
    )


class NewTasks(Record):
    """What siblings show in one run: new tasks next to those that they are siblings of."""

    outcome: Transfer = Field(description="What they show in this run alone.")
    asked: int = Field(description="Siblings that both arms were asked.")
    repeated: float | None = Field(
        description="Cost of a typical one of these tasks asked again, learner over twin."
    )
    ratio: float | None = Field(description="The same of their siblings.")
    gain: float | None = Field(
        description="By how much more of the siblings the learner did; null without any that can "
        "be done."
    )


class TaskClaims(Record):
    """Calls of one task in one run that claim what is not true: bluffs."""

    task: str = Field(description="Id of the task.")
    kind: ClaimKind = Field(description="Claims of what cannot be done, or what a check refutes.")
    learn: int = Field(description="Calls of the learner after iteration 1 that make one.")
    learn_calls: int = Field(description="Out of how many.")
    others: int = Field(description="Calls without learning: iteration 1, and all of the twin.")
    other_calls: int = Field(description="Out of how many.")


class Spent(Record):
    """What a run took, both arms together."""

    calls: int = Field(description="Answers to tasks, in both arms, siblings included.")
    tokens: int | None = Field(description="Tokens of the tasks; null where none were reported.")
    cost_usd: float | None = Field(description="In US dollars; null where not all is priced.")
    elapsed_s: float = Field(description="Wall time of these calls, added up.")


class RunFindings(Record):
    """What one run says by itself, as far as a claim over runs needs it."""

    name: str = Field(description="Number of its cell, or the shortest name of its folder.")
    folder: str = Field(description="Its folder, as it was named.")
    run_id: str | None = Field(description="From its manifest.")
    seed: int | None = Field(description="From its manifest.")
    started_at: str | None = Field(description="From its manifest.")
    word: Word | None = Field(description="Its own verdict.")
    claim: str = Field(description="Its own verdict in a sentence; empty in simulations.")
    left_out: str | None = Field(
        description="Why the run is no part of any effect, such as that it is INVALID; null where "
        "it counts."
    )
    iterations: int = Field(description="Number of iterations.")
    repeats: int = Field(description="Calls per task, iteration and arm.")
    tasks: int = Field(description="Number of tasks.")
    metric: str = Field(description="The metric that is the cost: its key in `metrics.json`.")
    relevant_cost: float = Field(description="The least share of cost that counts.")
    relevant_success: float = Field(description="The least difference of rates that counts.")
    costs: list[CostOf] = Field(description="All tasks, then by kind.")
    solvable: float | None = Field(
        description="Cost of a typical task that can be done, learner over twin."
    )
    error: float | None = Field(
        description="Standard error of the log of the ratio of all tasks, from how tasks differ."
    )
    done: list[Done] = Field(description="All tasks that can be done, then by kind.")
    by_iteration: list[float | None] = Field(
        description="By iteration after the first, the ratio of all tasks."
    )
    shape: Shape | None = Field(description="How the saving went in this run.")
    siblings: NewTasks | None = Field(description="Null where no sibling was asked.")
    failed: list[GateName] = Field(description="Gates that failed.")
    lost: list[str] = Field(description="Tasks that could be done and are lost, confirmed.")
    objections: dict[QuestionName, list[str]] = Field(
        description="By question, why what was saved or done is no work saved or done."
    )
    untold: str | None = Field(
        description="Why the run cannot tell: nothing to learn from, or a twin that is no measure."
    )
    kept: str | None = Field(
        description="Why answers may have been kept and no lesson, where no sibling was asked."
    )
    claims: list[TaskClaims] = Field(
        description="Bluffs, by task; tasks that could tell none are out."
    )
    checked: bool = Field(
        description="Whether any task has a check; otherwise `ok` is the system's own word."
    )
    by_task: list[TaskEffect] = Field(description="Every task, the largest gain first.")
    spent: Spent | None = Field(description="Null in simulations.")

    @property
    def counted(self) -> bool:
        """Whether it is part of the effects."""
        return self.left_out is None

    def cost(self, kind: Kind = "all") -> CostOf | None:
        """Return what tasks of a kind cost; None where there are none."""
        return next((cost for cost in self.costs if cost.kind == kind), None)

    def work(self, kind: Kind = "all") -> Done | None:
        """Return how many tasks of a kind were done; None where there are none."""
        return next((done for done in self.done if done.kind == kind), None)

    @property
    def bluffs(self) -> int:
        """Calls of the learner after iteration 1 that claim what is not true."""
        return sum(claim.learn for claim in self.claims)


class OneRun(Record):
    """The effect in one of the runs."""

    run: str = Field(description="Name of the run.")
    effect: float = Field(description="In the unit of the question.")


class RunQuestion(Record):
    """One question, put to all runs: the primary one first, then the others in their order."""

    name: QuestionName = Field(description="`cost`, `niche` or `success`.")
    title: str = Field(description="The question in words.")
    asked: bool = Field(
        description="Whether it was its turn: each is tested only where all before it said yes."
    )
    p: float | None = Field(
        description="One-sided, sign flips over runs; null where no run differs. Of runs that were "
        "not planned, 1 over the largest e-value."
    )
    level: float = Field(description="What p is held to.")
    yes: bool = Field(
        description="Whether it was its turn, p is at most the level, and nothing speaks against "
        "it."
    )
    effect: float | None = Field(
        description="Mean over runs. Of costs the ratio learner over twin, a geometric mean; of "
        "tasks done the difference of the shares, so that more is better."
    )
    interval: Interval | None = Field(
        description="Student's t interval of the mean over runs; null with fewer than two."
    )
    runs: int = Field(description="Runs that have an effect.")
    helped: int = Field(description="Runs of them in which it is a gain.")
    best: OneRun | None = Field(description="The run that gained most.")
    worst: OneRun | None = Field(description="The run that gained least, or lost most.")
    test: str = Field(description="Name of the test and what it rests on.")
    note: str | None = Field(default=None, description="Why it is no yes, where there is a reason.")


class Spread(Record):
    """By how much the runs differ, of the log of the ratio of the cost."""

    total: float = Field(description="Standard deviation over runs.")
    noise: float | None = Field(
        description="What luck within a run explains of it; null where no run can tell."
    )
    between: float | None = Field(
        description="What is left: by how much one memory differs from the next. Null likewise."
    )


class RunGrowth(Record):
    """How the saving went over the iterations after the first, over all runs."""

    ratios: list[float] = Field(description="By iteration, a geometric mean over runs.")
    p: float | None = Field(
        description="One-sided, sign flips of each run's slope; null with fewer than five "
        "iterations."
    )
    p_beyond_step: float | None = Field(
        description="The same within the parts that the largest step divides."
    )
    fell: int = Field(description="Runs in which the saving fell after its peak.")
    grew: bool = Field(description="Whether it is shown that it goes on growing.")
    note: str | None = Field(description="Why it is not; null where it is.")


class RunSiblings(Record):
    """Whether new tasks gain as well, over all runs."""

    outcome: Transfer = Field(description="What they show of the gain on repeated tasks.")
    runs: int = Field(description="Runs that asked siblings.")
    asked: int = Field(description="Siblings that were asked in them.")
    repeated: float | None = Field(
        description="Of the tasks asked again: the ratio of costs, a geometric mean over runs; "
        "where only more is done, the difference of the shares."
    )
    effect: float | None = Field(description="The same of their siblings.")
    interval: Interval | None = Field(description="Of the latter, Student's t over runs.")
    p: float | None = Field(description="One-sided, sign flips over runs.")
    level: float = Field(description="What p is held to.")
    note: str | None = Field(description="Why it is open, or memorised.")


class PooledClaims(Record):
    """Bluffs of one kind, added up over runs."""

    kind: ClaimKind = Field(description="Which kind.")
    learn: int = Field(description="Calls of the learner after iteration 1 that make one.")
    learn_calls: int = Field(description="Out of how many.")
    others: int = Field(description="Calls without learning: iteration 1, and all of the twin.")
    other_calls: int = Field(description="Out of how many.")
    runs: int = Field(description="Runs in which the learner made one.")
    p: float | None = Field(
        description="One-sided, exact, a stratum per run and task; null where nothing could differ."
    )
    learned: bool = Field(description="Whether learning brought them: DISHONEST.")


class Advice(Record):
    """What would settle an open question."""

    text: str = Field(description="In a sentence.")
    command: str | None = Field(default=None, description="The command that does it.")


class CampaignEvidence(Record):
    """Everything that can honestly be claimed of a system from its runs."""

    edition: int = Field(default=EDITION, description="Edition of the verdict's rules.")
    verdict: Word | None = Field(description="Null before all planned runs are finished.")
    sentence: str = Field(description="The verdict in plain language.")
    claim: str = Field(description="The same in short: without how the runs differ.")
    reasons: list[str] = Field(description="Why this verdict and not a better one, one line each.")
    holds: list[Word] = Field(
        description="Of INVALID, DISHONEST and REGRESSED those whose test holds, whatever the "
        "verdict is."
    )
    scope: str = Field(description="What the claim is about, and what it is not about.")
    subject: str = Field(default=SCOPE, description="The same in two words.")
    primary: QuestionName = Field(description="The question that is asked first.")
    planned: int = Field(description="Runs that were planned.")
    finished: int = Field(description="Runs that are finished.")
    counted: int = Field(description="Runs of them that the effects rest on.")
    invalid: int = Field(description="Runs of them that are INVALID and left out.")
    by_plan: bool = Field(description="Whether the planned runs alone decide.")
    metric: str = Field(description="The metric that is the cost: its key in `metrics.json`.")
    questions: list[RunQuestion] = Field(description="The primary one first.")
    done: list[Done] = Field(description="Calls that ended ok, over all counted runs, by kind.")
    harm_p: float | None = Field(description="One-sided, whether the work costs more.")
    success_p: float | None = Field(
        description="One-sided, exact, a stratum per run and task: whether fewer tasks are done."
    )
    spread: Spread | None = Field(description="Null with fewer than two counted runs.")
    growth: RunGrowth | None = Field(description="Null without a counted run.")
    siblings: RunSiblings | None = Field(description="Null where no run asked any.")
    bluffs: list[PooledClaims] = Field(description="Kinds that could be told.")
    cautions: list[str] = Field(description="What a reader should know as well.")
    assumptions: list[str] = Field(description="What was taken for granted.")
    settle: list[Advice] = Field(description="What would settle what is open.")
    runs: list[RunFindings] = Field(description="Every finished run, in the order of the plan.")

    @property
    def trusted(self) -> bool:
        """Whether its numbers may be shown as an effect."""
        return self.verdict is None or self.verdict.about.trusted

    def question(self, name: QuestionName) -> RunQuestion:
        """Return a question by its name."""
        return next(question for question in self.questions if question.name == name)

    def work(self, kind: Kind = "all") -> Done | None:
        """Return how many tasks of a kind were done; None where there are none."""
        return next((done for done in self.done if done.kind == kind), None)


class CampaignSummary(Record):
    """Everything that a report says of a campaign, or of batteries that were pooled."""

    schema_version: int = Field(default=CAMPAIGN_VERSION, description="Version of this format.")
    kind: Literal["campaign", "pool"] = Field(
        description="A campaign was planned before it was run; batteries are pooled afterwards."
    )
    name: str | None = Field(default=None, description="What its user calls it.")
    note: str | None = Field(default=None, description="What its user notes about it.")
    tags: list[str] = Field(default=[], description="Words its user sorts it by.")
    folder: str | None = Field(description="Folder of the campaign; null of a pool.")
    digest: str | None = Field(
        description="SHA-256 of the plan, which registers it; null of a pool."
    )
    started_at: str | None = Field(description="When the first run started.")
    finished_at: str | None = Field(description="When the last run was finished.")
    tasks_digest: str | None = Field(
        description="SHA-256 of the tasks; the same in every run, whatever their order in it."
    )
    models: Models | None = Field(description="Models that were asked for.")
    targets: dict[str, str] | None = Field(
        description="What was measured, from the first run; of a campaign at several deployments "
        "all of them, separated by commas."
    )
    spent: Spent = Field(description="Over all finished runs, those left out included.")
    evidence: CampaignEvidence = Field(description="What may be claimed.")
    warnings: list[str] = Field(description="What a reader of the numbers should know.")

    @property
    def unfinished(self) -> str | None:
        """Say how many planned runs are not finished; None where all are."""
        left = self.evidence.planned - self.evidence.finished
        return f"{counted(left, 'planned run')} not finished" if left > 0 else None
