"""The page of a campaign: the word, every run drawn, which tasks, then how it was computed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from battery.base.text import capital
from battery.records.campaign import CampaignEvidence, CampaignSummary, RunFindings, RunQuestion
from battery.records.checks import UNCHECKED
from battery.report import run_tasks
from battery.report import runs as several
from battery.report.evidence import CHANGES, relative
from battery.report.html.figures import (
    MOST_DOTS,
    Bar,
    Dot,
    both_done,
    chosen,
    named,
    place,
    stem_of,
)
from battery.report.html.page import link, render
from battery.store.artifacts import REPORT
from battery.verdict import policy

#: Tasks on the first screen, below the runs.
_MOST_TASKS: Final = 8
#: What tasks are found by, and what it is called.
_FINDS: Final = (
    ("better", "Better"),
    ("worse", "Worse"),
    ("mixed", "Better and worse"),
    ("same", "As before"),
)


def page(summary: CampaignSummary, at: Path) -> Iterator[bytes]:
    """Yield the page piece by piece; `at` is where it will be, for the links to the runs."""
    evidence = summary.evidence
    tasks = run_tasks.tasks(evidence)
    results = {task.result for task in tasks}
    context = {
        **_first_screen(summary, tasks),
        "run_heads": [*map(capital, several.run_heads(evidence)), "Seed", "Calls", "Drawn"],
        "run_rows": [_run_row(run, evidence, at) for run in evidence.runs],
        "mean": (several.mean_cells(evidence), _mean(evidence)),
        "task_heads": [*run_tasks.task_heads(evidence), "Drawn"],
        "task_rows": [
            (task, run_tasks.task_cells(task), stem_of(task.label, task.ratio)) for task in tasks
        ],
        "finds": [(word, name, word in results) for word, name in _FINDS],
        "question_heads": several.QUESTION_HEADS,
        "questions": [(several.question_cells(each), each.note) for each in evidence.questions],
        "method": list(several.method(evidence)),
        "facts": list(several.facts(summary)),
        "again": several.again(summary),
        "about_again": several.AGAIN,
    }
    return render("runs.html", context, scripts=["find.js"], styles=["report.css"])


def _first_screen(summary: CampaignSummary, tasks: list[run_tasks.TaskRuns]) -> dict[str, Any]:
    evidence = summary.evidence
    asked, work = several.deciding(evidence), evidence.work()
    runs = [_run(run, evidence) for run in evidence.runs]
    if len(runs) > MOST_DOTS:
        runs.sort(key=lambda dot: dot.figure.point if dot.figure else place(0))
    drawn = chosen(runs)
    return {
        "summary": summary,
        "evidence": evidence,
        "aim": several.aim(evidence),
        "word": evidence.verdict or "NO VERDICT",
        "tone": evidence.verdict.about.tone if evidence.verdict else "open",
        "trusted": evidence.trusted,
        "asked": several.answers(summary),
        "size": several.size(summary),
        "value": _value(asked) if evidence.trusted and evidence.verdict else "",
        "about_value": several.about(asked, evidence),
        "figure": _mean(evidence),
        "done": both_done(work.learn, work.learn_calls, work.frozen, work.frozen_calls)
        if work
        else [],
        # A mean of some of the planned runs would be looked at, whatever is written next to it.
        "runs": drawn._replace(least=[*drawn.least, _all(evidence)]) if evidence.verdict else drawn,
        "tasks": chosen(list(map(_task, tasks)), _MOST_TASKS),
        "changes": run_tasks.changes(evidence),
        "gates": list(several.gates(evidence)),
        "wrong": several.wrong(evidence),
        "spread": several.spread(evidence) if evidence.verdict else None,
        "own_word": UNCHECKED if UNCHECKED in evidence.cautions else None,
        "cautions": [text for text in evidence.cautions if text != UNCHECKED],
    }


def _value(asked: RunQuestion) -> str:
    return "" if asked.effect is None else several.effect(asked, asked.effect)


def _drawn(label: str, asked: RunQuestion, *effects: float | None) -> Bar | None:
    """Draw an effect, and with both ends of its interval a band; None where it is not known."""
    # What is done is a difference of shares already, and more of it is better.
    more = asked.name == "success"
    changes = [value if more else value - 1 for value in effects if value is not None]
    if not changes:
        return None
    value, *ends = changes
    none, point = place(0), place(value)
    low, high = map(place, ends) if ends else (min(none, point), max(none, point))
    return Bar(
        f"{label}: {several.effect(asked, effects[0] or 0.0)}",
        point,
        (low, round(100 - high, 2)),
        stem=not ends,
        beyond=value > 1,
        worse=policy.is_relevant(-value if more else value),
    )


def _mean(evidence: CampaignEvidence) -> Bar | None:
    asked = several.deciding(evidence)
    ends = [asked.interval.low, asked.interval.high] if asked.interval else []
    return _drawn(f"mean of the runs, {several.span(asked)}", asked, asked.effect, *ends)


def _all(evidence: CampaignEvidence) -> Dot:
    asked = several.deciding(evidence)
    return Dot(
        label=named("mean of all that count"),
        kind="",
        change=_value(asked),
        result="mean",
        word="",
        done="",
        figure=_mean(evidence),
    )


def _run(run: RunFindings, evidence: CampaignEvidence) -> Dot:
    asked = several.deciding(evidence)
    effect = several.effect_of(run, asked)
    figure = _drawn(f"run {run.name}", asked, effect)
    known = figure and run.counted and policy.is_relevant(abs(figure.point - place(0)) / 50)
    result = ("worse" if figure and figure.worse else "better") if known else "same"
    return Dot(
        label=named(f"run {run.name}"),
        kind=several.run_cells(run)[1],
        change="" if effect is None else several.effect(asked, effect),
        result=result,
        word="",
        done="",
        figure=figure,
    )


def _run_row(
    run: RunFindings, evidence: CampaignEvidence, at: Path
) -> tuple[list[str], str | None, Bar | None]:
    """Return the cells of a run, the address of its own report, and its effect drawn."""
    calls = f"{run.spent.calls:,}" if run.spent else "-"
    cells = [*several.run_cells(run), "-" if run.seed is None else str(run.seed), calls]
    return cells, link(Path(run.folder) / REPORT.name, at), _run(run, evidence).figure


def _task(task: run_tasks.TaskRuns) -> Dot:
    runs = f"{task.better} of {task.runs} runs"
    worse = f"worse in {task.worse} of {task.runs}"
    return Dot(
        label=named(task.label),
        kind=task.kind,
        change=relative(task.ratio),
        result=task.result,
        word=worse if task.worse else runs if task.better else CHANGES[task.result],
        done="" if task.done == task.twin else f"{task.done} done, twin {task.twin}",
        figure=stem_of(task.label, task.ratio),
    )
