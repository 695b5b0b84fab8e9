"""What the two batteries of a comparison are called, in sentences and in headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from battery.base.text import cells, printable

#: A longer name would push the numbers out of a table of 80 columns.
_WIDEST: Final = 26
#: A folder of the archive is called after its start.
_ARCHIVED: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z")


class Names(NamedTuple):
    """What the batteries before and after are called; never the same."""

    before: str
    after: str


#: Where nothing tells them apart, as when a battery is compared with itself.
_BY_ORDER: Final = Names("before", "after")


class Called(NamedTuple):
    """What a battery may be called by."""

    #: What its user calls it, if anything.
    name: str | None
    folder: Path


def tell_apart(before: Called, after: Called) -> Names:
    """Choose the shortest names that tell two batteries apart, cut to 26 columns.

    A battery's own name if only one of them has it, else the shortest name of a folder; of an
    archived one the time of its start.
    """
    pairs = _candidates(before, after)
    # A name may consist of marks alone, which take no column.
    return next(Names(*pair) for pair in pairs if all(map(cells, pair)) and len(set(pair)) > 1)


def _candidates(before: Called, after: Called) -> Iterator[tuple[str, str]]:
    folders = _folders(before.folder, after.folder)
    own = (before.name or folders[0], after.name or folders[1])
    for a, b in (own, folders):
        yield _short(a), _short(b)
    yield _BY_ORDER


def _folders(before: Path, after: Path) -> tuple[str, str]:
    """Return the last part in which two paths differ, of each; empty where none differs."""
    # The drive and the root are not names that anybody gave; a link keeps the name that it has.
    a, b = (
        (path.resolve() if ".." in path.parts else path.absolute()).parts[1:]
        for path in (before, after)
    )
    pairs = zip(reversed(a), reversed(b), strict=False)
    return next(((one, other) for one, other in pairs if one != other), ("", ""))


def _short(name: str) -> str:
    # As a date a reader takes it in at once, and where there is little room it folds at its space.
    name = _ARCHIVED.sub(r"\1 \2:\3:\4", name)
    # In a comment of a pull request no name may notify anybody.
    shown = printable(name).replace("@", "(at)")
    if cells(shown) <= _WIDEST:
        return shown
    # Folders are most often told apart by how they end.
    head, tail = shown[: _WIDEST // 3], shown
    while cells(head) + 1 + cells(tail) > _WIDEST:
        tail = tail[1:]
    return f"{head}…{tail}"
