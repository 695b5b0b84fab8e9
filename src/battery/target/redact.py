"""Keep secrets out of everything that is stored or shown, also when a gateway echoes them.

The client does it as an answer arrives, the one place that every answer and every error passes:
journal, artifacts, terminal, spans and reports then never see a secret, and need not know one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, get_args

from battery.protocol import OVERSEER_KIND, Status

REPLACEMENT: Final = "[redacted]"
#: Shorter values are hardly secrets, and cutting them out of every word would spoil answers.
MIN_SECRET: Final = 6

#: Words of the wire. A header of such a value is no secret, and the answer would be unreadable.
WORDS: Final = frozenset({*get_args(Status), OVERSEER_KIND, "final"})


class Redactor:
    """Replace header values, and what follows `Bearer` or `Basic` in them, wherever they occur.

    Finds them as they are and as JSON writers or URLs escape them. Of a `Basic` value the
    password behind it is a secret, too.
    """

    def __init__(self, header_values: Iterable[str]) -> None:
        # Longest first: where one secret is part of another, the whole one has to go.
        secrets = {part for value in header_values for part in _parts(value)}
        kept = sorted((s for s in secrets if len(s) >= MIN_SECRET), key=len, reverse=True)
        self._kept = kept
        self._pattern = re.compile("|".join(map(_any_spelling, kept))) if kept else None

    def text(self, text: str) -> str:
        """Replace every secret in a text."""
        return self._pattern.sub(REPLACEMENT, text) if self._pattern else text

    def excerpt(self, text: str) -> str:
        """Replace every secret in a text that was cut off, perhaps in the middle of a secret."""
        text = self.text(text)
        # Half a password is a help to whoever guesses the rest.
        for secret in self._kept:
            for length in range(min(len(secret), len(text)), MIN_SECRET - 1, -1):
                if text.endswith(secret[:length]):
                    return text[:-length] + REPLACEMENT
        return text

    def document(self, parsed: Any) -> Any:
        """Replace every secret in a parsed document, in keys as in values."""
        return self._walk(parsed) if self._pattern else parsed

    def error(self, error: BaseException) -> None:
        """Replace every secret in the words of an error and of those that caused it.

        With `--debug` their traceback is shown, and a protocol error quotes what arrived.
        """
        seen: BaseException | None = error
        while seen is not None:
            seen.args = tuple(self.text(arg) if isinstance(arg, str) else arg for arg in seen.args)
            seen = seen.__cause__ or seen.__context__

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return value if value in WORDS else self.text(value)
        if isinstance(value, list):
            return [self._walk(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self._walk(item) for key, item in value.items()}
        return value


def _parts(value: str) -> Iterator[str]:
    # Gateways echo a whole header, the token alone or the password in it.
    yield value
    scheme, _, rest = value.partition(" ")
    yield rest
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest).decode()
        except ValueError:
            return
        yield pair
        yield pair.partition(":")[2]


def _any_spelling(secret: str) -> str:
    r"""Match a secret however its punctuation is escaped: `/`, `\/`, `\u002f`, `%2F`."""
    return "".join(c if c.isalnum() else _escaped(c) for c in secret)


def _escaped(character: str) -> str:
    number = f"{ord(character):02x}"
    return rf"(?:\\*{re.escape(character)}|(?i:\\+u00{number}|%{number}))"
