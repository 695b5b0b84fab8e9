"""Read verdicts out of sentences, such as "I would approve proposals 1 and 3"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from battery.review.labels import COUNTED_NAME
from battery.review.structure import Form, plain_lines
from battery.review.words import Word, words_in

_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+(?=[\"'(*_]*[A-Z])")
_CLAUSE: Final = re.compile(
    r",\s+(?:and\s+|but\s+)?|;\s+|(?<!\s)\s++(?:and|but|while|whereas)\s++(?!\d)"
)
_MENTION: Final = re.compile(
    rf"(?<![^\W_])(?:{COUNTED_NAME})s?\s*#?\s*"
    r"(?P<first>\d{1,3})(?P<more>(?:\s*(?:[,\u2013-]|,?\s*(?:and|&|to|through|as well as))\s*"
    r"#?\d{1,3}(?!\s*%|\.\d))*)"
    r"(?![\w%]|\.\d)",
    re.IGNORECASE,
)
# Somebody decides here, and does not only use a word: I, we, should be, or the word first.
_DECIDES: Final = re.compile(
    r"\b(?:I|we)\b|\b(?:should|must|can|is|are|be|verdict|vote)\b|^\W*$", re.IGNORECASE
)
# What may follow: a noun would make an accepted practice of it.
_DECIDED: Final = re.compile(
    rf"\W*(?:$|(?<=[^\w\s])|(?:it|this|that|them|as|because|since|with|but|and|for|if|in|on|to|until"
    rf"|once|when|while|by|so|now|{COUNTED_NAME})s?(?![^\W_]))",
    re.IGNORECASE,
)


def spoken_verdicts(text: str, form: Form) -> dict[int, tuple[Word, str]]:
    """Read by number which verdict the sentences give a proposal, and the paragraph that does.

    A proposal that is given two different words is left out: which one counts is not clear.
    """
    given: dict[int, tuple[Word, str]] = {}
    unclear: set[int] = set()
    for paragraph in plain_lines(text, form):
        for number, word in _in_paragraph(paragraph):
            if given.setdefault(number, (word, paragraph))[0] != word:
                unclear.add(number)
    return {number: found for number, found in given.items() if number not in unclear}


def _in_paragraph(paragraph: str) -> Iterator[tuple[int, Word]]:
    about: list[int] = []
    for sentence in _SENTENCE.split(paragraph):
        # A sentence may go on about the proposal that the one before it names.
        if _MENTION.search(sentence):
            about = []
        for clause in [sentence] if len(_words(sentence)) == 1 else _CLAUSE.split(sentence):
            mentions = list(_MENTION.finditer(clause))
            if mentions:
                about = _numbers(mentions[0]) if len(mentions) == 1 else []
            words = _words(clause)
            if len(words) == 1:
                yield from ((number, word) for number in about for word in words)


def _numbers(mention: re.Match[str]) -> list[int]:
    written = mention["first"] + mention["more"]
    span = re.fullmatch(r"(\d+)\s*(?:[\u2013-]|to|through)\s*#?(\d+)", written)
    if span:
        return list(range(int(span[1]), int(span[2]) + 1))
    return [int(number) for number in re.findall(r"\d+", written)]


def mentioned(title: str) -> list[int]:
    """Return the numbers of the proposals that a title such as "Proposals 1 and 3" names."""
    mention = _MENTION.search(title)
    return _numbers(mention) if mention else []


def _words(clause: str) -> set[Word]:
    """Return the verdicts that a clause decides on."""
    return {
        word
        for word, start, written in words_in(clause)
        if written.isupper()
        or (_DECIDES.search(clause[:start]) and _DECIDED.match(clause, start + len(written)))
    }
