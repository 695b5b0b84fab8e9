"""The report: everything that a battery found, and every transcript, as one page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Final, NamedTuple

from battery.base.numbers import duration, p_value
from battery.protocol.wire import Json
from battery.records.findings import Tested
from battery.records.manifest import Manifest, Provenance
from battery.records.metric import COUNTED
from battery.records.models import Summary
from battery.report import evidence as shown
from battery.report.html.answers import Reviewed, learned, reviews
from battery.report.html.board import MOST_LINES, Board, charts, means_document
from battery.report.html.figures import drawn, headline
from battery.report.html.page import render
from battery.report.html.transcripts import Groups

_SCRIPTS: Final = ("charts.js", "board.js", "transcripts.js")
#: Of more iterations than this, tables and older reviews become elements when they are opened.
MOST_UNPACKED: Final = 20


class Material(NamedTuple):
    """What a report is made of; every text in it may come from a gateway or a model."""

    #: With evidence, so of at least one complete iteration.
    summary: Summary
    provenance: Provenance
    #: Iteration and number, from 0, of a task in `Board.rows`, to how often it was asked again.
    reruns: Mapping[tuple[int, int], int]
    #: Number, distill text and events of each iteration.
    distilled: Sequence[tuple[int, str | None, Iterable[Json]]]
    reviewed: Sequence[Reviewed]


def report(
    material: Material, board: Board, transcripts: Iterable[tuple[str, bytes]]
) -> Iterator[bytes]:
    """Yield the page; `transcripts` (JSON by the name of the call) are read last, one at a time."""
    summary, table = material.summary, board.grid
    evidence = summary.evidence
    if evidence is None:
        raise ValueError("no evidence, no report")
    context = {
        "summary": summary,
        "evidence": evidence,
        "word": evidence.verdict or "NO VERDICT",
        "tone": evidence.verdict.about.tone if evidence.verdict else "open",
        "headline": headline(summary, evidence),
        "unfinished": unfinished(summary),
        "charts": charts(board),
        "board": board,
        "packed": len(table.iterations) > MOST_UNPACKED,
        "most_unpacked": MOST_UNPACKED,
        "drawn": min(len(table.tasks), MOST_LINES),
        "effect_heads": shown.heads(shown.EFFECT),
        "amounts": shown.amounts(evidence.effects),
        "counted": len(COUNTED),
        "effects": drawn(shown.EFFECT, evidence.effects),
        "learned": list(learned(material.distilled)),
        "reviews": reviews(material.reviewed, summary.scorecard),
        "score": shown.score(summary.scorecard) if summary.scorecard else None,
        "luck": shown.luck(evidence.luck) if evidence.luck else None,
        "sensitivity": shown.sensitivity(evidence),
        "tests": [_tested(question, each) for question, each in shown.tests(evidence)],
        "trends": _trends(summary),
        "facts": list(_facts(summary, material.provenance)),
        "groups": Groups(transcripts),
    }
    data = {
        **board.document(),
        "means": means_document(board),
        "reruns": {f"{number}-{row}": count for (number, row), count in material.reruns.items()},
    }
    return render("report.html", context, data=data, scripts=_SCRIPTS, styles=["report.css"])


def unfinished(summary: Summary) -> str | None:
    """Say what the page of an unfinished battery covers; None for any other."""
    if not summary.unfinished:
        return None
    return (
        f"This battery is not finished (state: {summary.state}). The page covers the "
        f"{len(summary.iterations)} of {summary.iterations_wanted} iterations whose tasks are "
        "complete."
    )


def _tested(question: str, tested: Tested) -> list[str]:
    equal = tested.p is None
    value = "all values are equal: nothing to test" if equal else p_value(tested.p)
    return [question, value, tested.method, str(tested.tasks)]


def _trends(summary: Summary) -> list[list[str]]:
    """Return the table of the trends, heads first: a metric is a column, so any number fits."""
    trends = summary.trends
    numbers = [[shown.metric_value(each.metric, value) for value in each.values] for each in trends]
    return [
        ["iteration", *(each.metric for each in trends)],
        *(
            [str(row.iteration), *(values[at] for values in numbers)]
            for at, row in enumerate(summary.iterations)
        ),
        ["trend", *map(shown.trend_change, trends)],
        ["goal", *map(shown.goal, trends)],
    ]


def _facts(summary: Summary, provenance: Provenance) -> Iterator[tuple[str, str]]:
    """Yield what identifies the run, name and value; what is not known is left out."""
    if isinstance(provenance, Manifest):
        yield from _recorded(provenance)
    else:
        yield "Manifest", "none: the original battery wrote this folder"
    if evidence := summary.evidence:
        yield "Arms", ", ".join(evidence.arms)
        repeats = f"{evidence.tasks} tasks, {evidence.iterations} iterations, "
        yield "Size", f"{repeats}{evidence.repeats} call(s) a task, iteration and arm"
    for name, url in (summary.targets or {}).items():
        yield f"Target: {name}", url
    if models := summary.models:
        yield "Executor", models.executor_cloud
        yield "Reviewer", models.reviewer_cloud
        yield "Overseer", models.overseer_cloud
    if summary.seed is not None:
        yield "Seed", f"{summary.seed} (decides, task by task, which arm is asked first)"
    yield "Calls", f"{summary.calls} recorded, {duration(summary.elapsed_s)} in all"
    for name, value in provenance.options.model_dump().items():
        if name not in {"tasks", "seed"} and value is not None:
            yield f"Option: {name}", str(value)


def _recorded(manifest: Manifest) -> Iterator[tuple[str, str]]:
    yield "Run", manifest.run_id
    yield "Started", manifest.started_at
    yield "Finished", manifest.finished_at or f"not finished ({manifest.state})"
    yield "Battery", f"version {manifest.battery_version}, file format {manifest.schema_version}"
    # Only the file's name: a page that is passed on need not tell how its maker's disk is laid out.
    tasks = PurePath(manifest.options.tasks or "path not recorded").name
    yield "Tasks", f"{tasks}, SHA-256 {manifest.tasks_digest}"
