"""The calls that a meter saw: one by one, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from battery.base import jsonio
from battery.protocol import Json, object_of
from battery.protocol.usage import Tokens, usage_spent

#: The `kind` of the log entries of calls.
CALL_KIND: Final = "model_call"
#: The `kind` of the last entry of a log that leaves calls out.
LEFT_OUT_KIND: Final = "model_calls_left_out"
# An answer document holds its log twice over: in the journal and in `runs.json`.
#: Bytes of one message in a log entry; a longer one, such as a picture, is cut.
MAX_MESSAGE_BYTES: Final = 8_000
#: Bytes of all entries of a log. Half a million values do not fit in there, so an answer document
#: stays below every limit of `battery.protocol.limits`.
MAX_LOG_BYTES: Final = 1 << 19
#: Bytes of an entry without its texts, at most; names of models and paths are short.
_FRAME_BYTES: Final = 2_000


@dataclass(frozen=True)
class MeteredCall:
    """One call of a model, as it was when it ended."""

    path: str
    #: As the answer names it, else as the request does.
    model: str
    #: None where no answer came.
    status: int | None
    #: All tokens of the call; None where they are not known.
    total: int | None
    #: By kind; None where a kind is not known.
    tokens: Tokens
    #: Whether somebody may have to pay for it.
    is_paid: bool
    #: Which turn of its window it was, from 1; None for what says nothing, or was refused.
    turn: int | None
    #: Messages of the request; those before it that the last call had as well are left out.
    messages: Sequence[object] = ()
    #: How many of the messages are left out for that.
    repeated: int = 0
    #: What the model said.
    text: str = ""
    #: In UTC, in whole seconds.
    started_at: str = ""
    #: Wall time in whole milliseconds.
    elapsed_ms: int = 0
    #: It began in an earlier window than it ended in.
    late: bool = False
    #: The agent did not wait for the end.
    aborted: bool = False
    #: What failed, or why the usage is not known; empty where all is well.
    error: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether it may have taken tokens that nobody told."""
        return self.is_paid and self.total is None

    def entry(self, room: int = MAX_LOG_BYTES) -> Json:
        """Write the entry of a log; without its texts where `room` is too few bytes for them."""
        messages = _fitting(self.messages, room - _FRAME_BYTES - len(self.text.encode()))
        entry: Json = {
            "kind": CALL_KIND,
            "path": self.path,
            "model": self.model,
            "status": self.status,
            "at": self.started_at,
            "elapsed_ms": self.elapsed_ms,
            "usage": None if self.total is None else _document(self.total, self.tokens),
            "messages": messages or [],
            "text": "" if messages is None else self.text,
        }
        optional = {
            "turn": self.turn,
            "repeated": self.repeated,
            "late": self.late,
            "aborted": self.aborted,
            "error": self.error,
            "cut": messages is None,
        }
        return entry | {key: value for key, value in optional.items() if value}


@dataclass(frozen=True)
class Metered:
    """What a meter saw in one window: since it was last asked."""

    calls: Sequence[MeteredCall] = field(default_factory=list)

    @property
    def turns(self) -> int:
        """How often a model was asked to say something, and did."""
        return sum(call.turn is not None for call in self.calls)

    @property
    def usage(self) -> Json:
        """The sum of all calls, in the form of `artifact.usage`.

        Its `total_tokens` is null where the tokens of one call are not known: the rest is no total.
        """
        unknown = sum(call.is_unknown for call in self.calls)
        counted = [call for call in self.calls if call.total is not None]
        usage = _usage(counted)
        if not unknown:
            return usage | {"calls": len(self.calls)}
        # By a name that no reader of usage knows: a part of the tokens must not pass for all.
        return {"total_tokens": None, "calls": len(self.calls), "unknown": unknown, "known": usage}

    def usage_with(self, model: str, usage: Json) -> Json:
        """Return the sum with the tokens of a call that was made elsewhere; none where empty."""
        if not usage:
            return self.usage
        total, tokens = read_usage(usage, model)
        other = MeteredCall("", model, 200, total, tokens, is_paid=True, turn=None)
        return Metered([*self.calls, other]).usage

    @property
    def log(self) -> list[Json]:
        """One entry per call, as many as fit into `MAX_LOG_BYTES`; the last says what does not."""
        return list(_log(self.calls))


def read_usage(usage: Json, model: str) -> tuple[int | None, Tokens]:
    """Read the tokens of one call in total and by kind; None for what the usage does not tell."""
    spent = usage_spent({"usage": usage, "model": model})
    tokens = spent.kinds
    if tokens.output is None and tokens.prompt is not None and tokens.prompt == spent.tokens:
        # Nothing is written where texts are only embedded.
        tokens = tokens._replace(output=0)
    if spent.tokens is not None:
        return spent.tokens, tokens
    is_whole = tokens.prompt is not None and tokens.output is not None
    return (tokens.known if is_whole else None), tokens


def repeated_messages(messages: Sequence[object], earlier: Sequence[object]) -> int:
    """Count how many messages at the beginning are those of an earlier call."""
    pairs = zip(messages, earlier, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _log(calls: Sequence[MeteredCall]) -> Iterator[Json]:
    left = MAX_LOG_BYTES
    for number, call in enumerate(calls):
        # Without its texts an entry still says what the call took.
        entry = call.entry(left)
        left -= len(jsonio.dumps(entry)) + 1
        if left < 0:
            yield {"kind": LEFT_OUT_KIND, "calls": len(calls) - number}
            return
        yield entry


def _usage(calls: Iterable[MeteredCall]) -> Json:
    total, kinds = 0, Tokens(0, None, 0, None)
    models: dict[str, Tokens] = {}
    complete = True
    for call in calls:
        total += call.total or 0
        complete = complete and call.tokens.prompt is not None and call.tokens.output is not None
        kinds = kinds.plus(call.tokens)
        models[call.model] = models.get(call.model, Tokens()).plus(call.tokens)
    if not complete:
        return {"total_tokens": total}
    by_model = {model: _kinds(tokens) for model, tokens in models.items()}
    return _document(total, kinds) | ({"by_model": by_model} if by_model else {})


def _document(total: int, tokens: Tokens) -> Json:
    return {**_kinds(tokens), "total_tokens": total}


def _kinds(tokens: Tokens) -> Json:
    """Write tokens by kind in the spelling of OpenAI; leave out what is not known."""
    usage: Json = {}
    if tokens.prompt is not None:
        usage["prompt_tokens"] = tokens.prompt
    if tokens.output is not None:
        usage["completion_tokens"] = tokens.output
    if tokens.cached is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": tokens.cached}
    if tokens.reasoning is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning}
    return usage


def _fitting(messages: Sequence[object], room: int) -> list[object] | None:
    """Return messages, long ones cut; None where they need more bytes than that."""
    kept: list[object] = []
    for message in messages:
        kept.append(_shortened(message))
        room -= len(jsonio.dumps(kept[-1])) + 1
        if room < 0:
            break
    return kept if room >= 0 else None


def _shortened(message: object) -> object:
    written = jsonio.dumps(message)
    if len(written) <= MAX_MESSAGE_BYTES:
        return message
    known = object_of(message)
    content = known.get("content", message)
    text = content if isinstance(content, str) else written.decode()
    # A character takes up to four bytes.
    return {"role": known.get("role"), "content": text[: MAX_MESSAGE_BYTES // 4], "cut": True}
