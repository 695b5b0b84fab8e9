"""What an endpoint answers, read while it passes: usage, model, text."""

from __future__ import annotations

import re
import zlib
from typing import Final, Protocol

from battery.base import jsonio
from battery.base.network import PLAIN_CODINGS
from battery.base.text import brief
from battery.meter.events import EventCutter, event_data
from battery.protocol import Json, limits, object_of, reported_failure
from battery.protocol.distill import STREAM_END

# More than a page; the next request of the agent quotes most answers as a whole.
#: Characters of an answer's text that are kept.
MAX_TEXT: Final = 20_000
#: Columns that are kept of an error.
MAX_ERROR: Final = 300
#: Where an answer or an event may have another around what is looked for.
_INNER: Final = ("response", "message")
#: Types of the last event of a stream that has no `[DONE]`.
_LAST_EVENTS: Final = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "message_stop"}
)
#: Types of events whose `delta` is text that the model says, and not what it thinks.
_SAYING: Final = ("output_text.delta", "content_block_delta")
# To parse an event takes longer than all else that is done with it, and most bring a word of text.
#: What is in an event that has to be read before it is passed on: counts, or an end.
_TELLING: Final = re.compile(
    rb'"(?:usage|finish_reason)"\s*:\s*[^\sn]|\[DONE\]|"type"\s*:\s*"(?:response\.[cif]|message_st)'
)
#: Bytes of events that are kept to be read later.
_MAX_LATER: Final = 1 << 21
_UNPACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})


class Answer:
    """What is known of an answer so far."""

    def __init__(self) -> None:
        self.model = ""
        self.usage: Json = {}
        #: The model has said all; only counts can follow.
        self.finished = False
        #: Everything has come, whether or not the connection stays open.
        self.complete = False
        #: What failed, or why the usage cannot be read; empty where all is well.
        self.error = ""
        #: Texts, and events that hold one, in order.
        self._said: list[str | bytes] = []
        self._length = self._later = 0

    @property
    def text(self) -> str:
        """What the model said, up to `MAX_TEXT` characters."""
        return "".join(map(_text_of, self._said))[:MAX_TEXT]

    def settle(self) -> None:
        """Read what was left for later, once nobody waits any more."""
        self._said = [self.text]

    def add_later(self, event: bytes) -> None:
        """Take an event that can bring nothing but text."""
        self._later += len(event)
        if self._later <= _MAX_LATER:
            self._said.append(event)

    def add(self, document: Json) -> None:
        """Take a whole answer, or an event of one."""
        for place in (document, *(document.get(key) for key in _INNER)):
            if isinstance(place, dict):
                self._add_counts(place)
        text = _said(document)
        if self._length < MAX_TEXT:
            self._said.append(text)
            self._length += len(text)
        choices = document.get("choices")
        ends = [object_of(choice).get("finish_reason") for choice in _list(choices)]
        self.finished = self.finished or any(ends)

    def _add_counts(self, place: Json) -> None:
        usage, model = place.get("usage"), place.get("model")
        if isinstance(usage, dict):
            # Some streams tell the prompt first and the output at the end; all counts are of the
            # whole so far.
            self.usage |= {key: value for key, value in usage.items() if value is not None}
        if isinstance(model, str) and model:
            self.model = model


