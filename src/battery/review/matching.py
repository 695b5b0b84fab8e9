"""Find the proposal that a verdict is about: by number, title or target file."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from battery.records.models import Proposal
from battery.review.words import REACH

# Titles this alike are the same; less alike than LIKELY, one is not taken for the other.
_SAME, _LIKELY = 0.85, 0.6
_PARENT = re.compile(r".*[/\\](?=.)")
#: Titles that are compared letter by letter with one; of more, those that share most words.
_COMPARED: Final = 10


class Matching:
    """The proposals of a review, to be looked up by what a judgment calls them."""

    def __init__(self, proposals: Sequence[Proposal]) -> None:
        self._proposals = proposals
        self._titles = [_plain(proposal.title) for proposal in proposals]
        self._exact = {title: at for at, title in reversed(list(enumerate(self._titles)))}
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        for at, title in enumerate(self._titles):
            for word in set(title.split()):
                self._by_word[word].append(at)
        # The same judgment is read in several ways, and each names the same titles.
        self._known: dict[str, dict[int, float]] = {}

    def find(self, number: int | None, title: str, written: str) -> int | None:
        """Return the number of the proposal; None when none fits. `written` may name its file."""
        alike = self._alike(title)
        best = max(alike, key=lambda at: alike[at], default=None)
        likeness = 0.0 if best is None else alike[best]
        # Number and title may disagree: models renumber. The title wins only where it clearly
        # belongs to another proposal.
        if number and number <= len(self._proposals):
            own = _likeness(_plain(title), self._titles[number - 1])
            if likeness < _SAME or own > likeness - 0.2:
                return self._proposals[number - 1].number
        # With a number that is no proposal's, only the very title can tell which one was meant.
        if best is not None and likeness >= (_SAME if number else _LIKELY):
            return self._proposals[best].number
        paths = [(p.number, p.target_file) for p in self._proposals if p.target_file]
        named = [number for number, path in paths if _names(written, path)]
        # The last part of a path tells as much where no other file has it.
        named = named or [n for n, path in paths if _names(written, _PARENT.sub("", path), "/\\")]
        return named[0] if len(named) == 1 else None

    def title(self, number: int | None) -> str:
        """Return the title of a proposal; empty when there is none of this number."""
        return next((p.title for p in self._proposals if p.number == number), "")

    def _alike(self, title: str) -> dict[int, float]:
        plain = _plain(title)
        if plain not in self._known:
            exact = self._exact.get(plain)
            self._known[plain] = (
                {at: _likeness(plain, self._titles[at]) for at in self._candidates(plain)}
                if exact is None
                else {exact: 1.0}
            )
        return self._known[plain]

    def _candidates(self, plain: str) -> list[int]:
        if len(self._titles) <= _COMPARED:
            return list(range(len(self._titles)))
        shared = Counter(at for word in set(plain.split()) for at in self._by_word.get(word, ()))
        return sorted(at for at, _ in shared.most_common(_COMPARED))


def _names(written: str, path: str, apart: str = "") -> bool:
    # Not as a part of a longer path or word.
    at = written.find(path)
    before, after = written[max(0, at - 1) : at], written[at + len(path) :][:1]
    return at >= 0 and not (
        re.match(r"[\w-]", before) or before in set(apart) or re.match(r"[\w/\\-]", after)
    )


def _plain(title: str) -> str:
    return " ".join(re.findall(r"\w+", title[:REACH].lower()))


def _likeness(one: str, other: str) -> float:
    """Compare two plain titles, from 0 to 1; a title that holds the other is the same."""
    # A very short title is part of many others by accident.
    if min(len(one), len(other)) > 8 and (one in other or other in one):
        return _SAME
    matcher = SequenceMatcher(None, one, other)
    # An upper bound, and quicker: most titles are not alike at all.
    bound = matcher.quick_ratio()
    return bound if bound < _LIKELY else matcher.ratio()
