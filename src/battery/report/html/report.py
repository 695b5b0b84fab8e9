"""The report: everything that a battery found, and every transcript, as one page.

Reads what is on disk while the page is written, so that one transcript is in memory at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import Final, NamedTuple

from battery.base.errors import advised
from battery.base.numbers import duration, p_value
from battery.inputs.tasks import task_id
from battery.recorded import OpenedBattery, open_battery, summary_of
from battery.records.findings import Tested
from battery.records.manifest import Manifest, Provenance
from battery.records.metric import COUNTED
from battery.records.models import Summary
from battery.records.stages import CHAT_STAGES
from battery.records.word import Word
from battery.report import evidence as shown
from battery.report.html.answers import Reviewed, learned, reviews
from battery.report.html.board import MOST_LINES, Board, charts, means_document
from battery.report.html.figures import drawn, headline
from battery.report.html.page import render
from battery.report.html.transcripts import Groups, call_name, rerun_name, transcript
from battery.store.battery_dir import BatteryDir, IterationDir
from battery.store.files import require_writable, write_atomic

#: What to do about a page that cannot be written.
_ELSEWHERE: Final = "name another file: `battery report --output PATH`"
_SCRIPTS: Final = ("charts.js", "board.js", "transcripts.js")
#: Of more iterations than this, tables and older reviews become elements when they are opened.
MOST_UNPACKED: Final = 20


class Page(NamedTuple):
    """A report that is ready to be written."""

    #: Made as they are read, so they can be read once; reading may raise `BatteryError`.
    chunks: Iterator[bytes]
    verdict: Word | None
    #: What an unfinished battery's report covers, in a sentence; None for any other.
    unfinished: str | None


def report_page(folder: BatteryDir, *, in_place: bool = False) -> Page:
    """Make the report of a folder; `in_place` when it will be written there and lists itself.

    Takes no lock and changes nothing: of a battery that is running it shows the iterations whose
    tasks are complete. Raises `BatteryError`.
    """
    opened = open_battery(folder)
    opened.require_complete()
    # A report of what is left of a damaged battery would look like the report of a whole one.
    opened.require_whole()
    summary = summary_of(opened, report=in_place)
    verdict = summary.evidence.verdict if summary.evidence else None
    return Page(report(opened, summary), verdict, unfinished(summary))


def write_page(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a page whole or not at all; raise `ArtifactError`."""
    with advised(_ELSEWHERE):
        write_atomic(path, chunks)


def require_place(path: Path) -> None:
    """Raise `ArtifactError` before a page is drawn that its folder could not take."""
    with advised(_ELSEWHERE):
        if path.parent.is_dir():
            require_writable(path.parent)


def report(opened: OpenedBattery, summary: Summary) -> Iterator[bytes]:
    """Yield the page of a battery with a complete iteration; transcripts are read last."""
    evidence = summary.evidence
    if evidence is None:
        raise ValueError("no evidence, no report")
    board, steps = Board(opened.calls), opened.steps
    table = board.grid
    distilled = ((step.number, step.distill_text(), step.distill_events()) for step in steps)
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
        "learned": list(learned(distilled)),
        "reviews": reviews(map(_reviewed, steps), summary.scorecard),
        "moved": shown.moved,
        "score": shown.score(summary.scorecard) if summary.scorecard else None,
        "luck": shown.luck(evidence.luck) if evidence.luck else None,
        "sensitivity": shown.sensitivity(evidence),
        "tests": [_tested(question, tested) for question, tested in shown.tests(evidence)],
        "trends": _trends(summary),
        "facts": list(_facts(summary, opened.provenance)),
        # By far the largest part, and last: a browser shows the rest while it still reads this.
        "groups": Groups(_transcripts(steps, board)),
    }
    data = {
        **board.document(),
        "means": means_document(board),
        # Of a task's place in the grid and an iteration: how often it was asked again.
        "reruns": Counter(
            f"{step.number}-{board.rows[task]}"
            for step in steps
            for run in step.read_confirmations()
            if (task := task_id(run.phase, run.task)) in board.rows
        ),
    }
    return render("report.html", context, data=data, scripts=_SCRIPTS, styles=["report.css"])


def unfinished(summary: Summary) -> str | None:
    """Name what the page of an unfinished battery covers; None for any other."""
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
    numbers = [
        [shown.metric_value(trend.metric, value) for value in trend.values] for trend in trends
    ]
    return [
        ["iteration", *(trend.metric for trend in trends)],
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
        yield "Size", f"{repeats}{evidence.repeats} call(s) per task, iteration and arm"
    for name, url in (summary.targets or {}).items():
        yield f"Target: {name}", url
    if models := summary.models:
        yield "Executor", models.executor_cloud
        yield "Reviewer", models.reviewer_cloud
        yield "Overseer", models.overseer_cloud
    if summary.seed is not None:
        yield "Seed", f"{summary.seed} (decides, task by task, which arm is asked first)"
    yield "Calls", f"{summary.calls} recorded, {duration(summary.elapsed_s)} in total"
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


def _reviewed(step: IterationDir) -> Reviewed:
    """Read what the large model said of an iteration, and what was read from it."""
    answers = ((stage.title.capitalize(), step.read_answer(stage.file)) for stage in CHAT_STAGES)
    return Reviewed(
        step.number,
        {title: answer for title, answer in answers if answer is not None},
        step.read_proposals() or [],
        step.read_verdicts(),
    )


def _transcripts(steps: Sequence[IterationDir], board: Board) -> Iterator[tuple[str, bytes]]:
    """Yield every call by its name, one in memory at a time."""
    for step in steps:
        for arm, repeat, run, answer in step.answers():
            row = board.rows[task_id(run.phase, run.task)]
            source = step.runs_name(arm, repeat)
            yield call_name(step.number, arm, row, repeat), transcript(run, answer, source)
        asked: Counter[int] = Counter()
        for run, answer in step.confirmed_answers():
            task = task_id(run.phase, run.task)
            # A file that somebody edited may hold tasks that were never asked.
            if task in board.rows:
                asked[board.rows[task]] += 1
                name = rerun_name(step.number, board.rows[task], asked[board.rows[task]])
                yield name, transcript(run, answer, step.confirmations_name)
