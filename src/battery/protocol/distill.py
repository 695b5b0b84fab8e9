"""What is read from the events of a distillation: the text, or that it failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from battery.base import jsonio
from battery.base.errors import ShapeError
from battery.protocol import Json, reported_failure

#: Some event streams end with this instead of an event.
STREAM_END: Final = "[DONE]"
#: Characters of an event shown when it carries no text.
EVENT_EXCERPT: Final = 200
#: Characters of what an error event says.
ERROR_EXCERPT: Final = 500
#: Where an event says what it is, and the words that make it an error.
_EVENT_KINDS: Final = ("role", "kind", "type", "event", "status")
_ERRORS: Final = frozenset({"error", "failed", "failure"})


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
    finals = [event for event in events if event.get("role") == "final" and not event_error(event)]
    text = ""
    for last in (finals or events)[-1:]:
        said = last.get("text")
        text = said if isinstance(said, str) and said else _compact(last)[:EVENT_EXCERPT]
    return Distilled(text, error, failed=False)


def _delivers(event: Json) -> bool:
    text = event.get("text") if event.get("role") == "final" else None
    return isinstance(text, str) and bool(text.strip()) and not event_error(event)


def event_error(event: Json) -> str:
    """Return what an event of a distill stream says of an error; empty where it is no error."""
    stated = event.get("error")
    if not stated and not any(_names_error(event.get(key)) for key in _EVENT_KINDS):
        return ""
    text = event.get("text")
    words = reported_failure(event) or (text if isinstance(text, str) else "")
    return (words.strip() or _compact(event))[:ERROR_EXCERPT]


def _names_error(kind: object) -> bool:
    # The last part of a dotted name, such as `response.failed`.
    return isinstance(kind, str) and kind.lower().rpartition(".")[2] in _ERRORS


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
        added = [_as_error(data)] if _names_error(name) else self._objects(data)
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
    def delivered(self) -> bool:
        """Whether a `final` event with a text has come; what follows it is no more than an echo."""
        return any(map(_delivers, self.events))

    def result(self) -> Distilled:
        """Return what the events amount to; raise `ShapeError` when there was none at all."""
        if not self.events:
            broken = f"; {self.broken} were no JSON objects" if self.broken else ""
            raise ShapeError("", f"the stream ended without any event{broken}")
        return distilled(self.events)


def _compact(event: Json) -> str:
    return jsonio.dumps(event).decode()


def _object(data: str) -> Json | None:
    try:
        value = jsonio.loads(data.encode(), jsonio.MAX_DEPTH)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _as_error(data: str) -> Json:
    event = _object(data)
    if event is not None and event_error(event):
        return event
    return {"error": event or data.strip() or "an error event without a word"}
