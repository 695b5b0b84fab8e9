"""Whether both arms were alike in iteration 1, before anything was learned.

The run asks it as soon as it can, and the verdict asks it again, so both have the answer from here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from battery.base.numbers import counted, more_or_fewer, p_equals
from battery.records.findings import Start
from battery.records.metric import METRICS
from battery.records.models import ARM_NAMES, FROZEN, LEARN
from battery.verdict import cost, policy, signflip
from battery.verdict.signflip import Floats
from battery.verdict.table import FINGERPRINT, MEMORY, Grid


class Alike(NamedTuple):
    """What the arms differed by at the start."""

    start: Start
    #: By task, log of the cost of frozen over learn in iteration 1.
    effects: Floats
    #: The part of it that later effects are net of; 0 where they are not.
    netted: Floats
    #: How they differ and why, a clause each; None where they are alike, or nothing can tell.
    differing: str | None


def alike(grid: Grid, metric: str, *, kept: bool = False) -> Alike:
    """Compare the arms in iteration 1, two-sided.

    Where `kept` says that battery itself put both memories in place, they began alike whatever they
    took: a system may learn from each task at once.
    """
    first = grid.over(slice(1))
    effects = cost.task_effects(*(first.asked(arm, metric) for arm in (LEARN, FROZEN)))
    flipped, ratio = signflip.differs(effects), cost.ratio(effects)
    significant = flipped.p is not None and flipped.p < policy.SAME_START_ALPHA and not kept
    large = ratio is not None and abs(ratio - 1) >= policy.SPOILING
    netted = significant and not large
    start = Start(p=flipped.p, ratio=ratio, tasks=flipped.tasks, netted=netted, kept=kept)
    return Alike(
        start=start,
        effects=effects,
        netted=np.nan_to_num(effects) if netted else np.zeros(effects.shape),
        differing=_other_memory(first)
        or (None if kept else _remembered(first))
        or (_text(start, METRICS[metric].plain) if significant and large else None),
    )


def _other_memory(first: Grid) -> str | None:
    """Object to fingerprints that differ; no test is needed where the answers show it."""
    codes = (first.told(arm, FINGERPRINT) for arm in (LEARN, FROZEN))
    before = [known[0] for each in codes if (known := each[~np.isnan(each)]).size]
    # Their first answers alone: a gateway may learn from each task at once.
    if len(before) == 2 and before[0] != before[1]:
        return (
            "learner and twin start with different memories: their fingerprints differ in "
            "iteration 1, before anything was learned"
        )
    return None


def _remembered(first: Grid) -> str | None:
    """Object to a memory that only one arm uses."""
    learn, frozen = (first.asked(arm, MEMORY) for arm in (LEARN, FROZEN))
    # A gateway that fills this field for both does not mean learning by it.
    shown = not np.isnan(learn).all() and not np.isnan(frozen).all()
    by_learn, by_frozen = int(np.nansum(learn)), int(np.nansum(frozen))
    if not shown or (by_learn > 0) == (by_frozen > 0):
        return None
    arm, used = (LEARN, by_learn) if by_learn else (FROZEN, by_frozen)
    return (
        f"only the {ARM_NAMES[arm]} was given something from memory in iteration 1, before "
        f"anything was learned, in {counted(used, 'run')}: it has the memory of an earlier battery"
    )


def _text(start: Start, noun: str) -> str:
    by = f"{p_equals(start.p)}, {counted(start.tasks, 'task')}"
    ratio = start.ratio or 1.0
    cause = (
        "most likely the learner has the memory of an earlier battery"
        if ratio < 1
        else "most likely they are not the same version, or one has the memory of something else"
    )
    return (
        "learner and twin differ already in iteration 1, before anything was learned: the learner "
        f"took {more_or_fewer(ratio)} {noun} on a typical task than its twin ({by}); {cause}"
    )
