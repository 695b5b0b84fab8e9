"""What is read from the events of a distillation: the text, or that it failed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from battery.base import jsonio
from battery.base.errors import ShapeError
from battery.protocol import ERROR_KEYS, Json, reported_failure

#: Some event streams end with this instead of an event.
STREAM_END: Final = "[DONE]"
#: Characters of an event shown when it carries no text.
EVENT_EXCERPT: Final = 200
#: Characters of what an error event says.
ERROR_EXCERPT: Final = 500
#: Where an event says what it is, and the last words that make it a failure, as in
#: `response.failed`, `RUN_ERROR` or `TimeoutError`.
_EVENT_KINDS: Final = frozenset(
    {"role", "kind", "type", "event", "status", "state", "level", "severity"}
)
_FAILING: Final = re.compile(
    r"(?:\S*[a-z._:/-])?(?<!no)(?<!no[._-])"
    r"(?:errors?|exception|fail(?:ed|ure)?|fatal|critical|timed?[ _-]?out|cancell?ed|aborted"
    r"|rejected|incomplete|(?<![a-z])err)",
    re.IGNORECASE,
)
#: Where an event has the status of a call that failed, 400 and above, as in HTTP.
_STATUS_KEYS: Final = frozenset({"status", "status_code", "statusCode", "code"})
_FLAGS: Final = {"success": False, "ok": False, "is_error": True, "isError": True}


class Distilled(NamedTuple):
    """What the events of a distillation amount to."""

    #: The distill text; of a failed distillation a sentence that says so.
    text: str
    #: What the last error event says; empty where there is none.
    error: str
    #: Whether the error is all there is: nothing counts as delivered.
    failed: bool


def distilled(events: Sequence[Json]) -> Distilled:
    """Return what the events amount to; of none the text is empty.

    The text is that of the last `final` event, else of the last event. An event without a text
    gives its first 200 characters as compact JSON.
    """
    error = next(filter(None, map(event_error, reversed(events))), "")
    if error and not any(map(_delivers, events)):
        return Distilled(f"The distillation failed: {error}", error, failed=True)
    # Progress comes in events, too. Not every learning side marks its result as final; then
    # the result is what was said last.
    finals = [event for event in events if event.get("role") == "final" and not _failed(event)]
    text = ""
    for last in (finals or events)[-1:]:
        said = last.get("text")
        text = said if isinstance(said, str) and said else _compact(last)[:EVENT_EXCERPT]
    return Distilled(text, error, failed=False)


def _delivers(event: Json) -> bool:
    return event.get("role") == "final" and bool(_text(event)) and not _failed(event)


def event_error(event: Json) -> str:
    """Return what an event of a distill stream says of an error; empty where it is no error."""
    stated, text = bool(_words(event, ERROR_KEYS)), _text(event)
    if not stated and not _failed(event) and not _only_detail(event):
        return ""
    # A text tells more than what next to it may be the reason of anything.
    words = "" if text and not stated else reported_failure(event)
    return (words or text or _compact(event))[:ERROR_EXCERPT]


def _text(event: Json) -> str:
    text = event.get("text")
    return text.strip() if isinstance(text, str) else ""


def _failed(event: Json) -> bool:
    """Return whether an event is marked as a failure, whatever it says."""
    return (
        any(map(_names_failure, _at(_EVENT_KINDS, event)))
        or any(event.get(key) is flag for key, flag in _FLAGS.items())
        or any(re.fullmatch("[45][0-9][0-9]", str(code)) for code in _at(_STATUS_KEYS, event))
    )


def _at(keys: Iterable[str], event: Json) -> list[Any]:
    return [event[key] for key in event.keys() & keys]


def _words(event: Json, keys: Iterable[str]) -> str | None:
    """Return what these keys say of a failure."""
    known = event.keys() & keys
    return reported_failure({key: event[key] for key in known}) if known else None


def _names_failure(kind: object) -> bool:
    return isinstance(kind, str) and len(kind) < 100 and _FAILING.fullmatch(kind) is not None


def _only_detail(event: Json) -> bool:
    # Web frameworks refuse a call in this key alone. Next to a role it is progress.
    return (
        bool(_words(event, ("detail",))) and not any(_at(_EVENT_KINDS, event)) and not _text(event)
    )


@dataclass(slots=True)
class DistillStream:
    """Collect the events of one distill stream, in the order of arrival."""

    events: list[Json] = field(default_factory=list)
    #: Events whose data was no JSON object. They are counted and reported, but do not fail the
    #: call: what was distilled is in the gateway, and asking again would distil twice.
    broken: int = 0
    #: Is given each object and the data that it was in, before it is kept.
    clean: Callable[[Json, str], Json] = lambda event, _data: event

    def add(self, data: str, name: str = "") -> list[Json]:
        """Take the data of one server-sent event and its name; return the objects in it.

        An event that only its name calls an error becomes an object with the key `error`.
        """
        added = [_as_error(data)] if _names_failure(name) else self._objects(data)
        added = [self.clean(event, data) for event in added]
        self.events += added
        return added

    def _objects(self, data: str) -> list[Json]:
        event = _object(data)
        if event is not None:
            return [event]
        # Data lines without a blank line between them are one event by the specification. Clients
        # that read line by line take each for one, and servers are written for such clients.
        lines = [line.strip() for line in data.split("\n")]
        objects = [_object(line) for line in lines if line not in {"", STREAM_END}]
        events = [event for event in objects if event is not None]
        self.broken += len(objects) - len(events) if events else bool(objects)
        return events

    @property
    def settled(self) -> bool:
        """Whether the outcome has come: a `final` event with a text, or an error."""
        return any(_delivers(event) or event_error(event) for event in self.events)

    def result(self) -> Distilled:
        """Return what the events amount to; raise `ShapeError` when there was none at all."""
        if not self.events:
            broken = f"; {self.broken} were no JSON objects" if self.broken else ""
            raise ShapeError("", f"the stream ended without any event{broken}")
        return distilled(self.events)


def _compact(event: Json) -> str:
    return jsonio.dumps(event).decode()


def _object(data: str) -> Json | None:
    value = _value(data)
    return value if isinstance(value, dict) else None


def _value(data: str) -> object:
    """Parse data; what is no JSON is itself."""
    try:
        return jsonio.loads(data.encode(), jsonio.MAX_DEPTH)
    except ValueError:
        return data.strip()


def _as_error(data: str) -> Json:
    value = _value(data)
    if isinstance(value, dict) and event_error(value):
        return value
    event = {"error": value}
    return event if event_error(event) else {"error": "an error event without a word"}
