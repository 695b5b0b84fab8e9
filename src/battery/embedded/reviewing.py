"""Write the overseer review of an iteration by rules, from its numbers alone.

The numbers are read out of the overseer prompt, also when they were cut off there. Every sentence
rests on a number or an error text of the evidence. A proposal comes up only when the numbers give
it a reason, and says how far its metric could move at most.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final, NamedTuple

from pydantic import BaseModel, ValidationError

from battery.base import jsonio
from battery.protocol import Json

_BLOCK: Final = re.compile(r"```json\s*\n(.*?)(?:\n```|\Z)", re.DOTALL)
_METRICS: Final = re.compile(r'"metrics"\s*:\s*')
_TASKS: Final = re.compile(r'"tasks"\s*:\s*\[')
_BETWEEN: Final = re.compile(r"[\s,]*")


class Row(BaseModel):
    """One task of the iteration, in the battery's own keys; null where it was not measured."""

    operation: str
    phase: str | None = None
    status: str | None = None
    iterations: int | None = None
    tokens: int | None = None
    overseer_called: bool | None = None
    error: str | None = None
    elapsed_s: float | None = None


class Figures(NamedTuple):
    """What could be read of an iteration; `gap` says what could not, None when all could."""

    metrics: Json
    rows: list[Row]
    gap: str | None

    def number(self, metric: str) -> float | None:
        """Return a metric's value; None when it is missing or no number."""
        value = self.metrics.get(metric)
        return value if isinstance(value, int | float) else None


def read_figures(prompt: str) -> Figures:
    """Read metrics and task rows from the prompt's JSON block; salvage what a cut left whole."""
    found = _BLOCK.search(prompt)
    if found is None:
        return Figures({}, [], "there is no block of evidence in the question")
    block = found[1]
    # The standard parser, not the fast one: only it can stop after the first whole value.
    try:
        evidence = json.loads(block)
    except ValueError:
        return _salvage(block)
    if not isinstance(evidence, dict):
        return Figures({}, [], "the evidence is not an object with metrics and tasks")
    return _figures(evidence.get("metrics"), evidence.get("tasks"), None)


def _salvage(block: str) -> Figures:
    metrics = _first(block, _METRICS)
    tasks = _items(block)
    gap = f"the evidence breaks off; {len(tasks)} task rows could be read whole"
    if metrics is None:
        gap += ", the metrics could not"
    # Nothing is guessed about the rest; the review says that it is missing.
    return _figures(metrics, tasks, gap)


def _figures(metrics: object, tasks: object, gap: str | None) -> Figures:
    rows = [row for task in (tasks if isinstance(tasks, list) else []) if (row := _row(task))]
    return Figures(metrics if isinstance(metrics, dict) else {}, rows, gap)


def _row(task: object) -> Row | None:
    try:
        return Row.model_validate(task)
    except ValidationError:
        return None


def _first(block: str, key: re.Pattern[str]) -> object:
    found = key.search(block)
    if found is None:
        return None
    try:
        return json.JSONDecoder().raw_decode(block, found.end())[0]
    except ValueError:
        return None


def _items(block: str) -> list[object]:
    """Read the elements of the tasks list, up to the one that the cut broke."""
    found = _TASKS.search(block)
    items: list[object] = []
    at = found.end() if found else len(block)
    while between := _BETWEEN.match(block, at):
        try:
            item, at = json.JSONDecoder().raw_decode(block, between.end())
        except ValueError:
            break
        items.append(item)
    return items


#: Turns of a task that goes straight: one search, one fill or give-up.
STRAIGHT: Final = 2
# What the owner of this gateway can change: what it is asked, and what it remembers. Its code is
# battery's own, so a proposal for that would be one that nobody can follow.
_TASKS_FILE: Final = "tasks.json"
#: Lessons written by hand, which the memory reads like those that it distilled itself.
PLAYBOOK: Final = "gateway/learn/distilled_by_hand.jsonl"
#: Error texts that the review quotes are cut here.
_QUOTE: Final = 160


class _Proposal(NamedTuple):
    title: str
    target: str
    rationale: str
    impact: str


def json_block(value: Json) -> str:
    """Write the block that repeats an answer for a program."""
    return f"```json\n{jsonio.dumps_indented(value).decode()}```"


