"""The outcome of a comparison: which word may be said of B against A, and how it is put."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from battery.base.numbers import (
    counted,
    more_or_fewer,
    p_equals,
    percent,
    signed_percent,
)
from battery.base.text import listed
from battery.comparison.naming import Names
from battery.comparison.pairing import Facts
from battery.records.comparison import Change, CostChange, Side
from battery.records.findings import Interval
from battery.records.metric import ELAPSED, METRICS, Metric
from battery.records.word import Outcome, Word
from battery.verdict import policy


class Answer(NamedTuple):
    """What came of one of the two questions that decide."""

    #: How much worse B is: a share of the cost, or of the calls; below 0 it is better.
    harm: float
    p: float | None
    text: str

    @property
    def sure(self) -> bool:
        """Whether this is more than luck, whatever its size."""
        return self.p is not None and self.p <= policy.compared()

    @property
    def relevant(self) -> bool:
        """Whether this is large enough to count, be it luck or not."""
        return policy.is_relevant(abs(self.harm))

    def says(self, sign: int) -> bool:
        """Return whether B is worse (1) or better (-1) by an amount that counts and not by luck."""
        return self.sure and self.relevant and sign * self.harm > 0

    @property
    def aside(self) -> str:
        """What was found, where it is no reason for the word."""
        if abs(self.harm) < policy.TINY or (self.sure and self.relevant):
            return self.text
        return f"{self.text}, which {'is too little to count' if self.sure else 'may be luck'}"


def of_cost(change: Change) -> Answer:
    """Return whether the work costs more or less, in words."""
    cost = change.cost
    # A geometric mean, in which a large task weighs as much as any. With a decimal, as in tables,
    # so that what is next to a bound is not rounded over it.
    amount = more_or_fewer(1.0 if cost.ratio is None else cost.ratio, places=1)
    text = f"{amount} {cost.plain} on a typical task{with_p(cost.p)}"
    return Answer(0.0 if cost.ratio is None else cost.ratio - 1, cost.p, text)


def of_done(change: Change, names: Names) -> Answer:
    """Return whether more or fewer tasks are done, in words."""
    done, gain = change.done, change.done.difference or 0.0
    amount = "as many" if not gain else "more" if gain > 0 else "fewer"
    p = "" if done.p is None else f", {p_equals(done.p)}"
    counts = f"{done.after:,} of {done.after_calls:,}"
    base = f"against {done.before:,} of {done.before_calls:,} in {names.before}"
    return Answer(-gain, done.p, f"{amount} tasks done ({counts}, {base}{p})")


def answers(change: Change, names: Names) -> list[Answer]:
    """List what was found of cost and of tasks done, as far as it could be compared."""
    cost = [] if change.cost.ratio is None else [of_cost(change)]
    return cost if change.done.difference is None else [*cost, of_done(change, names)]


def judge(facts: Facts, before: Side, after: Side) -> tuple[Outcome, list[str]]:
    """Return the word and why it is this one, as far as both batteries can be trusted."""
    spoiled = [f"{side.name} is {side.own_word}" for side in (before, after) if not side.trusted]
    if not spoiled:
        return decide(facts)
    # What a system claims without doing it counts against it, and nothing of it counts for it.
    if before.trusted and after.verdict is Word.DISHONEST:
        outcome, reasons = decide(facts, gains=False)
        if outcome is Outcome.WORSE:
            return outcome, reasons
    return Outcome.NOT_COMPARABLE, spoiled


def decide(facts: Facts, *, gains: bool = True) -> tuple[Outcome, list[str]]:
    """Return the word and why it is this one; MIXED is a gain that is paid for.

    Without `gains` nothing counts as one.
    """
    # What is sure and large enough decides first, gains and losses alike: neither undoes the other.
    # A gain is held to a lower bar for losses than a change without one, since cost is saved most
    # easily by giving up. NO DIFFERENCE has to be shown; the rest stays open.
    found = answers(facts.change, facts.names)
    better = [answer.text for answer in found if gains and answer.says(-1)]
    worse = [answer.text for answer in found if answer.says(1)] + _new_bluffs(facts)
    if better:
        worse = worse or [*_loss(facts), *_bluffs(facts)]
        return (Outcome.MIXED if worse else Outcome.BETTER), [*better, *worse]
    if worse:
        return Outcome.WORSE, [*worse, *(text for text in _loss(facts) if text not in worse)]
    doubts = [] if _identical(facts) else [*_cost_open(facts), *_done_open(facts), *_bluffs(facts)]
    return (Outcome.UNCLEAR, doubts) if doubts else (Outcome.NO_DIFFERENCE, [_alike(facts)])


def _new_bluffs(facts: Facts) -> list[str]:
    # One is enough for WORSE and no test is made: what cannot be done is not claimed by chance, and
    # with the usual two impossible tasks no number of claims would be significant.
    new = [
        pair.claims_after
        for pair in facts.pairs
        if pair.claims_before and pair.claims_after
        if pair.claims_after.done and not pair.claims_before.done
    ]
    if not new:
        return []
    done, runs = sum(claims.done for claims in new), sum(claims.runs for claims in new)
    tasks = counted(len(new), "task")
    return [f"claims done in {done:,} of {runs:,} runs of {tasks} that cannot be done"]


def _loss(facts: Facts) -> list[str]:
    """Object to a gain that is bought with failing, significant or not: giving up is cheap."""
    done, p = of_done(facts.change, facts.names), facts.change.done.p_fewer
    objects = done.relevant and done.harm > 0 and p is not None and p <= policy.LOSS
    return [done.text] if objects else []


def _bluffs(facts: Facts) -> list[str]:
    if not facts.flips.bluffs:
        return []
    tasks = counted(facts.flips.bluffs, "task")
    return [f"most runs of {tasks} that cannot be done claim it now"]


def _cost_open(facts: Facts) -> Iterator[str]:
    """Explain why a relevant change of the cost is not ruled out; nothing where it is."""
    cost = facts.change.cost
    if cost.ratio is None:
        yield f"no {cost.plain} could be compared"
    elif cost.interval is None:
        yield no_interval(facts)
    elif not _rules_out(cost.interval):
        yield f"{_span(cost, cost.interval)} is not within ±{policy.relevant()}"


def _done_open(facts: Facts) -> Iterator[str]:
    """Explain why the tasks done are not called alike; nothing where they are."""
    done = of_done(facts.change, facts.names)
    if done.relevant or done.sure:
        yield done.text
    # Even a single task, significant or not: "no difference" must not be said over a task that now
    # fails.
    if facts.flips.lost:
        before, after = facts.names
        yield f"{counted(facts.flips.lost, 'task')} passed in {before} and not in {after}"


def _rules_out(interval: Interval) -> bool:
    """Return whether an interval of a ratio leaves no room for a relevant change either way."""
    return interval.low > 1 - policy.RELEVANT and interval.high < 1 + policy.RELEVANT


def _identical(facts: Facts) -> bool:
    """Return whether every task has the same numbers in both, in every metric that decides.

    Iteration by iteration. What was measured in neither is the same, too; but without any cost
    nothing is.
    """
    # Without this, two batteries that report nothing would be called identical.
    if facts.change.cost.ratio is None or any(pair.flip for pair in facts.pairs):
        return False
    return all(_same_cells(facts, metric) for metric in METRICS.values() if metric.decides)


def _same_cells(facts: Facts, metric: Metric) -> bool:
    tables = (table.values for table in (facts.table, facts.first) if table)
    sides = (values[metric.key] for values in tables if metric.key in values)
    return all(
        np.allclose(after, before, rtol=policy.TINY, equal_nan=True) for after, before in sides
    )


def _alike(facts: Facts) -> str:
    interval = facts.change.cost.interval
    if interval and not _identical(facts):
        return f"{_span(facts.change.cost, interval)} is within ±{policy.relevant()}"
    apart = [
        metric.plain
        for metric in METRICS.values()
        # No two runs take the same milliseconds: time is named without a look at it.
        if not metric.decides and (metric.key == ELAPSED or not _same_cells(facts, metric))
    ]
    return f"the numbers are the same, task by task, except for {listed(apart)}"


def _span(cost: CostChange, interval: Interval) -> str:
    ends = f"{signed_percent(interval.low - 1)} to {signed_percent(interval.high - 1)}"
    return f"the {level(interval)} interval of {cost.plain}, {ends},"


def sentence(outcome: Outcome, facts: Facts, reasons: Sequence[str]) -> str:
    """Put what came of comparing at least one task into plain language."""
    if outcome is Outcome.NOT_COMPARABLE:
        return not_comparable(reasons, facts.names)
    tasks, cost, plain = len(facts.pairs), facts.change.cost, facts.change.cost.plain
    same = f"the same {tasks} tasks" if tasks > 1 else "the one task in common"
    # The reasons, and what the other question came to: neither answer is left out.
    rest = [
        answer.aside for answer in answers(facts.change, facts.names) if answer.text not in reasons
    ]
    text = f"On {same} {outcome.about.between(*facts.names)}: {'; '.join([*reasons, *rest])}."
    if list(facts.iterations) == [1]:
        text += " Only iteration 1 could be compared, and nothing had been learned by then."
    if not cost.cells and outcome != Outcome.UNCLEAR:
        text += f" {plain.capitalize()} could not be compared."
    elif 0 < cost.cells < facts.cells:
        text += f" Some cells have no {plain} to compare."
    return text


def not_comparable(reasons: Sequence[str], names: Names) -> str:
    """Explain why there is nothing to compare."""
    return f"{Outcome.NOT_COMPARABLE.about.between(*names)}: {'; '.join(reasons)}."


def no_interval(facts: Facts) -> str:
    """Explain why there is no interval of the cost."""
    cost = facts.change.cost
    return (
        f"{counted(cost.tasks, 'task')} with {cost.plain} in both are too few to tell a difference "
        f"from luck: that takes {least_tasks()}"
    )


def least_tasks() -> int:
    """Return the fewest tasks whose two-sided sign flips can reach the level of a question."""
    return policy.least_tasks(policy.compared() / 2)


def with_p(p: float | None) -> str:
    """Write a p-value behind what it is about; nothing where there is none."""
    return "" if p is None else f" ({p_equals(p)})"


def level(interval: Interval) -> str:
    """Write the confidence of an interval: `97.5%`."""
    return percent(interval.level, 1)
