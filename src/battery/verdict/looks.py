"""Evidence that may be looked at again after each further iteration, without a price for looking.

A p-value is made for one look: whoever adds iterations until it is small finds one below any level
in the end. An e-value starts at 1, and where learning does nothing it grows on average not at all,
so it ever reaches 200 in at most one battery of 200 (Ville, Etude critique de la notion de
collectif, 1939), however long one goes on and whenever one stops.

What is bet on is the sign. If a difference x between the arms is as likely to be +d as -d, whatever
happened before, then exp(bx) / cosh(bx) = 1 + tanh(bx) is 1 on average for every bet b, and so is
the product of any number of them. De la Pena, A general class of exponential inequalities for
martingales and ratios, Ann Probab 27, 1999, has the product of exp(bx - b^2 x^2 / 2), which is
never larger; that it can be improved upon by martingales such as this one is in Ramdas, Ruf,
Larsson & Koolen, Admissible anytime-valid sequential inference must rely on nonnegative
martingales, 2020. The mean over several bets has the same property, and none of them needs to fit.

Nothing is assumed about size or spread: x is divided by the spread of the differences before it,
so the unit does not matter, and cut off at `MOST`, so that one wild call cannot take everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, log2
from typing import Final

import numpy as np

from battery.verdict.signflip import Booleans, Floats

# A bet fits an effect of about its own size; these cost at most a factor of three between them.
#: Bets per unit of spread.
BETS: Final = (0.25, 0.5, 1.0)
# Two loses nothing against no limit where differences are normal, and halves what heavy tails cost.
#: A difference counts for at most so many times the spread.
MOST: Final = 2.0
#: The log of the largest e-value that is reported.
_MOST_LOG: Final = 700.0
#: Where the search for the end of an interval stops, in the unit of the effect.
FURTHEST: Final = 8.0
#: How exact an end is.
PRECISION: Final = 1e-4


def e_values(blocks: Sequence[Floats], before: Floats | None = None) -> Floats:
    """Return the e-value after each block of differences, in order of time.

    A block holds what one iteration added: learn against frozen, a positive difference where learn
    is better, in any unit. NaN is left out. Significant at a level is the first e-value of at least
    1 / level, and it stays so whatever comes later.

    `before` are differences that are not evidence, such as those of iteration 1: they only say how
    large differences are. Without them nothing can be bet on the first block that holds any.
    """
    if not blocks:
        return np.empty(0)
    scale = np.empty(0) if before is None else _known(before)
    values: Floats = _paths(_table(blocks), scale, np.zeros(1))[0]
    return values


def bound(blocks: Sequence[Floats], level: float, before: Floats | None = None) -> float | None:
    """Return the lower end of the interval of the effect, a difference in the unit of the blocks.

    Above 0 exactly where an e-value has reached 1 / level. None where no end was found (`edge`).
    """
    table = _table(blocks)
    scale = np.empty(0) if before is None else _known(before)
    return edge(lambda effects: 1 / _paths(table, scale, effects).max(axis=1) <= level)


def edge(excluded: Callable[[Floats], Booleans]) -> float | None:
    """Return the largest effect up to which all are excluded; None where none was found.

    `excluded` is asked about many effects at once.
    """
    # Doubling away from 0, then narrowing the gap: the end is on the side of 0 where the test of no
    # effect puts it, whatever rounding does.
    up = bool(excluded(np.zeros(1))[0])
    doubled = PRECISION * 2.0 ** np.arange(1 + floor(log2(FURTHEST / PRECISION)))
    ends = np.concatenate([[0.0], doubled if up else -doubled])
    while True:
        beyond = excluded(ends[1:]) != up
        if not beyond.any():
            return None
        place = int(np.argmax(beyond))
        if abs(ends[place + 1] - ends[place]) <= PRECISION:
            return float(ends[place + 1])
        # The last of them is known to be beyond; asking again costs less than keeping account.
        ends = np.linspace(ends[place], ends[place + 1], 17)


def _table(blocks: Sequence[Floats]) -> Floats:
    """Lay out blocks as rows, with NaN at the end of short ones."""
    table = np.full((len(blocks), max(1, *(block.size for block in blocks))), np.nan)
    for row, block in zip(table, blocks, strict=True):
        row[: block.size] = block.ravel()
    return table


def _paths(table: Floats, before: Floats, effects: Floats) -> Floats:
    """Return the e-values after each block (row) once each of these effects is taken off."""
    known = ~np.isnan(table)
    values = np.where(known, table - effects[:, None, None], 0.0)
    squares, counts = (values**2).sum(axis=2), known.sum(axis=1)
    # What a block bets on rests on what came before it.
    earlier = (before**2).sum() + _before_each(squares)
    spread = np.sqrt(earlier / np.maximum(1, before.size + _before_each(counts)))[..., None]
    # Without a spread there is no unit, and no bet.
    cut = np.divide(values, spread, out=np.zeros_like(values), where=spread > 0)
    bets = np.array(BETS)[:, None, None, None]
    gains = np.log1p(np.tanh(bets * np.clip(cut, -MOST, MOST))).sum(axis=3)
    logs = gains.cumsum(axis=2)
    best = logs.max(axis=0)
    means: Floats = best + np.log(np.exp(logs - best).mean(axis=0))
    return np.exp(np.minimum(_MOST_LOG, means))


def _before_each(values: Floats) -> Floats:
    """Return the sum of what comes before each value along the last axis."""
    sums = np.zeros(values.shape)
    sums[..., 1:] = values[..., :-1].cumsum(axis=-1)
    return sums


def _known(values: Floats) -> Floats:
    known: Floats = values[~np.isnan(values)]
    return known
