"""How far the runs of a campaign are, as records: what `battery campaign status` says."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

from pydantic import Field

from battery.records.findings import Record
from battery.records.word import Word

#: Version of the format of a campaign's status.
STATUS_VERSION: Final = 1
RunState = Literal[
    "failed", "silent", "interrupted", "paused", "running", "waiting", "invalid", "finished"
]


class RunWorker(Record):
    """The process that holds a run, or was the last to hold it."""

    pid: int = Field(description="Its number on its host.")
    host: str = Field(description="Name of its host.")
    alive: bool | None = Field(
        description="Whether the process is there; null where that cannot be told from here."
    )


class RunStatus(Record):
    """How far one run of a campaign is."""

    number: int = Field(description="Number of its cell.")
    state: RunState = Field(
        description="`waiting` before anybody took it, `running`, `silent` where its worker is "
        "gone or has given no sign of life for the length of the lease; else how its worker left."
    )
    epoch: int = Field(description="How often it was taken; 0 before the first time.")
    worker: RunWorker | None = Field(description="Who has it, or had it last; null before that.")
    why: str | None = Field(description="Why its worker left, where that was not as planned.")
    target: int | None = Field(
        description="Number of the deployment at which it began; null before that."
    )
    folder: str | None = Field(description="Its battery; null before there is one.")
    iterations: int = Field(description="How many iterations it has.")
    iterations_finished: int = Field(description="How many of them have all stages on disk.")
    calls: int = Field(description="Calls that are on record, as its workers wrote it down.")
    calls_planned: int = Field(
        description="Calls that it makes, but for tasks that are asked again because they failed; "
        "once it has come to its end, those that it made."
    )
    tokens: int | None = Field(description="What they spent; null where none are reported.")
    cost_usd: float | None = Field(
        description="The same in US dollars; null where nothing is priced."
    )
    word: Word | None = Field(description="Its own verdict; null before it is finished.")
    effect: float | None = Field(
        description="Cost of a typical task, learner over twin, once it is finished; before that "
        "the mean cost in its last finished iteration, likewise. Null before the second one is."
    )

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end."""
        return self.state in {"finished", "invalid"}

    @property
    def iteration(self) -> int | None:
        """The iteration that it is in, or was in last; None before it begins."""
        return min(self.iterations_finished + 1, self.iterations) if self.folder else None


TargetState = Literal["unused", "held", "reserved", "dirty", "given_up"]


class TargetStatus(Record):
    """How a deployment is that one run at a time may ask."""

    number: int = Field(description="Its place in the plan, counted from 1.")
    gateway: str = Field(description="Where it is.")
    state: TargetState = Field(
        description="`unused` before its first run; `held` by a worker, or by one that is gone; "
        "`reserved` for a run that stopped and goes on there; `dirty` until its memory is emptied "
        "for the next run; `given_up` where that was not confirmed."
    )
    run: int | None = Field(description="The run that has it, or had it last.")
    why: str | None = Field(description="Why it is given up.")


class CampaignStatus(Record):
    """How far a campaign is: each run, and all together."""

    schema_version: int = Field(default=STATUS_VERSION, description="Version of this format.")
    name: str | None = Field(description="What its user calls it.")
    folder: str = Field(description="Folder of the campaign.")
    digest: str = Field(description="SHA-256 of the plan, which registers it.")
    iterations: int = Field(description="How many iterations each run has.")
    lease_s: float = Field(
        description="Seconds after which a worker that gives no sign of life is taken for gone."
    )
    planned: int = Field(description="Runs that were planned.")
    done: int = Field(description="Runs that have come to their end, INVALID ones included.")
    calls: int = Field(description="Calls of all runs that are on record.")
    calls_planned: int = Field(description="Calls of all runs, likewise.")
    tokens: int | None = Field(description="What they spent; null where none are reported.")
    max_tokens: int | None = Field(description="What the plan allows; null without a cap.")
    cost_usd: float | None = Field(
        description="The same in US dollars; null where nothing is priced."
    )
    max_cost: float | None = Field(description="What the plan allows; null without a cap.")
    next: str = Field(description="The command to give next.")
    runs: list[RunStatus] = Field(description="Every run, in the order of the plan.")
    targets: list[TargetStatus] = Field(
        default=[],
        description="Every deployment that takes one run at a time, in the order of the plan; none "
        "where runs share nothing.",
    )

    @property
    def counts(self) -> Counter[RunState]:
        """How many runs are in each state."""
        return Counter(run.state for run in self.runs)

    @property
    def is_over(self) -> bool:
        """Whether all runs have come to their end."""
        return self.done == self.planned
