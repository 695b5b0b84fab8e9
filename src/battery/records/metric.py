"""The metrics of a battery, each described once.

A metric is a number of one respond call, averaged over tasks where arms or batteries are compared
and summed up over an iteration where trends are shown. Every table, sentence, chart, prompt and
export reads `TABLE`; CONTRIBUTING.md says how to add to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isnan, nan
from typing import Final, Literal

from battery.base.numbers import money, number, with_sign
from battery.protocol import Json
from battery.records.models import ELAPSED_KEY, RunResult

Goal = Literal["fewer", "more"]
Kind = Literal["ratio", "difference"]

#: A call is timed in whole milliseconds: what reads 0 took less than one.
LEAST_MS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: what it is called, how it is measured, compared and written."""

    #: Key in JSON and name in tables.
    key: str
    #: Heading of a chart over the iterations.
    title: str
    #: What people call it, as the subject of "… worse by 38%".
    plain: str
    #: Label of the page's button that shows it in the grid of tasks; None: the grid has it anyway.
    cell: str | None
    goal: Goal = "fewer"
    #: Ratio: an amount, compared as learn over frozen. Difference: a rate from 0 to 1.
    kind: Kind = "ratio"
    #: Value of one call; NaN where the call has not measured it. Read it with `value`.
    call: Callable[[RunResult], float]
    #: Value of all calls of an iteration; None where that was not measured. Read it with `over`.
    iteration: Callable[[Sequence[RunResult]], float | None]
    #: Decimals of an iteration's value; where a format fixes two, at least those.
    places: int = 2
    #: Whether it is an amount of US dollars, which is written with as many digits as it takes.
    money: bool = False
    #: Regular expression for the words by which a review may name it, next to its key.
    words: str
    #: Number of one call as its answer reports it, where `call` gives another.
    reported: Callable[[RunResult, Json], float | None] | None = None
    #: Whether the direction count counts it and the verdict on an arm may rest on it.
    counted: bool = False
    # Cost and tasks done: turns and the overseer are ways to either, and time depends on the
    # machine and the network, which nothing holds still.
    #: Whether a verdict or the outcome of a comparison may rest on it.
    decides: bool = False
    #: Whether impossible tasks are left out: there, an `ok` is a bluff.
    possible_only: bool = False
    #: Attribute, after `battery.`, of the span of a call and of an iteration, and Inspect score;
    #: None where that format has it elsewhere.
    call_span: str | None
    iteration_span: str | None
    score: str | None

    def of(self, result: RunResult, answer: Json) -> float | None:
        """Return what a call reports; None where it reports nothing."""
        value = self.call(result) if self.reported is None else self.reported(result, answer)
        return None if value is None or isnan(self._checked(value)) else value

    def value(self, result: RunResult) -> float:
        """Return the value of a call; NaN where it has not measured it."""
        return self._checked(self.call(result))

    def values(self, results: Sequence[RunResult]) -> list[float]:
        """Return the value of each call; NaN where it has not measured it."""
        found = list(map(self.call, results))
        return found if self.kind == "ratio" else list(map(self._checked, found))

    def over(self, results: Sequence[RunResult]) -> float | None:
        """Return the value of an iteration; None where that was not measured."""
        # Else the mean of a rate would take up what `value` refuses.
        if self.kind == "difference" and any(isnan(self.value(result)) for result in results):
            return None
        return self.iteration(results)

    def _checked(self, value: float) -> float:
        # Gateways report percentages or counts where a rate is due. No interval of a rate exists
        # for them, and to clip them would invent a number.
        return nan if self.kind == "difference" and not 0 <= value <= 1 else value

    def written(self, value: float, least: int = 0, *, grouped: bool = False) -> str:
        """Write a value with its decimals, or `least` where that is more; `number` groups."""
        if self.money:
            return money(value)
        return number(value, max(least, self.places), grouped=grouped)

    @property
    def unit(self) -> str:
        """What follows a value: ` tokens`; nothing after dollars, whose sign is before them."""
        return "" if self.money else f" {self.plain}"

    def amount(self, value: float) -> str:
        """Write a value with its unit: `1,234 tokens`, `$0.0123`."""
        return f"{self.written(value, grouped=True)}{self.unit}"

    def moved(self, change: float, least: int = 0, *, grouped: bool = False) -> str:
        """Write a change of a value with its sign, such as `-4520` or `+$0.0123`; none is `0`."""
        return with_sign(change, self.written(abs(change), least, grouped=grouped))

    @property
    def sign(self) -> int:
        """Return 1 where a larger value is worse, -1 where it is better."""
        return 1 if self.goal == "fewer" else -1


def _counted(count: int | None) -> float:
    # A call that reports no tokens or turns has not measured them.
    return nan if count is None else float(count)


def _seconds(result: RunResult) -> float:
    return max(result.elapsed_ms, LEAST_MS) / 1000


def _reported_seconds(result: RunResult, answer: Json) -> float | None:
    return result.elapsed_ms / 1000 if answer.get(ELAPSED_KEY) is not None else None


def _dollars(result: RunResult) -> float:
    return nan if result.cost_usd is None else result.cost_usd