def write_review(figures: Figures) -> str:
    """Write the review in the three sections that the battery asks for."""
    # Metrics may have been cut off; then the number is not known and not made up.
    following = int(figures.number("iteration") or 0) + 1
    after = f"iteration {following}" if following > 1 else "the next iteration"
    return "\n\n".join(
        [
            "## What worked",
            _lines([_worked(row) for row in figures.rows if _went_well(row)]),
            _standing(figures),
            "## What failed",
            _lines([_failed(row) for row in figures.rows if not _went_well(row)]),
            *([f"Not everything could be read: {figures.gap}."] if figures.gap else []),
            f"## Proposed changes for {after}",
            _proposals(figures),
        ]
    )


def _went_well(row: Row) -> bool:
    # An overseer that had to step in is a cost that the next iteration should save.
    return row.status == "ok" and row.phase != "gamma" and not row.overseer_called


def _worked(row: Row) -> str:
    return f"`{row.operation}` ({row.phase}): ok, {_cost(row)}, `overseer_called` is false."


def _failed(row: Row) -> str:
    return f"`{row.operation}` ({row.phase}): *{_class(row)}*. {_why(row)} It took {_cost(row)}."


def _class(row: Row) -> str:
    if row.status == "blocked":
        # The gateway could not even read the task: that says nothing of what it can do.
        return "false positive of the test"
    # A gamma task has no supply by design, so success is what needs explaining there.
    if row.phase == "gamma":
        return "false positive of the test" if row.status == "ok" else "truly impossible"
    return "drift to repair"


def _why(row: Row) -> str:
    if row.phase == "gamma" and row.status != "blocked":
        if row.status == "ok":
            return "It has no supply by design and yet ended ok."
        # The error text comes from a gateway, so it is quoted, on one line.
        said = " ".join((row.error or "").split())[:_QUOTE]
        return f'It failed as it should: "{said}".' if said else "It failed without an error text."
    if row.status == "ok":
        return "It ended ok, but only after the overseer's correction."
    return f'It ended {row.status}: "{" ".join((row.error or "no error text").split())[:_QUOTE]}".'


def _cost(row: Row) -> str:
    turns = "turns not measured" if row.iterations is None else f"{row.iterations} turns"
    tokens = "tokens not measured" if row.tokens is None else f"{row.tokens} tokens"
    return f"{turns}, {tokens}"


def _standing(figures: Figures) -> str:
    names = ("ok_tasks", "total_tasks", "total_tokens", "avg_turns_per_task")
    known = [(name, figures.number(name)) for name in (*names, "overseer_called_rate")]
    text = ", ".join(f"{name} {value:g}" for name, value in known if value is not None)
    count = len(figures.rows)
    caution = f"One iteration of {count} tasks says nothing of a trend."
    return f"Overall: {text}. {caution}" if text else caution


def _proposals(figures: Figures) -> str:
    made = [proposal for rule in _RULES if (proposal := rule(figures))]
    if not made:
        return "None: no task row could be read, and a proposal without a number would be a guess."
    texts = [
        f"### {number}. {one.title}\n\n**Target file**: `{one.target}`\n\n"
        f"**Rationale**: {one.rationale}\n\n**Expected impact**: {one.impact}"
        for number, one in enumerate(made, start=1)
    ]
    records = [
        {
            "number": number,
            "title": one.title,
            "target_file": one.target,
            "rationale": one.rationale,
            "expected_impact": one.impact,
            # Every impact begins with its metric.
            "metric": one.impact.split("`")[1],
        }
        for number, one in enumerate(made, start=1)
    ]
    return "\n\n".join([*texts, json_block({"proposals": records})])


def _teach_words(figures: Figures) -> _Proposal | None:
    fired = [row for row in figures.rows if row.overseer_called]
    if not fired:
        return None
    total = len(figures.rows)
    return _Proposal(
        "Write down the words that the overseer had to explain",
        PLAYBOOK,
        f"The overseer had to step in for {len(fired)} of {total} tasks: {_named(fired)}.",
        f"`overseer_called_rate` falls by at most {len(fired) / total:.2f}, if all of these "
        "were held up by words alone.",
    )


def _repair_drift(figures: Figures) -> _Proposal | None:
    meant = [row for row in figures.rows if row.phase != "gamma"]
    lost = [row for row in meant if row.status != "ok"]
    if not lost:
        return None
    return _Proposal(
        "Add the words of the tasks that were lost",
        PLAYBOOK,
        f"Of the possible tasks, {len(lost)} of {len(meant)} did not end ok: {_named(lost)}.",
        f"`ok_tasks` rises by up to {len(lost)}, if their words were the cause.",
    )


