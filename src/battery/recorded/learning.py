"""What the distillations of a battery cost, and whether that has come back in cheaper tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import isnan

from battery.pricing import Pricing
from battery.protocol import Json
from battery.records.learning import Amount, Learning, LearningOf
from battery.records.lines import tokens_of
from battery.records.metric import METRICS, TOKENS
from battery.records.models import FROZEN, LEARN, Phase, RunResult
from battery.records.stages import DISTILL, META_STAGES
from battery.store.journal import Journal
from battery.verdict.table import Call


def learning(
    journals: Mapping[int, Journal], calls: Sequence[Call], unit: str, pricing: Pricing
) -> Learning | None:
    """Set what was spent on learning against what it saved; None where nothing was distilled.

    `journals` are by iteration; `unit` is the key of the metric that is the cost.
    """
    saved = _saved(calls, unit)
    iterations = [
        LearningOf(iteration=number, calls=_amounts(journal, pricing), saved=saved.get(number))
        for number, journal in journals.items()
    ]
    distilled = [each.calls[DISTILL.noun] for each in iterations if DISTILL.noun in each.calls]
    if not distilled:
        return None
    known = [each.saved for each in iterations if each.saved is not None]
    return Learning(
        unit=unit,
        iterations=iterations,
        total=_total(amount for each in iterations for amount in each.calls.values()),
        cost=_sum(_in_unit(amount, unit) for amount in distilled),
        saved=sum(known) if known else None,
        paid_back=_paid_back(iterations, unit),
    )


def _amounts(journal: Journal, pricing: Pricing) -> dict[str, Amount]:
    made = ((meta, journal.get(meta.key)) for meta in META_STAGES)
    amounts = {meta.noun: _amount(call, pricing) for meta, call in made if call is not None}
    if DISTILL.noun in amounts and journal.counted_tellings:
        # Much of what a system learns it learns while it is told how tasks ended.
        told = [_amount(journal.read(key), pricing) for key in journal.counted_tellings]
        listed = [amounts[DISTILL.noun], *told]
        tokens = _sum(amount.tokens for amount in listed)
        amounts[DISTILL.noun] = Amount(
            tokens=None if tokens is None else int(tokens),
            cost_usd=_sum(amount.cost_usd for amount in listed),
        )
    return amounts


def _amount(call: Json, pricing: Pricing) -> Amount:
    return Amount(tokens=tokens_of(call), cost_usd=pricing.of_call(call))


def _in_unit(amount: Amount, unit: str) -> float | None:
    return amount.tokens if unit == TOKENS else amount.cost_usd


def _total(amounts: Iterable[Amount]) -> Amount:
    listed = list(amounts)
    tokens = [each.tokens for each in listed if each.tokens is not None]
    costs = [each.cost_usd for each in listed if each.cost_usd is not None]
    return Amount(tokens=sum(tokens) if tokens else None, cost_usd=sum(costs) if costs else None)


def _sum(values: Iterable[float | None]) -> float | None:
    """Add up; None where one is not known, for the rest is no total."""
    listed = list(values)
    known = [value for value in listed if value is not None]
    return sum(known) if len(known) == len(listed) else None


def _saved(calls: Sequence[Call], unit: str) -> dict[int, float]:
    """Return what each iteration after the first took less than its twin, pair by pair of calls."""
    twins = {_place(call): call.result for call in calls if call.arm == FROZEN}
    saved: dict[int, float] = {}
    for call in calls:
        twin = twins.get(_place(call)) if call.arm == LEARN and call.iteration > 1 else None
        if twin is not None:
            difference = _difference(call.result, twin, call.phase, unit)
            if not isnan(difference):
                saved[call.iteration] = saved.get(call.iteration, 0) + difference
    return saved


def _difference(own: RunResult, twin: RunResult, phase: Phase, unit: str) -> float:
    metric = METRICS[unit]
    difference = metric.value(twin) - metric.value(own)
    # Who gives up early, or bluffs, is cheap: that is no saving where the twin does the work.
    worse = _is_good(twin, phase) and not _is_good(own, phase)
    return min(difference, 0.0) if worse else difference


def _is_good(result: RunResult, phase: Phase) -> bool:
    return not result.bluff(phase) if phase is Phase.GAMMA else result.status == "ok"


def _place(call: Call) -> tuple[int, str, int]:
    return call.iteration, call.task, call.repeat


def _paid_back(iterations: Sequence[LearningOf], unit: str) -> int | None:
    """Return the iteration from which on what was saved covers the cost, to the end."""
    spent = [_running(each.calls.get(DISTILL.noun), unit) for each in iterations]
    if any(cost is None for cost in spent) or all(each.saved is None for each in iterations):
        return None
    balance = accumulate(
        (each.saved or 0) - (cost or 0) for each, cost in zip(iterations, spent, strict=True)
    )
    paid = None
    for each, left in zip(iterations, balance, strict=True):
        paid = (paid or each.iteration) if left >= 0 and each.saved is not None else None
    return paid


def _running(amount: Amount | None, unit: str) -> float | None:
    return 0 if amount is None else _in_unit(amount, unit)
