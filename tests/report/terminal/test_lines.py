from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.text import cells
from battery.records.events import (
    DistillEvent,
    Event,
    IterationFinished,
    MetaFinished,
    Notice,
    Plan,
    StageStarted,
    TaskFinished,
    TaskStarted,
)
from battery.records.models import FROZEN, Phase, RunResult
from battery.report.terminal.lines import cost, line, place
from tests.report.events import battery, task
from tests.report.samples import metrics

LONG = "fill: Crane operator x12 in Erie, Pennsylvania, within 50 miles"
PLAN = Plan(3, 8)
LABEL = "fill: Welder x2 in Toledo, OH"


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (StageStarted(1, "beta", "drift"), "1/3 beta  drift"),
        (
            task(Phase.ALPHA, LABEL),
            "1/3 alpha fill: Welder x2 in Toledo, OH   ok       1 turn    1,234 tok    850 ms",
        ),
        (
            task(Phase.BETA, LONG),
            "1/3 beta  fill: Crane operator x12 in...  ok       4 turns  12,345 tok *  12.3 s",
        ),
        (
            task(Phase.GAMMA, LONG, iteration=2, replayed=True),
            "2/3 gamma fill: Crane operator x... failed   8 turns     654 tok      3:07 saved",
        ),
        (
            task(Phase.ALPHA, LABEL)._replace(arm=FROZEN),
            "1/3 alpha frozen: fill: Welder x2 in T... ok       1 turn    1,234 tok    850 ms",
        ),
        (
            task(Phase.ALPHA, LABEL)._replace(confirm=True, repeat=3),
            "1/3 alpha again: fill: Welder x2 in To... ok       1 turn    1,234 tok    850 ms",
        ),
        (DistillEvent(1, "reader", "a\n\x1b[31mb"), r"1/3 delta reader: a \x1b[31mb"),
        (
            MetaFinished(1, "delta", 4321, "2 playbooks", False),
            "1/3 delta done: 2 playbooks" + 46 * " " + "  4.3 s",
        ),
        (
            IterationFinished(metrics(1)),
            "1/3 done  6 of 8 ok, 7,000 tokens, 3.00 turns per task, overseer 25%, 12.3 s",
        ),
        (Notice("all is well"), "note: all is well"),
        (Notice("look\x07 here", warning=True), r"warning: look\x07 here"),
    ],
)
def test_an_event_is_one_line(event: Event, text: str) -> None:
    assert line(event, PLAN) == text


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (Plan(1, 1), "4 calls: 1 task (1 iteration x 1 task), 1 distill, 2 review and judgment"),
        (
            Plan(3, 8, arms=2, confirmations=30),
            "57 calls: 48 tasks (3 iterations x 8 tasks x 2 arms), 3 distill, 6 review and "
            "judgment; up to 30 more to confirm alpha tasks that fail",
        ),
        (
            Plan(2, 1000, repeats=5, on_disk=1234),
            "10,006 calls: 10,000 tasks (2 iterations x 1,000 tasks x 5 repeats), 2 distill, "
            "4 review and judgment; 1,234 of them are already on disk",
        ),
    ],
)
def test_a_battery_says_what_it_costs_in_calls(plan: Plan, text: str) -> None:
    assert cost(plan) == text
    *lines, legend = (line(plan, None) or "").splitlines()
    assert " ".join(each.strip() for each in lines) == text
    assert max(map(len, [*lines, legend])) <= 80
    assert legend.startswith("* marks tasks that the overseer corrected")
    assert ("frozen" in legend) == (plan.arms == 2)


def test_a_task_that_starts_is_told_when_it_ends() -> None:
    assert line(TaskStarted(1, Phase.ALPHA, LABEL), PLAN) is None


def test_an_iteration_beyond_the_plan_has_no_total() -> None:
    assert [place(2, PLAN), place(4, PLAN), place(2, None)] == ["2/3", "4", "2"]


def test_numbers_are_never_cut_however_long_they_get() -> None:
    huge = RunResult("ok", 123_456, 12_345_678_901_234, True, None, 360_000_000)
    text = line(TaskFinished(1, Phase.BETA, LONG, huge, True), PLAN) or ""
    assert "123456 turns 12,345,678,901,234 tok * 100:00:00 saved" in text
    assert "fill:..." in text


def test_a_whole_battery_fits_80_columns() -> None:
    texts = [line(event, PLAN) or "" for event in battery(3, 12)]
    assert max(cells(each) for text in texts for each in text.splitlines()) == 80


@given(st.text(), st.text())
@settings(deadline=None)
def test_no_foreign_text_reaches_the_terminal_as_control(text: str, role: str) -> None:
    events = (
        StageStarted(1, text, role),
        task(Phase.BETA, text),
        DistillEvent(1, role, text),
        MetaFinished(1, "zeta", 1, text, True),
        Notice(text),
    )
    for event in events:
        assert (line(event, PLAN) or "").isprintable()
