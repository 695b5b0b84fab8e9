"""Lines of text for terminals and pipes: events, tables, what a run would ask."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from textwrap import TextWrapper, wrap
from typing import TYPE_CHECKING, Final, TextIO

from battery.base.clock import awake
from battery.base.numbers import counted, duration, money
from battery.base.text import (
    brief,
    can_show,
    cells,
    printable,
    takes_escapes,
    write_line,
)
from battery.protocol import Json
from battery.records import events
from battery.records.checks import UNCHECKED
from battery.records.models import ARM_NAMES, Phase, RunResult
from battery.records.stages import CHAT_STAGES, DISTILL, STAGE_NAMES
from battery.report.answer import work
from battery.report.measured import so_far
from battery.report.terminal.look import GAP, WIDTH, Look, align, say, widest

if TYPE_CHECKING:
    from battery.report.terminal.views import Views

#: Those who are asked each task.
_SIDES: Final = " and ".join(ARM_NAMES.values())
#: Columns of what a stream says, which may be megabytes; its file has all of it.
_SAID: Final = 200
_STAGE: Final = widest(list(STAGE_NAMES.values()))


def line(event: events.Event, plan: events.Plan | None) -> str | None:
    """Write one event as one line, foreign text made harmless; None for a task that starts.

    Introduction and plan are the exceptions: they take a few. Labels are whole: a log is searched.
    """
    match event:
        case events.Introduction():
            text: str | None = introduction_lines(event)
        case events.Plan():
            text = plan_lines(event)
        case events.StageStarted():
            text = _start_line(event, plan)
        case events.TaskStarted():
            # A task's end brings a line; two would double the log of a long battery.
            text = None
        case events.TaskFinished():
            text = _task_line(event, plan)
        case events.DistillEvent():
            text = _line(event.iteration, plan, DISTILL.name, _said(f"{event.role}: {event.text}"))
        case events.MetaFinished():
            text = _meta_line(event, plan)
        case events.IterationFinished():
            text = iteration_line(event, plan)
        case events.Notice():
            text = notice_line(event)
    return text


def place(iteration: int, plan: events.Plan | None) -> str:
    """Name an iteration: `2/3`, or `4` when the plan does not count that far."""
    # `iterate` adds an iteration to a battery that was planned with fewer.
    if plan is None or iteration > plan.iterations:
        return str(iteration)
    return f"{iteration}/{plan.iterations}"


def notice_line(notice: events.Notice) -> str:
    """Write a notice in full, marked `note:` or `warning:`."""
    return f"{'warning' if notice.warning else 'note'}: {printable(notice.text)}"


def iteration_line(event: events.IterationFinished, plan: events.Plan | None) -> str:
    """Sum up a finished iteration: the effect so far, and the work that was done."""
    parts = filter(None, [so_far(event.metrics, event.twin), work(event.metrics)])
    return f"{place(event.metrics.iteration, plan)}  {'; '.join(parts)}"


def fitted(line: str, width: int) -> str:
    """Break the line of an iteration between its parts, and only then within them."""
    if cells(line) <= width:
        return line
    place, _, text = line.partition("  ")
    indent = " " * (len(place) + 2)
    wrapper = TextWrapper(width, initial_indent=indent, subsequent_indent=indent)
    return place + "\n".join(map(wrapper.fill, text.split("; ")))[len(place) :]


def cost(plan: events.Plan) -> str:
    """Count in one sentence how many calls a battery makes."""
    parts = [f"{counted(plan.iterations, 'iteration')} x {counted(plan.tasks, 'task')}"]
    parts += [f"{plan.repeats:,} repeats"] if plan.repeats > 1 else []
    parts += [_SIDES] if plan.arms > 1 else []
    asks = counted(plan.iterations * plan.tasks * plan.arms * plan.repeats, "task")
    text = f"{counted(plan.calls, 'call')}: {asks} ({' x '.join(parts)})"
    if siblings := sum(plan.siblings):
        sides = f" ({siblings:,} x {_SIDES})" if plan.arms > 1 else ""
        text += f", {counted(siblings * plan.arms, 'new task')} of the same kind{sides}"
    metas = ["distillation", *(stage.noun for stage in CHAT_STAGES)]
    text += "".join(f", {counted(plan.iterations, noun)}" for noun in metas)
    if plan.on_disk:
        text += f"; {plan.on_disk:,} of them are already on disk"
    if plan.confirmations:
        text += f"; up to {plan.confirmations:,} more to ask again what failed"
    return text


def outcome(phase: Phase, result: RunResult) -> str:
    """Write how a call ended, to readers: an impossible task that fails was refused."""
    if result.bluff(phase):
        return "bluff"
    return "refused" if (phase, result.status) == (Phase.GAMMA, "failed") else result.status


def count(number: int | None) -> str:
    """Write turns or tokens; a dash where they are not reported."""
    return "-" if number is None else f"{number:,}"


def introduction_lines(introduction: events.Introduction) -> str:
    """Write whom a battery asks what, a line each."""
    known = introduction._asdict()
    # What people call it comes first, as wherever a battery is headed.
    facts = {key: known[key] for key in ("name", *known) if known[key]}
    names = align([f"{name}:" for name in facts], left=True)
    return "\n".join(
        f"{name} {printable(fact)}" for name, fact in zip(names, facts.values(), strict=True)
    )


def plan_lines(plan: events.Plan, width: int = WIDTH) -> str:
    """Write what a battery costs in calls, and a caution where nothing checks the answers."""
    texts = [cost(plan)] if plan.checked else [cost(plan), UNCHECKED]
    return "\n".join(line for text in texts for line in wrap(text, width, subsequent_indent="  "))


def _task_line(event: events.TaskFinished, plan: events.Plan | None) -> str:
    result = event.result
    arm = f"{ARM_NAMES[event.arm]:<7} " if plan and plan.arms > 1 else ""
    # Padded like the plural, so that the columns after it stay where they are.
    turns = f"{count(result.turns)} turn{' ' if result.turns == 1 else 's'}"
    numbers = f"{turns:>8} {count(result.tokens):>7} tokens {duration(result.elapsed_ms / 1000):>7}"
    marks = {
        "new": event.sibling,
        "asked again": event.confirm,
        "corrected": result.overseer_called,
        "from disk": event.replayed,
    }
    after = ", ".join(mark for mark, holds in marks.items() if holds)
    # The label comes last: columns stay aligned, and it is whole however long it is.
    text = f"{event.label} ({after})" if after else event.label
    start = f"{arm}{outcome(event.phase, result):<7} {numbers}  "
    return _line(event.iteration, plan, event.phase, start + printable(text))


def _meta_line(event: events.MetaFinished, plan: events.Plan | None) -> str:
    took = "from disk" if event.replayed else duration(event.elapsed_ms / 1000)
    text = event.detail if event.failed else f"done: {event.detail}"
    return _line(event.iteration, plan, event.name, f"{_said(text)} ({took})")


def _said(text: str) -> str:
    return brief(text, _SAID, ellipsis="...")


def _start_line(event: events.StageStarted, plan: events.Plan | None) -> str:
    return f"{place(event.iteration, plan)} {printable(event.title)}"


def _line(iteration: int, plan: events.Plan | None, stage: str, text: str) -> str:
    return f"{place(iteration, plan)} {STAGE_NAMES[stage]:<{_STAGE}} {text}"


class QuietProgress:
    """Show warnings only; errors are told elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: events.Event) -> None:
        """Write a warning as one line."""
        if isinstance(event, events.Notice) and event.warning:
            say(notice_line(event), self._stream)


