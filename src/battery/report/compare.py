"""A comparison in cells and sentences, the same for terminal, Markdown and page; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from battery.base.numbers import HUGE, counted, number, p_equals, p_value, percent, signed
from battery.records.checks import UNCHECKED
from battery.records.comparison import (
    Change,
    Comparison,
    CostChange,
    Difference,
    DoneChange,
    Means,
    NamedTask,
    Side,
    TaskPair,
)
from battery.records.metric import ELAPSED, METRICS, OK, OVERSEER
from battery.records.models import FROZEN
from battery.records.word import Flip
from battery.report.evidence import NONE, mean, relative
from battery.report.evidence import done as ended_ok
from battery.verdict import policy

#: What a word holds for, in short; `Comparison.scope` has all of it.
HOLDS: Final = (
    "Holds for these two batteries, one run each. For a claim about the systems: battery campaign "
    "plan"
)
#: Head of the column with intervals.
INTERVAL: Final = f"{percent(1 - policy.compared(), 1)} interval"
#: So many of the largest changes by task are named, each way.
MOST: Final = 5
#: So many iterations are named one by one where some between them are missing.
_MOST_NUMBERS: Final = 8
#: A smaller change than this prints as none.
LEAST: Final = 0.0005


def heads(comparison: Comparison) -> list[str]:
    """Return the heads of what a table shows of each metric."""
    return ["Metric", comparison.before.name, comparison.after.name, "Change", INTERVAL, "p"]


def rows(change: Change, *, timed: bool = True) -> list[list[str]]:
    """Write what `heads` names, a row per metric: the two that decide first, time if `timed`."""
    others = [means for means in change.others if timed or means.metric != ELAPSED]
    return [_cost(change.cost), _done(change.done), *map(_means, others)]


def _cost(cost: CostChange) -> list[str]:
    return [
        _label(cost.metric),
        mean(cost.metric, cost.before),
        mean(cost.metric, cost.after),
        relative(cost.ratio),
        span(cost),
        p_value(cost.p),
    ]


def _done(done: DoneChange) -> list[str]:
    points = NONE if done.difference is None else f"{signed(100 * done.difference, 1)} pts"
    sides = (
        ended_ok(done.before, done.before_calls),
        ended_ok(done.after, done.after_calls),
    )
    return [_label(OK), *sides, points, "", p_value(done.p)]


def _means(means: Means) -> list[str]:
    sides = (mean(means.metric, value) for value in (means.before, means.after))
    return [_label(means.metric), *sides, "", "", ""]


def _label(metric: str) -> str:
    if metric == OVERSEER:
        return "overseer"
    return "tasks done" if metric == OK else f"{METRICS[metric].plain} per task"


def span(cost: CostChange) -> str:
    """Write the interval of the cost, or that so few tasks have none."""
    if cost.interval is None:
        return NONE if cost.ratio is None else "too few tasks"
    return f"{relative(cost.interval.low)} to {relative(cost.interval.high)}"


def share(value: float | None) -> str:
    """Write a share of runs."""
    return NONE if value is None else percent(value)


def plain(comparison: Comparison) -> str:
    """Return what people call the cost."""
    return METRICS[comparison.cost].plain


def task_heads(comparison: Comparison) -> list[str]:
    """Return the heads of what both surfaces with a table of tasks show of each."""
    cost, names = plain(comparison), (comparison.before.name, comparison.after.name)
    return [f"{what}, {name}" for what in ("ok", cost) for name in names]


def task_cells(pair: TaskPair, comparison: Comparison) -> list[str]:
    """Write what `task_heads` names."""
    return [
        share(pair.ok_before),
        share(pair.ok_after),
        mean(comparison.cost, pair.cost_before),
        mean(comparison.cost, pair.cost_after),
    ]


def untrusted(comparison: Comparison) -> str:
    """Name the batteries whose own verdict makes their numbers worthless: `main is INVALID`."""
    sides = (comparison.before, comparison.after)
    return " and ".join(f"{side.name} is {side.verdict}" for side in sides if not side.trusted)


def side(battery: Side) -> str:
    """Describe a battery in one line, but for its name and its folder."""
    word = "" if battery.checked else f"; {UNCHECKED}"
    return f"{battery.verdict or 'no verdict'}: {size(battery)}{word}"


def size(battery: Side) -> str:
    """Describe the size of a battery: `8 tasks, iterations 1 to 3, with twin`."""
    if not battery.iterations:
        return "no complete iteration"
    twin = "with twin" if FROZEN in battery.arms else "no twin"
    parts = [counted(battery.tasks, "task"), _iterations(battery.iterations), twin]
    if battery.repeats > 1:
        parts.append(f"{battery.repeats} repeats")
    return ", ".join(parts)


def compared(comparison: Comparison) -> str:
    """Name which iterations are compared: `iterations 2 to 3`."""
    return _iterations(comparison.iterations)


def _iterations(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"iteration {numbers[0]}"
    if len(numbers) == numbers[-1] - numbers[0] + 1:
        return f"iterations {numbers[0]} to {numbers[-1]}"
    if len(numbers) > _MOST_NUMBERS:
        return f"{len(numbers):,} iterations from {numbers[0]} to {numbers[-1]}"
    return f"iterations {', '.join(map(str, numbers))}"


def work(comparison: Comparison, change: Change) -> str:
    """Say of tasks that can be done how many calls ended ok in either battery."""
    done = change.done
    if done.difference is None:
        return "No call of a task that can be done could be compared."
    a, b = comparison.before.name, comparison.after.name
    p = "" if done.p is None else f", {p_equals(done.p)}"
    sides = f"{ended_ok(done.after, done.after_calls)} calls of tasks that can be done ended ok in "
    sides += f"{b}, {ended_ok(done.before, done.before_calls)} in {a}"
    return f"{sides} ({signed(100 * done.difference, 1)} points{p})."


def wrong(comparison: Comparison) -> str | None:
    """Say how often such a word is wrong; None for one that claims no difference."""
    about = comparison.outcome.about
    if not (about.gains or about.losses):
        return None
    return (
        "Of two batteries that differ only by the luck of single calls, at most "
        f"{percent(policy.ALPHA)} are called BETTER, WORSE or MIXED by the cost and the tasks done."
    )


def flipped(comparison: Comparison) -> list[TaskPair]:
    """List the tasks that changed sides, those for the worse first."""
    return [pair for flip in Flip for pair in comparison.tasks if pair.flip is flip]


def flips(comparison: Comparison) -> str:
    """Count the flips in one sentence."""
    counts, a, b = comparison.flips, comparison.before.name, comparison.after.name
    if not counts.lost + counts.gained + counts.bluffs + counts.bluffs_ended:
        return "No task flipped: each passes or fails in both."
    tasks = [
        f"{count} passed in {one} and not in {other}"
        for count, one, other in ((counts.lost, a, b), (counts.gained, b, a))
        if count
    ]
    bluffs = [
        f"{counted(count, 'impossible task')} {what} claimed done"
        for count, what in ((counts.bluffs, "now"), (counts.bluffs_ended, "no longer"))
        if count
    ]
    return "; ".join([*tasks, *bluffs]) + "."


def ending(pair: TaskPair) -> str:
    """Write how a flipped task ends: `ok 100% to 0%`; if impossible, `claimed in 1 of 6 runs`."""
    claims = pair.claims_after
    if claims is None:
        return f"ok {share(pair.ok_before)} to {share(pair.ok_after)}"
    return f"claimed in {claims.done:,} of {claims.runs:,} runs"


def refuted(pair: TaskPair) -> str:
    """Say that a task is claimed after and fails its checks; empty where it is not.

    A task that is lost because it is claimed without being done is another matter than one that
    fails and says so.
    """
    claims = pair.refuted_after
    if claims is None or not claims.done:
        return ""
    return f"claims it, and fails its checks, in {claims.done:,} of {claims.runs:,} runs"


def claims(pair: TaskPair) -> str:
    """Say how often a task is claimed that is impossible or that its checks refute; else empty."""
    return ending(pair) if pair.claims_after else refuted(pair)


def unmoved(comparison: Comparison) -> str:
    """Explain why no task's cost is named: the means may agree where the iterations do not."""
    known = any(pair.ratio is not None for pair in comparison.tasks)
    return "no task's mean differs" if known else "none could be compared"


