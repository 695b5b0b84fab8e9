"""What a kind of local system has to bring: how one of its arms is started, asked and stopped.

A driver knows no twin, no copies and no journal: `battery.target.local` does all that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from battery.inputs.secrets import without_own_secrets
from battery.protocol import Json
from battery.records.models import Arm
from battery.system import Ask, Outcome, Verbs
from battery.target.system import Finding

#: What to do about a fault of the system's own.
FIX: Final = "fix that; what finished is on disk"
#: Folders of the home would lead a program to it whatever `HOME` says.
_HOMES: Final = re.compile("XDG_[A-Z]+_HOME")


@dataclass(frozen=True)
class Seat:
    """What a driver is told of the arm that it drives."""

    arm: Arm
    #: The folder to remember in; it is there, and battery copies and replaces it between calls.
    memory: Path
    #: A folder for whatever is not memory, such as a home of its own; emptied before each start.
    scratch: Path
    #: The executor model of the tasks file.
    model: str
    #: Variables for its process on top of the environment, such as the meter's address.
    environment: Mapping[str, str] = field(default_factory=dict)

    def away_from_home(self, home: Path, temporary: Path) -> dict[str, str]:
        """Return what a program inherits that is to find no memory but its own.

        `environment` is not in it: nothing that a driver adds may win over that.
        """
        inherited = without_own_secrets(os.environ).items()
        return {
            **{name: value for name, value in inherited if not _HOMES.fullmatch(name)},
            # For a program that has to log in, or finds its models, in the home of its user.
            "BATTERY_HOME": str(Path.home()),
            "BATTERY_MEMORY": str(self.memory),
            "BATTERY_MODEL": self.model,
            "HOME": str(home),
            "TMPDIR": str(temporary),
        }


class Driver(Protocol):
    """One arm of a local system. One method is called at a time, between `start` and `stop`.

    All but `stop` raise `CallError`: what the system did wrong, with its own last words, and what
    to do. Timeouts are seconds.
    """

    async def start(self) -> Verbs:
        """Start the system on its folder as it is now; return which methods it has."""
        ...

    async def ask(self, ask: Ask, timeout_s: float) -> Json | str:
        """Ask one turn of a task; return what the system answered, a text or a JSON object."""
        ...

    async def tell(self, outcome: Outcome, timeout_s: float) -> None:
        """Tell how a task ended."""
        ...

    async def learn(
        self, outcomes: Sequence[Outcome], on_event: Callable[[Json], None], timeout_s: float
    ) -> list[Json]:
        """Have it learn; return all events, and hand out each as it comes.

        The timeout is for the time without any event.
        """
        ...

    async def snapshot(self, to: Path) -> None:
        """Have it write its memory into an empty folder; only with `Verbs.memory`, as below."""
        ...

    async def restore(self, source: Path) -> None:
        """Have it replace its memory by such a copy."""
        ...

    async def fingerprint(self) -> str:
        """Ask for the fingerprint of its memory."""
        ...

    async def stop(self) -> None:
        """End the system and everything it has started; harmless when it does not run."""
        ...

    async def look(self) -> Finding:
        """Find out whether it can be started, without asking it anything."""
        ...


class WithoutCopies:
    """Part of a driver whose system makes no copies of its memory: all of that is in a folder."""

    async def snapshot(self, to: Path) -> None:
        """Fail: only a system with `Verbs.memory` is asked to."""
        raise NotImplementedError

    async def restore(self, source: Path) -> None:
        """Fail, as above."""
        raise NotImplementedError

    async def fingerprint(self) -> str:
        """Fail, as above."""
        raise NotImplementedError
