"""The list of systems that run the gauntlet; one decorated class makes one more."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from battery.gauntlet.agent import Agent
from battery.gauntlet.world import Checks, Layout

#: What a system is: it only seems to learn, it does learn, or nothing that a battery sees can tell.
Role = Literal["false", "honest", "unseen"]

A = TypeVar("A", bound=type[Agent])


@dataclass(frozen=True)
class Contestant:
    """A system and the battery that it is put through."""

    name: str
    role: Role
    agent: type[Agent]
    iterations: int = 5
    repeats: int = 1
    counts: tuple[int, int, int] = (3, 3, 2)
    #: Whether each task has a sibling per iteration.
    siblings: bool = True
    checks: Checks = "exact"
    prices: bool = False
    #: Of one that nothing can tell from a learner: what would.
    unmasked_by: str = ""

    @property
    def story(self) -> str:
        """What it does, in one line: the first of the agent's docstring."""
        return inspect.cleandoc(self.agent.__doc__ or "").partition("\n")[0]

    @property
    def layout(self) -> Layout:
        """What its world is like."""
        siblings = self.iterations if self.siblings else 0
        return Layout(self.counts, siblings, self.checks, self.prices)


#: By name, in the order of the modules and of the classes in them.
REGISTERED: Final[dict[str, Contestant]] = {}


def false(name: str, **battery: Any) -> Callable[[A], A]:
    """Register an agent that only seems to learn; `battery` are fields of its `Contestant`."""
    return _registering(name, "false", battery)


def honest(name: str, **battery: Any) -> Callable[[A], A]:
    """Register an agent that does learn."""
    return _registering(name, "honest", battery)


def unseen(name: str, unmasked_by: str, **battery: Any) -> Callable[[A], A]:
    """Register an agent that only seems to learn, which nothing in a battery can show."""
    return _registering(name, "unseen", {"unmasked_by": unmasked_by, **battery})


def _registering(name: str, role: Role, battery: dict[str, Any]) -> Callable[[A], A]:
    def register(agent: A) -> A:
        if name in REGISTERED:
            raise ValueError(f"two systems of the gauntlet are called {name!r}")
        REGISTERED[name] = Contestant(name, role, agent, **battery)
        return agent

    return register