class PlainProgress:
    """Show one plain line per event, as it happens: for logs, pipes and simple terminals."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._look = Look.of(stream)
        self._plan: events.Plan | None = None

    def __call__(self, event: events.Event) -> None:
        """Write the event's line, if it has one."""
        if isinstance(event, events.Plan):
            self._plan = event
        text = line(event, self._plan)
        if isinstance(event, events.Notice):
            say(notice_line(event), self._stream)
        elif text is not None:
            write_line(self._stream, self._look.change(text))


def make_progress(
    *, quiet: bool, stream: TextIO, clock: Callable[[], float] = awake, watching: bool = False
) -> AbstractContextManager[events.Observer]:
    """Choose how progress is shown on the stream, usually standard error.

    Quiet when asked for; the live view on a terminal that can move the cursor and show its
    characters; plain lines otherwise. `clock` gives seconds from any start; `watching` says that
    another process makes the calls.
    """
    if quiet:
        return nullcontext(QuietProgress(stream))
    if not can_draw(stream):
        return nullcontext(PlainProgress(stream))
    return live_views().battery(stream, clock=clock, watching=watching)


def live_views() -> type[Views]:
    """Return what draws live views; only where one is shown, rich is imported."""
    from battery.report.terminal.views import Views  # noqa: PLC0415 - as it says

    return Views


def can_draw(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that can move the cursor and show a live view."""
    return takes_escapes(stream) and can_show(stream, "…·⠋")


def print_outlook(outlook: events.Outlook, stream: TextIO) -> None:
    """Print the cost and one line per call: iteration, stage, arm, repeat and label."""
    say(cost(outlook.plan), stream, GAP)
    if outlook.calls:
        say(_estimate_line(outlook.estimate), stream, GAP)
    for call in outlook.calls:
        say(_call_line(call), stream, GAP)


def outlook_document(outlook: events.Outlook) -> Json:
    """Return the same as one document; arm and repeat are null where a call has none."""
    plan = outlook.plan
    counts = {name: value for name, value in plan._asdict().items() if not isinstance(value, bool)}
    return {
        "seed": outlook.seed,
        "checked": plan.checked,
        "cost": {**counts, "siblings": sum(plan.siblings), "calls": plan.calls},
        "estimate": outlook.estimate._asdict(),
        "calls": [
            {name: value for name, value in call._asdict().items() if name != "key"}
            for call in outlook.calls
        ],
    }


def _estimate_line(estimate: events.Estimate) -> str:
    if estimate.tokens is None:
        return f"no estimate of the tokens: {estimate.basis}"
    # Three digits: more of them would promise what no estimate can keep.
    rounded = round(estimate.tokens, 3 - len(str(estimate.tokens)))
    return f"about {rounded:,} tokens{_bill(estimate)}: {estimate.basis}"


def _bill(estimate: events.Estimate) -> str:
    if estimate.cost_usd is None:
        return ""
    # A range is written once where both ends read alike.
    ends = dict.fromkeys(map(money, estimate.cost_usd))
    return f", {' to '.join(ends)}"


def _call_line(call: events.ScheduledCall) -> str:
    stage, label = STAGE_NAMES[call.stage], printable(call.label)
    arm = ARM_NAMES[call.arm] if call.arm else "-"
    return f"{call.iteration} {stage:<{_STAGE}} {arm:<7} {call.repeat or '-'} {label}"
