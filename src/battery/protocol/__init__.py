"""What goes over the wire: bodies and answers of respond, distill and chat.

The client and the embedded gateway both speak through this module, so neither can drift from
the other. It knows no network: text and objects in, text and objects out.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from battery.base import jsonio
from battery.base.errors import ShapeError

RESPOND_PATH: Final = "/v1/respond"
#: What a gateway may offer as well: `/snapshot`, `/restore` and `/reset` below it.
MEMORY_PATH: Final = "/v1/memory"
FINGERPRINT_PATH: Final = f"{MEMORY_PATH}/fingerprint"
CHAT_PATH: Final = "/v1/chat"
DISTILL_PATH: Final = "/api/run"
DISTILL_QUERY: Final = "mode=distill"

#: The largest count that an answer may report. Beyond it a float no longer holds every whole
#: number, so sums and ratios would be silently wrong; no real call takes a billionth of it.
MOST_COUNTED: Final = 2**53
#: The log entry that says that the in-loop overseer stepped in.
OVERSEER_KIND: Final = "overseer_correction"
#: Where an answer names the talk that it is from.
SESSION_KEY: Final = "session"
#: How gateways mark an answer that no model gave this time.
CACHED_KEYS: Final = ("cached", "cache_hit", "from_cache")
#: Keys of an answer, its artifact and its log entries that no two calls share: times and names of
#: the call. Two answers are equal where everything else is.
PER_CALL: Final = frozenset(
    {
        *("_elapsed_ms", "elapsed_ms", "elapsed_s", "elapsed", "duration_ms", "duration_s"),
        *("duration", "latency_ms", "latency", "took_ms", "time", "ts", "timestamp", "date"),
        *("created", "created_at", "started_at", "finished_at", "updated_at", "at"),
        *("id", "session", "request_id", "response_id", "call_id", "trace_id", "span_id", "run_id"),
    }
)
#: Keys of an artifact that say how the answer came about, and not what it is.
NOT_HANDED_IN: Final = frozenset(
    {"usage", "reported_usage", "memory", "memory_fingerprint", *CACHED_KEYS}
)
#: What to do about an answer that reports an error.
LOOK_THERE: Final = (
    "look at the log of the gateway, and at account and limits of the provider behind it"
)
#: Keys of errors: whatever they hold is one, unless it says that all is well.
ERROR_KEYS: Final = (
    *("error", "errors", "error_message", "error_msg", "errorMessage", "error_description"),
    *("err", "exception", "fault"),
)
#: Where answers say why they failed; the first that holds words is taken.
FAILURE_KEYS: Final = (
    *("error", "errors", "message", "msg", "detail", "reason", "description"),
    *(*ERROR_KEYS[2:], "faultstring", "status_msg", "base_resp"),
)
#: What answers are wrapped in. Words in there may be anything, so only an error counts.
_WRAPPERS: Final = ("choices", "message", "data", "result", "response", "output", "body")
#: Where answers say whether all is well.
_STATES: Final = ("success", "ok", "code", "status", "status_code")
#: How answers say, where an error could be, that there is none.
_FINE: Final = frozenset(
    {"0", "200", "ok", "okay", "success", "successful", "succeeded", "complete", "completed"}
    | {"none", "null", "nil", "no error", "no errors", "n/a"}
)

Json = dict[str, Any]
Status = Literal["ok", "failed", "blocked"]

#: What is read of answers: without these words they would be unreadable, so none is a secret.
WORDS: Final = frozenset(
    {
        *get_args(Status),
        *("status", "iterations", "artifact", "usage", "log", "kind", "error", "memory"),
        *("choices", "message", "messages", "content", "finish_reason", "role", "text", "final"),
        *("total_tokens", "prompt_tokens", "input_tokens", "completion_tokens", "output_tokens"),
        *CACHED_KEYS,
        *FAILURE_KEYS,
        OVERSEER_KIND,
    }
)


def _all_sent(schema: Json) -> None:
    """Say in a schema that a request has every key, those with a default too."""
    schema["required"] = list(schema["properties"])


class RespondRequest(BaseModel):
    """The body of `POST /v1/respond`: the task's three keys and two model names, no others."""

    # A gateway that saw the phase, the arm or the iteration could behave to suit them, so nothing
    # else is sent; the embedded one refuses what a real one would never get.
    model_config = ConfigDict(extra="forbid", json_schema_extra=_all_sent)

    task_class: str = Field(description="From the task.")
    operation: str = Field(description="From the task.")
    spec: Json = Field(description="From the task: any JSON object, sent as it is.")
    executor_model: str = Field(description="`models.executor_cloud` of the tasks file.")
    reviewer_model: str = Field(description="`models.reviewer_cloud` of the tasks file.")


class DistillRequest(BaseModel):
    """The body of `POST /api/run?mode=distill`."""

    model_config = ConfigDict(json_schema_extra=_all_sent)

    mode: Literal["distill"] = "distill"
    prompt: str = "battery iteration distill"
    source: str = Field(default="outcomes_tail:20", description="The last 20 outcomes.")


