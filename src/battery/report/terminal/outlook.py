"""What a dry run prints: how many calls a run would make, then each of them in order."""

from __future__ import annotations

from typing import TextIO

from battery.base.text import printable, write_line
from battery.protocol.wire import Json
from battery.records.events import Outlook, ScheduledCall
from battery.report.terminal.lines import cost


def print_outlook(outlook: Outlook, stream: TextIO) -> None:
    """Print the cost and one line a call: iteration, stage, arm, repeat and label."""
    write_line(stream, cost(outlook.plan))
    for call in outlook.calls:
        write_line(stream, _line(call))


def outlook_document(outlook: Outlook) -> Json:
    """Return the same as one document; arm and repeat are null where a call has none."""
    plan = outlook.plan
    return {
        "seed": outlook.seed,
        "cost": {**plan._asdict(), "calls": plan.calls},
        "calls": [
            {
                "iteration": call.iteration,
                "stage": call.stage,
                "arm": call.arm,
                "repeat": call.repeat,
                "label": call.label,
            }
            for call in outlook.calls
        ],
    }


def _line(call: ScheduledCall) -> str:
    label = printable(call.label)
    return f"{call.iteration} {call.stage:<7} {call.arm or '-':<6} {call.repeat or '-'} {label}"
