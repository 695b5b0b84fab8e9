"""Keep secrets out of everything that is stored or shown, also when a gateway echoes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

REPLACEMENT: Final = "[redacted]"
#: Shorter values are no secrets worth the name, and cutting them out would spoil answers.
MIN_SECRET: Final = 6

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")


class Redactor:
    """Replace header values, and what follows `Bearer` or `Basic` in them, wherever they occur."""

    def __init__(self, header_values: Iterable[str]) -> None:
        secrets = {part for value in header_values for part in (value, value.partition(" ")[2])}
        kept = sorted((s for s in secrets if len(s) >= MIN_SECRET), key=len, reverse=True)
        #: As they may stand in raw JSON, escaped or not.
        self._raw = [s.encode() for s in kept] + [json.dumps(s)[1:-1].encode() for s in kept]
        self._pattern = re.compile("|".join(map(re.escape, kept))) if kept else None

    def text(self, text: str) -> str:
        """Replace every secret in a text."""
        return self._pattern.sub(REPLACEMENT, text) if self._pattern else text

    def document(self, raw: bytes, parsed: Any) -> Any:
        """Replace every secret in a parsed document; `raw` tells cheaply whether there is one."""
        if any(secret in raw for secret in self._raw) or (self._pattern and b"\\u" in raw):
            return self._walk(parsed)
        return parsed

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._walk(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self._walk(item) for key, item in value.items()}
        return value


def printable(text: bytes | str, limit: int) -> str:
    """Cut a foreign text to `limit` characters that cannot move the cursor or ring the bell."""
    if isinstance(text, bytes):
        text = text[: 4 * limit].decode("utf-8", "replace")
    return _CONTROL.sub(" ", text).strip()[:limit]
