"""The summary as Markdown: what `summary.md` says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from battery.base.numbers import counted, duration, minus, number
from battery.base.text import capital, clause, printable
from battery.records.findings import Evidence, Scorecard, TaskEffect
from battery.records.metric import METRICS
from battery.records.models import TARGET_NAMES
from battery.records.stages import SCRUM
from battery.records.summary import DirectionCount, Summary, Trend
from battery.report import answer, siblings, trends
from battery.report import evidence as shown
from battery.report.learning import learning
from battery.report.markdown import code, plain, row, table
from battery.report.markdown.files import files
from battery.store.artifacts import ITERATION, RUN_SETS, SUMMARY, SUMMARY_TITLE


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
    if summary.evidence and summary.evidence.by_task:
        sections += ["## Which tasks learned", "\n\n".join(_tasks(summary.evidence))]
    if summary.evidence and (text := siblings.told(summary.evidence)):
        sections += [
            "## New tasks of the same kind",
            plain(text),
            _table_of_tasks(
                siblings.heads(summary.evidence),
                siblings.by_task(summary.evidence),
                summary.evidence,
            ),
        ]
    if summary.evidence:
        sections += ["## How it was computed", "\n\n".join(_protocol(summary.evidence))]
    if summary.scorecard:
        sections += [
            "## What the review foresaw",
            "\n\n".join(_scorecard_section(summary.scorecard)),
        ]
    if summary.warnings:
        sections += ["## Warnings", "\n".join(f"- {plain(text)}" for text in summary.warnings)]
    sections += ["## Artifacts", "\n".join(files(summary.artifacts)) or "None."]
    return "\n\n".join(sections) + "\n"


def scrum_count(summary: Summary) -> str:
    """Count in one sentence how the last iteration's proposals were judged."""
    counts = Counter(verdict.verdict for verdict in summary.scrum)
    # The noughts too: that nothing was approved is news.
    words = ", ".join(f"{counts[word]} {word}" for word in ("APPROVE", "REVISE", "REJECT"))
    return f"Judgment of the last iteration's proposals: {words}."


def _facts(summary: Summary) -> Iterator[str]:
    yield f"- Run time: {_run_time(summary)}"
    yield f"- Elapsed: {_elapsed(summary)}"
    models = summary.models
    if models is None:
        yield "- Models: not recorded"
    else:
        yield (
            f"- Models: executor {code(models.executor_cloud)}, "
            f"reviewer {code(models.reviewer_cloud)}, overseer {code(models.overseer_cloud)}"
        )
    # Within the first ten lines of the document, which are what `head` shows of it.
    if summary.evidence:
        for question, text in answer.answers(summary, summary.evidence):
            yield f"- {plain(f'{question} {text}')}"
    for name, own in (("Name", summary.name), ("Note", summary.note)):
        if own:
            yield f"- {name}: {plain(own)}"
    if summary.tags:
        yield f"- Tags: {', '.join(map(code, summary.tags))}"
    if summary.targets:
        named = ((TARGET_NAMES.get(key, key), url) for key, url in summary.targets.items())
        targets = (f"{plain(name)} {code(url)}" for name, url in named)
        yield f"- Targets: {', '.join(targets)}"


def _run_time(summary: Summary) -> str:
    if summary.started_at is None:
        return "not recorded"
    start = printable(summary.started_at)
    # The summary of the original script has one time, and no folder of its own says more.
    if summary.run_id is None:
        return start
    end = printable(summary.finished_at or "not finished")
    # A finished battery needs no word; an older folder has none to give.
    state = f" ({summary.state}; the numbers cover what had finished)" if summary.unfinished else ""
    return f"{start} → {end}{state}"


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
        values = [trends.metric_value(trend.metric, value) for value in trend.values]
        yield row([trend.metric, *values, trends.trend_change(trend), trends.goal(trend)])


def _verdict(summary: Summary) -> Iterator[str]:
    evidence = summary.evidence
    if evidence:
        word = f"**{evidence.verdict}**: " if evidence.verdict else ""
        yield f"{word}{plain(evidence.sentence)}"
        yield "\n".join(f"- {line}" for line in _at_a_glance(summary, evidence))
    if summary.verdict is None:
        yield _no_trend(summary)
    else:
        # One small line: it looks at one arm alone, and luck or a server that warmed up gives it
        # as well. It must never be louder than the verdict, which may say the opposite.
        yield f"<sub>{_count(summary, summary.verdict)}</sub>"
    yield from map(plain, learning(summary))
    if summary.scrum:
        yield scrum_count(summary)


