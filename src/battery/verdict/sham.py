"""Gains that are not real: answers without work, costs not reported, a twin that only got worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from battery.base.numbers import more_or_fewer, p_equals
from battery.records.metric import METRICS, OK, TOKENS, TURNS
from battery.records.models import FROZEN, LEARN, SOLVABLE, Arm
from battery.verdict import bill, cost, policy, signflip, strata
from battery.verdict.repeats import handed_in
from battery.verdict.signflip import Floats
from battery.verdict.table import (
    CACHED,
    FIRST,
    HANDED_IN,
    OUTPUT,
    PROMPT,
    TROUBLED,
    Grid,
    counts,
    means,
)

#: Exchanges of iterations up to which all are made.
_EXCHANGES = 10_000
#: Tasks that must be told apart by what they take.
_TASKS = 4


def one_for_all(grid: Grid) -> Iterator[str]:
    """Object to a learner that hands in one answer for several tasks, which its twin does not."""
    if HANDED_IN not in grid.calls:
        return
    own, base = (_shared(grid, arm) for arm in (LEARN, FROZEN))
    p = strata.more(strata.by_task(own, base))
    if p is None or p > policy.GATE:
        return
    runs, twins = ("{} of {}".format(*counts(each)) for each in (own, base))
    yield (
        f"{runs} answers of the learner that end ok repeat what it handed in for another task "
        f"(twin {twins}), so they are not answers"
    )


def _shared(grid: Grid, arm: Arm) -> Floats:
    """Return which calls that ended ok hand in what a call of another task did."""
    answers = handed_in(grid, arm).reshape(len(grid.tasks), -1)
    known = ~np.isnan(answers)
    numbers, rows = answers[known].astype(np.intp), known.nonzero()[0]
    # Each answer once per task: then what is left says how many tasks have it.
    tasks = np.bincount(np.unique(numbers * len(answers) + rows) // len(answers))
    shared = np.full(answers.shape, np.nan)
    shared[known] = tasks[numbers] > 1
    return shared


def no_work(grid: Grid, rows: list[int], metric: str, least: float) -> Iterator[str]:
    """Object to a saving of some tasks, or of their siblings, that is not work saved.

    The grid is that of the iterations after the first; `least` is the saving that counts.
    """
    yield from one_for_all(grid)
    yield from hidden(grid, metric)
    yield from second_only(grid, rows, metric, least)
    yield from bill.unpriced(grid, rows, metric, least)
    yield from bill.discounted(grid, rows, metric, least)
    yield from marked(grid, rows, least)
    yield from troubled(grid)


def marked(grid: Grid, rows: Sequence[int], least: float) -> Iterator[str]:
    """Object to answers of the learner that say of themselves that a cache gave them."""
    count, asked = counts(grid.asked(LEARN, CACHED)[list(rows)])
    if count and policy.is_relevant(count / asked, least):
        yield f"{count} of {asked} answers of the learner came from a cache: that is no work"


def troubled(grid: Grid) -> Iterator[str]:
    """Object to answers that say ok and report an error, more often than the twin's."""
    own, base = (grid.told(arm, TROUBLED) for arm in (LEARN, FROZEN))
    p = strata.more(strata.by_task(own, base))
    if p is not None and p <= policy.GATE:
        runs = "{} of {}".format(*counts(own))
        yield f"{runs} answers of the learner say ok and report an error ({p_equals(p)})"


def hidden(grid: Grid, metric: str) -> Iterator[str]:
    """Object to a learner that does not say what its calls cost, which the twin does."""
    own, base = (_unreported(grid, metric, arm) for arm in (LEARN, FROZEN))
    tasks, noun = len(own), METRICS[metric].plain
    p = strata.more(strata.by_task(own, base))
    # Whoever reports its small calls only looks cheap.
    if p is not None and p <= policy.GATE:
        less = f"reports its {noun} less often than the twin"
        if np.any(own > np.isnan(grid.asked(LEARN, metric))):
            less = f"reports no {noun}, or 0 for calls that took turns, more often than the twin"
        yield f"the learner {less} ({p_equals(p)})"
    yield from _contradicted(grid, metric)
    alike, told = (grid.asked(arm, metric) for arm in (LEARN, FROZEN))
    known = alike[~np.isnan(alike)]
    # What was measured differs from task to task, as it does in the twin.
    if tasks >= _TASKS and len(np.unique(known)) == 1 < len(np.unique(told[~np.isnan(told)])):
        yield f"the learner reports {known[0]:,.6g} {noun} for every task, whatever it took"


def _contradicted(grid: Grid, metric: str) -> Iterator[str]:
    """Object to totals below the sum of their parts, which the twin's are not."""
    if metric != TOKENS or not {PROMPT, OUTPUT} <= grid.calls.keys():
        return
    below = []
    for arm in (LEARN, FROZEN):
        total, parts = grid.asked(arm, TOKENS), grid.told(arm, PROMPT) + grid.told(arm, OUTPUT)
        below.append(np.where(np.isnan(total + parts), np.nan, total < parts))
    p = strata.more(strata.by_task(*below))
    if p is not None and p <= policy.GATE:
        yield (
            "the learner reports fewer tokens in total than prompt and output together, more "
            f"often than the twin ({p_equals(p)})"
        )


