"""What tokens by kind say of the bill, where tokens alone do not tell it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np

from battery.base.numbers import more_or_fewer, p_equals, percent
from battery.records.metric import MONEY, TOKENS
from battery.records.models import FROZEN, LEARN, Arm
from battery.verdict import cost, policy, strata
from battery.verdict.signflip import Floats
from battery.verdict.table import CACHED_PROMPT, OUTPUT, PROMPT, Grid

#: Tokens of the prompt, of what of it was cached, and of the output.
_Kinds = tuple[Floats, Floats, Floats]
_ARMS: Final[tuple[Arm, Arm]] = (LEARN, FROZEN)


def unpriced(grid: Grid, rows: list[int], metric: str, least: float) -> Iterator[str]:
    """Object to tokens saved where, at some usual price, too little of the bill was saved.

    The grid is that of the iterations after the first. Nothing is said where prices are known, or
    an arm does not tell its prompt from its output.
    """
    if metric != TOKENS or not {PROMPT, OUTPUT} <= grid.calls.keys():
        return
    own, base = (_kinds(grid, arm, rows) for arm in _ARMS)
    yield from _untold(grid, rows, own, base)
    highest = max(_at_prices(own, base), default=0.0)
    if not policy.is_relevant(1 - highest, least):
        yield (
            f"tokens fell, but the bill may not have: {_why(own, base)}; give prices in the tasks "
            "file"
        )


def _untold(grid: Grid, rows: list[int], own: _Kinds, base: _Kinds) -> Iterator[str]:
    """Object to a learner that tells its prompt from its output less often than the twin."""
    missing = (
        np.where(np.isnan(grid.asked(arm, TOKENS)[rows]), np.nan, np.isnan(side[0] + side[2]))
        for arm, side in zip(_ARMS, (own, base), strict=True)
    )
    p = strata.more(strata.by_task(*missing))
    if p is not None and p <= policy.GATE:
        yield (
            "the learner reports prompt and output separately less often than the twin "
            f"({p_equals(p)}), so its bill may not have fallen"
        )


def discounted(grid: Grid, rows: list[int], metric: str, least: float) -> Iterator[str]:
    """Object to dollars saved most of which would not be at prices that stay the same.

    A discount or a cheaper model lowers the bill, and no work is saved. The grid is that of the
    iterations after the first.
    """
    if metric != MONEY or (bill := _ratio(grid, metric, rows)) is None:
        return
    tokens = _ratio(grid, TOKENS, rows)
    works = _at_prices(*(_kinds(grid, arm, rows) for arm in _ARMS))
    best = min([*works, *([] if tokens is None else [tokens])], default=None)
    if best is None or policy.is_relevant(1 - best, max(least, policy.WORK * (1 - bill))):
        return
    yield f"the bill fell by its prices: {more_or_fewer(tokens or best)} tokens were used"


def aside(grid: Grid) -> str | None:
    """Say that tokens went the other way than the bill; None where they did not, by much.

    The grid is that of the iterations after the first.
    """
    if grid.cost != MONEY or FROZEN not in grid.arms:
        return None
    every = list(range(len(grid.tasks)))
    bill, tokens = (_ratio(grid, metric, every) for metric in (MONEY, TOKENS))
    if bill is None or tokens is None or (bill > 1) == (tokens > 1):
        return None
    if not policy.is_relevant(abs(bill - 1)) or not policy.is_relevant(abs(tokens - 1)):
        return None
    return f"The bill {'rose' if bill > 1 else 'fell'}, with {more_or_fewer(tokens)} tokens."


def _ratio(grid: Grid, metric: str, rows: list[int]) -> float | None:
    return cost.ratio(cost.task_effects(*(grid.asked(arm, metric)[rows] for arm in _ARMS)))


def _kinds(grid: Grid, arm: Arm, rows: list[int]) -> _Kinds:
    prompt, cached, output = (grid.told(arm, key)[rows] for key in (PROMPT, CACHED_PROMPT, OUTPUT))
    return prompt, np.nan_to_num(cached), output


def _at_prices(own: _Kinds, base: _Kinds) -> list[float]:
    """Return the ratio of the bills at each usual price at which there is one."""
    prices = product(policy.CACHED_PRICES, policy.OUTPUT_PRICES)
    ratios = (cost.ratio(cost.task_effects(_bill(own, *at), _bill(base, *at))) for at in prices)
    return [ratio for ratio in ratios if ratio is not None]


def _bill(kinds: _Kinds, cached_price: float, output_price: float) -> Floats:
    """Return what calls cost where a prompt token costs 1."""
    prompt, cached, output = kinds
    bill: Floats = prompt - cached + cached_price * cached + output_price * output
    return bill


def _why(own: _Kinds, base: _Kinds) -> str:
    (prompt, cached, output), (prompts, caches, outputs) = (
        [float(np.nansum(each)) for each in side] for side in (own, base)
    )
    now, before = cached / (prompt or 1), caches / (prompts or 1)
    if policy.is_relevant(before - now):
        return f"cached prompt tokens fell from {percent(before)} to {percent(now)}"
    now, before = output / ((prompt + output) or 1), outputs / ((prompts + outputs) or 1)
    return f"output went from {percent(before)} of the tokens to {percent(now)}"
