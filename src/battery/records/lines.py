"""What is kept of a call: the line of a journal, the entry of `runs.json`, the row of a table.

The first two are typed dictionaries: what is appended and read back is the very object that the
JSON holds. A gateway's answer inside them stays as it came; it was checked when it arrived, and
checking it again would only lose keys and time. The JSON Schemas are made of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple, NotRequired, get_type_hints

from pydantic import (
    ConfigDict,
    Field,
    GetPydanticSchema,
    JsonValue,
    WithJsonSchema,
    with_config,
)
from typing_extensions import TypedDict

from battery.base.numbers import counted
from battery.protocol import Json, RespondAnswer, Status
from battery.protocol.chat import chat_cut
from battery.protocol.distill import distilled
from battery.protocol.usage import usage_spent
from battery.records.checks import Checked
from battery.records.metric import TABLE
from battery.records.models import Arm, Phase, Task
from battery.records.stages import CHAT_STAGES, ChatStage


class Answer(RespondAnswer):
    """The system's whole answer; keys that are not named here are kept as they came."""

    # Not built before a schema is asked for: nothing is read through it.
    model_config = ConfigDict(extra="allow", defer_build=True)

    elapsed_ms: float | None = Field(
        default=None,
        alias="_elapsed_ms",
        description="Wall time of the call, seen from the client, in milliseconds.",
    )


_TaskObject = Annotated[Json, GetPydanticSchema(lambda _, handler: handler(Task))]
_AnswerObject = Annotated[Json, GetPydanticSchema(lambda _, handler: handler(Answer))]
_CheckedObject = Annotated[Json, GetPydanticSchema(lambda _, handler: handler(Checked))]
_At = Annotated[str, Field(description="When the call had finished, ISO 8601 in UTC.")]
_ElapsedMs = Annotated[int, Field(description="Wall time in milliseconds.")]
_Memory = Annotated[
    str,
    Field(
        description="Fingerprint of the memory afterwards, of which `memory/kept` has a copy; only "
        "of a system whose memory battery keeps."
    ),
]
_ROLES: Final = {"enum": [stage.role for stage in CHAT_STAGES], "type": "string"}
# Closed around an open answer: an unknown key of ours is a fault, one of the gateway's is not.
_CLOSED: Final = ConfigDict(extra="forbid")


@with_config(_CLOSED)
class RecordedRun(TypedDict):
    """One task with what came back."""

    task: Annotated[_TaskObject, Field(description="The task as it was asked.")]
    phase: Annotated[Phase, Field(description="Phase of the task.")]
    result: Annotated[_AnswerObject, Field(description="The gateway's whole answer.")]
    checked: NotRequired[
        Annotated[
            _CheckedObject, Field(description="What the task's checks say; only with checks.")
        ]
    ]
    sibling_of: NotRequired[
        Annotated[str, Field(description="Id of the task whose sibling it is; only of siblings.")]
    ]


class _TaskKey(TypedDict):
    call: Annotated[
        Literal["respond", "confirm", "sibling"],
        Field(
            description="`confirm` where a task that failed is asked again, `sibling` where it is "
            "a new instance of a task."
        ),
    ]
    arm: Annotated[Arm, Field(description="Which arm was asked.")]
    task_id: Annotated[str, Field(description="Made from phase, class, operation and spec.")]
    repeat: Annotated[
        int, Field(ge=1, description="Which repeat of the task it is, counted from 1.")
    ]


class TaskCall(TypedDict):
    """What asking a task brought."""

    phase: Annotated[Phase, Field(description="Phase of the task.")]
    at: _At
    task: Annotated[_TaskObject, Field(description="The task as it was asked.")]
    result: Annotated[_AnswerObject, Field(description="The gateway's whole answer.")]
    memory: NotRequired[_Memory]


class _TellKey(TypedDict):
    call: Literal["tell"]
    role: Annotated[
        Literal["respond", "confirm", "sibling"],
        Field(description="Which kind of call it was whose outcome was told."),
    ]
    arm: Annotated[Arm, Field(description="Which arm was told.")]
    task_id: Annotated[str, Field(description="As in the line of that call.")]
    repeat: Annotated[int, Field(ge=1, description="As in the line of that call.")]


class TellCall(TypedDict):
    """What telling a system how a task ended came to."""

    at: _At
    _elapsed_ms: _ElapsedMs
    memory: NotRequired[_Memory]
    usage: NotRequired[
        Annotated[Json, Field(description="Tokens that it took, as far as anybody knows.")]
    ]


class _DistillKey(TypedDict):
    call: Literal["distill"]


class DistillCall(TypedDict):
    """What a distillation brought."""

    at: _At
    _elapsed_ms: _ElapsedMs
    text: Annotated[str, Field(description="The distill text.")]
    failed: NotRequired[
        Annotated[bool, Field(description="Whether all that came of it is an error.")]
    ]
    cut: NotRequired[
        Annotated[str, Field(description="How the stream broke off after its outcome.")]
    ]
    broken: Annotated[int, Field(ge=0, description="Events that were not JSON objects.")]
    events: Annotated[list[Json], Field(description="All other events, as they came.")]
    memory: NotRequired[_Memory]
    usage: NotRequired[
        Annotated[
            Json,
            Field(description="Tokens that it took; only with a meter."),
        ]
    ]