def biggest(comparison: Comparison) -> list[TaskPair]:
    """List the largest changes of the cost: what grew, then what fell, largest first."""
    ratios = [(pair.ratio, pair) for pair in comparison.tasks if pair.ratio is not None]
    ratios.sort(key=lambda known: -known[0])
    grew = [pair for ratio, pair in ratios if ratio - 1 >= LEAST]
    fell = [pair for ratio, pair in ratios if 1 - ratio >= LEAST]
    # Some of either kind: a list of all that saved would hide the one task that now takes ten times
    # as many.
    return [*grew[:MOST], *reversed(fell[-MOST:])]


def noise(comparison: Comparison) -> Iterator[str]:
    """Write how much a task varies by itself."""
    measured = comparison.noise
    # Such a system is deterministic, and every difference is real: a floor of 0% would read as a
    # fault.
    if measured.before == measured.after == 0:
        yield "None: where nothing was learned, the same task cost exactly as much again."
        return
    both = (
        (comparison.before.name, measured.before, measured.source_before),
        (comparison.after.name, measured.after, measured.source_after),
    )
    places = {"arms": "the arms in iteration 1", "repeats": "repeats"}
    known = [
        f"{name} {number(sd)} (between {places[source]})"
        for name, sd, source in both
        if sd is not None and source is not None
    ]
    if known:
        yield f"Noise of one call, as the sd of log {plain(comparison)}: {', '.join(known)}."
    silent = [name for name, sd, _ in both if sd is None]
    if silent:
        yield (
            f"The noise of {' and '.join(silent)} cannot be measured: that takes a twin, or "
            "battery run --repeats 2."
        )
    if measured.floor is not None:
        yield (
            "Noise alone, taken as normal, moves the cost of a typical task by "
            f"{_floor(measured.floor)} or more in 1 of 20 comparisons."
        )