def _recheck_gamma(figures: Figures) -> _Proposal | None:
    gamma = [row for row in figures.rows if row.phase == "gamma"]
    filled = [row for row in gamma if row.status == "ok"]
    if not filled:
        return None
    return _Proposal(
        "Replace impossible tasks that can be done",
        _TASKS_FILE,
        f"Of the impossible tasks, {len(filled)} of {len(gamma)} ended ok and so do not test an "
        f"honest failure: {_named(filled)}.",
        f"`ok_tasks` falls by {len(filled)}, to the number that the tasks deserve.",
    )


def _fewer_turns(figures: Figures) -> _Proposal | None:
    longest = _largest(figures.rows, lambda row: row.iterations)
    turns = [row.iterations for row in figures.rows if row.iterations is not None]
    if longest is None:
        return None
    used = f"`{longest.operation}` used {longest.iterations} turns, the most of {len(turns)} tasks"
    straight = f"one search and one proposal are {STRAIGHT}"
    spare = sum(max(0, taken - STRAIGHT) for taken in turns) / len(turns)
    if not spare:
        # Nothing is left to gain here: another change of the gateway would be for show.
        return _Proposal(
            "Ask for something harder",
            _TASKS_FILE,
            f"{used}; {straight}. These tasks have nothing left to learn.",
            f"`avg_turns_per_task` cannot fall below {sum(turns) / len(turns):.2f} here; on harder "
            "tasks it would rise first, and could then show learning again.",
        )
    return _Proposal(
        "Write down a plan for the task that took most turns",
        PLAYBOOK,
        f"{used}; {straight}.",
        f"`avg_turns_per_task` falls by at most {spare:.2f}, when every task goes straight.",
    )


def _shorter_prompts(figures: Figures) -> _Proposal | None:
    most = _largest(figures.rows, lambda row: row.tokens)
    tokens = [row.tokens for row in figures.rows if row.tokens is not None]
    if most is None or most.tokens is None:
        return None
    middle = median(tokens)
    above = most.tokens - middle
    bound = f"by about {above:g}, if this task comes down to the median"
    # Where all cost the same there is no median to come down to, only the cost itself.
    alone = f"by less than {most.tokens}, all that this task cost"
    # A task that went straight has no turn to save, only what each of its turns reads.
    plan = (most.iterations or 0) > STRAIGHT
    return _Proposal(
        "Write down a plan for the most expensive task"
        if plan
        else "Shorten the lessons that go with the most expensive task",
        PLAYBOOK,
        f"`{most.operation}` cost {most.tokens} of {sum(tokens)} tokens; the median task "
        f"cost {middle:g}. Each turn sends its lessons and the whole transcript again.",
        f"`total_tokens` falls {bound if above else alone}.",
    )


def _fewer_calls(figures: Figures) -> _Proposal | None:
    slowest = _largest(figures.rows, lambda row: row.elapsed_s)
    times = [row.elapsed_s for row in figures.rows if row.elapsed_s is not None]
    if slowest is None or slowest.elapsed_s is None:
        return None
    return _Proposal(
        "Write down a plan for the slowest task",
        PLAYBOOK,
        f"`{slowest.operation}` took {slowest.elapsed_s:.3f} s of {sum(times):.3f} s, the most "
        f"of {len(times)} tasks; every turn waits for the executor and then the reviewer.",
        f"`total_elapsed_s` falls by less than {slowest.elapsed_s:.3f} s for this task, because "
        "the last search and the last proposal remain.",
    )


_RULES: Final[Sequence[Callable[[Figures], _Proposal | None]]] = (
    _repair_drift,
    _recheck_gamma,
    _teach_words,
    _fewer_turns,
    _shorter_prompts,
    _fewer_calls,
)


def _largest(rows: list[Row], size: Callable[[Row], float | None]) -> Row | None:
    measured = [row for row in rows if size(row) is not None]
    return max(measured, key=lambda row: size(row) or 0, default=None)


def _named(rows: list[Row]) -> str:
    shown = ", ".join(f"`{row.operation}`" for row in rows[:3])
    return shown if len(rows) <= 3 else f"{shown} and {len(rows) - 3} more"


def _lines(items: list[str]) -> str:
    return "\n".join(f"- {item}" for item in items) or "Nothing."
