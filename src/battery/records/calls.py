"""How a call is named in a journal, and which calls are ahead."""

from __future__ import annotations

from typing import NamedTuple

from battery.protocol.wire import Json
from battery.records.events import Plan
from battery.records.models import LEARN, Arm


class CallKey(NamedTuple):
    """What makes a call of one iteration unmistakable; unused parts are empty."""

    call: str
    #: Role of a chat: overseer or scrum.
    role: str = ""
    arm: str = ""
    task_id: str = ""
    repeat: int = 0


def respond_key(task_id: str, arm: Arm = LEARN, repeat: int = 1) -> CallKey:
    """Name a respond call: which task, in which arm, for the how manieth time."""
    return CallKey("respond", arm=arm, task_id=task_id, repeat=repeat)


def confirm_key(task_id: str, repeat: int) -> CallKey:
    """Name one of the reruns that confirm that an alpha task fails."""
    return CallKey("confirm", arm=LEARN, task_id=task_id, repeat=repeat)


DISTILL_KEY = CallKey("distill")


def chat_key(role: str) -> CallKey:
    """Name a chat call by its role."""
    return CallKey("chat", role=role)


def entry_key(entry: Json) -> CallKey:
    """Read the key back from a journal line."""
    return CallKey(**{name: entry[name] for name in CallKey._fields if name in entry})


class ScheduledCall(NamedTuple):
    """One call ahead; distill, review and judgment have neither arm nor repeat."""

    iteration: int
    #: alpha … zeta.
    stage: str
    arm: Arm | None
    repeat: int | None
    label: str
    key: CallKey


class Outlook(NamedTuple):
    """What a run would ask: how many calls, with which seed, and in which order."""

    plan: Plan
    #: None in a battery of an earlier version.
    seed: int | None
    #: What is not on disk yet; confirmations come on top.
    calls: list[ScheduledCall]
