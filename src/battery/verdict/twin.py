"""Whether the twin is one: what makes the numbers of a battery worthless, or says nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from battery.base.numbers import counted, more_or_fewer, p_equals, percent
from battery.records.metric import METRICS, OK, TURNS
from battery.records.models import FROZEN, LEARN, SOLVABLE, Phase
from battery.verdict import cost, policy, signflip, strata
from battery.verdict.facts import Observed
from battery.verdict.signflip import Floats
from battery.verdict.start import Alike
from battery.verdict.table import CACHED, FINGERPRINT, MEMORY, Grid


def spoiled(observed: Observed, start: Alike | None) -> Iterator[str]:
    """List what makes the numbers of a battery worthless."""
    grid = observed.grid
    yield from observed.changed
    # A cell that is missing is not missing by chance: what is slow or fails is cut off first.
    if missing := grid.missing():
        yield f"{missing} of {grid.cells} cells (task, iteration, arm) have no run"
    if start and start.differing:
        yield start.differing
    if FROZEN not in grid.arms:
        return
    if _broke(grid):
        yield (
            "the twin fails most of the easy tasks that it passed in iteration 1, and the "
            "learner does not, so they are no longer the same system"
        )
    # A cached answer is no work: it cannot be the measure of what work costs.
    if cached := int(np.nansum(grid.asked(FROZEN, CACHED))):
        yield f"{counted(cached, 'answer')} of the twin came from a cache, which is no work"
    if (memories := _values(grid.told(FROZEN, FINGERPRINT))) > 1:
        yield f"the memory of the twin changed: its answers carry {memories} fingerprints"
    yield from _learned(grid)


def nothing_to_learn(observed: Observed) -> str | None:
    """Give the reason why nothing could be learned or seen; None where something could."""
    grid = observed.grid
    rows = grid.rows(*SOLVABLE)
    if not rows:
        return "no task can be done, so there is nothing to learn"
    most = observed.expectations.max_turns
    turns = grid.calls[TURNS]
    known = turns[~np.isnan(turns)]
    if most is not None and known.size and (known >= most).all():
        return f"every call hit the limit of {most} turns, so nothing was measured"
    if is_unchanged(grid):
        return "nothing was learned: the memory's fingerprint is the same to the end"
    if not np.nansum(grid.calls[OK][:, rows]):
        return "neither learner nor twin ever did a task, so there was nothing to learn from"
    return None


def is_unchanged(grid: Grid) -> bool:
    """Return whether the learner's memory is shown, and is the same to the end."""
    codes = grid.told(LEARN, FINGERPRINT)
    shown = [~np.isnan(part).all() for part in (codes[:, :1], codes[:, 1:]) if part.size]
    return len(shown) == 2 and all(shown) and _values(codes) == 1


def trend(grid: Grid, metric: str) -> str | None:
    """Note that the twin's own cost fell or rose since iteration 1; None where it did not."""
    later = cost.since_first(grid.asked(FROZEN, metric))
    ratio = cost.ratio(later)
    if ratio is None or not policy.is_relevant(abs(ratio - 1)) or not _changed(later):
        return None
    amount = f"{more_or_fewer(ratio)} {METRICS[metric].plain} than in iteration 1"
    cause = "or both share a memory" if ratio < 1 else "or its prompts grow"
    return f"the twin, which learns nothing, took {amount}: the provider drifted, {cause}"


def shared(observed: Observed, metric: str) -> str | None:
    """Object to a twin that gains as the learner does; None where it is shown not to.

    Two front ends over one memory look like that: what they have learned, both have.
    """
    grid = observed.grid
    if FROZEN not in grid.arms or len(grid.iterations) < 2:
        return None
    # A twin whose memory is shown, and never changed, has none that anybody could share.
    if not np.isnan(grid.told(FROZEN, FINGERPRINT)).any():
        return None
    return _cheaper(grid, metric) or _better(grid, observed.expectations.relevant.success)


def _cheaper(grid: Grid, metric: str) -> str | None:
    own, twins = (cost.since_first(grid.asked(arm, metric)) for arm in (LEARN, FROZEN))
    ratios = cost.ratio(own), cost.ratio(twins)
    if ratios[0] is None or ratios[1] is None or not policy.is_relevant(1 - ratios[1]):
        return None
    as_much = cost.effect(ratios[1]) >= policy.SHARED * cost.effect(ratios[0])
    if not as_much or not _changed(twins):
        return None
    learn, frozen = more_or_fewer(ratios[0]), more_or_fewer(ratios[1])
    return (
        f"since iteration 1 the twin, which never learns, has come to take {frozen} "
        f"{METRICS[metric].plain}, and the learner {learn}: both share a memory, or the provider "
        "got cheaper"
    )


def _better(grid: Grid, least: float) -> str | None:
    """Object to a twin that does more tasks since iteration 1, as the learner does."""
    rows, gains = grid.rows(*SOLVABLE), []
    if not rows:
        return None
    for arm in (LEARN, FROZEN):
        calls = grid.asked(arm, OK)[rows]
        tasks = strata.by_task(calls[:, 1:], calls[:, 0])
        p = strata.more(tasks)
        shares = np.array([(own / n - base / m) for own, n, base, m in tasks if n and m])
        gains.append(float(shares.mean()) if shares.size and p and p <= policy.GATE else 0.0)
    if not policy.is_relevant(min(gains), least) or gains[1] < policy.SHARED * gains[0]:
        return None
    return (
        f"since iteration 1 the twin, which never learns, has come to do {percent(gains[1])} "
        f"more of the tasks, and the learner {percent(gains[0])}: both share a memory, or the "
        "provider got better"
    )


def _changed(effects: Floats) -> bool:
    """Return whether the cost differs from that of iteration 1, and not by luck."""
    p = signflip.differs(effects).p
    return p is not None and p <= policy.GATE


def _values(codes: Floats) -> int:
    return int(np.unique(codes[~np.isnan(codes)]).size)


def _broke(grid: Grid) -> bool:
    """Return whether the twin alone stopped passing easy tasks, so that any gain is sham."""
    rows = grid.rows(Phase.ALPHA)
    if len(grid.iterations) < 2 or not rows:
        return False
    learn, frozen = grid.of(LEARN, OK)[rows], grid.of(FROZEN, OK)[rows]
    if not (frozen[:, 0].mean() > 0.5 > frozen[:, 1:].mean() and learn[:, 1:].mean() > 0.5):
        return False
    calls = [grid.asked(arm, OK)[rows] for arm in (LEARN, FROZEN)]
    others = np.concatenate([calls[0].reshape(len(rows), -1), calls[1][:, 0]], axis=1)
    p = strata.fewer(strata.by_task(calls[1][:, 1:], others))
    return p is not None and p <= policy.GATE


def _learned(grid: Grid) -> Iterator[str]:
    """Object to a twin that was given what iteration 1 did not know yet."""
    memory = grid.calls[MEMORY]
    own = grid.asked(FROZEN, MEMORY)
    # A gateway that fills this field before anything was distilled does not mean learning by it,
    # unless it fills it more often afterwards.
    if np.nansum(memory[:, :, 0]):
        tasks = strata.by_task(own[:, 1:].reshape(len(own), -1), own[:, 0])
        p = strata.more(tasks)
        if p is not None and p <= policy.GATE:
            yield f"the twin got more from memory than in iteration 1 ({p_equals(p)})"
        return
    # A twin that learns hides what learning does: the battery is refused, not only annotated.
    if used := int(np.nansum(own)):
        yield f"{counted(used, 'run')} of the twin got something from memory, so it learned too"
