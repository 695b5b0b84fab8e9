"""The evidence and the scorecard as paragraphs of `summary.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from battery.base.numbers import p_equals
from battery.records.findings import Evidence, Scorecard, Tested
from battery.records.metric import METRICS
from battery.records.models import Metrics
from battery.report import evidence as shown
from battery.report.markdown.markup import plain, row, table


def evidence_section(evidence: Evidence, control: Sequence[Metrics]) -> Iterator[str]:
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


def scorecard_section(card: Scorecard) -> Iterator[str]:
    """Write the paragraphs of what the overseer expected and what came."""
    yield f"{shown.score(card)} This is information and no part of the verdict."
    lines = [
        row(["Review of", "Proposal", "Metric", "Expected to", "Before → after", "Outcome"]),
        row(["---:", "---", "---", "---", "---:", "---"]),
    ]
    lines += [
        row(
            [
                f"iter {each.iteration}",
                plain(each.title),
                plain(each.metric or shown.NONE),
                each.expected or shown.NONE,
                shown.moved(each),
                each.outcome,
            ]
        )
        for each in card.expectations
    ]
    yield "\n".join(lines)
