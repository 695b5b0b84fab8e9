"""What speaks against a small p over runs: the objections of a single battery, held over runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from battery.base.numbers import more_or_fewer, percent
from battery.records.campaign import RunFindings
from battery.records.findings import Interval, Kind, QuestionName
from battery.records.metric import METRICS
from battery.verdict import cost, policy, signflip
from battery.verdict.runs.effects import (
    KINDS,
    gains,
    logs,
    middle,
    more_done,
    more_than_chance,
    numbers,
)
from battery.verdict.signflip import Floats

#: A gain in work counts where it is one over all tasks, or over the niche ones.
_WORK: Final[tuple[Kind, ...]] = ("all", "niche")


def against(
    name: QuestionName, runs: Sequence[RunFindings], ends: Interval | None
) -> Iterator[str]:
    """List what speaks against calling a gain over runs one of the system.

    `ends` is the interval of the gains.
    """
    yield from _unfounded(name, runs)
    yield from _of_work(runs) if name == "success" else _of_cost(name, runs)
    # Signs alone say nothing of sizes: a run that gained much must not carry those that hardly did.
    if ends is not None and ends.low <= 0:
        yield "the runs differ so much that their mean may be no gain at all"


def _unfounded(name: QuestionName, runs: Sequence[RunFindings]) -> Iterator[str]:
    """Object to what is no work saved or done, in more runs than luck lets expect."""
    found = [run.objections[name][0] for run in runs if run.objections.get(name)]
    if more_than_chance(len(found), len(runs)):
        yield f"in {len(found)} of {len(runs)} runs, as in this one: {found[0]}"


def _of_cost(name: QuestionName, runs: Sequence[RunFindings]) -> Iterator[str]:
    effects, least = gains(runs, name), least_cost(runs)
    found = [run.cost(KINDS[name]) for run in runs]
    asked = policy.relevant(least)
    if _little(effects, least):
        saving = 1 - cost.as_ratio(middle(effects) or 0.0)
        yield f"the saving is {percent(saving, 1)}, less than the {asked} that counts"
    together = logs(each.together if each else None for each in found)
    if (middle(together) or 0.0) <= 0:
        yield "all these tasks together cost no less than in the twin"
    if name == "cost":
        doable = logs(run.solvable for run in runs)
        if _little(doable, policy.DOABLE * least):
            took = more_or_fewer(cost.as_ratio(middle(doable) or 0.0))
            noun = METRICS[runs[0].metric].plain
            yield f"possible tasks took {took} {noun}: the saving is on impossible ones"
    # What is not told there has nothing to take off.
    before = np.nan_to_num(logs(each.before if each else None for each in found))
    if _leans(before) and _little(effects - before, least):
        yield f"the learner cost less in iteration 1 already, and gained under {asked} since"
    feigned = numbers(each.feigned if each else None for each in found)
    if _leans(feigned) and _little(effects - feigned, least):
        yield "calls vary so much that the means of so few can look like a saving"


def _of_work(runs: Sequence[RunFindings]) -> Iterator[str]:
    least = min(run.relevant_success for run in runs)
    asked = policy.relevant(least)
    gained = [more_done(runs, kind) for kind in _WORK]
    gain = max(middle(each) or 0.0 for each in gained)
    if not policy.is_relevant(gain, least):
        yield f"{percent(gain, 1)} more are done, less than the {asked} that count"
    since = max(
        middle(each - _more_before(runs, kind)) or 0.0
        for each, kind in zip(gained, _WORK, strict=True)
    )
    if not policy.is_relevant(since, least):
        yield f"the learner did more in iteration 1 already, and gained under {asked} since"


def _more_before(runs: Sequence[RunFindings], kind: Kind) -> Floats:
    done = [run.work(kind) for run in runs]
    return numbers(each.gain_before if each else None for each in done)


def least_cost(runs: Sequence[RunFindings]) -> float:
    """Return the least share of cost that counts."""
    return min(run.relevant_cost for run in runs)


def _little(effects: Floats, least: float) -> bool:
    return not policy.is_relevant(1 - cost.as_ratio(middle(effects) or 0.0), least)


def _leans(effects: Floats) -> bool:
    """Return whether what is above 0 on average may be so in all runs, for all that can be told."""
    mean, p = middle(effects), signflip.better(effects).p
    few = 1 / 2 ** min(effects.size, 30) > policy.LEANING
    return bool(mean and mean > 0 and p is not None and (few or p <= policy.LEANING))
