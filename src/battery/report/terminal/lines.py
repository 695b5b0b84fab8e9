"""Progress events as plain lines that fit 80 columns; pure.

    1/3 beta  fill: Crane hand x2 in Erie, PA   failed   8 turns   4,321 tok *  12.3 s

    1/3 beta  frozen: fill: Crane hand x2...    failed   8 turns   4,321 tok *  12.3 s

A long label is cut, with ASCII dots since logs may be; numbers never are.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Final

from battery.base.numbers import duration
from battery.base.text import brief, cells, pad, printable
from battery.records.events import (
    DistillEvent,
    Event,
    IterationFinished,
    MetaFinished,
    Notice,
    Plan,
    StageStarted,
    TaskFinished,
    TaskStarted,
)
from battery.records.metric import TABLE
from battery.records.models import FROZEN, Metrics
from battery.records.stages import CHAT_STAGES, DISTILL

WIDTH: Final = 80
#: However long the numbers grow, so many columns of a label stay.
_LEAST_LABEL: Final = 8
_DOTS: Final = "..."


def line(event: Event, plan: Plan | None) -> str | None:
    """Write one event as one line, foreign text made harmless; None for a task that starts.

    The plan is the exception: it takes a few.
    """
    match event:
        case Plan():
            text: str | None = _plan_lines(event)
        case StageStarted():
            text = _line(event.iteration, plan, event.name, event.title)
        case TaskStarted():
            # A task's end brings a line; two would double the log of a long battery.
            text = None
        case TaskFinished():
            text = _task_line(event, plan)
        case DistillEvent():
            text = _line(event.iteration, plan, DISTILL.name, f"{event.role}: {event.text}")
        case MetaFinished():
            text = _meta_line(event, plan)
        case IterationFinished():
            text = iteration_line(event.metrics, plan)
        case Notice():
            text = notice_line(event)
    return text


def place(iteration: int, plan: Plan | None) -> str:
    """Name an iteration: `2/3`, or `4` when the plan does not count that far."""
    # `iterate` adds an iteration to a battery that was planned with fewer.
    if plan is None or iteration > plan.iterations:
        return str(iteration)
    return f"{iteration}/{plan.iterations}"


def notice_line(notice: Notice) -> str:
    """Write a notice in full, marked `note:` or `warning:`."""
    return f"{'warning' if notice.warning else 'note'}: {printable(notice.text)}"


def iteration_line(metrics: Metrics, plan: Plan | None) -> str:
    """Sum up a finished iteration."""
    values = ((metric.line, getattr(metrics, metric.key)) for metric in TABLE)
    parts = [line(value) for line, value in values if line and value is not None]
    done = f"{place(metrics.iteration, plan)} done  {metrics.ok_tasks} of {metrics.total_tasks} ok"
    return ", ".join([done, *parts])


def cost(plan: Plan) -> str:
    """Say in one sentence how many calls a battery makes."""
    parts = [f"{_counted(plan.iterations, 'iteration')} x {_counted(plan.tasks, 'task')}"]
    parts += [f"{plan.arms} arms"] if plan.arms > 1 else []
    parts += [f"{plan.repeats:,} repeats"] if plan.repeats > 1 else []
    asks = _counted(plan.iterations * plan.asks_per_iteration, "task")
    text = f"{_counted(plan.calls, 'call')}: {asks} ({' x '.join(parts)})"
    chats = _listed([stage.noun for stage in CHAT_STAGES])
    text += f", {plan.iterations:,} distill, {len(CHAT_STAGES) * plan.iterations:,} {chats}"
    if plan.on_disk:
        text += f"; {plan.on_disk:,} of them are already on disk"
    if plan.confirmations:
        text += f"; up to {plan.confirmations:,} more to confirm alpha tasks that fail"
    return text


def prefix(event: TaskStarted | TaskFinished) -> str:
    """Say before a label what sets a call apart: the frozen arm, or a task asked again."""
    if event.confirm:
        return "again: "
    return "frozen: " if event.arm == FROZEN else ""


def _plan_lines(plan: Plan) -> str:
    legend = "* marks tasks that the overseer corrected"
    if plan.arms > 1:
        legend += "; frozen: the arm that never learns"
    return "\n".join([*wrap(cost(plan), WIDTH, subsequent_indent="  "), legend])


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _listed(nouns: Sequence[str]) -> str:
    *first, last = nouns
    return f"{', '.join(first)} and {last}" if first else last


def _task_line(event: TaskFinished, plan: Plan | None) -> str:
    result = event.result
    # Padded like the plural, so that the columns after it stay where they are.
    turns = f"{result.turns} turn{' ' if result.turns == 1 else 's'}"
    mark = "*" if result.overseer_called else " "
    saved = " saved" if event.replayed else ""
    numbers = (
        f" {result.status:<7} {turns:>8} {result.tokens:>7,} tok {mark}"
        f" {duration(result.elapsed_ms / 1000):>7}{saved}"
    )
    return _line(event.iteration, plan, event.phase, prefix(event) + event.label, numbers)


def _meta_line(event: MetaFinished, plan: Plan | None) -> str:
    saved = " saved" if event.replayed else ""
    numbers = f" {duration(event.elapsed_ms / 1000):>7}{saved}"
    return _line(event.iteration, plan, event.name, f"done: {event.detail}", numbers)


def _line(iteration: int, plan: Plan | None, stage: str, label: str, numbers: str = "") -> str:
    start = f"{place(iteration, plan)} {printable(stage):<5} "
    # The label gets what the numbers leave over.
    room = max(WIDTH - cells(start) - cells(numbers), _LEAST_LABEL)
    if not numbers:
        return start + brief(label, room, ellipsis=_DOTS)
    return start + pad(brief(label, room, ellipsis=_DOTS), room) + numbers
