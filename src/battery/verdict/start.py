"""Whether the two arms were alike before anything was learned.

The run asks it as soon as it can, and the verdict asks it again, so both have the answer from here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from battery.base.numbers import counted, more_or_fewer, p_equals
from battery.verdict import policy, signflip
from battery.verdict.signflip import Floats


class Differing(NamedTuple):
    """By how much the arms differ in iteration 1, where they should not."""

    #: Tokens of the learn arm over those of the frozen one, a geometric mean over tasks.
    ratio: float
    #: Of sign flips over tasks, two-sided.
    p: float
    #: Tasks that both arms reported tokens of.
    tasks: int

    @property
    def text(self) -> str:
        """What differs, in numbers, as a clause."""
        by = f"{p_equals(self.p)}, {counted(self.tasks, 'task')}"
        return (
            "the arms differ already in iteration 1, before anything was learned: the learn arm "
            f"took {more_or_fewer(self.ratio)} tokens on a typical task than the frozen arm ({by})"
        )

    @property
    def cause(self) -> str:
        """What most likely made them differ, as a clause."""
        if self.ratio < 1:
            return "most likely the learn arm has the memory of an earlier battery"
        return "most likely they are not the same version, or one has the memory of something else"


def differs(learn: Floats, frozen: Floats) -> Differing | None:
    """Return how the arms differ in iteration 1; None where they do not, or nothing can tell.

    Takes the mean tokens of each task in each arm, NaN where not reported, in the same order.
    """
    logs = np.log(_counted(frozen, learn) / _counted(learn, frozen))
    p = signflip.differs(logs).p
    if p is None or p >= policy.SAME_START_ALPHA:
        return None
    ratio = float(np.exp(-np.nanmean(logs)))
    # Small but regular differences are taken off every effect and spoil nothing.
    if abs(ratio - 1) < policy.SPOILING:
        return None
    return Differing(ratio, p, int((~np.isnan(logs)).sum()))


def _counted(own: Floats, other: Floats) -> Floats:
    # What is answered from memory may cost nothing, and that is what is looked for here; but no
    # ratio is infinite.
    return np.where(own == 0, np.maximum(1.0, 0.01 * other), own)
