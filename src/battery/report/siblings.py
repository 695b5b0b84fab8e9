"""New tasks of the same kind in cells and sentences, the same for every surface; pure."""

from __future__ import annotations

from typing import Final

from battery.base.numbers import counted, more_or_fewer, number, p_equals
from battery.records.findings import Evidence, Siblings, TaskEffect, Transfer, of_kind
from battery.report.evidence import done, in_words, interval, noun, relative, task_heads

_OUTCOMES: Final[dict[Transfer, str]] = {
    "shown": "The gain holds for new tasks as well",
    "memorised": "The gain is on repeated tasks alone",
    "open": "Whether the gain holds for new tasks is open",
    "nothing to show": "Nothing was gained that could hold for new tasks",
}
#: Heads of the table of the two kinds of asking.
HEADS: Final = ("Asked", "Change", "Interval")


def told(evidence: Evidence) -> str | None:
    """Say what new tasks took and what they show; None where none was asked."""
    new = evidence.siblings
    if new is None:
        return None
    tasks = counted(new.tasks, f"{of_kind(new.kind)}task")
    asked = f"{counted(new.asked, 'new task')}, asked once each, of {tasks}"
    parts = [
        f"{asked}: {_cost(new, evidence)}",
        _done(new),
        f"{_tested(new)}.",
        _outcome(evidence, new),
    ]
    return " ".join(filter(None, parts))


def _cost(new: Siblings, evidence: Evidence) -> str:
    if new.ratio is None:
        return f"no {noun(evidence)} of theirs could be compared."
    again = f", a repeated one {more_or_fewer(new.repeated, 1)}" if new.repeated else ""
    took = f"against the twin, a typical one took {more_or_fewer(new.ratio, 1)} {noun(evidence)}"
    return f"{took}{f' ({in_words(new.interval)})' if new.interval else ''}{again}."


def _done(new: Siblings) -> str | None:
    if not new.learn_calls:
        return None
    own, base = done(new.learn_done, new.learn_calls), done(new.frozen_done, new.frozen_calls)
    return f"{own} done, twin {base}."


def _tested(new: Siblings) -> str:
    held = f", held to {number(new.level, 3)}" if new.level else ""
    p = "nothing differs, so there is no p" if new.p is None else f"{p_equals(new.p)}{held}"
    return f"Do they gain as well? {p} ({new.test})"


def _outcome(evidence: Evidence, new: Siblings) -> str:
    if not evidence.trusted:
        return f"But the verdict is {evidence.verdict}, so none of this shows learning."
    return f"{_OUTCOMES[new.outcome]}{f': {new.note}' if new.note else ''}."


def rows(new: Siblings) -> list[list[str]]:
    """Write what `HEADS` names: a typical task asked again, then a new one."""
    return [
        ["again", relative(new.repeated), interval(None)],
        ["for the first time", relative(new.ratio), interval(new.interval)],
    ]


def heads(evidence: Evidence) -> list[str]:
    """Return the heads of the table of new tasks, whose rows are those of tasks."""
    return ["New, like", *task_heads(evidence)[1:]]


def by_task(evidence: Evidence) -> list[TaskEffect]:
    """List new tasks by the task that they are like; empty where none was asked."""
    return evidence.siblings.by_task if evidence.siblings else []
