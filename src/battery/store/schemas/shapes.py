"""The shapes of the files that hold whole answers, for their JSON Schemas alone.

Nothing is read through these: `battery.protocol.wire` and `battery.store.journal` read what is in
such a file and let the rest go. A schema has to name all of it, so that an editor can show it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema

from battery.protocol.wire import Json, LogEntry, Status
from battery.records.findings import Record
from battery.records.models import Arm, Phase, Task
from battery.records.stages import CHAT_STAGES

#: Anything, and where it is an object with a usage, that is one of tokens.
_Artifact = Annotated[
    Any,
    WithJsonSchema(
        {
            "properties": {
                "usage": {
                    "type": ["object", "null"],
                    "properties": {"total_tokens": {"type": ["integer", "null"], "minimum": 0}},
                }
            }
        }
    ),
]


_ROLES = {"enum": [stage.role for stage in CHAT_STAGES], "type": "string"}


class Answer(BaseModel):
    """The gateway's whole answer; keys that are not named here are kept as they came."""

    model_config = ConfigDict(extra="allow")

    status: Status = Field(description="How the task ended.")
    iterations: int | None = Field(default=None, ge=0, description="Turns used.")
    artifact: _Artifact = Field(
        default=None, description="Anything; tokens are at `usage.total_tokens`."
    )
    log: list[LogEntry] | None = Field(default=None, description="Entries, each with a `kind`.")
    error: str | None = Field(default=None, description="Why it failed.")
    elapsed_ms: float | None = Field(
        default=None,
        alias="_elapsed_ms",
        description="Wall time of the call, seen from the client, in milliseconds.",
    )


class RecordedRun(Record):
    """One task with what came back."""

    task: Task
    phase: Phase
    result: Answer


class TaskLine(Record):
    """A task that was asked."""

    call: Literal["respond", "confirm"] = Field(
        description="`confirm` where an alpha task that failed is asked again."
    )
    arm: Arm
    task_id: str = Field(description="Made from phase, class, operation and spec.")
    repeat: int = Field(ge=1, description="For the how manieth time, counted from 1.")
    phase: Phase
    at: str = Field(description="When the call had finished, ISO 8601 in UTC.")
    task: Task
    result: Answer


class DistillLine(Record):
    """A distillation."""

    call: Literal["distill"]
    at: str = Field(description="When the call had finished, ISO 8601 in UTC.")
    elapsed_ms: int = Field(alias="_elapsed_ms", description="Wall time in milliseconds.")
    text: str = Field(description="The distill text.")
    broken: int = Field(ge=0, description="Events that were no JSON objects.")
    events: list[Json] = Field(description="All other events, as they came.")


class ChatLine(Record):
    """A review or a judgment."""

    call: Literal["chat"]
    role: Annotated[str, WithJsonSchema(_ROLES)]
    at: str = Field(description="When the call had finished, ISO 8601 in UTC.")
    model: str = Field(description="The model that was asked for.")
    elapsed_ms: int = Field(alias="_elapsed_ms", description="Wall time in milliseconds.")
    content: str = Field(description="The text of the answer.")
    answer: JsonValue = Field(description="The whole answer.")


JournalLine = Annotated[TaskLine | DistillLine | ChatLine, Field(discriminator="call")]
