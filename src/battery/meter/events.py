"""Server-sent events cut out of bytes that somebody else must get as they are."""

from __future__ import annotations

import re
from typing import Final

#: A line end and an empty line; a carriage return may be followed by what makes it one line end.
_BLANK_LINE: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
# Only small events matter here: those with tokens of text, and those with counts.
#: Bytes of an event after which it is handed out in pieces, which mean nothing.
MAX_EVENT_BYTES: Final = 1 << 20


class EventCutter:
    """Cut a stream into events, whatever the pieces in which it arrives.

    The events together are the stream, byte for byte. A read-ahead of a character or a line end is
    never needed: bytes are compared, and no text is decoded before an event is whole.
    """

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the events that are whole now, blank lines included."""
        # The longest blank line has four bytes, of which three may have been there.
        start = max(0, len(self._rest) - 3)
        self._rest += data
        events, last = [], 0
        for blank in _BLANK_LINE.finditer(self._rest, start):
            events.append(bytes(self._rest[last : blank.end()]))
            last = blank.end()
        del self._rest[:last]
        return [*events, self.rest()] if len(self._rest) > MAX_EVENT_BYTES else events

    def rest(self) -> bytes:
        """Return what is left of an event without an end, and forget it."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest


def event_data(event: bytes) -> bytes:
    """Return the data of an event, its lines joined as the format says; empty without any."""
    lines = (line for line in _LINE_END.split(event) if line.startswith(b"data:"))
    return b"\n".join(line.removeprefix(b"data:").removeprefix(b" ") for line in lines)
