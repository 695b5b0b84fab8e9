"""The outcome of a comparison: which word may be said of B against A."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from battery.base.numbers import HUGE, number, p_equals, percent, signed_percent
from battery.comparison import pairing as paired
from battery.comparison.pairing import Shared
from battery.records.comparison import Change, Flips, TaskPair
from battery.records.findings import Interval
from battery.records.metric import METRICS, OK, TOKENS
from battery.records.models import FROZEN, LEARN
from battery.records.word import Outcome
from battery.verdict import policy
from battery.verdict.table import Call, Grid

NO_TOKENS: Final = "no tokens could be compared"


class Facts(NamedTuple):
    """Everything that the word and the sentences rest on."""

    #: The learn arms: B as the learn arm, A as the frozen one.
    table: Grid
    #: The same in iteration 1; None where that is what is compared.
    first: Grid | None
    changes: Sequence[Change]
    #: Of `first`; empty without it.
    start: Sequence[Change]
    #: The frozen arms; empty where one is missing.
    twins: Sequence[Change]
    narrow: Interval | None
    pairs: Sequence[TaskPair]
    flips: Flips
    #: The iterations compared.
    iterations: Sequence[int]

    @property
    def tokens(self) -> Change:
        """The change of the tokens."""
        return next(each for each in self.changes if each.metric == TOKENS)

    @property
    def deciding(self) -> list[Change]:
        """The changes that decide: all but time, which depends on the machine."""
        return [each for each in self.changes if METRICS[each.metric].decides]


def weigh(before: Sequence[Call], after: Sequence[Call], both: Shared) -> Facts | None:
    """Compare the arms of two batteries on what they share; None where that is nothing."""
    window = both.window
    table = paired.side_by_side(before, after, LEARN, window, both)
    if table is None:
        return None
    twins = paired.side_by_side(before, after, FROZEN, window, both)
    first = None
    if 1 in both.iterations and 1 not in window:
        first = paired.side_by_side(before, after, LEARN, (1,), both)
    pairs = paired.task_pairs(table, paired.claims(before, both), paired.claims(after, both))
    return Facts(
        table=table,
        first=first,
        changes=paired.changes(table, twins),
        start=paired.changes(first) if first else [],
        twins=paired.changes(twins) if twins else [],
        narrow=paired.narrow_interval(table),
        pairs=pairs,
        flips=paired.count_flips(pairs),
        iterations=window,
    )


def decide(facts: Facts) -> tuple[Outcome, list[str]]:
    """Return the word and why it is this one; MIXED is a gain that is paid for."""
    # What is significant and large enough decides first, gains and losses alike: neither undoes the
    # other. A gain is held to a lower bar for losses than a change without one, since tokens are
    # saved most easily by giving up. NO DIFFERENCE has to be shown; the rest stays open.
    better = [in_words(each) for each in facts.deciding if significant(each, -1)]
    worse = [in_words(each) for each in facts.deciding if significant(each, 1)]
    worse += _new_bluffs(facts)
    if better:
        worse = worse or _losses(facts)
        return (Outcome.MIXED if worse else Outcome.BETTER), [*better, *worse]
    if worse:
        return Outcome.WORSE, worse
    doubts = _doubts(facts)
    if doubts:
        return Outcome.UNCLEAR, doubts
    return Outcome.NO_DIFFERENCE, [_alike(facts)]


def harm(change: Change) -> float:
    """Return how much worse B is: a share of A's value, or points of a rate; below 0 is better."""
    if change.value is None:
        return 0.0
    return METRICS[change.metric].sign * (
        change.value - 1 if change.kind == "ratio" else change.value
    )


def in_words(change: Change) -> str:
    """Write a change: `tokens worse by 38% (corrected p = 0.008)`."""
    word = "worse" if harm(change) > 0 else "better"
    corrected = "corrected " if METRICS[change.metric].decides else ""
    p = _deciding_p(change)
    p_text = "" if p is None else f" ({corrected}{p_equals(p)})"
    return f"{METRICS[change.metric].plain} {word} by {size(change)}{p_text}"


