"""What iterations and a battery add up to: their metrics, the trends, and the summary."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from battery.protocol import Json
from battery.records.findings import Evidence, Record, Scorecard
from battery.records.learning import Learning
from battery.records.models import Models, Verdict

# A version of its own: a new edition of the verdict must not keep older programs, or this one, from
# reading the files that were paid for. A summary can always be computed again from those.
#: Version of `summary.json`; in 1 the evidence was that of the verdict's first edition.
SUMMARY_VERSION: Final = 2


class PhaseMetrics(Record):
    """The numbers of one phase that has tasks."""

    count: int = Field(description="Tasks of the phase.")
    ok: int = Field(description="Tasks that ended `ok`.")
    failed: int = Field(description="Tasks that ended `failed`.")
    blocked: int = Field(description="Tasks that ended `blocked`.")
    avg_turns: float = Field(description="Mean of the turns.")
    total_tokens: int = Field(description="Sum of the tokens.")
    overseer_called: int = Field(
        description="Tasks that the overseer corrected. A number, not a rate."
    )
    avg_elapsed_s: float = Field(description="Mean wall time of a call.")
    bluffs: int | None = Field(
        default=None,
        description="Answers that claim what cannot be, or what their checks refute; only in the "
        "file where there are any.",
    )

    @model_serializer(mode="wrap")
    def measured(self, dump: SerializerFunctionWrapHandler) -> Json:
        """Return everything but a count of bluffs where there are none."""
        return {name: value for name, value in dump(self).items() if value is not None}


class EmptyPhase(Record):
    """A phase without a task."""

    count: Literal[0] = 0


class PhaseTable(Record):
    """The numbers of the three phases."""

    alpha: PhaseMetrics | EmptyPhase
    beta: PhaseMetrics | EmptyPhase
    gamma: PhaseMetrics | EmptyPhase


class Metrics(Record):
    """The numbers of one iteration.

    One with a default is in the file only where it was measured.
    """

    iteration: int = Field(description="Counted from 1.")
    total_tasks: int = Field(description="Tasks asked.")
    ok_tasks: int = Field(description="Tasks that ended `ok`, and that no check refutes.")
    failed_tasks: int = Field(description="Tasks that ended `failed`, or `ok` against a check.")
    blocked_tasks: int = Field(description="Tasks that ended `blocked`.")
    total_tokens: int = Field(
        description="Sum of `artifact.usage.total_tokens`; a missing one counts as 0."
    )
    avg_turns_per_task: float = Field(description="Mean of `iterations` of the answers.")
    overseer_called_rate: float = Field(
        description="Share of tasks with an `overseer_correction` in their log."
    )
    total_elapsed_s: float = Field(description="Sum of the respond calls' wall times.")
    cost_usd: float | None = Field(
        default=None, description="Sum of what the calls cost, in US dollars; where all are priced."
    )
    correction_effective: float | None = Field(
        description="Share of corrected tasks that ended `ok`; null when none was corrected."
    )
    by_phase: PhaseTable = Field(
        description="The same by phase; one without tasks has `count` only, and it is 0."
    )

    @model_serializer(mode="wrap")
    def measured(self, dump: SerializerFunctionWrapHandler) -> Json:
        """Return what was measured; what every iteration has is there, be it null."""
        fields = type(self).model_fields
        return {
            name: value
            for name, value in dump(self).items()
            if value is not None or fields[name].is_required()
        }


class Trend(Record):
    """One metric over the iterations."""

    metric: str = Field(description="Its key in `metrics.json`.")
    goal: Literal["fewer", "more"] = Field(description="Which way is better.")
    values: list[float | None] = Field(
        description="One value per iteration, in order; null where it was not measured."
    )
    direction: Literal["better", "worse", "flat"] | None = Field(
        description="From the first to the last iteration; null with one."
    )
    change: float | None = Field(description="Last value minus first; null with one iteration.")
    relative: float | None = Field(description="Change over first; null when the first is 0.")


class DirectionCount(Record):
    """How many of the counted metrics improved, and what that count may be called."""

    improved: int = Field(description="How many trends are `better`.")
    of: int = Field(description="Out of how many.")
    validated: bool = Field(description="Whether enough of them improved.")
    label: str = Field(description="What that result is called.")


class Summary(Record):
    """Everything that `summary.md` and the terminal say, as numbers."""

    schema_version: int = Field(
        default=SUMMARY_VERSION,
        description="Version of this format; one of another version is computed again.",
    )
    run_id: str | None = Field(description="From the manifest; null without one.")
    name: str | None = Field(default=None, description="What its user calls this battery.")
    note: str | None = Field(default=None, description="What its user notes about it.")
    tags: list[str] = Field(default=[], description="Words its user sorts batteries by.")
    state: str | None = Field(description="From the manifest; null without one.")
    iterations_wanted: int | None = Field(
        default=None, description="How many were asked for; null without a manifest."
    )
    started_at: str | None = Field(
        description="From the manifest; without one, the run time that the original script's "
        "summary has, or null."
    )
    finished_at: str | None = Field(
        description="From the manifest; null without one or before the end."
    )
    elapsed_s: float = Field(
        description="Sum of all recorded calls' wall times; without a journal, of the tasks alone."
    )
    calls: int = Field(description="Number of calls in that sum.")
    models: Models | None = Field(description="Models that were asked for; null when not known.")
    targets: dict[str, str] | None = Field(description="From the manifest; null without one.")
    seed: int | None = Field(
        default=None, description="Decides which arm is asked first; null where none was drawn."
    )
    again: list[str] | None = Field(
        default=None,
        description="The options of `battery run` that measure the same system on the same tasks "
        "again, without secrets; null without a manifest.",
    )
    iterations: list[Metrics] = Field(description="The learner, iteration by iteration.")
    trends: list[Trend] = Field(
        description="The rows of the table, in its order: first those that the verdict counts."
    )
    verdict: DirectionCount | None = Field(
        description="The direction count; null with a single iteration."
    )
    evidence: Evidence | None = Field(
        default=None, description="What may be claimed; null before an iteration has finished."
    )
    control: list[Metrics] = Field(
        default=[], description="The twin, iteration by iteration; empty with one arm."
    )
    scorecard: Scorecard | None = Field(
        default=None,
        description="What came of proposals that were approved and name a file of `--repo`, in "
        "iterations that `iterate` added; null where there is none.",
    )
    learning: Learning | None = Field(
        default=None,
        description="What learning cost and saved; null without a recorded distillation.",
    )
    scrum: list[Verdict] = Field(description="Verdicts on the last iteration's proposals.")
    artifacts: list[str] = Field(description="Paths below the folder, sorted as they are listed.")
    warnings: list[str] = Field(
        description="What a reader of the numbers should know, one sentence each."
    )
    review_warnings: list[str] = Field(
        default=[],
        description="Those of them, the last ones, that are about reviews and judgments: no number "
        "rests on them.",
    )

    @property
    def unfinished(self) -> str | None:
        """How far a battery came that has not come to its end; None for any other."""
        # Without a manifest nobody knows whether more was wanted.
        if self.state in {None, "finished"}:
            return None
        count = len(self.iterations)
        complete = f"{count} of {self.iterations_wanted} iterations {'is' if count == 1 else 'are'}"
        return f"The battery is not finished (state: {self.state}): {complete} complete."
