"""What the work costs in one arm against another: effects by task, by iteration, by pair of calls.

An effect is the log of the base's cost over that of the side in question, so a saving is positive.
It is a log of a ratio of means, and never a mean of logs of ratios: a memory that makes calls
erratic at equal cost saves nothing, though most of its calls are cheaper.
"""

from __future__ import annotations

from math import exp, inf, log
from typing import Final

import numpy as np

from battery.verdict import policy, signflip
from battery.verdict.signflip import Floats
from battery.verdict.table import means

# A call answered from memory may cost nothing. It counts, but no ratio is infinite. By no amount of
# its own: a token is much less than a dollar.
#: A mean of 0 counts as this share of the other side's.
OF_OTHER: Final = 0.01
#: Effects below this are dust: roundings of numbers that are equal.
DUST: Final = 1e-9
#: The log of the largest ratio that is reported.
_MOST_LOG: Final = 700.0


def common(own: Floats, base: Floats) -> tuple[Floats, Floats]:
    """Average the repeats of both sides, and keep the cells that both measured.

    Both are (…, tasks, iterations, repeats); what is returned lacks the last axis.
    """
    own_cells, base_cells = means(own), means(base)
    if not np.isnan(own_cells + base_cells).any():
        return own_cells, base_cells
    either = np.isnan(own_cells) | np.isnan(base_cells)
    return np.where(either, np.nan, own_cells), np.where(either, np.nan, base_cells)


def log_ratio(own: Floats, base: Floats) -> Floats:
    """Return log(base / own); NaN where either was not measured."""
    # Nearly always nothing is free and nothing is missing.
    if (np.minimum(own, base) > 0).all():
        logs = np.log(base / own)
        return without_dust(logs)
    floor = OF_OTHER * np.maximum(own, base)
    over, under = np.where(base == 0, floor, base), np.where(own == 0, floor, own)
    # Two sides that are both free are equal.
    both = (own == 0) & (base == 0)
    logs = np.log(np.where(both, 1.0, over) / np.where(both, 1.0, under))
    return without_dust(logs)


def without_dust(effects: Floats) -> Floats:
    """Return effects, or differences of effects, with 0 for what is nothing but rounding."""
    return np.where(np.abs(effects) < DUST, 0.0, effects)


def task_effects(own: Floats, base: Floats) -> Floats:
    """Return the effect on each task, from calls as (tasks, iterations, repeats)."""
    own_cells, base_cells = common(own, base)
    return log_ratio(means(own_cells), means(base_cells))


def since_first(calls: Floats) -> Floats:
    """Return what one arm saved on each task since its own iteration 1."""
    later = calls[:, 1:].reshape(len(calls), 1, -1)
    return task_effects(later, calls[:, :1])


def cell_effects(own: Floats, base: Floats) -> Floats:
    """Return the effect in each cell, tasks by iterations."""
    return log_ratio(*common(own, base))


def ratio(effects: Floats) -> float | None:
    """Return the cost of a typical task, own over base: a geometric mean over tasks."""
    known = effects[~np.isnan(effects)]
    return as_ratio(float(known.mean())) if known.size else None


def as_ratio(effect: float) -> float:
    """Turn an effect into a ratio of own over base."""
    return exp(min(-effect, _MOST_LOG))


def skew(own: Floats, base: Floats) -> Floats:
    """Return by how much few calls that scatter make the own side look cheaper than it is.

    The log of a mean of n calls is too low by about their variance over 2 n times their mean
    squared. Averaged over tasks, the own side's less that of its base; 0 where nothing is known.
    Calls are (…, tasks, iterations, repeats).
    """
    sides = [_too_low(each.reshape(*each.shape[:-2], -1)) for each in (own, base)]
    return np.nan_to_num(means(sides[0] - sides[1]))


def _too_low(calls: Floats) -> Floats:
    count = (~np.isnan(calls)).sum(axis=-1)
    middle = means(calls)
    spread = means((calls - middle[..., None]) ** 2) * count / np.maximum(count - 1, 1)
    usable = (count > 1) & (middle > 0)
    return np.where(usable, spread / (2 * count * np.where(usable, middle, 1.0) ** 2), np.nan)


def scatters(own: Floats, base: Floats, phases: list[list[int]]) -> bool:
    """Return whether the calls of the own side scatter more than those of its base.

    Scatter is how far the log cost of a cell is from the mean of its task, beyond what all tasks
    of its phase (rows that belong together) do in that iteration. Sign flips over tasks.
    """
    if own.shape[1] < 2:
        return False
    more = signflip.better(scatter(own, base, phases))
    return more.p is not None and more.p <= policy.SCATTER / own.shape[1]


def scatter(own: Floats, base: Floats, phases: list[list[int]]) -> Floats:
    """Return by how much more the calls of each task scatter on the own side."""
    cells = common(own, base)
    usual = means(np.concatenate(cells, axis=-1))[..., None]
    floor = OF_OTHER * np.where(usual > 0, usual, 1.0)
    sides = [np.log(np.maximum(each, floor)) for each in cells]
    return _scatter(sides[0], phases) - _scatter(sides[1], phases)


def _scatter(logs: Floats, phases: list[list[int]]) -> Floats:
    apart = logs - means(logs)[..., None]
    for rows in phases:
        shared = means(apart[..., rows, :].swapaxes(-1, -2))
        apart[..., rows, :] -= shared[..., None, :]
    return means(np.abs(apart))


def effect(ratio: float) -> float:
    """Turn a ratio of own over base into an effect, infinite for 0."""
    return -log(ratio) if ratio > 0 else inf