def _deciding_p(change: Change) -> float | None:
    return change.p_corrected if METRICS[change.metric].decides else change.p


def size(change: Change) -> str:
    """Write how much worse or better a metric is: `38%`, `38 percentage points`."""
    if change.kind == "ratio":
        if harm(change) > HUGE - 1:
            return f"more than {percent(HUGE - 1)}"
        return percent(abs(harm(change)))
    return f"{number(abs(100 * harm(change)), 0)} percentage points"


def sure(change: Change) -> bool:
    """Return whether a change is more than luck, whatever its size."""
    p = _deciding_p(change)
    return p is not None and p <= policy.ALPHA


def significant(change: Change, sign: int) -> bool:
    """Return whether a metric is worse (1) or better (-1) by a relevant amount, and not by luck."""
    return sure(change) and policy.is_relevant(sign * harm(change))


def _new_bluffs(facts: Facts) -> list[str]:
    # A claim of what cannot be is no noise, and never significant with two impossible tasks.
    new = [
        pair.claims_after
        for pair in facts.pairs
        if pair.claims_before and pair.claims_after
        if pair.claims_after.done and not pair.claims_before.done
    ]
    if not new:
        return []
    done, runs = sum(each.done for each in new), sum(each.runs for each in new)
    return [f"claims done in {done} of {runs} runs of {counted(len(new))} that cannot be done"]


def _losses(facts: Facts) -> list[str]:
    """Object to a gain that is bought with failing, significant or not: giving up is cheap."""
    ok = next(each for each in facts.changes if each.metric == OK)
    found = []
    if policy.is_relevant(harm(ok)) and ok.p is not None and ok.p <= policy.ALL_ONE_WAY:
        found.append(f"{size(ok)} fewer tasks end ok ({p_equals(ok.p)})")
    if facts.flips.bluffs:
        found.append(f"{counted(facts.flips.bluffs)} that cannot be done mostly end ok now")
    return found


def _doubts(facts: Facts) -> list[str]:
    """List what speaks against calling it no difference; empty where nothing does."""
    if identical(facts):
        return []
    found = _tokens_open(facts)
    found += [
        f"{in_words(each)}, less than the {policy.relevant()} that counts"
        for each in facts.deciding
        if sure(each) and (found or each.metric != TOKENS)
    ]
    if facts.flips.lost:
        p = "" if facts.flips.p is None else f" ({p_equals(facts.flips.p)})"
        found.append(f"{counted(facts.flips.lost)} passed in A and not in B{p}")
    return found + _losses(facts)


def _tokens_open(facts: Facts) -> list[str]:
    if facts.tokens.value is None:
        return [NO_TOKENS]
    return [] if policy.rules_out(facts.narrow) else [too_wide()]


def too_wide() -> str:
    """Object that a change of the tokens that counts cannot be ruled out."""
    return f"the {policy.narrow()} interval of tokens does not lie inside ±{policy.relevant()}"


def identical(facts: Facts) -> bool:
    """Return whether every task has the same numbers in both, iteration by iteration, but for time.

    What was measured in neither is the same, too; but without any tokens nothing is.
    """
    if facts.tokens.value is None or any(pair.flip for pair in facts.pairs):
        return False
    return all(_same_cells(table) for table in (facts.table, facts.first) if table)


def _same_cells(table: Grid) -> bool:
    return all(
        np.allclose(
            table.of(LEARN, metric.key),
            table.of(FROZEN, metric.key),
            rtol=policy.TINY,
            equal_nan=True,
        )
        for metric in table.metrics
        if metric.decides
    )


def _alike(facts: Facts) -> str:
    if identical(facts):
        return "the numbers are the same, task by task"
    low, high = (1.0, 1.0) if facts.narrow is None else (facts.narrow.low, facts.narrow.high)
    ends = f"{signed_percent(low - 1)} to {signed_percent(high - 1)}"
    return f"the {policy.narrow()} interval of tokens, {ends}, lies inside ±{policy.relevant()}"


def counted(tasks: int) -> str:
    """Write a number of tasks."""
    return "1 task" if tasks == 1 else f"{tasks} tasks"
