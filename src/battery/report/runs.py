"""Several runs of a system in words and cells, the same for every surface; pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Final

from battery.base.numbers import (
    counted,
    duration,
    minus,
    money,
    more_or_fewer,
    number,
    p_equals,
    p_value,
    percent,
    signed_percent,
)
from battery.base.text import brief, capital, listed, quoted
from battery.records.campaign import (
    CampaignEvidence,
    CampaignSummary,
    Done,
    PooledClaims,
    RunFindings,
    RunQuestion,
)
from battery.records.findings import Kind
from battery.records.models import TARGET_NAMES
from battery.records.word import GateName, Word
from battery.report import evidence as shown
from battery.report.answer import QUESTIONS, Answer
from battery.report.evidence import NONE, done, relative
from battery.report.run_tasks import TaskRuns, changes, noun, tasks

#: Characters of the name of a task in a sentence.
_LABEL: Final = 60


def aim(evidence: CampaignEvidence) -> str:
    """Say what the advice is for; runs that are missing come before any verdict."""
    return evidence.verdict.about.aim if evidence.verdict else "To go on"


def size(summary: CampaignSummary) -> list[str]:
    """Write what was run: `5 runs of 8 tasks`, `3 iterations`, `525 calls`, and what it took."""
    evidence, spent = summary.evidence, summary.spent
    runs = counted(evidence.finished, "run")
    if evidence.planned != evidence.finished:
        runs = f"{evidence.finished} of {counted(evidence.planned, 'run')}"
    iterations = sorted({run.iterations for run in evidence.runs})
    parts = [f"{runs} of {counted(evidence.runs[0].tasks, 'task')}"]
    parts += [f"{'/'.join(map(str, iterations))} iteration{'' if iterations == [1] else 's'}"]
    parts += [counted(spent.calls, "call")]
    parts += [f"{spent.tokens:,} tokens"] if spent.tokens is not None else []
    parts += [money(spent.cost_usd)] if spent.cost_usd is not None else []
    return parts


def answers(summary: CampaignSummary) -> list[Answer]:
    """Answer the five questions of a reader, in the order in which they are asked."""
    evidence = summary.evidence
    word = f"{evidence.verdict}: " if evidence.verdict else ""
    texts = (
        f"{word}{evidence.claim}",
        how_much(evidence),
        _work(evidence),
        _which(evidence),
        evidence.scope,
    )
    return [Answer(*pair) for pair in zip(QUESTIONS, texts, strict=True)]


def deciding(evidence: CampaignEvidence) -> RunQuestion:
    """Return the question that the verdict rests on: the first yes, else the primary one."""
    return next((asked for asked in evidence.questions if asked.yes), evidence.questions[0])


def how_much(evidence: CampaignEvidence) -> str:
    """Write the effect that decides, with its interval, its p, and how the runs differ."""
    if evidence.verdict is None:
        return "No size is given before all planned runs are finished."
    if not evidence.trusted:
        return f"No size can be given: under {evidence.verdict} none of the numbers shows learning."
    asked = deciding(evidence)
    if asked.effect is None:
        return "No effect could be measured."
    text = f"{capital(_amount(asked, asked.effect))} {about(asked, evidence)}"
    if ends := asked.interval:
        fits = f"{shown.confidence(ends)} interval {span(asked)}"
        fits = fits if asked.name == "success" else shown.in_words(ends)
        # The test of a saving says nothing of what costs more: harm has one of its own.
        costly = asked.name == "cost" and asked.effect > 1
        text += f" ({fits}; {p_equals(evidence.harm_p if costly else asked.p)})"
    text += f"; {asked.helped} of {counted(asked.runs, 'run')} gained"
    if asked.best and asked.worst:
        best, worst = (_amount(asked, one.effect) for one in (asked.best, asked.worst))
        text += f", the best {best}, the worst {worst}" if best != worst else ", all alike"
    return f"{text}."


def _amount(asked: RunQuestion, value: float) -> str:
    return effect(asked, value) if asked.name == "success" else more_or_fewer(value, 1)


def about(asked: RunQuestion, evidence: CampaignEvidence) -> str:
    """Write what an effect is about: `tokens on a typical task`."""
    if asked.name == "success":
        return "of the calls done"
    return f"{noun(evidence)} on a typical {'niche ' if asked.name == 'niche' else ''}task"


def effect(asked: RunQuestion, value: float) -> str:
    """Write an effect as a change: of a cost relative, of what is done in points."""
    if asked.name == "success":
        return f"{signed_percent(value).removesuffix('%')} points"
    return relative(value)


def effect_of(run: RunFindings, asked: RunQuestion) -> float | None:
    """Return the effect of one run in a question; None where it has none."""
    if asked.name == "success":
        work = run.work()
        return work.gain if work else None
    cost = run.cost("niche" if asked.name == "niche" else "all")
    return cost.ratio if cost else None


def span(asked: RunQuestion) -> str:
    """Write both ends of a question's interval as changes; a dash without one."""
    if asked.interval is None:
        return NONE
    return " to ".join(effect(asked, end) for end in (asked.interval.low, asked.interval.high))


