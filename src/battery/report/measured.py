"""The main numbers of a battery: the learner at the start and at the end, the twin, the effect.

Pure. Cells are texts; each surface aligns them in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from battery.base.numbers import number, percent, signed, signed_percent
from battery.records.events import TaskFinished
from battery.records.findings import Evidence, Kind
from battery.records.metric import METRICS, MONEY, OVERSEER, TOKENS, TURNS, Metric
from battery.records.models import FROZEN, LEARN, SOLVABLE, Arm
from battery.records.summary import Metrics, PhaseMetrics, Summary
from battery.report import evidence as shown
from battery.report.evidence import NONE
from battery.verdict.cautions import TOGETHER


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


def rows(summary: Summary, evidence: Evidence) -> list[Row]:
    """List the main numbers: the cost, turns, the overseer, and the work that is done.

    First and last are the learner in the first and the last iteration, the twin is that of the
    last one. Effects are over the iterations after the first; an interval is there where the
    verdict has one, in the row that it rests on: niche tasks have a row
    of their own where it rests on them. Without a twin, the twin is empty and the effect is the
    change from first to last.
    """
    cost, *followed = [MONEY if evidence.cost == MONEY else TOKENS, TURNS, OVERSEER]
    return [
        _row(cost, summary, evidence),
        *([_niche_row(summary, evidence)] if _decisive(evidence) == "niche" else []),
        *(_row(metric, summary, evidence) for metric in followed),
        _work_row(summary, evidence),
        *_refused_row(summary),
    ]


def _decisive(evidence: Evidence) -> Kind:
    group = shown.deciding(evidence)
    return group.kind if group else "all"


def heads(summary: Summary, evidence: Evidence) -> Row:
    """Return the heads: `iter 1`, `iter 3`, `twin`, `effect, iter 2-3`, `94% interval`."""
    first, last = (f"iter {side.iteration}" for side in ends(summary))
    twin, effect = "twin" if evidence.has_twin else "", ""
    if len(summary.iterations) > 1:
        effect = f"effect, iter {_span(_measured(summary, evidence))}" if twin else "change"
    group = evidence.group(_decisive(evidence))
    interval = f"{shown.confidence(group.interval)} interval" if group and group.interval else ""
    return Row("", first, last, twin, effect, interval)


def _measured(summary: Summary, evidence: Evidence) -> list[int]:
    """Return the iterations that the effects rest on."""
    count = evidence.looks.iterations if evidence.looks else None
    return [side.iteration for side in summary.iterations[1:count]]


def _span(numbers: Sequence[int]) -> str:
    return "-".join(dict.fromkeys(str(numbers[end]) for end in (0, -1)))


def legend(summary: Summary, evidence: Evidence) -> list[str]:
    """Say, in a line each, why the effect is not what the columns next to it seem to give."""
    if not evidence.has_twin or len(summary.iterations) == 1 or not evidence.trusted:
        return []
    lines = []
    # The caution about the total says the same, with its number.
    if not any(text.startswith(TOGETHER) for text in evidence.cautions):
        effect = f"effect on {shown.noun(evidence)}"
        lines.append(f"{effect}: of a typical task; in the means, large tasks weigh more")
    later = [side.iteration for side in summary.iterations[1:]]
    if beyond := later[len(_measured(summary, evidence)) :]:
        which = (
            f"iterations {_span(beyond)} are" if len(beyond) > 1 else f"iteration {beyond[0]} is"
        )
        planned = evidence.looks.planned if evidence.looks else 0
        lines.append(
            f"{which} not in the effect: the look planned after iteration {planned} decides"
        )
    return lines


def _row(metric: str, summary: Summary, evidence: Evidence) -> Row:
    sides = [*ends(summary), summary.control[-1] if summary.control else None]
    # What nobody ever reports counts as 0, which is no measurement.
    seen = any(getattr(side, metric) for side in [*summary.iterations, *summary.control])
    known = seen or metric not in {TOKENS, TURNS, OVERSEER}
    first, last, twin = (_per_task(metric, side) if side and known else NONE for side in sides)
    group = evidence.group("all")
    interval = ""
    if not known:
        effect = NONE if len(summary.iterations) > 1 else ""
    elif not evidence.has_twin:
        effect = _own_change(metric, summary)
    elif metric == evidence.cost:
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
    first, last = map(cell, ends(summary))
    twin = cell(summary.control[-1]) if summary.control else ""
    interval = shown.span(group.interval) if group and group.interval else ""
    effect = shown.relative(group.ratio) if group else ""
    return Row(
        f"{METRICS[evidence.cost].plain} per niche task", first, last, twin, effect, interval
    )


def ends(summary: Summary) -> tuple[Metrics, Metrics]:
    """Return the metrics of the first and the last iteration."""
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


def _own_change(metric: str, summary: Summary) -> str:
    """Write how the learner changed from its first to its last iteration."""
    first, last = (getattr(side, metric) for side in ends(summary))
    if first is None or last is None or len(summary.iterations) == 1:
        return ""
    if METRICS[metric].kind == "difference":
        return _points(last, first)
    return shown.relative(last / first) if first else NONE


def _points(own: float, base: float) -> str:
    return f"{signed(100 * (own - base), 0)} pts"


def _work_row(summary: Summary, evidence: Evidence) -> Row:
    def share(side: Metrics) -> str:
        ended_ok, asked = done_of_possible(side)
        return f"{ended_ok:,}/{asked:,}" if asked else NONE

    first, last = map(share, ends(summary))
    twin = share(summary.control[-1]) if summary.control else ""
    group, effect = evidence.group("all"), ""
    if group and group.learn_calls and group.frozen_calls:
        own, base = group.learn_done / group.learn_calls, group.frozen_done / group.frozen_calls
        effect = _points(own, base)
    elif not evidence.has_twin and len(summary.iterations) > 1:
        start, end = map(_share_done, ends(summary))
        effect = "" if start is None or end is None else _points(end, start)
    return Row("possible tasks done", first, last, twin, effect, "")


def _refused_row(summary: Summary) -> Iterator[Row]:
    """Yield how many impossible tasks were refused, where not all of them were."""
    sides = [*summary.iterations, *summary.control]
    counts = [refused for side in sides if (refused := refused_of_impossible(side))]
    if all(refused == asked for refused, asked in counts):
        return
    shown_sides = [*ends(summary), summary.control[-1] if summary.control else None]
    pairs = [refused_of_impossible(side) if side else None for side in shown_sides]
    first, last, twin = (f"{pair[0]:,}/{pair[1]:,}" if pair else NONE for pair in pairs)
    yield Row("impossible refused", first, last, twin if summary.control else "", "", "")


def refused_of_impossible(metrics: Metrics) -> tuple[int, int] | None:
    """Return how many tasks that cannot be done were refused, and how many there were."""
    gamma = metrics.by_phase.gamma
    if not isinstance(gamma, PhaseMetrics):
        return None
    # A bluff that was graded counts as failed, and was not refused all the same.
    return gamma.count - max(gamma.ok, gamma.bluffs or 0), gamma.count


def _share_done(side: Metrics) -> float | None:
    ended_ok, asked = done_of_possible(side)
    return ended_ok / asked if asked else None


def so_far(learner: Metrics, twin: Metrics | None) -> str:
    """Compare one iteration's cost: `762 tokens per task, twin 1,511 (-50%)`; nothing unmeasured.

    Of that iteration alone: what may be claimed is for the verdict to say.
    """
    metric = _measured_cost(learner, twin)
    if metric is None:
        return ""
    text = f"{_per_task(metric, learner)} {_label(metric)}"
    ratio = ratio_so_far(learner, twin)
    if twin is None or ratio is None:
        return text
    return f"{text}, {_twin_took(_per_task(metric, twin), ratio)}"


def under_way(calls: Iterable[TaskFinished], arms: int) -> str:
    """Compare an iteration that is not finished: `846 tokens per task so far, twin 1,502 (-44%)`.

    Of the tasks that all `arms` have done by now; empty where there is none, or one does not report
    its tokens. New tasks and those asked once more are not in the cost of an iteration either.
    """
    spent: dict[Arm, dict[tuple[str, str, int], list[int | None]]] = {LEARN: {}, FROZEN: {}}
    for call in calls:
        if not (call.sibling or call.confirm):
            key = (call.phase, call.label, call.repeat)
            spent[call.arm].setdefault(key, []).append(call.result.tokens)
    own, *twins = list(spent.values())[:arms]
    done = [key for key in own if all(len(side.get(key, ())) == len(own[key]) for side in twins)]
    sides = ([tokens for key in done for tokens in side[key]] for side in (own, *twins))
    known = [mean for mean in map(_mean, sides) if mean is not None]
    if len(known) < arms:
        return ""
    learner, *others = known
    tokens = METRICS[TOKENS]
    text = f"{_brief(tokens, learner)} {_label(TOKENS)} so far"
    took = [_twin_took(_brief(tokens, twin), learner / twin) for twin in others if twin]
    return ", ".join([text, *took])


def _mean(values: Sequence[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _twin_took(amount: str, ratio: float) -> str:
    return f"twin {amount} ({signed_percent(round(ratio - 1, 2), 0)})"


def ratio_so_far(learner: Metrics, twin: Metrics | None) -> float | None:
    """Return one iteration's cost, learner over twin; None where one of them is not measured."""
    metric = _measured_cost(learner, twin)
    if metric is None or twin is None or not getattr(twin, metric):
        return None
    ratio: float = getattr(learner, metric) / getattr(twin, metric)
    return ratio


def _measured_cost(learner: Metrics, twin: Metrics | None) -> str | None:
    # What nobody reports counts as 0 in the sum of the tokens, which is no measurement.
    sides = [side for side in (learner, twin) if side]
    known = [key for key in (TOKENS, TURNS) if getattr(learner, key) is not None]
    return next((key for key in known if any(getattr(side, key) for side in sides)), None)


def done_of_possible(metrics: Metrics) -> tuple[int, int]:
    """Return how many tasks that can be done ended ok, and how many there were."""
    phases = [getattr(metrics.by_phase, phase) for phase in SOLVABLE]
    asked = [phase for phase in phases if isinstance(phase, PhaseMetrics)]
    return sum(phase.ok for phase in asked), sum(phase.count for phase in asked)
