"""Faults that a gateway can be given on purpose, to show and test what the battery makes of them.

Each is one that real agents have, and works by what the gateway itself has done: none looks at
who asks or how far a battery is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from battery.embedded.actions import Fill, GiveUp, Search
from battery.embedded.policies import Case, Executor, Reply
from battery.embedded.transcript import Transcript
from battery.protocol.wire import Json

#: What a respond call takes longer while the server warms up.
WARM_UP_S: Final = 0.06
#: Why a gateway that forgot fails; it stands in the log and in the error.
CROWDED_OUT: Final = (
    "the playbook fills the working context, so the executor no longer sees what it has done"
)


@dataclass(frozen=True)
class Dials:
    """How a gateway misbehaves; as they come, all dials are off."""

    #: Distillations in the gateway's life after which it forgets how to work; None is never.
    forget_after: int | None = None
    #: Claims success where it would give up for want of supply.
    bluff: bool = False
    #: So many respond calls at the start take `WARM_UP_S` longer.
    warm_up: int = 0

    def forgets(self, distillations: int) -> bool:
        """Tell whether a gateway that has distilled so often has forgotten how to work."""
        return self.forget_after is not None and distillations >= self.forget_after


class CrowdedExecutor:
    """An executor that never sees its own turns, so that it begins anew until they are used up."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def propose(self, case: Case) -> Reply[Search | Fill | GiveUp]:
        """Propose what comes first; what was found before is out of sight."""
        return await self._executor.propose(replace(case, transcript=Transcript()))


def crowded(answer: Json) -> Json:
    """Say in log and error of an answer that the context was full; no error stays none."""
    error = answer["error"]
    return answer | {
        "log": [{"kind": "context", "turn": 0, "text": CROWDED_OUT}, *answer["log"]],
        "error": f"{error}; {CROWDED_OUT}" if error else None,
    }


def bluffed(answer: Json) -> Json:
    """Claim success; workers, turns, tokens and log stay as they are."""
    return answer | {"status": "ok", "error": None}
