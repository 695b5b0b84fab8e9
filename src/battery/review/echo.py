"""Notice what a model only repeats of the prompt: small ones copy the form instead of filling it.

Compared is with the prompt's own words, whatever marks and spaces a model puts around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_WORD: Final = re.compile(r"\w+")
#: So many words in a row are not in both by chance.
_RUN: Final = 3
#: Words of a line that says enough to be compared.
_LONG: Final = 5


class Form:
    """The words in which an answer was asked for."""

    def __init__(self, prompt: str) -> None:
        self._runs = set(_runs(prompt, _RUN))
        self._words = set(_runs(prompt, 1))

    def has(self, text: str) -> bool:
        """Return whether most of a text, word by word, is in the form.

        Not all of it: a model may put a name where the form has a blank.
        """
        runs = _runs(text, _RUN)
        if not runs:
            return set(_runs(text, 1)) <= self._words
        return 2 * sum(run in self._runs for run in runs) > len(runs)

    def is_all(self, texts: Iterable[str | None]) -> bool:
        """Return whether there are texts, and all of them are in the form."""
        given = [text for text in texts if text]
        return bool(given) and all(map(self.has, given))

    def is_most_of(self, answer: str) -> bool:
        """Return whether most lines of an answer repeat the form.

        Headings do not count: those an answer is asked for.
        """
        lines = [line for line in answer.splitlines() if not line.lstrip().startswith("#")]
        long = [line for line in lines if len(_WORD.findall(line)) >= _LONG]
        return 2 * sum(map(self.has, long)) > len(long)


def _runs(text: str, length: int) -> list[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return [tuple(words[at : at + length]) for at in range(len(words) - length + 1)]
