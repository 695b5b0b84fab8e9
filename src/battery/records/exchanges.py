"""The three calls as documents, each a request with its answer; only schemas are made of them.

What is asked is the very body that goes out. Of answers it is what `battery.protocol` reads.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema

from battery.protocol import (
    CHAT_PATH,
    DISTILL_PATH,
    DISTILL_QUERY,
    RESPOND_PATH,
    ChatRequest,
    DistillRequest,
    RespondAnswer,
    RespondRequest,
)

# Nothing is read through them, so none is built before a schema is asked for.
_OPEN: Final = ConfigDict(extra="allow", defer_build=True)


class RespondExchange(BaseModel):
    """One task, and what the system did."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    request: RespondRequest
    answer: RespondAnswer


class DistillEvent(BaseModel):
    """The data of one server-sent event: any JSON object."""

    model_config = _OPEN

    role: JsonValue = Field(default=None, description="Who speaks; `final` marks the result.")
    text: JsonValue = Field(default=None, description="What is said, a string.")
    error: JsonValue = Field(default=None, description="What failed; missing where nothing did.")
    usage: JsonValue = Field(
        default=None, description='What it took, such as `{"total_tokens": 1200}`.'
    )


class DistillExchange(BaseModel):
    """One distillation, and the events that its stream brought."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    request: DistillRequest
    answer: list[DistillEvent] = Field(
        min_length=1, description="Server-sent events; this is the data of each, in order."
    )


class ChatText(BaseModel):
    """What the model said, where battery looks for it."""

    model_config = _OPEN

    content: (
        Annotated[str, WithJsonSchema({"type": "string", "pattern": r"\S"})]
        | Annotated[list[Any], Field(min_length=1)]
    ) = Field(description="The text, or a list of its parts: strings, or objects with a `text`.")


class ChatChoice(BaseModel):
    """The first choice is read."""

    model_config = _OPEN

    message: ChatText
    finish_reason: JsonValue = Field(
        default=None, description="How the answer ended; `length` and the like mean that it is cut."
    )


class ChatAnswer(BaseModel):
    """The answer of a large model."""

    model_config = _OPEN

    choices: list[ChatChoice] = Field(min_length=1)


class ChatExchange(BaseModel):
    """One question to a large model, and its answer."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    request: ChatRequest
    answer: ChatAnswer


#: By the name of the call: how it is made, in a line, and the document.
EXCHANGES: Final[dict[str, tuple[str, type[BaseModel]]]] = {
    "respond": (f"POST {RESPOND_PATH}", RespondExchange),
    "distill": (f"POST {DISTILL_PATH}?{DISTILL_QUERY}", DistillExchange),
    "chat": (f"POST {CHAT_PATH}", ChatExchange),
}