def _work(evidence: CampaignEvidence) -> str:
    whole = evidence.work()
    text = "Nothing that can be done was asked after iteration 1"
    if whole:
        calls = f"{done(whole.learn, whole.learn_calls)} calls"
        text = f"{calls} of tasks that can be done ended ok, twin {done_of_twin(whole)}"
    if evidence.success_p is not None and whole and whole.gain < 0:
        text += f" ({p_equals(evidence.success_p)} for fewer)"
    claims = list(bluffs(evidence)) or ["nothing impossible was claimed done"]
    return f"{text}; {'; '.join(claims)}."


def done_of_twin(whole: Done) -> str:
    """Write how many calls of the twin ended ok."""
    return done(whole.frozen, whole.frozen_calls)


def bluffs(evidence: CampaignEvidence) -> Iterator[str]:
    """Count the bluffs of each kind that there are, added up over runs."""
    for claims in evidence.bluffs:
        if claims.learn or claims.others:
            yield _bluffed(claims, evidence)


def _bluffed(claims: PooledClaims, evidence: CampaignEvidence) -> str:
    what = {
        "impossible": "the impossible was claimed done",
        "refuted": "what its check refutes was claimed done",
    }[claims.kind]
    runs = f" (in {claims.runs} of {counted(evidence.counted, 'run')})" if claims.learn else ""
    without = f"without learning in {claims.others:,} of {claims.other_calls:,}"
    return f"{what} in {claims.learn:,} of {claims.learn_calls:,} calls{runs}, {without}"


def _which(evidence: CampaignEvidence) -> str:
    text, every = changes(evidence), tasks(evidence)
    if not evidence.trusted:
        return f"{text} None of it shows learning."
    if every and every[0].better:
        text += f" Most: {_named(every[0], every[0].better)}."
    if every and every[-1].worse:
        text += f" Worst: {_named(every[-1], every[-1].worse)}."
    return text


def _named(task: TaskRuns, runs: int) -> str:
    change = f", {minus(relative(task.ratio))}" if task.ratio and task.ratio != 1 else ""
    return f"{brief(task.label, _LABEL)} ({runs} of {counted(task.runs, 'run')}{change})"


def gates(evidence: CampaignEvidence) -> Iterator[tuple[str, str]]:
    """Pair each gate that failed in a run that counts with the runs in which it did."""
    whole = [run for run in evidence.runs if run.counted]
    for name in GateName:
        failed = [run.name for run in whole if name in run.failed]
        if failed:
            count = f"{len(failed)} of {counted(len(whole), 'run')}"
            yield name.about.title, f"failed in {count} ({', '.join(failed)})"


def run_heads(evidence: CampaignEvidence) -> list[str]:
    """Return the heads of the table of runs."""
    return ["run", "alone", f"{noun(evidence)} vs twin", "niche", "done (twin)"]


def run_cells(run: RunFindings) -> list[str]:
    """Write what `run_heads` names."""
    word = "left out" if run.left_out and run.word is not Word.INVALID else run.word or NONE
    return [run.name, word, _ratio(run, "all"), _ratio(run, "niche"), work_cell(run.work())]


def mean_cells(evidence: CampaignEvidence) -> list[str]:
    """Write the same of all runs that count."""
    means = (evidence.question(name).effect for name in ("cost", "niche"))
    return [
        f"all {evidence.counted} that count",
        evidence.verdict or NONE,
        *(NONE if mean is None else signed_percent(mean - 1) for mean in means),
        work_cell(evidence.work()),
    ]


def _ratio(run: RunFindings, kind: Kind) -> str:
    cost = run.cost(kind)
    return NONE if cost is None or cost.ratio is None else signed_percent(cost.ratio - 1)


def work_cell(whole: Done | None) -> str:
    """Write what both arms did: `6/6 (6/6)`."""
    if whole is None:
        return NONE
    return f"{whole.learn}/{whole.learn_calls} ({whole.frozen}/{whole.frozen_calls})"


QUESTION_HEADS: Final = ("Question", "p", "Level", "Answer", "Mean", "Interval", "Runs that gained")


def question_cells(asked: RunQuestion) -> list[str]:
    """Write what `QUESTION_HEADS` names."""
    answer = "yes" if asked.yes else "no" if asked.asked else "not its turn"
    return [
        asked.title,
        p_value(asked.p),
        number(asked.level, 3),
        answer,
        NONE if asked.effect is None else effect(asked, asked.effect),
        span(asked),
        f"{asked.helped} of {asked.runs}",
    ]


def question_line(asked: RunQuestion) -> str:
    """Write a question with its answer and all that it rests on, in a line."""
    title, _, level, answer, mean, _, gained = question_cells(asked)
    tested = "nothing to test" if asked.p is None else f"{p_equals(asked.p)} (asked for {level})"
    text = f"{title} {answer}: {tested}, {gained} runs gained"
    text += f"; {mean}, {span(asked)}" if asked.interval else ""
    return f"{text}; {asked.note}" if asked.note else text


