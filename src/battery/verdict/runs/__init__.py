"""What may be claimed of a system: the verdict over runs, each from an empty memory.

The run is the unit. Two memories of one system differ as two runs do, and no number of tasks or of
calls in one run says how the next memory will turn out. So each run gives one effect, and the signs
of these effects are flipped. Five runs have no p below 1/32, so the error budget is not divided:
one question is primary, and each of the others is asked only when all before it said yes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from battery.records.campaign import CampaignEvidence, OneRun, RunFindings, RunQuestion
from battery.records.findings import Kind, QuestionName
from battery.records.models import SOLVABLE
from battery.verdict import looks, policy, signflip, strata
from battery.verdict.questions import TITLES
from battery.verdict.runs import ladder, trends, words
from battery.verdict.runs.against import against
from battery.verdict.runs.effects import gains, interval, middle, more_done, shown, shown_interval
from battery.verdict.runs.ladder import RunFacts
from battery.verdict.runs.one import by_kind
from battery.verdict.signflip import Floats
from battery.verdict.strata import Stratum

#: The order of the questions, but that the primary one comes first.
ORDER: Final[tuple[QuestionName, ...]] = ("cost", "niche", "success")
_KINDS: Final[tuple[Kind, ...]] = ("all", "niche", "easy")


def assess_runs(
    runs: Sequence[RunFindings],
    *,
    planned: int | None = None,
    primary: QuestionName = "cost",
    folder: str | None = None,
    again: Sequence[str] = (),
) -> CampaignEvidence:
    """Judge what may be claimed of a system from its finished runs, in the order of their plan.

    `planned` is the number of runs in the plan; None means that these are all. `folder` is that of
    the campaign, for the commands that settle what is open, and `again` are the options of
    `battery run` that measure the same system. Raises `ValueError` without a run.
    """
    if not runs:
        raise ValueError("no run, no claim")
    facts = facts_of(runs, planned or len(runs), primary)
    word, reasons, holds = ladder.decide(facts)
    return CampaignEvidence(
        verdict=word,
        sentence=words.sentence(word, facts, reasons),
        claim=words.sentence(word, facts, reasons, short=True),
        reasons=reasons,
        holds=holds,
        scope=words.scope(facts),
        primary=primary,
        planned=facts.planned,
        finished=len(facts.runs),
        counted=len(facts.counted),
        invalid=facts.invalid,
        by_plan=facts.by_plan,
        metric=facts.metric,
        questions=list(facts.questions),
        done=list(facts.done),
        harm_p=facts.harm_p,
        success_p=facts.work_p,
        spread=facts.spread,
        growth=facts.growth,
        siblings=facts.siblings,
        bluffs=list(facts.bluffs),
        cautions=list(words.cautions(word, facts)),
        assumptions=list(words.assumptions(facts)),
        settle=list(words.settle(word, facts, folder, again)),
        runs=list(facts.runs),
    )


def facts_of(runs: Sequence[RunFindings], planned: int, primary: QuestionName) -> RunFacts:
    """Find everything that the ladder looks at."""
    runs = _alike(runs)
    look = _looked(runs, planned, primary)
    gain = next((question.name for question in look.questions if question.yes), None)
    return RunFacts(
        runs=runs,
        counted=look.runs,
        planned=planned,
        by_plan=look.by_plan,
        primary=primary,
        metric=(look.runs or runs)[0].metric,
        questions=look.questions,
        harm_p=signflip.better(-gains(look.runs, "cost")).p,
        work_p=strata.fewer(_work(look.runs)),
        loss_p={kind: signflip.better(-more_done(look.runs, kind)).p for kind in _KINDS},
        done=by_kind(look.runs),
        spread=trends.spread(look.runs),
        growth=trends.growth(look.runs),
        siblings=trends.siblings(look.runs, gain),
        bluffs=trends.bluffs(look.runs),
    )


def _alike(runs: Sequence[RunFindings]) -> list[RunFindings]:
    """Leave out runs whose cost is in another unit than that of the first: they have no mean."""
    unit = next((run.metric for run in runs if run.counted), None)
    why = "its cost is in another unit than that of the first run"
    return [
        run.model_copy(update={"left_out": why}) if run.counted and run.metric != unit else run
        for run in runs
    ]


class _Look(NamedTuple):
    """The runs that decide, and what they say."""

    runs: list[RunFindings]
    questions: list[RunQuestion]
    by_plan: bool


def _looked(runs: Sequence[RunFindings], planned: int, primary: QuestionName) -> _Look:
    # What was planned decides alone; what is added afterwards has its own share of the budget.
    due = [run for run in runs[:planned] if run.counted]
    look = _Look(due, _questions(due, primary, by_plan=True), by_plan=True)
    whole = [run for run in runs if run.counted]
    if len(whole) == len(due) or any(question.yes for question in look.questions):
        return look
    return _Look(whole, _questions(whole, primary, by_plan=False), by_plan=False)


def _questions(
    runs: Sequence[RunFindings], primary: QuestionName, *, by_plan: bool
) -> list[RunQuestion]:
    questions: list[RunQuestion] = []
    for name in sorted(ORDER, key=lambda name: name != primary):
        asked = all(question.yes for question in questions)
        questions.append(_question(name, runs, asked=asked, by_plan=by_plan))
    return questions


def _question(
    name: QuestionName, runs: Sequence[RunFindings], *, asked: bool, by_plan: bool
) -> RunQuestion:
    effects = gains(runs, name)
    level = policy.planned() if by_plan else policy.LATER
    p = signflip.better(effects).p if by_plan else _bets(effects)
    ends, small = interval(effects, level), p is not None and p <= level
    objection = next(against(name, runs, ends), None) if small else None
    known = int((~np.isnan(effects)).sum())
    unreached = words.too_few(known, level) if 2.0**-known > level else None
    order = [
        OneRun(run=runs[place].name, effect=shown(float(effects[place]), name))
        for place in np.argsort(-effects, kind="stable")[:known].tolist()
    ]
    mean = middle(effects)
    return RunQuestion(
        name=name,
        title=TITLES[name],
        asked=asked,
        p=p,
        level=level,
        yes=asked and small and objection is None,
        effect=None if mean is None else shown(mean, name),
        interval=shown_interval(ends, name),
        runs=known,
        helped=int((effects > 0).sum()),
        best=order[0] if order else None,
        worst=order[-1] if order else None,
        test=f"sign flips over {known} runs, one-sided"
        if by_plan
        else f"e-values of {known} runs, of which some were not planned",
        note=objection or unreached,
    )


def _bets(effects: Floats) -> float | None:
    known = effects[~np.isnan(effects)]
    if not known.any():
        return None
    return float(min(1.0, 1 / looks.e_values(list(known[:, None])).max()))


def _work(runs: Sequence[RunFindings]) -> list[Stratum]:
    """Return a stratum per run and task that can be done."""
    return [
        Stratum(task.learn_done, task.learn_calls, task.frozen_done, task.frozen_calls)
        for run in runs
        for task in run.by_task
        if task.phase in SOLVABLE
    ]