class ChatMessage(BaseModel):
    """One message of a chat."""

    role: str = Field(description="Always `user`.")
    content: str = Field(description="The prompt.")


class ChatRequest(BaseModel):
    """The body of `POST /v1/chat`: one user message to a large model that thinks."""

    model_config = ConfigDict(json_schema_extra=_all_sent)

    model: str = Field(description="`models.overseer_cloud` of the tasks file.")
    messages: list[ChatMessage] = Field(description="One of them.")
    temperature: float = Field(description="0.2 for the review, 0.1 for the judgment.")
    think: bool = True
    provider: str = "ollama_cloud"


def _null_is(default: object, of: Any) -> BeforeValidator:
    """Read null as a default; `of` is what a schema says that else may come."""
    # Gateways in several languages write null, or nothing, where they have not counted. A task was
    # done all the same, and an error would throw away a call that may be asked only once.
    return BeforeValidator(
        lambda value: default if value is None else value, json_schema_input_type=of | None
    )


def whole(value: object) -> object:
    """Take 3.0 for 3, as some JSON writers send it; strings and booleans are not numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: Turns or tokens; None where they are not reported, which differs from a reported 0. This is the
#: only guard against absurd numbers: whatever computes with counts may rely on it.
Count = Annotated[int | None, Field(ge=0, le=MOST_COUNTED, strict=True), BeforeValidator(whole)]


class Usage(BaseModel):
    """The tokens of a respond answer."""

    total_tokens: Count = None


class Artifact(BaseModel):
    """What a task brought; only its usage matters to the battery."""

    usage: Annotated[Usage, _null_is({}, Usage)] = Usage()


def object_of(value: object) -> Json:
    """Return an object as it is, and an empty one for anything else.

    Artifacts are the gateway's own and may be anything, even a string; then nothing is read there.
    """
    return value if isinstance(value, dict) else {}


#: Of a type that a schema cannot say: only in an object is something read.
_ARTIFACT: Final[Json] = {
    "properties": {
        "usage": {
            "type": ["object", "null"],
            "properties": {
                "total_tokens": {
                    "type": ["integer", "null"],
                    "minimum": 0,
                    "maximum": MOST_COUNTED,
                }
            },
        }
    }
}


class RespondAnswer(BaseModel):
    """The part of a respond answer that the battery reads; all other keys are kept as they came."""

    # Other keys are passed over here, not refused: gateways grow, and the whole answer goes to
    # disk as it came.

    # An unknown status is an error. To count it as failed, or as ok, would be a guess, and every
    # metric and gate rests on it.
    status: Status = Field(description="How the task ended.")
    iterations: Count = Field(default=None, description="Turns used.")
    artifact: Annotated[Artifact, BeforeValidator(object_of), WithJsonSchema(_ARTIFACT)] = Field(
        default=Artifact(), description="Anything; tokens are at `usage.total_tokens`."
    )
    # Entries may be lines of text or anything else; only an object can have the overseer's kind.
    log: Annotated[list[Any], _null_is([], list[Any])] = Field(
        default=[], description="Entries of any kind; an object says with `kind` what happened."
    )
    error: str | None = Field(default=None, description="Why it failed.")

    @property
    def tokens(self) -> int | None:
        """Tokens of all models that worked on the task; None where they are not reported."""
        return self.artifact.usage.total_tokens

    @property
    def overseer_called(self) -> bool:
        """Whether the in-loop overseer corrected this run."""
        return any(
            entry.get("kind") == OVERSEER_KIND for entry in self.log if isinstance(entry, dict)
        )


def log_entries(log: object) -> list[Json]:
    """Return the entries of a log as objects: one that is a text has it at `text`.

    A log on disk that is no list, which no answer may have any more, is one entry.
    """
    entries = log if isinstance(log, list) else [] if log is None else [log]
    return [_log_entry(entry) for entry in entries]


def _log_entry(entry: object) -> Json:
    if isinstance(entry, dict):
        return entry
    return {"text" if isinstance(entry, str) else "entry": entry}


def read_respond(answer: object) -> RespondAnswer:
    """Check a respond answer; raise `ShapeError` naming the wrong field."""
    if not isinstance(answer, dict):
        raise explained("", f"a JSON object was expected, got {jsonio.kind_of(answer)}", answer)
    try:
        return RespondAnswer.model_validate(answer)
    except ValidationError as error:
        wrong = ShapeError.of(error)
        # Of any other field the message has the wrong value, which is all that is wrong.
        if wrong.place in {"status", "error"}:
            wrong = explained(wrong.place, wrong.why, answer)
        raise wrong from error


def explained(place: str, why: str, answer: object) -> ShapeError:
    """Make the error of an answer that lacks what it was asked for, with what it says instead."""
    # A bare text may be anything; who sent it knows more.
    is_text = isinstance(_first(answer), str)
    came, hint = f"is {excerpt(answer)}", LOOK_THERE if is_text else None
    if not is_text and (failure := reported_failure(answer)):
        came, hint = f"reports an error: {failure}", LOOK_THERE
    return ShapeError(place, f"{why}; the answer {came}", hint)


def reported_failure(answer: object) -> str | None:
    """Return what an answer, or the error in it, says of a failure; None where it says nothing.

    That is a message with its code and type, whatever the provider calls them.
    """
    return _failure(answer, FAILURE_KEYS) or None


def _failure(answer: object, keys: Sequence[str], *, is_error: bool = False) -> str | None:
    """Return the words of a failure; empty where the answer says that all is well."""
    if isinstance(answer, list):
        return _failure(answer[0], keys, is_error=is_error) if answer else None
    if isinstance(answer, str):
        return "" if _is_fine(answer) else f"{answer.strip():.300}" or None
    if not isinstance(answer, dict):
        return None
    # The code of an error may be a 0 that nobody set.
    states = [] if is_error else [answer.get(key) for key in _STATES]
    fine = any(state is True or _is_fine(state) for state in states)
    stated = None
    for key in keys:
        value = answer.get(key)
        marked = key in ERROR_KEYS
        if (fine and not marked and isinstance(value, str)) or _is_wrapped(key, value):
            continue
        words = _failure(value, FAILURE_KEYS, is_error=marked)
        if words:
            # Gateways pass on what they got, wrapped once more: the innermost labels count.
            return words + _labels(answer) if isinstance(value, str) else words
        fine = fine or words == ""
        stated = stated or (value if marked else None)
    inner = (
        _failure(_first(value), ERROR_KEYS)
        for key, value in answer.items()
        if _is_wrapped(key, value)
    )
    if words := next(filter(None, inner), None):
        return words
    return "" if fine else excerpt(stated) if _says(stated) else None


def _is_fine(state: object) -> bool:
    return isinstance(state, str | int) and str(state).strip(" .!").lower() in _FINE


def _is_wrapped(key: str, value: object) -> bool:
    return key in _WRAPPERS and isinstance(_first(value), dict)


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _says(error: object) -> bool:
    return any(error.values()) if isinstance(error, dict) else bool(error)


def _labels(error: Json) -> str:
    labels = [
        f"{key} {error[key]!s:.60}"
        for key in ("type", "code", "status", "status_code")
        # That an error is an error needs no label.
        if isinstance(error.get(key), str | int) and error[key] not in {"", False, "error"}
    ]
    told = f" ({', '.join(labels)})" if labels else ""
    metadata = error.get("metadata")
    # Routers say "provider returned error" and keep the provider's words here.
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return f"{told}: {raw!s:.300}" if raw else told


def excerpt(value: object) -> str:
    """Show the beginning of a JSON value."""
    return f"{jsonio.dumps(value).decode():.300}"


def was_cached(answer: Json) -> bool:
    """Return whether an answer says of itself that it came from a cache.

    That is any of `CACHED_KEYS` being true in the answer, its artifact or the artifact's usage.
    """
    artifact = object_of(answer.get("artifact"))
    return any(
        place.get(key) is True
        for place in (answer, artifact, object_of(artifact.get("usage")))
        for key in CACHED_KEYS
    )


def memory_used(answer: Json) -> bool | None:
    """Return whether a run was given something from memory; None where the answer does not say.

    `artifact.memory` says it: a list of what was recalled, empty when there was nothing.
    """
    memory = object_of(answer.get("artifact")).get("memory")
    return bool(memory) if isinstance(memory, list) else None


def answer_digests(answer: Json) -> tuple[bytes, bytes]:
    """Hash an answer, and what it hands in: status, error and artifact, without what it took.

    Both are without `PER_CALL` keys, those of the artifact and of log entries.
    """
    told, artifact = _without(PER_CALL, answer), answer.get("artifact")
    if isinstance(artifact, dict):
        artifact = _without(PER_CALL, artifact)
        told = {
            **told,
            "artifact": {key: artifact[key] for key in artifact if key in NOT_HANDED_IN},
        }
        artifact = _without(NOT_HANDED_IN, artifact)
    if isinstance(log := told.get("log"), list):
        told = {**told, "log": [_without(PER_CALL, e) if isinstance(e, dict) else e for e in log]}
    # What is handed in is most of an answer: it is read once, for both.
    read = blake2b(jsonio.dumps([told.get("status"), told.get("error"), artifact]), digest_size=16)
    handed_in = read.digest()
    read.update(jsonio.dumps(told))
    return read.digest(), handed_in


def _without(keys: frozenset[str], part: Json) -> Json:
    if keys.isdisjoint(part):
        return part
    return {key: value for key, value in part.items() if key not in keys}


def memory_fingerprint(answer: Json) -> str | None:
    """Return what `artifact.memory_fingerprint` says that the memory was; None without one."""
    value = object_of(answer.get("artifact")).get("memory_fingerprint")
    return value if isinstance(value, str) and value else None


def sse_event(event: Json) -> bytes:
    """Write one server-sent event whose data is a JSON object."""
    return b"data: " + jsonio.dumps(event) + b"\n\n"
