"""Texts as words: whether some are in them, and whether they decline a task."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

#: Where answers keep their words: these keys of the artifact, and once more of what is below them.
WORD_KEYS: Final = (
    *("text", "answer", "message", "content", "output", "output_text", "response", "result"),
    *("reply", "summary", "final", "reason", "explanation", "choices"),
)
#: Levels below the artifact; `choices[0].message.content[0].text` has six.
_DEPTH: Final = 6

_SPACELESS: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_LETTERS: Final = rf"[^\W_{_SPACELESS}]+"
# Hyphens, dashes and quotation marks separate words; an apostrophe or a decimal point inside one
# does not. Where a script has no spaces each character is a word: a phrase is several.
_WORD: Final = re.compile(rf"[{_SPACELESS}]|\d+(?:\.\d+)+|{_LETTERS}(?:'{_LETTERS})*")
_APOSTROPHES: Final = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc\u00b4`", "'"))
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def words(text: str) -> list[str]:
    """Split a text into comparable words: Unicode forms, case, spaces, punctuation do not count."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    # Soft hyphens and the like are invisible, and a word with one is the same word.
    if not text.isascii():
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return _WORD.findall(_THOUSANDS.sub("", text))


def has_phrase(text: list[str], phrase: list[str]) -> bool:
    """Return whether words follow each other in a text, as whole words."""
    return f" {' '.join(phrase)} " in f" {' '.join(text)} "


def text_of(value: Any) -> str | None:
    """Return the words of a value: a text, a list of such, or an object that holds some."""
    found = "\n".join(_texts(value, _DEPTH))
    return found if found.strip() else None


def answer_text(answer: Mapping[str, Any]) -> str | None:
    """Return the words of an answer: its artifact if that is a text, else those in it."""
    return text_of(answer.get("artifact"))


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, list):
        for item in value:
            yield from _texts(item, depth - 1)
    elif depth and isinstance(value, dict):
        for key in WORD_KEYS:
            yield from _texts(value.get(key), depth - 1)
