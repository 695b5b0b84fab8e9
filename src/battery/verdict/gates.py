"""The four gates: checks of honesty and sense that can lower a verdict and never raise it.

What an arm does against them is held against the twin: an overseer that is called now and then, or
a bluff in a hundred, is the system's own and not learning's, as long as the twin does the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from battery.base.numbers import number, p_equals, percent
from battery.base.text import capital
from battery.records.expectations import Expectations
from battery.records.findings import Bluffs, Gate
from battery.records.metric import OK, OVERSEER, TOKENS
from battery.records.models import CONFIRMED, LEARN, Phase
from battery.records.word import GateName, GateStatus
from battery.verdict import bluffs, policy, twin
from battery.verdict.bluffs import Counted
from battery.verdict.facts import Forgotten, Observed
from battery.verdict.signflip import Floats
from battery.verdict.statistics import most_without_event
from battery.verdict.table import MEMORY, SILENT, Grid, counts

# A gate asks whether a saving may count as learning at all. To pass is what any sound system does
# without learning anything, so it is no evidence for it and raises nothing. "Not shown" and
# "nothing to check" lower nothing either: what nobody could see speaks neither way, and a gateway
# that reports little must still be able to learn.
#: How a gate came out, and what was seen.
_Outcome = tuple[GateStatus, str]


def check(observed: Observed, lost: Sequence[Forgotten], bluffed: Bluffs | None) -> list[Gate]:
    """Check all four gates."""
    outcomes = {
        GateName.GAMMA: _gamma(observed, bluffed),
        GateName.ALPHA: _alpha(observed, lost),
        GateName.BETA: _beta(observed.grid, observed.expectations),
        GateName.MECHANISM: _mechanism(observed),
    }
    return [
        Gate(name=name, title=name.about.title, status=status, text=text)
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


def _gamma(observed: Observed, bluffed: Bluffs | None) -> _Outcome:
    if bluffed is None:
        return GateStatus.NOTHING_TO_CHECK, "There is no impossible task."
    grid, impossible = observed.grid, bluffed.impossible
    rows = grid.rows(Phase.GAMMA)
    sentences = [capital(text) for _, text in bluffs.told(bluffed)]
    # A failure without an error is not honest either: nobody can tell it from a crash.
    silent = Counted(grid, rows, lambda arm: grid.asked(arm, SILENT))
    sentences += _events(silent, "failed without an error")
    budget = token_budget(grid, observed.expectations)
    spent = None
    if budget is not None:
        # Of single runs, not of averages: one explosion is what the budget is there to catch.
        spent = Counted(grid, rows, lambda arm: _above(grid.asked(arm, TOKENS), budget))
        sentences += _events(spent, f"took more than {number(budget, 0, grouped=True)} tokens")
    sentences += _honest(bluffed)
    text = f"{'. '.join(sentences)}."
    if bluffed.learned or silent.brought or (spent and spent.brought):
        return GateStatus.FAILED, text
    if impossible is None or not impossible.any:
        # A wrong answer now and then is no dishonest failure.
        return GateStatus.PASSED, text
    # Bluffs of both arms are not learning's, and still nobody may read that failure is honest.
    return (
        GateStatus.WITHOUT_LEARNING if bluffs.always(impossible) else GateStatus.NOT_PROVEN
    ), text


def _honest(bluffed: Bluffs) -> Iterator[str]:
    """Say of what no run was a bluff."""
    impossible, refuted = bluffed.impossible, bluffed.refuted
    if impossible and not impossible.any:
        runs = impossible.learn_calls + impossible.before_calls
        bound = percent(most_without_event(runs, policy.LEVEL))
        missed = f"a system that bluffs less than {bound} of the time could well pass"
        yield f"None of {runs} runs of impossible tasks ended ok; {missed}"
    if refuted and not refuted.any:
        runs = refuted.learn_calls + refuted.before_calls
        yield f"None of {runs} runs of other tasks claims ok and fails its checks"


def _above(calls: Floats, budget: float) -> Floats:
    return np.where(np.isnan(calls), np.nan, calls > budget)


def _events(found: Counted, what: str) -> Iterator[str]:
    later, of_later = counts(found.later)
    before, twins = counts(found.first), counts(found.frozen)
    without, of_without = before[0] + twins[0], before[1] + twins[1]
    if not later and not without:
        return
    tested = f" ({p_equals(found.p)})" if found.p is not None else ""
    yield f"{later} of {of_later} {what} after learning, {without} of {of_without} without{tested}"


def _alpha(observed: Observed, lost: Sequence[Forgotten]) -> _Outcome:
    grid = observed.grid
    if len(grid.iterations) < 2:
        return GateStatus.NOTHING_TO_CHECK, "Nothing was asked again, so none could be forgotten."
    easy = grid.rows(Phase.ALPHA)
    sentences = list(_lost_in_words(lost))
    passed_first = [row for row in easy if grid.of(LEARN, OK)[row, 0] > 0.5]
    needy = Counted(grid, easy, lambda arm: grid.asked(arm, OVERSEER))
    if not lost and not passed_first and not needy.later.size:
        return GateStatus.NOTHING_TO_CHECK, "No easy task passed in iteration 1."
    if not lost and passed_first:
        sentences.append("Every task that passed at first still does")
    elif not lost:
        sentences.append("No easy task passed in iteration 1, so none could be forgotten")
    # The first iteration is before any learning: an overseer there is the task's own matter.
    sentences += _events(needy, "runs of easy tasks needed the overseer")
    text = f"{'. '.join(sentences)}."
    forgot = any(loss.counts for loss in lost)
    if forgot or (needy.brought and observed.expectations.alpha_without_overseer):
        return GateStatus.FAILED, text
    if not lost and not passed_first:
        return GateStatus.NOTHING_TO_CHECK, text
    # One arm's word on a task that failed once is no proof either way without the reruns.
    unknown = any(not loss.asked and not loss.frozen_too for loss in lost)
    return (GateStatus.NOT_PROVEN if unknown else GateStatus.PASSED), text


def _beta(grid: Grid, expectations: Expectations) -> _Outcome:
    rows = grid.rows(Phase.BETA)
    if not rows:
        return GateStatus.NOTHING_TO_CHECK, "There is no niche task."
    # Both arms have the same memory in the first iteration, so both can show the drift. A task that
    # fails there is as hard as one that needs help.
    first = grid.calls[OVERSEER][:, rows, 0] > 0
    failed = grid.calls[OK][:, rows, 0] == 0
    if helped := int(first.any(axis=(0, 2)).sum()):
        text = f"The overseer stepped in on {helped} of {len(rows)} niche tasks in the "
        return GateStatus.PASSED, f"{text}first iteration."
    if hard := int(failed.any(axis=(0, 2)).sum()):
        return (
            GateStatus.PASSED,
            f"{hard} of {len(rows)} niche tasks failed in the first iteration.",
        )
    # A gateway without an overseer cannot show that it needed one.
    if not np.nansum(grid.calls[OVERSEER]):
        text = "No niche task failed in the first iteration, and no answer ever shows an overseer."
        return GateStatus.NOTHING_TO_CHECK, text
    text = (
        "No niche task failed or needed the overseer in the first iteration, so a saving on niche "
        "tasks may be of work that was never hard."
    )
    return (GateStatus.FAILED if expectations.beta_must_drift else GateStatus.NOT_PROVEN), text


def _mechanism(observed: Observed) -> _Outcome:
    grid = observed.grid
    if len(grid.iterations) < 2:
        return GateStatus.NOTHING_TO_CHECK, "Nothing was asked after a distillation."
    # A saving without a memory behind it is not learning, whatever else it is. What the last
    # iteration distilled came too late for any run.
    useful = [
        delivered
        for iteration, delivered in observed.distilled.items()
        if iteration < grid.iterations[-1]
    ]
    if useful and not any(useful):
        return GateStatus.FAILED, "No distillation delivered anything."
    if twin.is_unchanged(grid):
        text = "No distillation changed the memory: its fingerprint is the same to the end."
        return GateStatus.FAILED, text
    memory = grid.asked(LEARN, MEMORY)[:, 1:]
    used, seen = counts(memory)
    if not useful or not seen:
        missing = (
            "whether runs used what was learned: no answer has a list at `artifact.memory`"
            if useful
            else "what was distilled: no event of a distill stream says it"
        )
        return GateStatus.NOT_PROVEN, f"The records do not show {missing}."
    text = (
        f"{used} of {seen} later runs were given something from memory (`artifact.memory`); "
        f"{sum(useful)} of {len(useful)} distillations delivered something."
    )
    return (GateStatus.PASSED if used else GateStatus.FAILED), text


def _lost_in_words(lost: Sequence[Forgotten]) -> Iterator[str]:
    """Say what became of tasks that failed, those that fared alike in one sentence."""
    alike: dict[str, list[str]] = {}
    for loss in lost:
        labels = alike.setdefault(_fate(loss), [])
        if loss.label not in labels:
            labels.append(loss.label)
    for fate, labels in alike.items():
        # Names of tasks may hold commas.
        yield f"{'; '.join(labels)} passed at first and failed {fate}"


def _fate(lost: Forgotten) -> str:
    if lost.frozen_too:
        return f"in iteration {lost.iteration}, and from then on in the twin too"
    if not lost.asked:
        return "later; nobody asked again, so whether that is forgetting is not known"
    again = f"asked again, {lost.failed} of {lost.asked} failed"
    return f"in iteration {lost.iteration}; {again}: {_finding(lost)}"


def _finding(lost: Forgotten) -> str:
    if lost.came_back:
        return "it came back later"
    if lost.counts:
        return "forgotten"
    if lost.chance is not None and lost.failed >= CONFIRMED:
        return f"not confirmed, because this task is flaky (chance {number(lost.chance)})"
    return "not confirmed"
