"""What the calls of a dry run may take, by what such calls took before."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from statistics import fmean
from typing import Final

from battery.base.numbers import counted
from battery.base.text import listed
from battery.pricing import PER, Pricing
from battery.protocol import Json
from battery.records.events import Estimate, ScheduledCall
from battery.records.lines import tokens_of
from battery.records.models import Models, Tasks
from battery.records.stages import META_STAGES, CallKey
from battery.store.battery_dir import BatteryDir
from battery.store.journal import Journal

#: Stage and arm; a call about the iteration as a whole has no arm.
_Kind = tuple[str, str | None]
_Taken = Mapping[_Kind, Sequence[float]]
_STAGES: Final = {meta.key: meta.name for meta in META_STAGES}
_METAS: Final = [meta.noun for meta in META_STAGES]
_REMEDY: Final = (
    "a finished battery in the folder would give one, or "
    "`expectations.tokens_per_call` in the tasks file"
)


def estimate(ahead: Sequence[ScheduledCall], tasks: Tasks, before: BatteryDir | None) -> Estimate:
    """Estimate what calls take, by those that a folder holds, else by what the tasks expect."""
    known = before.pricing.known if before else None
    pricing = Pricing.of(tasks.prices, known, tasks.models.executor_cloud)
    if before:
        tokens, costs = _taken(before, tokens_of, pricing.of_call)
        if any(arm for _, arm in tokens):
            return _as_before(ahead, tokens, costs, before)
    expected = tasks.expectations.tokens_per_call if tasks.expectations else None
    if expected is None:
        return Estimate(None, _REMEDY)
    asks = sum(call.arm is not None for call in ahead)
    basis = f"{asks:,} x `expectations.tokens_per_call`, without {listed(_METAS)}"
    return Estimate(asks * expected, basis, _between(asks * expected, tasks.models, pricing))


def _between(tokens: int, models: Models, pricing: Pricing) -> tuple[float, float] | None:
    """Return what tokens cost if all are prompt, of the cheaper model, and if all are output."""
    prices = [pricing.price(model) for model in (models.executor_cloud, models.reviewer_cloud)]
    known = [price for price in prices if price is not None]
    if len(known) < len(prices):
        return None
    least, most = min(price.input for price in known), max(price.output for price in known)
    return tokens * least / PER, tokens * most / PER


def _taken(folder: BatteryDir, *amounts: Callable[[Json], float | None]) -> Sequence[_Taken]:
    """Collect what recorded calls took, by each amount, as far as that is known."""
    taken: list[defaultdict[_Kind, list[float]]] = [defaultdict(list) for _ in amounts]

    def note(call: Json) -> None:
        for amount, values in zip(amounts, taken, strict=True):
            if (value := amount(call)) is not None:
                values[_kind(call)].append(value)

    for number in folder.numbers():
        Journal(folder.iteration(number).journal, heard=note)
    return taken


def _kind(call: Json) -> _Kind:
    if "phase" in call:
        return call["phase"], call["arm"]
    return _STAGES[CallKey.of(call)], None


def _as_before(
    ahead: Sequence[ScheduledCall], taken: _Taken, costs: _Taken, before: BatteryDir
) -> Estimate:
    kinds = Counter((call.stage, call.arm) for call in ahead)
    typical = {kind: _typical(kind, taken) for kind in kinds}
    prices = {kind: _typical(kind, costs) for kind in kinds}
    calls = counted(sum(map(len, taken.values())), "call")
    basis = f"as the {calls} in {shlex.quote(str(before.root))} took"
    silent = [meta.noun for meta in META_STAGES if typical.get((meta.name, None), 0) is None]
    if silent:
        basis += f", without {listed(silent)} (none reported)"
    total = sum(count * (typical[kind] or 0) for kind, count in kinds.items())
    cost = round(sum(count * (prices[kind] or 0) for kind, count in kinds.items()), 9)
    # Without the price of a task the rest would be no bill.
    is_priced = all(prices[kind] is not None for kind in kinds if kind[1])
    return Estimate(round(total), basis, (cost, cost) if is_priced else None)


def _typical(kind: _Kind, taken: _Taken) -> float | None:
    """Return the mean of the most similar calls: of stage and arm, of the stage, of any task."""
    stage, arm = kind
    alike = (
        taken.get(kind, ()),
        chain.from_iterable(values for other, values in taken.items() if other[0] == stage),
        chain.from_iterable(values for other, values in taken.items() if arm and other[1]),
    )
    return next((fmean(values) for values in map(list, alike) if values), None)
