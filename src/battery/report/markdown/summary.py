"""The summary as Markdown: what `summary.md` says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from battery.base.numbers import counted, duration, number, p_equals
from battery.base.text import printable
from battery.records.findings import Evidence, Scorecard, Tested
from battery.records.metric import METRICS
from battery.records.models import DirectionCount, Metrics, Summary, Trend
from battery.records.stages import SCRUM
from battery.report import evidence as shown
from battery.report.markdown import code, plain, row, table
from battery.store.artifacts import CONTROL, ITERATION, REPEAT, SUMMARY_TITLE, described

_CAVEAT: Final = (
    "This count looks at the learn arm alone: it shows a trend, not its cause. It can come out "
    "well by luck, or because a server warmed up."
)


def markdown(summary: Summary) -> str:
    """Write `summary.md`: the same summary gives the same text, byte for byte."""
    sections = [
        SUMMARY_TITLE,
        "\n".join(_facts(summary)),
        "## Compounding Metrics",
        "\n".join(_table(summary)),
        "## Verdict",
        "\n\n".join(_verdict(summary)),
    ]
    if summary.evidence:
        sections += [
            "## Evidence",
            "\n\n".join(_evidence_section(summary.evidence, summary.control)),
        ]
    if summary.scorecard:
        sections += [
            "## What the overseer foresaw",
            "\n\n".join(_scorecard_section(summary.scorecard)),
        ]
    if summary.warnings:
        sections += ["## Warnings", "\n".join(f"- {plain(text)}" for text in summary.warnings)]
    sections += ["## Artifacts", "\n".join(map(_artifact, summary.artifacts)) or "None."]
    return "\n\n".join(sections) + "\n"


def scrum_count(summary: Summary) -> str:
    """Count in one sentence how the last iteration's proposals were judged."""
    counts = Counter(verdict.verdict for verdict in summary.scrum)
    # The noughts too: that nothing was approved is news.
    words = ", ".join(f"{counts[word]} {word}" for word in ("APPROVE", "REVISE", "REJECT"))
    return f"Scrum judgment of the last iteration's proposals: {words}."


def _facts(summary: Summary) -> Iterator[str]:
    yield f"- Run time: {_run_time(summary)}"
    # A finished battery needs no word; an older folder has none to give.
    if summary.unfinished:
        yield f"- State: {summary.state}; the numbers cover what had finished"
    yield f"- Elapsed: {_elapsed(summary)}"
    models = summary.models
    if models is None:
        yield "- Models: not recorded"
    else:
        yield (
            f"- Models: executor {code(models.executor_cloud)}, "
            f"reviewer {code(models.reviewer_cloud)}, overseer {code(models.overseer_cloud)}"
        )
    if summary.evidence and summary.evidence.verdict:
        yield f"- Verdict: **{summary.evidence.verdict}**"
    if summary.targets:
        targets = (f"{plain(name)} {code(url)}" for name, url in summary.targets.items())
        yield f"- Targets: {', '.join(targets)}"
    if summary.seed is not None and summary.control:
        yield f"- Which arm is asked first: a coin with seed {summary.seed}"


def _run_time(summary: Summary) -> str:
    if summary.started_at is None:
        return "not recorded"
    start = printable(summary.started_at)
    # The summary of the original script has one time, and no folder of its own says more.
    if summary.run_id is None:
        return start
    return f"{start} → {printable(summary.finished_at or 'not finished')}"


def _elapsed(summary: Summary) -> str:
    text = f"{number(summary.elapsed_s)} s"
    # Seconds that nobody can read at a glance get hours and minutes next to them.
    if summary.elapsed_s >= 60:
        text += f" ({duration(summary.elapsed_s)})"
    return f"{text}, the sum of {counted(summary.calls, 'recorded call')}"


def _table(summary: Summary) -> Iterator[str]:
    numbers = [each.iteration for each in summary.iterations]
    if not numbers:
        yield "No iteration has finished, so there is nothing to measure yet."
        return
    # The numbers of the folder, not a count: iterations 1 and 3 make a trend from 1 to 3.
    span = f"Trend ({numbers[0]}→{numbers[-1]})"
    yield row(["Metric", *(f"iter {each}" for each in numbers), span, "Goal"])
    yield row(["---", *("---:" for _ in numbers), "---", "---"])
    for trend in summary.trends:
        values = [shown.metric_value(trend.metric, value) for value in trend.values]
        yield row([trend.metric, *values, shown.trend_change(trend), shown.goal(trend)])


def _verdict(summary: Summary) -> Iterator[str]:
    evidence = summary.evidence
    # The verdict first: below it, the older count may say the opposite.
    if evidence and evidence.verdict:
        yield f"**{evidence.verdict}**: {plain(evidence.sentence)}"
        if evidence.reasons:
            yield "\n".join(f"- {plain(text)}" for text in evidence.reasons)
    if summary.verdict is None:
        yield _no_trend(summary)
    else:
        yield _count(summary.verdict, summary.iterations[-1].iteration)
        yield "\n".join(f"- {_improved(trend)}" for trend in summary.trends)
        # The label is kept for those who know it, never without this: luck gives it half the time.
        yield _CAVEAT
        if evidence and evidence.luck:
            yield shown.luck(evidence.luck)
    if summary.scrum:
        yield scrum_count(summary)