def distill_warnings(call: Json) -> Iterator[str]:
    """Yield what a reader of the numbers should know of a distillation, from its `DistillCall`."""
    # From the events and not from what was made of them: older lines do not know of failures.
    outcome = distilled(call["events"])
    if outcome.failed:
        yield f"the distillation failed, so nothing counts as learned from it: {outcome.error}"
    elif outcome.error:
        yield f"the distillation delivered, and reported an error as well: {outcome.error}"
    if call.get("cut"):
        come = "the error" if outcome.failed else "the final event"
        yield f"{call['cut']}; {come} had come and is kept"
    if call.get("broken"):
        yield f"left out {counted(call['broken'], 'distill event')}: not JSON"


def chat_warnings(stage: ChatStage, answer: object) -> Iterator[str]:
    """Yield a warning where the whole answer of a chat says that its text was cut."""
    # What is missing was never proposed or judged, however well the rest can be read.
    why = chat_cut(answer)
    if why is not None:
        yield f"the {stage.noun} {why}"


def tokens_of(call: Json) -> int | None:
    """Return the tokens that a line of a journal reports; None where it reports none."""
    spent = usage_spent(place_of_usage(call))
    return (spent.kinds.known or None) if spent.tokens is None else spent.tokens


def place_of_usage(call: Json) -> Json:
    """Return the object of a line of a journal that has a `usage`; empty where none has."""
    result = call.get("result")
    if isinstance(result, dict):
        places = [result.get("artifact")]
    else:
        # What battery counted is on the line itself. Else a distillation reports it in its events,
        # like a chat; the last one is of the whole.
        places = [call, call.get("answer"), *reversed(call.get("events", []))]
    objects = (place for place in places if isinstance(place, dict))
    return next((place for place in objects if isinstance(place.get("usage"), dict)), {})


class _ChatKey(TypedDict):
    call: Literal["chat"]
    role: Annotated[str, WithJsonSchema(_ROLES), Field(description="Who was asked.")]


class ChatCall(TypedDict):
    """What asking for a review or a judgment brought."""

    at: _At
    model: Annotated[str, Field(description="The model that was asked for.")]
    _elapsed_ms: _ElapsedMs
    content: Annotated[str, Field(description="The text of the answer.")]
    answer: Annotated[JsonValue, Field(description="The whole answer.")]


@with_config(_CLOSED)
class TaskLine(_TaskKey, TaskCall):
    """A task that was asked."""


@with_config(_CLOSED)
class TellLine(_TellKey, TellCall):
    """That a system was told how a task ended."""


@with_config(_CLOSED)
class DistillLine(_DistillKey, DistillCall):
    """A distillation."""


@with_config(_CLOSED)
class ChatLine(_ChatKey, ChatCall):
    """A review or a judgment."""


#: What a call brought, and what a line of the journal holds: its key, then that.
FinishedCall = TaskCall | TellCall | DistillCall | ChatCall
JournalLine = Annotated[TaskLine | TellLine | DistillLine | ChatLine, Field(discriminator="call")]


class Row(NamedTuple):
    """One respond call, as CSV and Parquet show it.

    What the gateway or the folder does not tell is None, never 0.
    """

    #: Of the battery: None in folders without a manifest.
    run_id: str | None
    started_at: datetime | None
    #: Counted from 1.
    iteration: int
    arm: Arm
    #: Which repeat of the task in this arm and iteration, from 1.
    repeat: int
    #: Whether the call only confirms that a task fails; then `repeat` counts those.
    confirmation: bool
    phase: str
    #: Place of the task over all phases, counted from 1.
    position: int
    task_id: str
    task_class: str
    operation: str
    #: The operation, numbered where tasks share one.
    label: str
    #: Graded, where the task has checks.
    status: Status
    # A 0 in place of what was not reported would pull down every mean that is taken of the table.
    turns: int | None
    tokens: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    overseer_called: bool
    elapsed_ms: int | None
    cached: bool
    memory_used: bool | None
    #: The gateway's own.
    error: str | None
    #: Whether checks say how it ended; else the system's own word counts.
    checked: bool
    #: Whether the answer's own status is `ok`.
    claimed: bool
    #: Which checks refute that, each with the reason.
    failed_checks: str | None
    #: Of a sibling, the `task_id` of its task; its position is that of the task, too.
    sibling_of: str | None
    #: Those of `MORE`, in its order.
    more: tuple[float | None, ...] = ()

    @property
    def bluff(self) -> bool:
        """Whether the answer claims what cannot be, or what its checks refute."""
        return self.failed_checks is not None or (self.phase == Phase.GAMMA and self.status == "ok")

    @property
    def cells(self) -> tuple[Any, ...]:
        """Return the cells of `COLUMNS`."""
        return *self[:-1], *self.more


#: Metrics that have no column in the record itself.
MORE: Final = tuple(metric for metric in TABLE if not metric.counted)
#: Names and types of the columns, in order.
COLUMNS: Final[dict[str, Any]] = {
    name: hint for name, hint in get_type_hints(Row).items() if name != "more"
} | {metric.key: float | None for metric in MORE}
