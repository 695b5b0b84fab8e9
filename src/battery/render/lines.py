"""Progress events as plain lines that fit 80 columns; pure.

    1/3 beta  fill: Crane hand x2 in Erie, PA   failed   8 turns   4,321 tok *  12.3 s

A long label is cut, with ASCII dots since logs may be; numbers never are.
"""

from __future__ import annotations

from typing import Final

from battery.models import Metrics
from battery.progress import (
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
from battery.render.format import duration, number, percent
from battery.render.text import brief, cells, pad, printable

WIDTH: Final = 80
#: However long the numbers grow, so many columns of a label stay.
_LEAST_LABEL: Final = 8
_DOTS: Final = "..."


def line(event: Event, plan: Plan | None) -> str | None:
    """Write one event as one line, foreign text made harmless; None for a task that starts."""
    match event:
        case Plan():
            text: str | None = _plan_line(event)
        case StageStarted():
            text = _line(event.iteration, plan, event.name, event.title)
        case TaskStarted():
            # A task's end brings a line; two would double the log of a long battery.
            text = None
        case TaskFinished():
            text = _task_line(event, plan)
        case DistillEvent():
            text = _line(event.iteration, plan, "delta", f"{event.role}: {event.text}")
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
    return (
        f"{place(metrics.iteration, plan)} done  {metrics.ok_tasks} of {metrics.total_tasks} ok, "
        f"{metrics.total_tokens:,} tokens, {number(metrics.avg_turns_per_task)} turns a task, "
        f"overseer {percent(metrics.overseer_called_rate)}, {duration(metrics.total_elapsed_s)}"
    )


def _plan_line(plan: Plan) -> str:
    iterations = "1 iteration" if plan.iterations == 1 else f"{plan.iterations} iterations"
    tasks = "1 task" if plan.tasks_per_iteration == 1 else f"{plan.tasks_per_iteration:,} tasks"
    return f"{iterations} of {tasks}; * marks tasks that the overseer corrected"


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
    return _line(event.iteration, plan, event.phase, event.label, numbers)


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
