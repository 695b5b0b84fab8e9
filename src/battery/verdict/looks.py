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

from collections.abc import Sequence
from math import exp, hypot, log, sqrt
from typing import Final

import numpy as np

from battery.verdict.signflip import Floats

# A bet fits an effect of about its own size; these cost at most a factor of three between them.
#: Bets per unit of spread.
BETS: Final = (0.25, 0.5, 1.0)
# Two loses nothing against no limit where differences are normal, and halves what heavy tails cost.
#: A difference counts for at most so many times the spread.
MOST: Final = 2.0
#: The log of the largest e-value that is reported.
_MOST_LOG: Final = 700.0


def e_values(blocks: Sequence[Floats], before: Floats | None = None) -> Floats:
    """Return the e-value after each block of differences, in order of time.

    A block holds what one iteration added: learn against frozen, a positive difference where learn
    is better, in any unit. NaN is left out. Significant at a level is the first e-value of at least
    1 / level, and it stays so whatever comes later.

    `before` are differences that are not evidence, such as those of iteration 1: they only say how
    large differences are. Without them nothing can be bet on the first block that holds any.
    """
    so_far = _known(before) if before is not None else np.empty(0)
    logs = np.zeros(len(BETS))
    values = []
    for block in map(_known, blocks):
        spread = hypot(*so_far.tolist()) / sqrt(max(1, so_far.size))
        # Without a spread there is no unit, and no bet.
        if spread > 0:
            logs = logs + _log_gains(block, spread)
        best = logs.max()
        values.append(exp(min(_MOST_LOG, best + log(np.exp(logs - best).mean()))))
        so_far = np.concatenate([so_far, block])
    return np.array(values, dtype=np.float64)


def _known(values: Floats) -> Floats:
    known: Floats = values[~np.isnan(values)]
    return known


def _log_gains(block: Floats, spread: float) -> Floats:
    """Return the log of what each bet makes of a block."""
    cut = np.clip(block, -MOST * spread, MOST * spread) / spread
    gains: Floats = np.log1p(np.tanh(np.outer(BETS, cut))).sum(axis=1)
    return gains