def _no_trend(summary: Summary) -> str:
    if not summary.iterations:
        return "There is no trend and no verdict before an iteration has finished."
    named = summary.evidence and summary.evidence.verdict
    text = "no trend" if named else "no trend, so there is no verdict"
    return f"A single iteration shows {text}. Run one more iteration to compare with."


def _count(verdict: DirectionCount, last: int) -> str:
    text = f"{verdict.improved} of {verdict.of} metrics improved: **{verdict.label}**."
    if verdict.validated:
        return text
    return f"{text} What to change next is judged in `{ITERATION.name(last)}/{SCRUM.file}`."


def _improved(trend: Trend) -> str:
    word = "improved" if trend.direction == "better" else "not improved"
    first, last = (shown.metric_value(trend.metric, trend.values[end]) for end in (0, -1))
    aside = "" if METRICS[trend.metric].counted else "; not counted"
    return f"`{trend.metric}`: {word}, {first} → {last}{aside}"


def _artifact(path: str) -> str:
    about = described(path).rstrip(".")
    if not about:
        return f"- {code(path)}"
    return f"- {code(path)}: {', '.join([about[0].lower() + about[1:], *_whose(path)])}"


def _whose(path: str) -> Iterator[str]:
    """Name the arm and the repeat, where the folders tell them."""
    folders = PurePosixPath(path).parts[:-1]
    if CONTROL in folders:
        yield "in the frozen arm"
    for folder in folders:
        if repeat := REPEAT.number(folder):
            yield f"repeat {repeat}"


def _evidence_section(evidence: Evidence, control: Sequence[Metrics]) -> Iterator[str]:
    """Write the paragraphs of the evidence; `control` is the frozen arm by itself."""
    if evidence.effects:
        yield (
            "Learn against frozen, over the iterations after the first. Learn and Frozen are "
            f"means over all tasks. Effects of {shown.amounts(evidence.effects)} are geometric "
            "means over tasks, those of the rates differences in percentage points. Intervals are "
            "t intervals on logs and, of the rates, score intervals, which do not pair the tasks "
            "as the p-values do: near the border they can disagree. Net is the effect less what "
            "the arms differed by in iteration 1 already."
        )
        yield "\n".join(_effects(evidence))
    if tests := [_tested(question, tested) for question, tested in shown.tests(evidence)]:
        yield "\n".join(tests)
    if text := shown.sensitivity(evidence):
        yield text
    if control:
        yield "The frozen arm by itself:"
        yield _frozen(control)
    yield "### Gates"
    yield "\n".join(
        f"- {gate.name}, {gate.title}: **{gate.status}**. {plain(gate.text)}"
        for gate in evidence.gates
    )
    yield "### What this rests on"
    yield "\n".join(f"- {plain(text)}" for text in evidence.assumptions)
    yield f"Scope: {plain(evidence.scope)}"
    if evidence.cautions:
        yield "### Worth knowing"
        yield "\n".join(f"- {plain(text)}" for text in evidence.cautions)
    if evidence.settle:
        yield "### What would settle it"
        yield "\n".join(f"- {plain(text)}" for text in evidence.settle)


def _effects(evidence: Evidence) -> Iterator[str]:
    rows = [shown.cells(shown.EFFECT, effect) for effect in evidence.effects]
    yield table(shown.heads(shown.EFFECT), rows)
    for effect in evidence.effects:
        if effect.note:
            yield f"\n`{effect.metric}`: {effect.note}."


def _frozen(control: Sequence[Metrics]) -> str:
    measured = {name: [getattr(each, name) for each in control] for name in METRICS}
    rows = [
        [name, *(shown.metric_value(name, value) for value in values)]
        for name, values in measured.items()
        if any(value is not None for value in values)
    ]
    return table(["Metric", *(f"iter {each.iteration}" for each in control)], rows)


def _tested(question: str, tested: Tested) -> str:
    p = "nothing to test, all values are equal" if tested.p is None else p_equals(tested.p)
    return f"- {question} {p}; {plain(tested.method)}; {tested.tasks} tasks."


def _scorecard_section(card: Scorecard) -> Iterator[str]:
    """Write the paragraphs of what the overseer expected and what came."""
    yield f"{shown.score(card)} This is information and no part of the verdict."
    heads = ["Review of", "Proposal", "Metric", "Expected to", "Before → after", "Outcome"]
    rows = [
        [
            f"iter {expectation.iteration}",
            plain(expectation.title),
            plain(expectation.metric or shown.NONE),
            expectation.expected or shown.NONE,
            shown.moved(expectation),
            expectation.outcome,
        ]
        for expectation in card.expectations
    ]
    yield table(heads, rows, left=len(heads))