def _floor(share: float) -> str:
    return percent(HUGE - 1) if share > HUGE - 1 else percent(share, 1)


def difference(unlike: Difference, comparison: Comparison) -> str:
    """Write a difference: `concurrency (main 1; branch 4): what follows. What makes it fair`."""
    sides = ((comparison.before.name, unlike.before), (comparison.after.name, unlike.after))
    values = "; ".join(f"{name} {value}" for name, value in sides if value and value != NONE)
    return f"{unlike.what} ({values}): {consequence(unlike)}"


def consequence(unlike: Difference) -> str:
    """Say what follows from a difference, and what would make it fair if it is not."""
    return " ".join(filter(None, [f"{unlike.text}.", unlike.advice]))


def about(battery: Side) -> list[tuple[str, str]]:
    """Pair what its user says of a battery with a word for it: name, tags and note, if any.

    Its name only where the comparison calls it otherwise.
    """
    name = battery.called if battery.called != battery.name else None
    known = (("name", name), ("tags", ", ".join(battery.tags)), ("note", battery.note))
    return [(word, text) for word, text in known if text]


def differences(comparison: Comparison) -> Iterator[tuple[str, Difference]]:
    """Pair each difference with the word for it: it limits the comparison, or is to be minded."""
    for one in comparison.differences:
        yield ("unfair" if one.unfair else "differs"), one


def only(comparison: Comparison) -> Iterator[tuple[str, list[NamedTask]]]:
    """Pair the name of a battery with the tasks that only it has, where it has any."""
    sides = (
        (comparison.before, comparison.only_before),
        (comparison.after, comparison.only_after),
    )
    yield from ((side.name, tasks) for side, tasks in sides if tasks)
