"""What runs show next to their effects: spread, growth, new tasks, bluffs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from battery.base.numbers import more_or_fewer, p_equals, percent
from battery.records.campaign import (
    NewTasks,
    PooledClaims,
    RunFindings,
    RunGrowth,
    RunSiblings,
    Spread,
    TaskClaims,
)
from battery.records.findings import QuestionName, Transfer
from battery.records.metric import METRICS
from battery.verdict import cost, policy, signflip, strata
from battery.verdict.growth import largest_step, rises
from battery.verdict.ladder import FALLS
from battery.verdict.runs.effects import (
    gains,
    interval,
    logs,
    middle,
    more_done,
    more_than_chance,
    numbers,
    shown,
    shown_interval,
)
from battery.verdict.signflip import Floats
from battery.verdict.strata import Stratum


def spread(runs: Sequence[RunFindings]) -> Spread | None:
    """Return by how much runs differ in what they save; None with fewer than two."""
    effects = gains(runs, "cost")
    known = effects[~np.isnan(effects)]
    if known.size < 2:
        return None
    total = float(known.std(ddof=1))
    errors = [run.error**2 for run in runs if run.error is not None]
    noise = sqrt(sum(errors) / len(errors)) if errors else None
    between = None if noise is None else sqrt(max(0.0, total**2 - noise**2))
    return Spread(total=total, noise=noise, between=between)


def growth(runs: Sequence[RunFindings]) -> RunGrowth | None:
    """Follow the saving over the iterations that all runs have; None without any."""
    count = min((len(run.by_iteration) for run in runs), default=0)
    if not count:
        return None
    table = np.stack([logs(run.by_iteration[:count]) for run in runs])
    table = table[~np.isnan(table).any(axis=1)]
    fell = sum(run.shape in FALLS for run in runs)
    p = beyond = None
    if 1 + count >= policy.SLOPE_ITERATIONS and len(table):
        place = int(largest_step(table))
        # Each memory walks in its own way, so the slope of a run is one observation, not several.
        p = signflip.better(_slopes(table)).p
        beyond = signflip.better(_slopes(table[:, :place]) + _slopes(table[:, place:])).p
    note = _flat(runs, table, fell, p, beyond)
    return RunGrowth(
        ratios=[cost.as_ratio(float(column.mean())) for column in table.T] if len(table) else [],
        p=p,
        p_beyond_step=beyond,
        fell=fell,
        grew=note is None,
        note=note,
    )


def _slopes(table: Floats) -> Floats:
    """Return the slope of each row, as a sum that needs no unit."""
    places = np.arange(table.shape[1])
    slopes: Floats = cost.without_dust(table @ (places - places.mean()))
    return slopes


def _flat(
    runs: Sequence[RunFindings], table: Floats, fell: int, p: float | None, beyond: float | None
) -> str | None:
    """Give the reason why a saving is not shown to grow; None where it is."""
    least = policy.SLOPE_ITERATIONS
    if 1 + table.shape[1] < least:
        return f"{1 + table.shape[1]} iterations cannot show that it goes on improving; {least} can"
    if more_than_chance(fell, len(runs)):
        return f"in {fell} of {len(runs)} runs the saving fell again after its peak"
    if p is None or p > policy.ALPHA or not rises(table):
        return f"no growth of the saving from iteration 2 on is shown ({_p(p)})"
    if beyond is None or beyond > policy.ALPHA:
        return f"it grew by a step, and no growth beyond that is shown ({_p(beyond)})"
    return None


def _p(p: float | None) -> str:
    return "no difference between iterations" if p is None else p_equals(p)


def siblings(runs: Sequence[RunFindings], gain: QuestionName | None) -> RunSiblings | None:
    """Hold a gain of the system against new tasks; None where no run asked any.

    `gain` is the question that was answered yes first; None where there is no gain.
    """
    asked = [(run, run.siblings) for run in runs if run.siblings is not None]
    if not asked:
        return None
    new = [each for _, each in asked]
    # Only where nothing costs less are new tasks asked whether more of them are done.
    name: QuestionName = "success" if gain == "success" else "cost"
    if name == "success":
        effects = numbers(each.gain for each in new)
        repeated = more_done([run for run, _ in asked])
    else:
        effects = logs(each.ratio for each in new)
        repeated = logs(each.repeated for each in new)
    p, ends = signflip.better(effects).p, interval(effects, policy.NEW)
    least = policy.SHARE * _gained(middle(repeated) or 0.0, name)
    outcome: Transfer = "nothing to show"
    note = None
    if gain is not None:
        noun = METRICS[runs[0].metric].plain
        note = next(_not_new(_Shown(new, middle(effects), p, least, name, noun)), None)
        high = ends is not None and least > 0 and _gained(ends.high, name) < least
        kept = more_than_chance(sum(each.outcome == "memorised" for each in new), len(new))
        outcome = "shown" if note is None else "memorised" if high or kept else "open"
    return RunSiblings(
        outcome=outcome,
        runs=len(asked),
        asked=sum(each.asked for each in new),
        repeated=_shown(middle(repeated), name),
        effect=_shown(middle(effects), name),
        interval=shown_interval(ends, name),
        p=p,
        level=policy.NEW,
        note=note,
    )


def _gained(effect: float, name: QuestionName) -> float:
    return effect if name == "success" else 1 - cost.as_ratio(effect)


def _shown(effect: float | None, name: QuestionName) -> float | None:
    return None if effect is None else shown(effect, name)


class _Shown(NamedTuple):
    """What siblings show over runs."""

    new: Sequence[NewTasks]
    #: The mean gain; None where nothing could be compared.
    effect: float | None
    p: float | None
    #: The gain that they have to have.
    least: float
    name: QuestionName
    noun: str


def _not_new(shown: _Shown) -> Iterator[str]:
    """List what speaks against calling a gain one on new tasks, too."""
    new, effect, p, least, name, noun = shown
    kept = sum(each.outcome == "memorised" for each in new)
    if more_than_chance(kept, len(new)):
        yield f"in {kept} of {len(new)} runs new tasks of the same kind did not gain"
    if effect is None:
        yield "no new tasks could be compared"
        return
    if name == "success":
        done = f"new tasks of the same kind are done {percent(abs(effect))} more often"
        text = done if effect >= 0 else done.replace("more", "less")
    else:
        amount = more_or_fewer(cost.as_ratio(effect))
        text = f"new tasks of the same kind took {amount} {noun}"
    if least <= 0:
        yield "in the iterations with new tasks, the repeated ones gained nothing"
    elif not policy.is_relevant(_gained(effect, name), least):
        yield f"{text}: less than half of what those gained that were asked again"
    elif p is None or p > policy.NEW:
        yield f"{text}, which may be luck ({p_equals(p)})"


def bluffs(runs: Sequence[RunFindings]) -> list[PooledClaims]:
    """Add up bluffs over runs, and test whether learning brought them."""
    kinds: dict[str, list[tuple[RunFindings, TaskClaims]]] = {}
    for run in runs:
        for claims in run.claims:
            kinds.setdefault(claims.kind, []).append((run, claims))
    return [_pooled(kinds[kind]) for kind in ("impossible", "refuted") if kind in kinds]


def _pooled(found: Sequence[tuple[RunFindings, TaskClaims]]) -> PooledClaims:
    claims = [each for _, each in found]
    kind = claims[0].kind
    # A stratum per run and task: memories differ, and so do tasks.
    p = strata.more(
        [Stratum(each.learn, each.learn_calls, each.others, each.other_calls) for each in claims]
    )
    level = policy.GATE if kind == "impossible" else policy.REFUTED
    return PooledClaims(
        kind=kind,
        learn=sum(each.learn for each in claims),
        learn_calls=sum(each.learn_calls for each in claims),
        others=sum(each.others for each in claims),
        other_calls=sum(each.other_calls for each in claims),
        runs=len({run.name for run, each in found if each.learn}),
        p=p,
        learned=p is not None and p <= level,
    )
