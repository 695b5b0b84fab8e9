"""A kind of local target in one file: a system with a diary, driven in the test's own process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from battery.protocol import Json
from battery.records.models import Arm
from battery.system import Ask, Outcome, Verbs
from battery.target.driver import Seat
from battery.target.local import open_local
from battery.target.system import Finding, Kind, Opening, Worker


@dataclass
class Script:
    """What the system does, and what was done to it; a test makes a new one."""

    verbs: Verbs = field(default_factory=lambda: Verbs(tell=True, learn=True))
    #: Whether it writes into its folder already when it is asked.
    eager: bool = False
    #: Whether one line of the diary makes all tasks cheap.
    quick: bool = False
    #: What happened, in order: the arm, the verb, and what of.
    calls: list[tuple[Arm, str, str]] = field(default_factory=list)
    told: list[Outcome] = field(default_factory=list)
    #: By arm, where it writes in place of its folder if it copies its memory by itself.
    drawer: dict[Arm, list[str]] = field(default_factory=lambda: {"learn": [], "frozen": []})
    #: Is called before each verb; may raise.
    before: Callable[[Arm, str], None] = lambda _arm, _verb: None


class Diary:
    """Takes 100 tokens, and 50 where its diary has the operation."""

    def __init__(self, seat: Seat, script: Script) -> None:
        self.seat = seat
        self.script = script
        self.runs = False
        #: What it remembers outside its folder.
        self.secretly: set[str] = set()

    async def start(self) -> Verbs:
        """Begin with an empty head."""
        self.runs, self.secretly = True, set()
        self._note("start", "")
        return self.script.verbs

    async def ask(self, ask: Ask, timeout_s: float) -> Json | str:
        """Answer, and be cheaper for what is known."""
        del timeout_s
        self._note("ask", ask.operation)
        known = ask.operation in self.lines() or ask.operation in self.secretly
        known |= self.script.quick and bool(self.lines())
        self.secretly.add(ask.operation)
        if self.script.eager:
            self._write(ask.operation)
        usage = {"total_tokens": 50 if known else 100}
        return {"text": f"done: {ask.operation}", "usage": usage, "turns": 1}

    async def tell(self, outcome: Outcome, timeout_s: float) -> None:
        """Write down how a task ended."""
        del timeout_s
        self._note("tell", outcome.ask.operation)
        self.script.told.append(outcome)
        self._write(f"told {outcome.ask.operation}")

    async def learn(
        self, outcomes: Sequence[Outcome], on_event: Callable[[Json], None], timeout_s: float
    ) -> list[Json]:
        """Write down what was asked."""
        del timeout_s
        self._note("learn", str(len(outcomes)))
        for outcome in outcomes:
            self._write(outcome.ask.operation)
        event = {"role": "final", "text": f"{len(outcomes)} lines"}
        on_event(event)
        return [event]

    async def snapshot(self, to: Path) -> None:
        """Copy what is in the drawer."""
        self._note("snapshot", "")
        (to / "drawer.txt").write_text("\n".join(self.script.drawer[self.seat.arm]))

    async def restore(self, source: Path) -> None:
        """Fill the drawer again."""
        self._note("restore", "")
        self.script.drawer[self.seat.arm] = (source / "drawer.txt").read_text().splitlines()

    async def fingerprint(self) -> str:
        """Say what is in the drawer."""
        return sha256("\n".join(self.script.drawer[self.seat.arm]).encode()).hexdigest()

    async def stop(self) -> None:
        """End."""
        self.runs = False

    async def look(self) -> Finding:
        """Say that it is there."""
        return Finding(True, "the diary is open")

    def lines(self) -> list[str]:
        """Return the lines of the diary."""
        if self.script.verbs.memory:
            return self.script.drawer[self.seat.arm]
        path = self.seat.memory / "diary.txt"
        return path.read_text().splitlines() if path.exists() else []

    def _write(self, line: str) -> None:
        if self.script.verbs.memory:
            self.script.drawer[self.seat.arm].append(line)
            return
        with (self.seat.memory / "diary.txt").open("a") as file:
            file.write(f"{line}\n")

    def _note(self, verb: str, of: str) -> None:
        assert self.runs
        self.script.before(self.seat.arm, verb)
        self.script.calls.append((self.seat.arm, verb, of))


def kind(script: Script) -> Kind:
    """Return the kind of target that a script is: `diary:` and anything."""

    @asynccontextmanager
    async def opened(opening: Opening) -> AsyncIterator[Sequence[Worker]]:
        async with open_local(opening, lambda seat: Diary(seat, script)) as workers:
            yield workers

    return Kind("diary", lambda text: text.startswith("diary:"), opened, is_local=True)


def lines_of(folder: Any, arm: Arm = "learn") -> list[str]:
    """Return the diary of an arm, as a battery left it."""
    path = folder / "memory" / arm / "diary.txt"
    return path.read_text().splitlines() if path.exists() else []