def _at_a_glance(summary: Summary, evidence: Evidence) -> Iterator[str]:
    if text := shown.effect(evidence):
        yield plain(f"Effect: {text}.")
    for reason in shown.reasons(evidence):
        yield plain(f"Why: {reason}.")
    yield f"Gates {'; '.join(f'{status}: {names}' for status, names in shown.gates(evidence))}."
    for gate in shown.news(evidence):
        yield plain(f"{capital(shown.came_out(gate))}: {gate.text}")
    if evidence.verdict:
        yield f"Scope: {plain(evidence.scope)}"
    for text in evidence.cautions:
        yield f"Worth knowing: {plain(text)}."
    for text in evidence.settle:
        yield f"{answer.aim(summary, evidence)}: {plain(clause(text))}"
    if words := answer.next_command(summary, evidence):
        start = answer.before_command(words, summary, evidence)
        yield f"{start} {code(answer.portable_line(words))}"
    if wrong := answer.wrong(evidence):
        yield plain(wrong)


def _no_trend(summary: Summary) -> str:
    if not summary.iterations:
        return "There is no trend and no verdict before an iteration has finished."
    named = summary.evidence and summary.evidence.verdict
    text = "no trend" if named else "no trend, so there is no verdict"
    return f"A single iteration shows {text}. Run one more iteration to compare with."


def _count(summary: Summary, verdict: DirectionCount) -> str:
    text = trends.count(summary, verdict)
    evidence = summary.evidence
    if evidence is None or evidence.trusted:
        text = text.replace(verdict.label, f"**{verdict.label}**")
        if not verdict.validated:
            last = ITERATION.name(summary.iterations[-1].iteration)
            text += f" What to change next is judged in `{last}/{SCRUM.file}`."
    return f"{text} Of the learner alone: {', '.join(map(_improved, summary.trends))}."


def _improved(trend: Trend) -> str:
    word = "improved" if trend.direction == "better" else "not improved"
    aside = "" if METRICS[trend.metric].counted else " (not counted)"
    return f"`{trend.metric}` {word}{aside}"


def _tasks(evidence: Evidence) -> Iterator[str]:
    """Write which tasks changed, each with the numbers of both arms."""
    yield plain(shown.changed(evidence))
    yield _table_of_tasks(shown.task_heads(evidence), evidence.by_task, evidence)


def _table_of_tasks(heads: Sequence[str], tasks: Iterable[TaskEffect], evidence: Evidence) -> str:
    cells = (shown.task_cells(task, evidence) for task in tasks)
    return table(heads, [[plain(label), *map(minus, rest)] for label, *rest in cells], left=3)


def _protocol(evidence: Evidence) -> Iterator[str]:
    """Write what a statistician asks for: questions, levels, effects, and where the data are."""
    if evidence.questions:
        yield table(shown.QUESTION_HEADS, map(shown.question_cells, evidence.questions))
        yield plain(shown.budget(evidence) or "")
        rows = [list(map(minus, shown.group_cells(group, evidence))) for group in evidence.groups]
        yield table(shown.group_heads(evidence), rows)
    yield "\n".join(f"- {line}" for line in _details(evidence))


def _details(evidence: Evidence) -> Iterator[str]:
    for text in shown.details(evidence):
        yield minus(plain(text))
    yield (
        "Raw numbers: `battery summarize --format csv` writes a row per call of learner and twin; "
        f"`iter_N/{RUN_SETS.name}` has the answers, `{SUMMARY.name}` every number above."
    )


def _scorecard_section(card: Scorecard) -> Iterator[str]:
    """Write the paragraphs of what the overseer expected and what came."""
    yield trends.score(card)
    heads = ["Review of", "Proposal", "Metric", "Expected to", "Before → after", "Outcome"]
    rows = [
        [
            f"iter {expectation.iteration}",
            plain(expectation.title),
            plain(expectation.metric or shown.NONE),
            expectation.expected or shown.NONE,
            trends.moved(expectation),
            expectation.outcome,
        ]
        for expectation in card.expectations
    ]
    yield table(heads, rows, left=len(heads))
