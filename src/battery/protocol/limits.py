"""How large an answer may be: of a gateway, a learning side or a model's endpoint alike.

Read the limits as `limits.MAX_EVENTS`, so that one that changes changes for all who read it.
"""

from __future__ import annotations

from typing import Final

from battery.base import jsonio

# An answer is held in memory as a whole, one per worker, so one without end would fill it. A
# hundred turns with 100 kB each are 10 MB; text that is not ASCII takes up to four times its bytes.
#: Bytes of an answer after which it is broken off.
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
# Parsed, a value takes up to 200 bytes, whatever it takes on the wire: `{},` is as large as a page
# of text. A log of 100,000 entries with four keys each is below this.
#: Values of an answer, keys not counted, beyond which it is not parsed.
MAX_ANSWER_VALUES: Final = 500_000
# A long text that is sent token by token takes some ten thousand.
#: Data lines of an event stream beyond which it is broken off.
MAX_EVENTS: Final = 100_000


class TooLargeError(Exception):
    """The answer outgrew a limit; its words go on after "the answer"."""


class ValueCount:
    """Counts the values of an answer before they are parsed; refuses too many."""

    def __init__(self) -> None:
        self._values = self._lines = self._bytes = 0
        #: Documents that were not looked at yet.
        self._uncounted: list[bytes] = []

    def add_event(self, data: bytes) -> None:
        """Count the data of an event, too; raise `TooLargeError` beyond either limit."""
        # Each line may be an event of its own.
        self._lines += 1 + data.count(b"\n")
        if self._lines > MAX_EVENTS:
            raise TooLargeError(f"has more than {MAX_EVENTS:,} events")
        self.add(data)

    def add(self, data: bytes) -> None:
        """Count the values in a JSON document; raise `TooLargeError` beyond the limit."""
        self._bytes += len(data)
        self._uncounted.append(data)
        # No document has more than one value for each byte and one more. Counting them takes
        # longer than parsing.
        if self._bytes + len(self._uncounted) <= MAX_ANSWER_VALUES:
            return
        self._values += sum(map(_values, self._uncounted))
        self._uncounted.clear()
        if self._values > MAX_ANSWER_VALUES:
            raise TooLargeError(
                f"has more than {MAX_ANSWER_VALUES:,} values (about {self._values:,} in "
                f"{self._bytes / 1e6:,.1f} MB)"
            )


def _values(document: bytes) -> int:
    # A value begins a document, or behind one of these; what is inside texts begins none.
    return 1 + sum(map(jsonio.structure(document).count, (b",", b"[", b"{")))
