"""What a campaign is before its first call: `campaign.json`, written once and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from battery.records.findings import QuestionName, Record
from battery.records.models import Models
from battery.records.summary import SUMMARY_VERSION


class Cell(Record):
    """The place of one run in a campaign."""

    number: int = Field(description="Counted from 1; its folder is `cells/001`.")
    seed: int = Field(
        description="Seed of the run: of the coin that decides which arm is asked first, and of "
        "the order of tasks and siblings."
    )


class PlannedTarget(Record):
    """A deployment of the system, with its twin and its learning side."""

    targets: dict[str, str] = Field(
        description="As in `battery.json`, without user, password and query."
    )
    options: dict[str, str] = Field(
        default={},
        description="The options of `battery run` that name it: `gateway`, `llm_team` and "
        "`control_gateway`, as far as they were given.",
    )
    digest: str | None = Field(
        default=None, description="SHA-256 of what the file says that describes it."
    )
    files: dict[str, str] = Field(
        default={}, description="SHA-256 of each file of the system's own, by path."
    )


class Plan(Record):
    """What `campaign.json` says: the runs, what they ask of whom, and how they are judged."""

    schema_version: Literal[1] = 1
    battery_version: str = Field(description="Version of the program that made the plan.")
    made_at: str = Field(description="When it was made.")
    runs: int = Field(description="How many runs the verdict was planned for.")
    iterations: int = Field(description="How many iterations each run has.")
    seed: int = Field(description="From which the seeds of the runs are derived.")
    cells: list[Cell] = Field(description="The runs, in the order in which they are started.")
    primary: QuestionName = Field(
        description="The question that is tested first; the others follow only after a yes."
    )
    edition: int = Field(
        default=SUMMARY_VERSION, description="Edition of the analysis of each run."
    )
    targets: list[PlannedTarget] = Field(
        description="The deployments that the runs ask, each run one of them. Their places in the "
        "list, counted from 1, are their numbers."
    )
    reset: bool = Field(
        default=False,
        description="Whether live gateways are emptied before each run by their own "
        "`POST /v1/memory/reset`.",
    )
    models: Models = Field(description="From the tasks file.")
    tasks_digest: str = Field(description="SHA-256 of the tasks, in the order of the tasks file.")
    scoring_digest: str | None = Field(
        default=None, description="As in `battery.json`: checks, their files, and prices."
    )
    options: dict[str, Any] = Field(
        description="The other options of `battery run` by their names, as given and without "
        "secrets."
    )
    max_tokens: int | None = Field(
        default=None, description="Tokens that all runs together may spend; null is no cap."
    )
    max_cost: float | None = Field(
        default=None, description="US dollars that all runs together may cost; null is no cap."
    )
    lease_s: float = Field(
        description="Seconds after which a worker that gives no sign of life is taken for gone."
    )

    def number_of(self, targets: Mapping[str, str]) -> int | None:
        """Return the number, from 1, of the target that these names are of; None of no planned."""
        numbered = enumerate(self.targets, 1)
        return next((number for number, each in numbered if each.targets == targets), None)
