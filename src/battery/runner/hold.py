"""How a run holds its folder, and asks before each call whether it still does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from battery.records.events import Observer
from battery.store.lock import locked


class Hold(NamedTuple):
    """The writer of a battery's folder.

    A campaign brings one of its own, `battery.campaign.cell`: there another host may take over a
    worker that stands still, and locks do not reach so far.
    """

    #: Holds the folder within a block; raises `FolderError` where another process has it.
    folder: Callable[[Path, Observer], AbstractContextManager[None]] = locked
    #: Raises `LostLeaseError` where no further call may be made.
    require: Callable[[], None] = lambda: None
