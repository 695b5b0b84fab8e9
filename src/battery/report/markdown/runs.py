"""Several runs as Markdown: what `summary.md` of a campaign says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from battery.base.numbers import minus
from battery.base.text import capital, clause
from battery.records.campaign import CampaignSummary
from battery.report import run_tasks
from battery.report import runs as several
from battery.report.markdown import code, plain, table

TITLE: Final = "# Campaign summary"


def markdown(summary: CampaignSummary) -> str:
    """Write `summary.md`: the same summary gives the same text, byte for byte."""
    evidence = summary.evidence
    word = f"**{evidence.verdict}**: " if evidence.verdict else ""
    runs = [*map(several.run_cells, evidence.runs), several.mean_cells(evidence)]
    sections = [
        TITLE,
        # Within the first ten lines, which are what `head` shows.
        "\n".join(f"- {plain(f'{ask} {text}')}" for ask, text in several.answers(summary)),
        "## Verdict",
        f"{word}{plain(evidence.sentence)}",
        _list(_next_to_it(summary)),
        "## Runs",
        plain(f"{', '.join(several.size(summary))}."),
        _table([capital(head) for head in several.run_heads(evidence)], runs),
        "## Which tasks",
        plain(run_tasks.changes(evidence)),
        _table(
            run_tasks.task_heads(evidence), map(run_tasks.task_cells, run_tasks.tasks(evidence))
        ),
        "## Questions",
        _table(several.QUESTION_HEADS, map(several.question_cells, evidence.questions), left=1),
        "## How it was computed",
        _list(map(plain, several.method(evidence))),
        "## What was run",
        _list(f"{name}: {code(text)}" for name, text in several.facts(summary)),
        *_again(summary),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _list(texts: Iterable[str]) -> str:
    return "\n".join(f"- {minus(text)}" for text in texts)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], left: int = 2) -> str:
    """Write a table whose first cells are names that others may have chosen."""
    cells = [[plain(first), *map(minus, others)] for first, *others in rows]
    return table(heads, cells, left) if cells else ""


def _next_to_it(summary: CampaignSummary) -> Iterator[str]:
    for mark, text in several.notes(summary):
        yield plain(f"{capital(mark)}: {text}.")
    for name, text in several.gates(summary.evidence):
        yield plain(f"Gate {name}: {text}.")
    for advice in summary.evidence.settle:
        command = f" {code(advice.command)}" if advice.command else ""
        yield f"{several.aim(summary.evidence)}: {plain(clause(advice.text))}{command}"


def _again(summary: CampaignSummary) -> Iterator[str]:
    if commands := several.again(summary):
        yield "## How to run it again"
        yield plain(several.AGAIN)
        yield "\n".join(f"    {line}" for line in commands)
