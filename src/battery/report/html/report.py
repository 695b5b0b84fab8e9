"""The report: everything that a battery found, and every transcript, as one page.

Reads what is on disk while the page is written, so that one transcript is in memory at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from battery.base.errors import advised
from battery.base.numbers import counted, number, p_value
from battery.base.text import capital
from battery.inputs.tasks import siblings, task_id
from battery.protocol import Json
from battery.recorded import OpenedBattery, open_battery
from battery.recorded.summary import summary_of
from battery.records.checks import UNCHECKED
from battery.records.findings import Evidence, Growth, TaskEffect
from battery.records.metric import METRICS
from battery.records.models import ARM_NAMES, Run, Task
from battery.records.stages import CHAT_STAGES
from battery.records.summary import Summary
from battery.records.word import Word
from battery.report import evidence as shown
from battery.report import siblings as new_tasks
from battery.report import trends
from battery.report.answer import (
    aim,
    answers,
    before_command,
    changes,
    holds,
    next_command,
    portable_line,
    wrong,
)
from battery.report.html import figures, method
from battery.report.html.answers import Reviewed, learned, reviews
from battery.report.html.board import MOST_LINES, ROWS, Board, charts, means_document
from battery.report.html.page import render
from battery.report.html.transcripts import Groups, call_name, rerun_name, transcript
from battery.report.learning import learning
from battery.store.battery_dir import BatteryDir
from battery.store.files import require_writable, write_atomic
from battery.store.iteration_dir import IterationDir
from battery.verdict import policy
from battery.verdict.bluffs import clauses

#: What to do about a page that cannot be written.
_ELSEWHERE: Final = "name another file: `battery report --output PATH`"
_SCRIPTS: Final = ("charts.js", "board.js", "transcripts.js", "find.js")
#: Of more iterations than this, tables and older reviews become elements when they are opened.
MOST_UNPACKED: Final = 20


#: A review of more characters, as markup, would hide all below it; it is there to be unfolded.
MOST_UNFOLDED: Final = 20_000
#: Of more columns than this, the rows of the grid break into lines on paper.
MOST_COLUMNS: Final = 8


#: Of more tasks than one table holds, so many with the largest gain are shown first.
MOST_GAINED: Final = 20
#: A task, and its row in the table of those that learned.
Learner = tuple[TaskEffect, figures.Drawn]


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
    board, steps = Board(opened.calls, opened.siblings, opened.observed.grid), opened.steps
    table = board.grid
    distilled = ((step.number, step.distill_text(), step.distill_events()) for step in steps)
    context = {
        **_of_evidence(summary, evidence),
        "summary": summary,
        "unfinished": unfinished(summary),
        "charts": charts(board),
        "board": board,
        "marks": board.marks(),
        "packed": len(table.iterations) > MOST_UNPACKED,
        "most_unpacked": MOST_UNPACKED,
        "most_columns": MOST_COLUMNS,
        "most_unfolded": MOST_UNFOLDED,
        "drawn": min(len(table.tasks), MOST_LINES),
        "learned": list(learned(distilled)),
        "reviews": reviews(map(_reviewed, steps), summary.scorecard),
        "moved": trends.moved,
        "score": trends.score(summary.scorecard) if summary.scorecard else None,
        "cost_of_learning": list(learning(summary)),
        "count": trends.count(summary, summary.verdict) if summary.verdict else None,
        "trends": _trends(summary),
        "names": ARM_NAMES,
        "again": method.command(opened.provenance),
        "facts": list(method.facts(summary, opened.provenance)),
        # By far the largest part, and last: a browser shows the rest while it still reads this.
        "groups": Groups(_transcripts(opened, board)),
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


def _of_evidence(summary: Summary, evidence: Evidence) -> dict[str, object]:
    """Return what the page says of what may be claimed."""
    return {
        "evidence": evidence,
        "word": evidence.verdict or "NO VERDICT",
        "tone": evidence.verdict.about.tone if evidence.verdict else "open",
        "trusted": evidence.trusted,
        "asked": answers(summary, evidence),
        "alone": figures.alone(evidence),
        "headline": figures.headline(summary, evidence),
        "dots": figures.dots(evidence.by_task),
        "holds": holds(evidence),
        "aim": aim(summary, evidence),
        "next": _next(summary, evidence),
        "wrong": wrong(evidence),
        # Where the counts of `ok` are, and not once more below.
        "own_word": UNCHECKED if UNCHECKED in evidence.cautions else None,
        "cautions": [text for text in evidence.cautions if text != UNCHECKED],
        "task_heads": shown.task_heads(evidence),
        "learners": list(_parts(figures.tasks(evidence.by_task, evidence))),
        "new": new_tasks.told(evidence),
        "new_kinds": figures.siblings(evidence.siblings) if evidence.siblings else [],
        "new_kind_heads": new_tasks.HEADS,
        "new_heads": new_tasks.heads(evidence),
        "new_tasks": list(_parts(figures.tasks(new_tasks.by_task(evidence), evidence))),
        "changes": changes(evidence),
        "over": shown.over(evidence),
        "kind_heads": shown.group_heads(evidence),
        "kinds": figures.kinds(evidence),
        "saved": figures.iterations(summary, evidence),
        "sensitivity": shown.sensitivity(evidence),
        "question_heads": [*shown.QUESTION_HEADS, "Test"],
        "questions": [
            ([*shown.question_cells(question), question.test], question.note)
            for question in evidence.questions
        ],
        "budget": shown.budget(evidence),
        "tests": list(_tests(evidence)),
        "bluffs": [capital(text) for _, text in clauses(evidence.bluffs)],
        "others": list(_others(evidence)),
    }


def _next(summary: Summary, evidence: Evidence) -> tuple[str, str] | None:
    """Return the next command and what comes before it."""
    words = next_command(summary, evidence)
    if words is None:
        return None
    return before_command(words, summary, evidence), portable_line(words)


def unfinished(summary: Summary) -> str | None:
    """Name what the page of an unfinished battery covers; None for any other."""
    if not summary.unfinished:
        return None
    return (
        f"This battery is not finished (state: {summary.state}). The page covers the "
        f"{len(summary.iterations)} of {summary.iterations_wanted} iterations whose tasks are "
        "complete."
    )


def _parts(rows: Sequence[Learner]) -> Iterator[Sequence[Learner]]:
    # Those with the largest gain are what the section is about; more would hide all below them.
    first = MOST_GAINED if len(rows) > ROWS else ROWS
    if rows:
        yield rows[:first]
    for start in range(first, len(rows), ROWS):
        yield rows[start : start + ROWS]


def _tests(evidence: Evidence) -> Iterator[list[str]]:
    """Yield what was tested next to the questions: question, p, level, and how."""
    if evidence.looks:
        fewer = "an exact test of tasks done, task by task, one-sided"
        yield _test("Are fewer tasks done?", evidence.success_p, policy.LOSS, fewer)
    if growth := evidence.growth:
        yield from _of_growth(growth)
    if start := evidence.start:
        ratio = shown.relative(start.ratio)
        how = f"{counted(start.tasks, 'task')}, two-sided; learner against twin {ratio}"
        how += "; effects are net of it" if start.netted else ""
        how += "; both were given the same memory" if start.kept else ""
        yield _test(
            "Did learner and twin differ in iteration 1?", start.p, policy.SAME_START_ALPHA, how
        )
    if bluffs := evidence.bluffs:
        how = "against the twin and iteration 1, task by task"
        if claims := bluffs.impossible:
            yield _test("Did learning bring bluffs?", claims.p, policy.GATE, how)
        if claims := bluffs.refuted:
            title = "Did learning bring claims that fail their checks?"
            yield _test(title, claims.p, policy.REFUTED, how)
    if trend := evidence.trend:
        noun = METRICS[evidence.cost].plain
        how = f"{trend.method}, {counted(trend.tasks, 'task')}"
        yield _test(f"Do {noun} fall over the iterations?", trend.p, policy.ALPHA, how)


def _of_growth(growth: Growth) -> Iterator[list[str]]:
    few = len(growth.ratios) + 1 < policy.SLOPE_ITERATIONS
    how = f"takes {policy.SLOPE_ITERATIONS} iterations" if few else growth.test
    yield _test("Does the saving grow?", growth.p, policy.ALPHA, how)
    if growth.p_beyond_step is not None:
        how = "the same within both parts of its largest step"
        yield _test("Does it grow beyond one step?", growth.p_beyond_step, policy.ALPHA, how)
    if growth.p_fall is not None:
        how = "sign flips over tasks, one-sided, corrected for the choice of the best"
        asked = f"Did it fall from iteration {growth.best} to the last?"
        yield _test(asked, growth.p_fall, policy.ALPHA, how)


def _test(question: str, p: float | None, level: float, how: str) -> list[str]:
    return [question, p_value(p), number(level, 3), how]


def _others(evidence: Evidence) -> Iterator[list[str]]:
    for other in evidence.others:
        means = (shown.mean(other.metric, value) for value in (other.learn, other.frozen))
        yield [METRICS[other.metric].title, *means]


def _trends(summary: Summary) -> list[list[str]]:
    """Return the table of the trends, heads first: a metric is a column, so any number fits."""
    followed = summary.trends
    numbers = [
        [trends.metric_value(trend.metric, value) for value in trend.values] for trend in followed
    ]
    return [
        ["iteration", *(trend.metric for trend in followed)],
        *(
            [str(row.iteration), *(values[at] for values in numbers)]
            for at, row in enumerate(summary.iterations)
        ),
        ["trend", *map(trends.trend_change, followed)],
        ["goal", *map(trends.goal, followed)],
    ]


def _reviewed(step: IterationDir) -> Reviewed:
    """Read what the large model said of an iteration, and what was read from it."""
    answers = ((stage.noun.capitalize(), step.read_answer(stage.file)) for stage in CHAT_STAGES)
    return Reviewed(
        step.number,
        {title: answer for title, answer in answers if answer is not None},
        step.read_proposals() or [],
        step.read_verdicts(),
    )


def _transcripts(opened: OpenedBattery, board: Board) -> Iterator[tuple[str, bytes]]:
    """Yield every call by its name, one in memory at a time."""
    known = _with_checks(opened)

    def shown(task: str, run: Run, answer: Json, source: str) -> bytes:
        # What was asked is with the answer, and what it is held to with the tasks.
        return transcript(run._replace(task=known.get(task, run.task)), answer, source)

    for step in opened.steps:
        name_of = cache(step.runs_name)
        for arm, repeat, run, answer in step.answers():
            task = task_id(run.phase, run.task)
            name = call_name(step.number, arm, board.rows[task], repeat)
            yield name, shown(task, run, answer, name_of(arm, repeat))
        for arm, _, run, answer in step.siblings.answers():
            if (new := board.new.get(run.sibling_of or "")) is not None:
                task, source = task_id(run.phase, run.task), step.siblings.runs_name(arm, 1)
                yield call_name(step.number, arm, new, 1), shown(task, run, answer, source)
        asked: Counter[int] = Counter()
        for run, answer in step.confirmed_answers():
            task = task_id(run.phase, run.task)
            # A file that somebody edited may hold tasks that were never asked.
            if task in board.rows:
                asked[board.rows[task]] += 1
                name = rerun_name(step.number, board.rows[task], asked[board.rows[task]])
                yield name, shown(task, run, answer, step.confirmations_name)


def _with_checks(opened: OpenedBattery) -> dict[str, Task]:
    """Return tasks and siblings by id, as the tasks file has them; none where there is no file."""
    new = (siblings(opened.planned, step.number) for step in opened.steps)
    return {entry.task_id: entry.task for entry in chain(opened.planned, *new)}
