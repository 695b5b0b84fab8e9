"""How a run holds its folder, and asks before each call whether it still does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from battery.records.events import Observer
from battery.store.lock import locked


class Spent(NamedTuple):
    """What recorded calls have spent, as far as their answers report it."""

    calls: int = 0
    tokens: int = 0
    #: US dollars.
    cost: float = 0.0

    def plus(self, other: Spent) -> Spent:
        """Return the sum of both."""
        return Spent(self.calls + other.calls, self.tokens + other.tokens, self.cost + other.cost)

    def less(self, other: Spent) -> Spent:
        """Return what this is more than another."""
        return Spent(self.calls - other.calls, self.tokens - other.tokens, self.cost - other.cost)

    def most(self, other: Spent) -> Spent:
        """Return the higher of each number."""
        return Spent(
            max(self.calls, other.calls), max(self.tokens, other.tokens), max(self.cost, other.cost)
        )


class Hold(NamedTuple):
    """The writer of a battery's folder.

    A campaign brings one of its own, `battery.campaign.cell`: there another host may take over a
    worker that stands still, and locks do not reach so far.
    """

    #: Holds the folder within a block; raises `FolderError` where another process has it.
    folder: Callable[[Path, Observer], AbstractContextManager[None]] = locked
    #: Raises `LostLeaseError` where no further call may be made.
    require: Callable[[], None] = lambda: None
    #: Told what this run has spent, returns what the other runs have that its caps hold for;
    #: None where the caps are its own.
    others: Callable[[Spent], Spent] | None = None
    #: Whether somebody else sees to it that the memories are empty before the first call.
    empties: bool = False
    #: How to go on where the run is not resumed by itself; None is by resuming it.
    go_on: str | None = None