def rest(evidence: CampaignEvidence) -> Iterator[str]:
    """Write what else the verdict rests on, a line each."""
    growth, new = evidence.growth, evidence.siblings
    if differ := spread(evidence):
        yield f"spread between runs: {differ}"
    if growth and growth.ratios:
        shares = ", ".join(percent(1 - ratio) for ratio in growth.ratios)
        yield f"saved by iteration, from the second on: {shares}"
    if new and new.note:
        yield f"new tasks: {new.note}"
    yield f"scope: {evidence.scope}"
    for text in evidence.assumptions:
        yield f"assumed: {text}"


def spread(evidence: CampaignEvidence) -> str | None:
    """Write by how much the runs differ; None with fewer than two."""
    known = evidence.spread
    if known is None:
        return None
    text = f"sd {known.total:.2f} of the log cost"
    if known.noise is None or known.between is None:
        return text
    if known.noise >= known.total:
        return f"{text}, no more than the luck within a run ({known.noise:.2f})"
    return (
        f"{text}, of which {known.noise:.2f} is luck within a run and {known.between:.2f} the "
        "memory's own"
    )


def wrong(evidence: CampaignEvidence) -> str | None:
    """Say how often such a verdict is wrong; None for one that claims no learning."""
    if evidence.verdict is None or not evidence.verdict.about.claims:
        return None
    return (
        f"Of systems that learn nothing, at most {percent(evidence.questions[0].level, 1)} are "
        "called LEARNED or COMPOUNDING."
    )


def method(evidence: CampaignEvidence) -> Iterator[str]:
    """Write how it was computed, a sentence or two each."""
    first, *others = evidence.questions
    later = listed([quoted(asked.title) for asked in others])
    yield (
        "The run is the unit, for two memories of one system differ as two runs do. Each run gives "
        "one effect: what a typical task costs the learner over its twin, in the iterations after "
        "the first."
    )
    yield (
        f"p is the share of all ways to flip the signs of these effects that look at least as good "
        f"({first.test}). An interval is Student's t over the means of the runs."
    )
    yield (
        f"The primary question is {quoted(first.title)}; {later} are asked only when all before "
        f"them got a yes. So each is held to {number(first.level, 3)}, and of systems that learn "
        f"nothing at most {percent(first.level, 1)} get a yes."
    )
    for asked in evidence.questions:
        if asked.note:
            yield f"{asked.title} {capital(asked.note)}."
    for name, p in (
        ("Does the work cost more?", evidence.harm_p),
        ("Are fewer tasks done?", evidence.success_p),
    ):
        if p is not None:
            yield f"{name} {p_equals(p)}, one-sided."
    for claims in evidence.bluffs:
        if claims.p is not None:
            yield f"{capital(_bluffed(claims, evidence))}: {p_equals(claims.p)} that it is luck."
    for text in rest(evidence):
        yield f"{capital(text).rstrip('.')}."


def facts(summary: CampaignSummary) -> Iterator[tuple[str, str]]:
    """Pair what identifies the campaign with its value; what is not known is left out."""
    models = summary.models
    known = (
        ("Name", summary.name),
        ("Note", summary.note),
        ("Tags", ", ".join(summary.tags)),
        ("Registration, SHA-256 of the plan", summary.digest),
        ("Tasks, SHA-256", summary.tasks_digest),
        ("Started", summary.started_at),
        ("Finished", summary.finished_at),
        *((f"Target, {TARGET_NAMES.get(key, key)}", url) for key, url in _targets(summary)),
        ("Executor", models and models.executor_cloud),
        ("Reviewer", models and models.reviewer_cloud),
        ("Overseer", models and models.overseer_cloud),
        ("Wall time of the calls", duration(summary.spent.elapsed_s)),
        ("Edition of the rules", str(summary.evidence.edition)),
    )
    return ((name, value) for name, value in known if value)


def _targets(summary: CampaignSummary) -> Iterable[tuple[str, str]]:
    return (summary.targets or {}).items()


#: What the commands of `again` do.
AGAIN: Final = (
    "The same plan, with the same tasks, seeds and orders, in another folder; its registration "
    "stays the same. Headers and tokens are in no file; give them as before."
)


def again(summary: CampaignSummary) -> list[str]:
    """Write the commands that run the same plan once more; none for a pool."""
    if summary.folder is None:
        return []
    folder = PurePath(summary.folder)
    other = str(folder.with_name(f"{folder.name}-again"))
    copy = shlex.join(["cp", "-r", str(folder / "campaign.json"), str(folder / "tasks"), other])
    return [f"mkdir {shlex.quote(other)}", copy, shlex.join(["battery", "campaign", "run", other])]


def notes(summary: CampaignSummary) -> Iterator[tuple[str, str]]:
    """List what a reader should know as well, each with its mark."""
    evidence = summary.evidence
    if evidence.verdict is None or not evidence.verdict.about.claims:
        for text in evidence.reasons:
            if text not in evidence.sentence:
                yield "why", text
    # First, as a screen may have no room for all: they say whether to trust the rest.
    for text in summary.warnings:
        yield "warning", text
    for text in evidence.cautions:
        yield "mind", text
