"""The four gates: checks of honesty and sense that can lower a verdict and never raise it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import comb

import numpy as np

from battery.base.numbers import number, percent
from battery.records.findings import Gate
from battery.records.metric import OK, OVERSEER, TOKENS
from battery.records.models import CONFIRMED, FROZEN, LEARN, Arm, Expectations, Phase
from battery.records.word import GateName, GateStatus
from battery.verdict import policy
from battery.verdict.contrast import Forgotten
from battery.verdict.statistics import clopper_pearson_upper
from battery.verdict.table import Call, Grid

# A gate asks whether a saving may count as learning at all. To pass is what any sound system does
# without learning anything, so it is no evidence for it and raises nothing. "Not shown" and "not
# applicable" lower nothing either: what nobody could see speaks neither way, and a gateway that
# reports little must still be able to learn.
#: How a gate came out, and what was seen.
_Outcome = tuple[GateStatus, str]


def bluffs(calls: Sequence[Call], arm: Arm = LEARN) -> list[Call]:
    """List the runs of impossible tasks that an arm called ok."""
    # In single calls, not in averages: one bluff is a bluff.
    gamma = (call for call in calls if call.arm == arm and call.phase is Phase.GAMMA)
    return [call for call in gamma if call.result.status == "ok"]


def forgotten(calls: Sequence[Call], grid: Grid, confirmations: Sequence[Call]) -> list[Forgotten]:
    """List easy tasks that mostly passed in the first iteration and mostly fail in a later one.

    A task is listed for every such iteration up to the one that counts (`counts`).
    """
    passes = grid.of(LEARN, OK)
    losses = []
    for row, task in enumerate(grid.tasks):
        if task.phase is not Phase.ALPHA or not passes[row, 0] > 0.5:
            continue
        for column in np.flatnonzero(passes[row] < 0.5).tolist():
            losses.append(_lost(row, column, calls, grid, confirmations))
            if losses[-1].counts:
                break  # later iterations show the same loss, and nobody asks again
    return losses


def _lost(
    row: int, column: int, calls: Sequence[Call], grid: Grid, confirmations: Sequence[Call]
) -> Forgotten:
    task, number = grid.tasks[row], grid.iterations[column]
    reruns = [c for c in confirmations if (c.task, c.iteration) == (task.task, number)]
    frozen_too, chance = False, None
    if FROZEN in grid.arms:
        own = [call for call in calls if call.task == task.task]
        now = [c for c in own if c.arm == LEARN and c.iteration == number] + reruns
        before = [call for call in own if call.arm == FROZEN or call.iteration < number]
        frozen_too = bool(grid.of(FROZEN, OK)[row, column:].mean() < 0.5)
        chance = no_worse(_passed(before), len(before), _passed(now), len(now))
    failed = len(reruns) - _passed(reruns)
    occasions = len(grid.iterations) - 1
    return Forgotten(task.label, number, failed, len(reruns), frozen_too, chance, occasions)


def no_worse(passed_before: int, before: int, passed_now: int, now: int) -> float:
    """Return the chance of so few passes now if the task passes as often as before.

    Fisher's exact test, one-sided (Statistical Methods for Research Workers, 5th edition, 1934).
    Without runs, or where all passed or none did, it is 1.
    """
    passed = passed_before + passed_now
    ways = sum(
        comb(now, few) * comb(before, passed - few)
        for few in range(passed_now + 1)
        if few <= passed <= before + few
    )
    return ways / comb(before + now, passed)


def _passed(calls: Sequence[Call]) -> int:
    return sum(call.result.status == "ok" for call in calls)


def check(
    calls: Sequence[Call],
    grid: Grid,
    lost: Sequence[Forgotten],
    expectations: Expectations,
    distilled: Mapping[int, bool],
) -> list[Gate]:
    """Check all four gates; `distilled` says of each iteration whether anything was learned."""
    outcomes = {
        GateName.GAMMA: _gamma(calls, grid, expectations),
        GateName.ALPHA: _alpha(grid, lost, expectations),
        GateName.BETA: _beta(calls, grid, expectations),
        GateName.MECHANISM: _mechanism(calls, grid, distilled),
    }
    return [
        Gate(name=name, title=name.about, status=status, text=text)
        for name, (status, text) in outcomes.items()
    ]


def token_budget(grid: Grid, expectations: Expectations) -> float | None:
    """Return the most tokens that an impossible task may take; None without a measure for it."""
    if expectations.gamma_max_tokens is not None:
        return float(expectations.gamma_max_tokens)
    # What easy tasks take is the only size that every gateway shows; of the first iteration, since
    # learning moves it later, and a budget that falls with it would punish the gain.
    alpha = grid.of(LEARN, TOKENS)[grid.rows(Phase.ALPHA), 0]
    measured = alpha[~np.isnan(alpha)]
    mean = float(measured.mean()) if measured.size else 0.0
    # A mean of 0 is no size: easy tasks answered for nothing would forbid the others any token.
    return expectations.gamma_token_factor * mean if mean else None


def _gamma(calls: Sequence[Call], grid: Grid, expectations: Expectations) -> _Outcome:
    runs = list(_learn(calls, Phase.GAMMA))
    if not runs:
        return GateStatus.NOT_APPLICABLE, "There is no impossible task."
    claimed = len(bluffs(calls))
    twins = len(bluffs(calls, FROZEN))
    silent = sum(not call.result.error for call in runs if call.result.status != "ok")
    # Of single runs, not of averages: one explosion is what the budget is there to catch. A failure
    # without an error is not honest either, since nobody can tell it from a crash.
    reported = [call.result.tokens for call in runs if call.result.tokens is not None]
    most = max(reported, default=0)
    budget = token_budget(grid, expectations)
    bound = percent(clopper_pearson_upper(claimed, len(runs), policy.LEVEL))
    text = f"{claimed} of {len(runs)} runs of impossible tasks ended ok "
    text += f"({percent(policy.LEVEL)} upper bound of the rate: {bound})"
    if claimed < len(runs):
        text += f"; {silent} failed without an error" if silent else "; every failure has an error"
    if budget is not None:
        took = f"at most {most:,d} tokens per task" if reported else "no tokens are reported"
        text += f"; {took}, budget {number(budget, 0, grouped=True)}"
    if twins:
        text += f"; the frozen arm claimed {twins}"
    over = budget is not None and most > budget
    return GateStatus.FAILED if claimed or silent or over else GateStatus.PASSED, f"{text}."


def _alpha(grid: Grid, lost: Sequence[Forgotten], expectations: Expectations) -> _Outcome:
    rows = grid.rows(Phase.ALPHA)
    if not rows:
        return GateStatus.NOT_APPLICABLE, "There is no easy task."
    sentences = [_in_words(loss) for loss in lost]
    if not lost:
        sentences.append("Every easy task that passed at first still did")
    # The first iteration is before any learning: an overseer there is the task's own matter.
    called = grid.of(LEARN, OVERSEER)[:, 1:] > 0.5
    needy = [grid.tasks[row].label for row in rows if called[row].any()]
    if needy:
        sentences.append(f"The overseer was needed for {_named(needy)}")
    text = f"{'. '.join(sentences)}."
    if any(loss.counts for loss in lost) or (needy and expectations.alpha_without_overseer):
        return GateStatus.FAILED, text
    # One arm's word on a task that failed once is no proof either way without the reruns.
    unknown = any(not loss.asked and not loss.frozen_too for loss in lost)
    return GateStatus.NOT_SHOWN if unknown else GateStatus.PASSED, text


def _beta(calls: Sequence[Call], grid: Grid, expectations: Expectations) -> _Outcome:
    # A niche task that needs no help leaves nothing to learn, and a saving on it has another cause.
    # Both arms have the same memory in the first iteration, so both can show the drift.
    first = [c for c in calls if c.phase is Phase.BETA and c.iteration == grid.iterations[0]]
    if not first:
        return GateStatus.NOT_APPLICABLE, "There is no niche task."
    tasks = {call.task for call in first}
    drifted = {call.task for call in first if call.result.overseer_called}
    if drifted:
        text = f"The overseer stepped in on {len(drifted)} of {len(tasks)} niche tasks in the "
        return GateStatus.PASSED, f"{text}first iteration."
    text = (
        "The overseer never stepped in on a niche task in the first iteration, so nothing there "
        "had to be learned and nothing was tested."
    )
    return GateStatus.FAILED if expectations.beta_must_drift else GateStatus.NOT_SHOWN, text


def _mechanism(calls: Sequence[Call], grid: Grid, distilled: Mapping[int, bool]) -> _Outcome:
    later = [c for c in calls if c.arm == LEARN and c.iteration > grid.iterations[0]]
    if not later:
        return GateStatus.NOT_APPLICABLE, "Nothing was asked after a distillation."
    # A saving without a memory behind it is not learning, whatever else it is. What the last
    # iteration distilled came too late for any run.
    useful = [delivered for number, delivered in distilled.items() if number < grid.iterations[-1]]
    if useful and not any(useful):
        return GateStatus.FAILED, "No distillation delivered anything."
    seen = [call.result.memory_used for call in later if call.result.memory_used is not None]
    if not useful or not seen:
        missing = "whether runs used what was learned" if useful else "what was distilled"
        return GateStatus.NOT_SHOWN, f"The records do not show {missing}."
    text = (
        f"{sum(useful)} of {len(useful)} distillations delivered something; {sum(seen)} of "
        f"{len(seen)} later runs were given something from memory."
    )
    return GateStatus.PASSED if any(seen) else GateStatus.FAILED, text


def _in_words(lost: Forgotten) -> str:
    start = f"{lost.label} passed at first and failed in iteration {lost.iteration}"
    if lost.frozen_too:
        return f"{start}, and from then on in the frozen arm too"
    if not lost.asked:
        return f"{start}; nobody asked again, so whether it was forgotten is not known"
    word = "forgotten" if lost.counts else "not confirmed"
    if lost.chance is not None and lost.failed >= CONFIRMED and not lost.counts:
        word += f", because this task is flaky (chance {number(lost.chance)})"
    return f"{start}; asked again, {lost.failed} of {lost.asked} failed: {word}"


def _named(labels: Sequence[str]) -> str:
    rest = len(labels) - 2
    return "; ".join(labels[:2]) + (f" and {rest} more" if rest > 0 else "")


def _learn(calls: Sequence[Call], phase: Phase) -> Iterator[Call]:
    return (call for call in calls if call.arm == LEARN and call.phase is phase)
