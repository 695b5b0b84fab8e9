"""Where a person reads, a number below zero has a real minus; where a program reads, a hyphen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from battery.base import jsonio
from battery.report.markdown import compare as markdown_of_comparison
from battery.report.markdown import runs as markdown_of_runs
from battery.report.markdown import summary as markdown_of_summary
from battery.report.terminal.compare import Way, comparison_lines
from battery.report.terminal.look import Look
from battery.report.terminal.runs import run_lines
from battery.report.terminal.summary import summary_lines
from tests.report import comparisons
from tests.report.cases import CASES
from tests.verdict.runs.made import runs, summary

TERMINAL: Final = Look("▲", "▼", "→", "…", colour=False, minus=True)
PIPE: Final = TERMINAL._replace(minus=False)
#: A hyphen before a digit that follows no word, path, date or range.
HYPHEN: Final = re.compile(r"(?<![\w./-])-\$?\.?\d")
SAVED: Final = (0.3, 0.25, 0.35, -0.28, 0.32)
RUNS: Final = summary(runs(*SAVED))
COMPARED: Final = Way(["compare", "data/main", "data/branch"])


class Surface(NamedTuple):
    """What is shown of one result: the lines of a terminal or a pipe, Markdown, and JSON."""

    lines: Callable[[Look], Iterable[str]]
    markdown: str
    json: bytes


SURFACES: Final = {
    **{
        f"battery {name}": Surface(
            partial(summary_lines, made, Path("data/b"), full=True),
            markdown_of_summary.markdown(made),
            jsonio.dumps_indented(made.model_dump(mode="json")),
        )
        for name, made in CASES.items()
    },
    **{
        f"comparison {name}": Surface(
            partial(comparison_lines, found, way=COMPARED, full=True),
            markdown_of_comparison.markdown(found),
            jsonio.dumps_indented(found.model_dump(mode="json")),
        )
        for name, found in comparisons.CASES.items()
    },
    "runs": Surface(
        lambda look: run_lines(RUNS, ["pool", "a"], look, full=True),
        markdown_of_runs.markdown(RUNS),
        jsonio.dumps_indented(RUNS.model_dump(mode="json")),
    ),
}


@pytest.mark.parametrize("name", SURFACES)
def test_one_rule_holds_on_every_surface(name: str) -> None:
    surface = SURFACES[name]
    terminal, pipe = ("\n".join(surface.lines(look)) for look in (TERMINAL, PIPE))
    assert not HYPHEN.findall(terminal)
    assert "−" not in pipe + surface.json.decode()
    assert pipe == terminal.replace("−", "-")
    prose = [line for line in surface.markdown.splitlines() if not is_metric(line)]
    assert not HYPHEN.findall("\n".join(prose))


def is_metric(line: str) -> bool:
    """Return whether a line is of the table of metrics, whose format the original script fixed."""
    return line.startswith("| ") and line.endswith((" fewer |", " more |"))


def test_the_surfaces_have_numbers_below_zero() -> None:
    for name in ("battery learned", "comparison worse", "runs"):
        assert "−" in "\n".join(SURFACES[name].lines(TERMINAL)) + SURFACES[name].markdown
