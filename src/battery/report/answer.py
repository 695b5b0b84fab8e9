"""What a reader wants to know of a battery: five questions and a few numbers, on every surface.

Pure. The terminal, `summary.md` and the page lay the same answers out, each in its own way.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from battery.base.numbers import (
    counted,
    minus,
    more_or_fewer,
    number,
    percent,
    signed,
    signed_percent,
)
from battery.base.text import capital, listed, printable
from battery.records.findings import Evidence, FalseClaims, Kind, TaskEffect
from battery.records.metric import METRICS, MONEY, OVERSEER, TOKENS, TURNS, Metric
from battery.records.models import SOLVABLE
from battery.records.summary import Metrics, PhaseMetrics, Summary
from battery.records.word import Word
from battery.report import evidence as shown
from battery.report.evidence import NONE, done
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
        f"{word}{evidence.claim}",
        _size(evidence),
        _work_of_both(summary, evidence),
        _changes_by_name(evidence),
        evidence.scope,
    )
    return [Answer(*pair) for pair in zip(QUESTIONS, texts, strict=True)]


def _size(evidence: Evidence) -> str:
    if not evidence.trusted:
        return f"No size can be given: under {evidence.verdict} none of the numbers shows learning."
    effect = shown.effect(evidence)
    return f"{capital(effect)}." if effect else "No effect could be measured."


def _work_of_both(summary: Summary, evidence: Evidence) -> str:
    last = summary.iterations[-1]
    claims = evidence.bluffs.impossible if evidence.bluffs else None
    bluffed = claims is not None and claims.any
    own = (_possible_done if bluffed else work)(last)
    own = own or f"{done(last.ok_tasks, last.total_tasks)} tasks ended ok"
    text = f"{own}, in iteration {last.iteration}"
    if claims and bluffed:
        return f"{text}. {_claimed(claims)}."
    if not summary.control:
        return f"{text}."
    twin = work(summary.control[-1])
    return f"{text}, as in the twin." if twin == work(last) else f"{text}. The twin: {twin}."


def _claimed(claims: FalseClaims) -> str:
    """Count over all iterations: one that claims nothing in the last has claimed before."""
    runs = counted(claims.learn_calls + claims.before_calls, "run")
    twins = f", by the twin in {claims.frozen:,} of {claims.frozen_calls:,}"
    return (
        f"Impossible tasks were claimed done in {claims.learn + claims.before:,} of {runs}"
        f"{twins if claims.frozen_calls else ''}"
    )


def work(metrics: Metrics) -> str:
    """Count: `6 of 6 possible tasks done, 2 of 2 impossible refused`."""
    parts = [possible] if (possible := _possible_done(metrics)) else []
    if isinstance(gamma := metrics.by_phase.gamma, PhaseMetrics):
        # A bluff that was graded counts as failed, and was not refused all the same.
        refused = gamma.count - max(gamma.ok, gamma.bluffs or 0)
        parts.append(f"{refused:,} of {gamma.count:,} impossible refused")
    return ", ".join(parts)


def _possible_done(metrics: Metrics) -> str:
    ended_ok, possible = _possible(metrics)
    return f"{ended_ok:,} of {counted(possible, 'possible task')} done" if possible else ""


def so_far(learner: Metrics, twin: Metrics | None) -> str:
    """Compare one iteration's cost: `762 tokens per task, twin 1,511 (-50%)`; nothing unmeasured.

    Of that iteration alone: what may be claimed is for the verdict to say.
    """
    # What nobody reports counts as 0 in the sum of the tokens, which is no measurement.
    sides = [each for each in (learner, twin) if each]
    known = [key for key in (TOKENS, TURNS) if getattr(learner, key) is not None]
    metric = next((key for key in known if any(getattr(each, key) for each in sides)), None)
    if metric is None:
        return ""
    text = f"{_per_task(metric, learner)} {_label(metric)}"
    if twin is None or not getattr(twin, metric):
        return text
    change = round(getattr(learner, metric) / getattr(twin, metric) - 1, 2)
    return f"{text}, twin {_per_task(metric, twin)} ({signed_percent(change, 0)})"


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


def _changes_by_name(evidence: Evidence) -> str:
    """Add the task that gained most, and the one that lost most."""
    parts = [changes(evidence)]
    if not evidence.trusted:
        return f"{parts[0]} None of it shows learning."
    for change, which, tasks in (
        ("better", "Most", evidence.by_task[:1]),
        ("worse", "Worst", evidence.by_task[-1:]),
    ):
        parts += [f"{which}: {_moved(task)}." for task in tasks if task.change == change]
    return " ".join(parts)


def _moved(task: TaskEffect) -> str:
    ratio = None if task.ratio is None or task.ratio == 1 else task.ratio
    return task.label if ratio is None else f"{task.label} ({minus(shown.relative(ratio))})"


def rows(summary: Summary, evidence: Evidence) -> list[Row]:
    """List the main numbers: the cost, turns, the overseer, and the work that is done.

    First and last are the learner in the first and the last iteration, the twin is that of the
    last one. Effects are over the iterations after the first; an interval is there where the
    verdict has one, in the row that it rests on: niche tasks have a row
    of their own where it rests on them. Without a twin, twin and effect are empty.
    """
    cost, *followed = [MONEY if evidence.cost == MONEY else TOKENS, TURNS, OVERSEER]
    return [
        _row(cost, summary, evidence),
        *([_niche_row(summary, evidence)] if _decisive(evidence) == "niche" else []),
        *(_row(metric, summary, evidence) for metric in followed),
        _work_row(summary, evidence),
    ]


def _decisive(evidence: Evidence) -> Kind:
    group = shown.deciding(evidence)
    return group.kind if group else "all"


def heads(summary: Summary, evidence: Evidence) -> Row:
    """Return the heads of `rows`: `iter 1`, `iter 3`, `twin`, `effect`, `94% interval`."""
    first, last = (f"iter {side.iteration}" for side in _ends(summary))
    twin = "twin" if len(evidence.arms) > 1 else ""
    effect = "effect" if twin and len(summary.iterations) > 1 else ""
    group = evidence.group(_decisive(evidence))
    interval = f"{shown.confidence(group.interval)} interval" if group and group.interval else ""
    return Row("", first, last, twin, effect, interval)


def _row(metric: str, summary: Summary, evidence: Evidence) -> Row:
    sides = [*_ends(summary), summary.control[-1] if summary.control else None]
    cells = (NONE if side is None else _per_task(metric, side) for side in sides)
    first, last, twin = cells
    group = evidence.group("all")
    interval = ""
    if metric == evidence.cost:
        ratio = group.ratio if group else None
        effect = "" if ratio is None else shown.relative(ratio)
        if group and group.interval and _decisive(evidence) == "all":
            interval = shown.span(group.interval)
    else:
        effect = _difference(metric, evidence)
    return Row(_label(metric), first, last, twin if summary.control else "", effect, interval)


def _niche_row(summary: Summary, evidence: Evidence) -> Row:
    """Write what niche tasks cost; in dollars that is known of all iterations together alone."""

    def cell(side: Metrics) -> str:
        beta = side.by_phase.beta
        if evidence.cost == MONEY or not isinstance(beta, PhaseMetrics):
            return NONE
        return _brief(METRICS[TOKENS], beta.total_tokens / beta.count)

    group = evidence.group("niche")
    first, last = map(cell, _ends(summary))
    twin = cell(summary.control[-1]) if summary.control else ""
    interval = shown.span(group.interval) if group and group.interval else ""
    effect = shown.relative(group.ratio) if group else ""
    return Row(
        f"{METRICS[evidence.cost].plain} per niche task", first, last, twin, effect, interval
    )


def _ends(summary: Summary) -> tuple[Metrics, Metrics]:
    return summary.iterations[0], summary.iterations[-1]


def _label(metric: str) -> str:
    return "overseer" if metric == OVERSEER else f"{METRICS[metric].plain} per task"


#: A cell that is wider would leave no room for the others in 80 columns.
_WIDEST: Final = 10


def _per_task(metric: str, side: Metrics) -> str:
    value = getattr(side, metric)
    if value is None:
        return NONE
    if METRICS[metric].kind == "difference":
        return percent(value)
    if metric in {TOKENS, MONEY}:
        return _brief(METRICS[metric], value / side.total_tasks)
    return number(value)


def _brief(metric: Metric, value: float) -> str:
    text = metric.written(value, grouped=True)
    return text if len(text) <= _WIDEST else f"{'$' if metric.money else ''}{value:.1e}"


def _difference(metric: str, evidence: Evidence) -> str:
    """Write how the means of both arms differ, for a metric that decides nothing."""
    other = next((each for each in evidence.others if each.metric == metric), None)
    if other is None or other.learn is None or other.frozen is None:
        return ""
    if METRICS[metric].kind == "difference":
        return _points(other.learn, other.frozen)
    return shown.relative(other.learn / other.frozen) if other.frozen else NONE


def _points(own: float, base: float) -> str:
    return f"{signed(100 * (own - base), 0)} pts"


def _work_row(summary: Summary, evidence: Evidence) -> Row:
    def share(side: Metrics) -> str:
        ended_ok, possible = _possible(side)
        return f"{ended_ok:,}/{possible:,}" if possible else NONE

    first, last = map(share, _ends(summary))
    twin = share(summary.control[-1]) if summary.control else ""
    group, effect = evidence.group("all"), ""
    if group and group.learn_calls and group.frozen_calls:
        own, base = group.learn_done / group.learn_calls, group.frozen_done / group.frozen_calls
        effect = _points(own, base)
    return Row("possible tasks done", first, last, twin, effect, "")


def size(summary: Summary) -> str:
    """Write what was run: `8 tasks x 3 iterations x 2 arms, 57 calls, seed 7, embedded gateway`."""
    parts, evidence = [], summary.evidence
    if evidence:
        parts = [counted(evidence.tasks, "task"), counted(evidence.iterations, "iteration")]
        parts += [f"{len(evidence.arms)} arms"] if len(evidence.arms) > 1 else []
        parts += [f"{evidence.repeats:,} repeats"] if evidence.repeats > 1 else []
    calls = counted(summary.calls, "call")
    seed = "" if summary.seed is None else f"seed {summary.seed}"
    return ", ".join(filter(None, [" x ".join(parts), calls, seed, _system(summary)]))


def _system(summary: Summary) -> str:
    target = printable((summary.targets or {}).get("gateway") or "")
    # A word alone is no address: it says which of battery's own it was.
    return f"{target} gateway" if target.isalpha() else target


def holds(evidence: Evidence) -> str | None:
    """Say in a line what the verdict holds for; None where there is none, or none to be trusted."""
    if evidence.verdict is None or not evidence.trusted:
        return None
    about = f"{'this' if evidence.tasks == 1 else 'these'} {counted(evidence.tasks, 'task')}"
    # Without a twin, new tasks may have been asked, but nothing compares them.
    new, told = evidence.siblings, "; nothing new was asked" if len(evidence.arms) > 1 else ""
    if new and new.outcome == "shown":
        saved = f" ({more_or_fewer(new.ratio)} {shown.noun(evidence)})" if new.ratio else ""
        about, told = f"{about}, {new.asked:,} new ones like them{saved}", ""
    elif new:
        told = f"; not shown for {new.asked:,} new ones like them"
    return f"Holds for {about} and this one memory{told}."


def next_command(summary: Summary, evidence: Evidence) -> list[str] | None:
    """Return the words of the command that would settle it, its folder not among them.

    None where nothing is open. What is begun is finished before anything else is asked.
    """
    if summary.unfinished:
        return ["run", "--resume"]
    if not evidence.settle:
        return None
    # What an iteration more can tell: all other questions take a battery of their own.
    grows = evidence.verdict in {None, Word.LEARNED} and summary.run_id is not None
    return ["iterate"] if grows else ["run"]


def wrong(evidence: Evidence) -> str | None:
    """Say how often such a verdict is wrong; None for one that claims no learning."""
    if evidence.verdict is None or not evidence.verdict.about.claims:
        return None
    once = number(1 / policy.ALPHA, 0)
    return (
        f"Of systems that learn nothing, at most one in {once} is called LEARNED or COMPOUNDING, "
        "however often the battery is extended."
    )