def in_usage(name: str) -> Callable[[RunResult], float]:
    """Read a number that calls report at `artifact.usage.<name>`; NaN where one does not."""
    return lambda result: result.usage.get(name, nan)


def total(call: Callable[[RunResult], float]) -> Callable[[Sequence[RunResult]], float | None]:
    """Sum up a number of each call; None where a call lacks it, for the rest is no total."""

    def over(results: Sequence[RunResult]) -> float | None:
        # In decimals, in which the order of the runs changes nothing and no digit is added.
        found = float(sum(Decimal(repr(call(result))) for result in results))
        return None if isnan(found) else found

    return over


def mean(call: Callable[[RunResult], float]) -> Callable[[Sequence[RunResult]], float | None]:
    """Average a number of each call; None where a call lacks it, for the rest are other tasks."""
    summed = total(call)

    def over(results: Sequence[RunResult]) -> float | None:
        found = summed(results)
        return None if found is None else found / len(results)

    return over


TOKENS: Final = "total_tokens"
TURNS: Final = "avg_turns_per_task"
OVERSEER: Final = "overseer_called_rate"
OK: Final = "ok_tasks"
MONEY: Final = "cost_usd"
ELAPSED: Final = "total_elapsed_s"

#: All metrics, in the order of the summary's table: first those that the direction count counts.
TABLE: Final = (
    Metric(
        key=TOKENS,
        title="Tokens per task",
        plain="tokens",
        cell="Tokens",
        call=lambda result: _counted(result.tokens),
        iteration=lambda results: sum(result.tokens or 0 for result in results),
        places=0,
        words=r"tokens?",
        reported=lambda result, _: result.tokens,
        counted=True,
        decides=True,
        call_span="tokens",
        iteration_span="tokens",
        score="total_tokens",
    ),
    Metric(
        key=TURNS,
        title="Turns per task",
        plain="turns",
        cell="Turns",
        call=lambda result: _counted(result.turns),
        iteration=lambda results: sum(result.turns or 0 for result in results) / len(results),
        words=r"turns?",
        reported=lambda result, _: result.turns,
        counted=True,
        call_span="turns",
        iteration_span="turns_per_task",
        score="turns",
    ),
    Metric(
        key=OVERSEER,
        title="Tasks that needed the overseer",
        plain="calls of the overseer",
        cell="Overseer",
        kind="difference",
        call=lambda result: float(result.overseer_called),
        iteration=lambda results: sum(result.overseer_called for result in results) / len(results),
        words=r"overseer\w*|escalations?|corrections?",
        reported=lambda result, _: result.overseer_called,
        counted=True,
        call_span="overseer",
        iteration_span="overseer_rate",
        score="overseer",
    ),
    Metric(
        key=OK,
        title="Tasks that end ok",
        plain="tasks that end ok",
        cell=None,
        goal="more",
        kind="difference",
        call=lambda result: float(result.status == "ok"),
        iteration=lambda results: sum(result.status == "ok" for result in results),
        places=0,
        words=r"ok|success(?:es|ful)?|succeeds?|pass rate|completed tasks",
        counted=True,
        decides=True,
        possible_only=True,
        call_span=None,
        iteration_span="ok_tasks",
        score=None,
    ),
    Metric(
        key=ELAPSED,
        title="Seconds per task",
        plain="time",
        cell="Seconds",
        call=_seconds,
        # Whole milliseconds add up exactly, so the order of the runs cannot change the sum.
        iteration=lambda results: sum(result.elapsed_ms for result in results) / 1000,
        reported=_reported_seconds,
        words=r"elapsed|latency|wall[- ]?(?:clock )?time|duration|seconds|faster",
        counted=True,
        call_span=None,
        iteration_span=None,
        score="elapsed_s",
    ),
    Metric(
        key=MONEY,
        title="Dollars per task",
        plain="dollars",
        cell="Dollars",
        call=_dollars,
        iteration=total(_dollars),
        places=6,
        money=True,
        words=r"costs?|dollars?|usd|bills?|spend(?:ing)?|cheaper",
        decides=True,
        call_span="cost_usd",
        iteration_span="cost_usd",
        score="cost_usd",
    ),
)
#: The same by key.
METRICS: Final[Mapping[str, Metric]] = {metric.key: metric for metric in TABLE}
#: Those that the direction count counts.
COUNTED: Final = tuple(metric for metric in TABLE if metric.counted)


def cost_of(results: Iterable[RunResult]) -> str:
    """Return the metric that is the cost: dollars where all calls are priced, else tokens."""
    # With some of them left out, whose price is unknown could pass for what is cheap. Dollars that
    # are 0 throughout, as of a model at home, say nothing of the work.
    costs = [result.cost_usd for result in results]
    return MONEY if any(costs) and None not in costs else TOKENS


def named_metric(text: str) -> str | None:
    """Find the metric that a text names: by its key first, else by the first loose word."""
    keyed = re.sub(r"[\\\s_-]+", "_", text.lower())
    named = {keyed.find(key): key for key in METRICS if key in keyed}
    if not named:
        loose = {
            metric.key: re.search(rf"\b(?:{metric.words})\b", text.lower()) for metric in TABLE
        }
        named = {found.start(): key for key, found in loose.items() if found}
    return named[min(named)] if named else None
