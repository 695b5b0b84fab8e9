"""What a reader wants to know of a battery: five questions and a few numbers, on every surface.

Pure. The terminal, `summary.md` and the page lay the same answers out, each in its own way.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from battery.base.numbers import counted, number, percent, signed
from battery.base.text import listed
from battery.records.findings import Evidence
from battery.records.metric import METRICS, MONEY, OVERSEER, TOKENS, TURNS
from battery.records.models import SOLVABLE
from battery.records.summary import Metrics, PhaseMetrics, Summary
from battery.report import evidence as shown
from battery.report.evidence import NONE
from battery.verdict import policy


class Answer(NamedTuple):
    """One question of a reader, with its answer in a sentence or two."""

    question: str
    text: str


class Row(NamedTuple):
    """One number: the learner at the start and at the end, the twin, and the difference.

    Cells are texts, ready to be aligned; one that has nothing to say is empty.
    """

    name: str
    first: str
    last: str
    twin: str
    effect: str
    interval: str


#: What a reader asks, in this order.
QUESTIONS: Final = (
    "Does it get better?",
    "By how much, how sure?",
    "Is the work still done?",
    "Which tasks?",
    "What does it hold for?",
)


def answers(summary: Summary, evidence: Evidence) -> list[Answer]:
    """Answer the five questions of a reader, in the order in which they are asked."""
    word = f"{evidence.verdict}: " if evidence.verdict else ""
    texts = (
        f"{word}{evidence.sentence}",
        _size(evidence),
        f"{work(summary.iterations[-1])}.",
        changes(evidence),
        evidence.scope,
    )
    return [Answer(*pair) for pair in zip(QUESTIONS, texts, strict=True)]


def _size(evidence: Evidence) -> str:
    if not evidence.trusted:
        return f"Not to be said: under {evidence.verdict} none of the numbers shows learning."
    effect = shown.effect(evidence)
    return f"{effect[0].upper()}{effect[1:]}." if effect else "No effect could be measured."


def work(metrics: Metrics) -> str:
    """Count: `6 of 6 possible tasks done, 2 of 2 impossible refused`."""
    done, possible = _possible(metrics)
    parts = [f"{done:,} of {counted(possible, 'possible task')} done"] if possible else []
    if isinstance(gamma := metrics.by_phase.gamma, PhaseMetrics):
        parts.append(f"{gamma.count - gamma.ok:,} of {gamma.count:,} impossible refused")
    return ", ".join(parts)


def _possible(metrics: Metrics) -> tuple[int, int]:
    """Return how many tasks that can be done ended ok, and how many there were."""
    phases = [getattr(metrics.by_phase, phase) for phase in SOLVABLE]
    asked = [phase for phase in phases if isinstance(phase, PhaseMetrics)]
    return sum(phase.ok for phase in asked), sum(phase.count for phase in asked)


_CHANGED: Final = {
    "better": "got better",
    "mixed": "got better in one way and worse in another",
    "same": "stayed as before",
    "worse": "got worse",
}


def changes(evidence: Evidence) -> str:
    """Count the tasks by how they changed: `Of 8 tasks 5 got better and 3 stayed as before.`."""
    if not evidence.by_task:
        return "No task can be compared with a twin."
    counts = Counter(task.change for task in evidence.by_task)
    parts = [f"{count} {_CHANGED[change]}" for change, count in counts.items()]
    tasks = counted(evidence.tasks, "task")
    if len(counts) == 1 < evidence.tasks:
        return f"All {tasks} {_CHANGED[next(iter(counts))]}."
    return f"Of {tasks} {listed(parts)}."


def rows(summary: Summary, evidence: Evidence) -> list[Row]:
    """List the main numbers: the cost, turns, the overseer, and the work that is done.

    First and last are the learner in the first and the last iteration, the twin is that of the
    last one. The effect is that of the verdict, over the iterations after the first; an interval
    is there where the verdict has one. Without a twin, twin and effect are empty.
    """
    followed = [MONEY if evidence.cost == MONEY else TOKENS, TURNS, OVERSEER]
    return [*(_row(metric, summary, evidence) for metric in followed), _work_row(summary)]


def _row(metric: str, summary: Summary, evidence: Evidence) -> Row:
    sides = [*_ends(summary), summary.control[-1] if summary.control else None]
    cells = (NONE if side is None else _per_task(metric, side) for side in sides)
    first, last, twin = cells
    group = evidence.group("all")
    interval = ""
    if metric == evidence.cost:
        ratio = group.ratio if group else None
        effect = shown.relative(ratio) if summary.control else ""
        if group and group.interval:
            interval = shown.interval(group.interval)
    else:
        effect = _difference(metric, evidence)
    return Row(_label(metric), first, last, twin if summary.control else "", effect, interval)


def _ends(summary: Summary) -> tuple[Metrics, Metrics]:
    return summary.iterations[0], summary.iterations[-1]


def _label(metric: str) -> str:
    return "overseer" if metric == OVERSEER else f"{METRICS[metric].plain} per task"


def _per_task(metric: str, side: Metrics) -> str:
    value = getattr(side, metric)
    if value is None:
        return NONE
    if METRICS[metric].kind == "difference":
        return percent(value)
    if metric in {TOKENS, MONEY}:
        return METRICS[metric].written(value / side.total_tasks, grouped=True)
    return number(value)


def _difference(metric: str, evidence: Evidence) -> str:
    """Write how the means of both arms differ, for a metric that decides nothing."""
    other = next((each for each in evidence.others if each.metric == metric), None)
    if other is None or other.learn is None or other.frozen is None:
        return ""
    if METRICS[metric].kind == "difference":
        return f"{signed(100 * (other.learn - other.frozen), 0)} pts"
    return shown.relative(other.learn / other.frozen) if other.frozen else NONE


def _work_row(summary: Summary) -> Row:
    def share(side: Metrics) -> str:
        done, possible = _possible(side)
        return f"{done}/{possible}"

    first, last = map(share, _ends(summary))
    twin = share(summary.control[-1]) if summary.control else ""
    return Row("possible tasks done", first, last, twin, "", "")


def wrong(evidence: Evidence) -> str | None:
    """Say how often such a verdict is wrong; None for one that claims no learning."""
    if evidence.verdict is None or not evidence.verdict.about.claims:
        return None
    once = number(1 / policy.ALPHA, 0)
    return (
        f"Of systems that learn nothing, at most one in {once} is called LEARNED or COMPOUNDING, "
        "however often the battery is extended."
    )
