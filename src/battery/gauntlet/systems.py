"""All systems of the gauntlet: what the modules register that it imports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from battery.gauntlet import answers, bills, chances, learners, playbooks, twins
from battery.gauntlet.registry import REGISTERED, Contestant

_MODULES: Final = (answers, bills, twins, chances, playbooks, learners)

#: In the order of the table: false learners, honest ones, then those that nothing can tell.
SYSTEMS: Final[Sequence[Contestant]] = tuple(
    contestant
    for role in ("false", "honest", "unseen")
    for contestant in REGISTERED.values()
    if contestant.role == role
)