class Reader(Protocol):
    """Reads an answer as it passes."""

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return what the agent is to get of them."""
        ...

    def end(self) -> bytes:
        """Take the end; return what the agent has not got yet."""
        ...


class DocumentReader:
    """Reads a whole answer, once `length` bytes or the end have come."""

    def __init__(self, answer: Answer, status: int, coding: str, length: int | None) -> None:
        self._answer = answer
        self._failed = status >= 400
        self._unpack = _Unpacker(coding)
        self._left = length
        self._body: bytearray | None = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        """Pass everything on."""
        if self._body is not None:
            self._body += self._unpack.feed(chunk)
            if len(self._body) > limits.MAX_ANSWER_BYTES:
                self._body, self._answer.error = None, "an answer too large to be read"
        if self._left is not None:
            self._left -= len(chunk)
            if self._left <= 0:
                # With the last byte the agent may go on, so nothing may be left to do then.
                self._read()
        return chunk

    def end(self) -> bytes:
        """Leave nothing out."""
        self._read()
        return b""

    def _read(self) -> None:
        body, self._body = self._body, None
        self._answer.complete = True
        if body is None:
            return
        if self._unpack.unknown:
            self._answer.error = f"a compressed answer ({self._unpack.unknown})"
            return
        document = _parsed(bytes(body))
        if document is not None:
            self._answer.add(document)
        if self._failed:
            words = reported_failure(document) if document else None
            self._answer.error = brief(words or body[:2000].decode("utf-8", "replace"), MAX_ERROR)


class EventReader:
    """Reads a stream event by event; leaves out what only the meter asked for."""

    def __init__(self, answer: Answer, coding: str, *, hides_usage: bool) -> None:
        self._answer = answer
        self._cutter = EventCutter()
        self._unpack = _Unpacker(coding)
        #: Whether the agent gets events, of which one is left out, and not the bytes as they came.
        self.hides_usage = hides_usage and not self._unpack.unknown
        if self._unpack.unknown:
            answer.error = f"a compressed answer ({self._unpack.unknown})"

    def feed(self, chunk: bytes) -> bytes:
        """Pass everything on but the event that tells the usage."""
        events = self._cutter.feed(self._unpack.feed(chunk))
        kept = b"".join([event for event in events if not self._is_hidden(event)])
        return kept if self.hides_usage else chunk

    def end(self) -> bytes:
        """Return an event without its blank line."""
        rest = self._cutter.rest()
        hidden = self._is_hidden(rest)
        self._answer.complete = True
        return rest if self.hides_usage and not hidden else b""

    def _is_hidden(self, event: bytes) -> bool:
        # The first one names the model. What is in several lines may be cut anywhere.
        if self._answer.model and event.count(b"data:") == 1 and not _TELLING.search(event):
            self._answer.add_later(event)
            return False
        data = event_data(event)
        if data.strip() == STREAM_END.encode():
            self._answer.complete = True
        document = _parsed(data) if data else None
        if document is None:
            return False
        self._answer.add(document)
        if document.get("type") in _LAST_EVENTS:
            self._answer.complete = True
        # Other events have choices, or have none and no usage either (such as those of filters).
        is_extra = isinstance(document.get("usage"), dict) and not document.get("choices")
        return self.hides_usage and is_extra


class _Unpacker:
    """Unpacks a copy of an answer that is compressed although a plain one was asked for."""

    def __init__(self, coding: str) -> None:
        coding = coding.strip().lower()
        #: A compression that cannot be read; empty where there is none.
        self.unknown = coding if coding not in _UNPACKED | PLAIN_CODINGS else ""
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 32) if coding in _UNPACKED else None

    def feed(self, chunk: bytes) -> bytes:
        if self.unknown:
            return b""
        if self._zlib is None:
            return chunk
        try:
            # A few bytes can become very many; what is above the limit is not read anyway.
            return self._zlib.decompress(chunk, limits.MAX_ANSWER_BYTES + 1)
        except zlib.error:
            self.unknown = "broken"
            return b""


def _parsed(data: bytes) -> Json | None:
    try:
        if len(data) > limits.MAX_ANSWER_VALUES:
            limits.ValueCount().add(data)
        document = jsonio.loads(data, jsonio.MAX_DEPTH)
    except (ValueError, limits.TooLargeError):
        return None
    return document if isinstance(document, dict) else None


def _text_of(said: str | bytes) -> str:
    return said if isinstance(said, str) else _said(_parsed(event_data(said)) or {})


def _said(document: Json) -> str:
    """Return the text of an answer or an event; empty where there is none."""
    kind = document.get("type")
    if isinstance(kind, str) and "delta" in document:
        return _joined(document["delta"]) if kind.endswith(_SAYING) else ""
    if choices := _list(document.get("choices")):
        choice = object_of(choices[0])
        message = object_of(choice.get("message")) or object_of(choice.get("delta")) or choice
        return _joined(message.get("content") or message.get("text"))
    return _joined(document.get("output") or document.get("content"))


def _joined(value: object) -> str:
    """Join the text of a content: a text, or parts of which some have one."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(_joined, value))
    part = object_of(value)
    inner = part.get("text") or part.get("content")
    return inner if isinstance(inner, str) else "".join(map(_part, _list(inner)))


def _part(value: object) -> str:
    text = object_of(value).get("text")
    return text if isinstance(text, str) else ""


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
