"""All that a verdict rests on, on the terminal: tasks by name, metrics, questions, assumptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from battery.base.numbers import signed_percent
from battery.base.text import printable
from battery.records.findings import Evidence, TaskEffect
from battery.records.metric import METRICS
from battery.records.summary import Summary, Trend
from battery.report import evidence as shown
from battery.report import siblings, trends
from battery.report.learning import learning
from battery.report.markdown.summary import scrum_count
from battery.report.terminal.look import GAP, Look, align, table, widest


def details(summary: Summary, look: Look) -> Iterator[Iterable[str]]:
    """Yield the blocks of lines."""
    evidence = summary.evidence
    if evidence and evidence.by_task:
        yield [*look.wrap(shown.changed(evidence)), *_tasks(evidence.by_task, evidence, look)]
    if evidence and (text := siblings.told(evidence)):
        new = _tasks(siblings.by_task(evidence), evidence, look, like="new, like ")
        yield [*look.wrap(printable(text)), *new]
    if summary.iterations:
        yield from metrics(summary, look)
    if evidence:
        yield _questions(evidence, look)
        yield _groups(evidence, look)
        yield _sentences(evidence, look)
        yield [text for sentence in learning(summary) for text in look.wrap(sentence)]


def metrics(summary: Summary, look: Look) -> Iterator[Iterable[str]]:
    """Yield the metrics of all iterations, and how many of them improved."""
    yield _table(summary, look)
    yield _count(summary, look)


def _table(summary: Summary, look: Look) -> Iterator[str]:
    names = align(["metric", *(trend.metric for trend in summary.trends)], left=True)
    moves = _trend_column(summary, look)
    kinds = ["bold", *(trends.tone(trend, summary) for trend in summary.trends)]
    room = look.width - len(names[0]) - len(GAP) - widest(moves)
    columns = _chosen([_column(summary, n) for n in range(len(summary.iterations))], room, look)
    rows = zip(names, *columns, strict=True)
    for values, trend, kind in zip(rows, moves, kinds, strict=True):
        yield GAP.join([*values, look.paint(trend, kind)]).rstrip()


def _column(summary: Summary, index: int) -> list[str]:
    head = f"iter {summary.iterations[index].iteration}"
    return align([head, *(_value(trend, trend.values[index]) for trend in summary.trends)])


def _trend_column(summary: Summary, look: Look) -> list[str]:
    if len(summary.iterations) < 2:
        return [""] * (len(summary.trends) + 1)
    return ["trend", *(_trend(trend, look) for trend in summary.trends)]


def _chosen(columns: list[list[str]], room: int, look: Look) -> list[list[str]]:
    """Keep the columns that fit: all, or the first, a gap, and as many of the last ones."""
    widths = [len(column[0]) + len(GAP) for column in columns]
    if len(columns) <= 2 or sum(widths) <= room:
        return columns
    gap = [look.cut] * len(columns[0])
    room -= widths[0] + len(look.cut) + len(GAP)
    keep = 1
    # The last column always stays: the trend ends there, even when the line gets too long.
    while keep < len(columns) - 1 and sum(widths[-keep - 1 :]) <= room:
        keep += 1
    return [columns[0], gap, *columns[-keep:]]


def _value(trend: Trend, value: float | None) -> str:
    # Counts need no decimals here; `summary.md` has them because its format is fixed.
    metric = METRICS[trend.metric]
    return shown.NONE if value is None else metric.written(value, grouped=True)


def _trend(trend: Trend, look: Look) -> str:
    if trend.direction is None or trend.change is None:
        return ""
    if trend.change == 0:
        return f"{look.level} flat"
    # The mark says where the number went, the word whether that is good.
    mark = look.up if trend.change > 0 else look.down
    if trend.relative is None:
        size = METRICS[trend.metric].moved(trend.change, grouped=True)
    else:
        size = signed_percent(trend.relative)
    return f"{mark} {trend.direction:<6} {size:>7}"


def _tasks(
    tasks: Iterable[TaskEffect], evidence: Evidence, look: Look, like: str = ""
) -> Iterator[str]:
    for task in tasks:
        label, result, kind, own, base, change, done, twins = shown.task_cells(task, evidence)
        yield from look.hang(f"{look.paint(result, 'bold')}: {like}{printable(label)}")
        cost = f"{own}{METRICS[evidence.cost].unit}, twin {base} ({change})"
        # Of what cannot be done, it says itself whether it was claimed or refused.
        work = done if done.startswith(("claimed", "refused")) else f"done {done}"
        # The same word is not said twice.
        twins = twins.removeprefix("refused ") if done.startswith("refused") else twins
        yield from look.wrap(f"{kind}; {cost}; {work}, twin {twins}", "  ", "    ")


def _count(summary: Summary, look: Look) -> Iterator[str]:
    verdict = summary.verdict
    if verdict is None:
        yield "A single iteration: there is no trend and no verdict yet."
    else:
        yield from look.wrap(trends.count(summary, verdict))
        if names := [each.metric for each in summary.trends if not METRICS[each.metric].counted]:
            yield f"not counted: {', '.join(names)}"
    if summary.scrum:
        yield scrum_count(summary)


def _questions(evidence: Evidence, look: Look) -> Iterator[str]:
    if evidence.questions:
        rows = list(map(shown.question_cells, evidence.questions))
        yield from _columns(list(shown.QUESTION_HEADS), rows, look)
        yield from look.wrap(shown.budget(evidence) or "")


def _groups(evidence: Evidence, look: Look) -> Iterator[str]:
    if evidence.groups:
        rows = [shown.group_cells(group, evidence) for group in evidence.groups]
        yield from _columns(shown.group_heads(evidence), rows, look)


def _sentences(evidence: Evidence, look: Look) -> Iterator[str]:
    for text in shown.details(evidence):
        yield from look.hang(f"- {printable(text)}")
    for gate in evidence.gates:
        # What has to be told of a gate comes next to the verdict.
        seen = f": {printable(gate.text)}" if not gate.status.about.level else ""
        asked = f"{shown.came_out(gate)} ({gate.name.about.asks})"
        yield from look.hang(f"- {asked}{seen}")


def _columns(heads: list[str], rows: Sequence[Sequence[str]], look: Look) -> Iterator[str]:
    laid = table(heads, rows, look)
    yield from (look.paint(line, "bold") for line in laid.heads)
    yield from laid.rows