def _unreported(grid: Grid, metric: str, arm: Arm) -> Floats:
    """Return which calls do not say what they cost, or say 0 although they took turns."""
    calls, known = grid.asked(arm, metric), grid.asked(arm, OK)
    # Where answers tell their turns, one that took none says so.
    tells = not np.isnan(grid.calls[TURNS]).all()
    free = (calls == 0) & (grid.asked(arm, TURNS) != 0) & tells
    return np.where(np.isnan(known), np.nan, np.isnan(calls) | free)


def twin_alone(whole: Grid, rows: Sequence[int], metric: str, least: float) -> Iterator[str]:
    """Object to a saving that is there only because the twin takes more than in iteration 1."""
    calls = [whole.asked(arm, metric) for arm in (LEARN, FROZEN)]
    own, twin = map(cost.since_first, calls)
    ratio, left, overall = map(cost.ratio, (twin[list(rows)], own[list(rows)], own))
    if left is None or overall is None or ratio is None or not policy.is_relevant(ratio - 1, least):
        return
    # Sign flips need more tasks than the niche ones are, whose few calls can all be exchanged.
    few = [each[list(rows)] for each in calls] if len(rows) < len(own) else []
    risen = signflip.differs(twin).p, _stands_out(few[1]) if few else None
    if not any(p is not None and p <= policy.GATE for p in risen):
        return
    saved = signflip.better(own).p, _stands_out(few[0], falls=True) if few else None
    # Where the provider's drift raised both, what was learned still shows against iteration 1.
    least_p = min((p for p in saved if p is not None), default=0.0)
    # One call per niche task is easily lucky: what was saved has to count over all tasks, too.
    shown = policy.is_relevant(1 - max(left, overall), least) and least_p <= policy.GATE
    if not shown:
        took = f"{more_or_fewer(ratio)} {METRICS[metric].plain} than in iteration 1"
        yield f"the twin took {took}, and the learner is not shown to save any of its own"


def _stands_out(calls: Floats, *, falls: bool = False) -> float | None:
    """Test one-sided whether few tasks cost more, or less, after iteration 1; None for many.

    If nothing changed, any iteration may have been the first, task by task: all are exchanged.
    """
    cells = means(calls)
    cells = cells[~np.isnan(cells).any(axis=-1)]
    tasks, iterations = cells.shape
    if not tasks or iterations < 2 or iterations**tasks > _EXCHANGES:
        return None
    others = (cells.sum(axis=-1, keepdims=True) - cells) / (iterations - 1)
    rises = cost.log_ratio(cells, others) * (-1 if falls else 1)
    sums = rises[0]
    for task in rises[1:]:
        sums = (sums[:, None] + task).ravel()
    return float((sums >= rises[:, 0].sum() - cost.DUST).mean())


def second_only(grid: Grid, rows: Sequence[int], metric: str, least: float) -> Iterator[str]:
    """Object to a saving that is there only where the twin was asked first."""
    if FIRST not in grid.calls:
        return
    order = grid.told(LEARN, FIRST)
    own, base = (grid.asked(arm, metric) for arm in (LEARN, FROZEN))
    alone = (np.where(order == 1, calls, np.nan)[list(rows)] for calls in (own, base))
    left = cost.ratio(cost.task_effects(*alone))
    # Looked at first, as the test takes long.
    if left is None or policy.is_relevant(1 - left, least):
        return
    pairs = cost.log_ratio(own, base)
    # A coin decides who is asked first, so that no learning can know it: whatever the calls are, to
    # turn the coin round is to change a sign. By all tasks, as a few niche ones could not show it.
    usual = means(pairs.reshape(len(pairs), -1))[:, None, None]
    lead = np.where(order == 0, 1, -1) * (pairs - usual)
    p = signflip.better(lead[~np.isnan(order)]).p
    if p is None or p > policy.GATE:
        return
    yield (
        f"the learner saves only where its twin was asked first ({p_equals(p)}): it may know the "
        "twin's answers"
    )


def twin_does_less(whole: Grid) -> Iterator[str]:
    """Object to more tasks done only because the twin does fewer than in iteration 1."""
    rows = whole.rows(*SOLVABLE)
    own, twin = (whole.asked(arm, OK)[rows] for arm in (LEARN, FROZEN))
    first = np.concatenate([own[:, 0], twin[:, 0]], axis=1)
    gained, lost = (
        test(strata.by_task(later[:, 1:], first))
        for test, later in ((strata.more, own), (strata.fewer, twin))
    )
    if lost is not None and lost <= policy.LOSS and (gained is None or gained > policy.GATE):
        yield (
            f"the twin does fewer tasks than in iteration 1 ({p_equals(lost)}), and the learner "
            "is not shown to do more"
        )
