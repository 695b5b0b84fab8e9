"""Transcripts packed for the page: compressed groups, which the page unpacks when one is opened."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from battery.records.models import Arm

#: A group is unpacked whole to show one call of it.
_GROUP_CALLS: Final = 50
_GROUP_BYTES: Final = 1_000_000
#: All groups of a page together take at most so many characters.
MOST_CHARACTERS: Final = 24_000_000


class Group(NamedTuple):
    """Some transcripts: the names of the calls, and base64 of gzip of one JSON object by name."""

    names: str
    packed: str


class Groups:
    """Pack transcripts (JSON by name) one group after another, until the page is full.

    One group is in memory at a time. `left_out` counts, once all is packed, the transcripts that
    did not fit.
    """

    def __init__(
        self, transcripts: Iterable[tuple[str, bytes]], *, most: int = MOST_CHARACTERS
    ) -> None:
        self._transcripts = transcripts
        self._room = most
        self.left_out = 0

    def __iter__(self) -> Iterator[Group]:
        """Yield the groups in the order of the calls; the same calls give the same groups."""
        for documents in _grouped(self._transcripts):
            group = _packed(documents)
            if len(group.packed) > self._room:
                # What follows is left out too: a page with gaps would be harder to explain.
                self._room = 0
                self.left_out += len(documents)
                continue
            self._room -= len(group.packed)
            yield group


def call_name(iteration: int, arm: Arm, row: int, repeat: int) -> str:
    """Name a call for links into the page; `row` is the task's place in the grid, from 0."""
    return f"call-{iteration}-{arm}-{row}-{repeat}"


def rerun_name(iteration: int, row: int, number: int) -> str:
    """Name one of the reruns that confirm that an easy task fails, counted from 1."""
    return f"call-{iteration}-rerun-{row}-{number}"


def _grouped(transcripts: Iterable[tuple[str, bytes]]) -> Iterator[dict[str, bytes]]:
    documents: dict[str, bytes] = {}
    size = 0
    for name, document in transcripts:
        documents[name] = document
        size += len(document)
        if len(documents) == _GROUP_CALLS or size > _GROUP_BYTES:
            yield documents
            documents, size = {}, 0
    if documents:
        yield documents


def _packed(documents: dict[str, bytes]) -> Group:
    pairs = (b'"%s":%s' % (name.encode(), text) for name, text in documents.items())
    # Without a time in it: the same battery gives the same page, byte for byte.
    packed = gzip.compress(b"{" + b",".join(pairs) + b"}", mtime=0)
    return Group(" ".join(documents), base64.b64encode(packed).decode())
