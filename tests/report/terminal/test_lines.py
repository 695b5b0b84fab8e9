from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.inputs.tasks import PlannedTask
from battery.records.checks import Checked, FailedCheck
from battery.records.events import (
    DistillEvent,
    Estimate,
    Event,
    Introduction,
    IterationFinished,
    MetaFinished,
    Notice,
    Outlook,
    Plan,
    StageStarted,
    TaskFinished,
    TaskStarted,
)
from battery.records.models import FROZEN, LEARN, Phase, RunResult, Task
from battery.report.terminal.lines import (
    PlainProgress,
    QuietProgress,
    cost,
    introduction_lines,
    line,
    make_progress,
    outcome,
    outlook_document,
    place,
    print_outlook,
)
from battery.runner.schedule import Schedule
from tests.report.events import battery, finished, task
from tests.support.screens import played

LONG = "fill: Crane operator x12 in Erie, Pennsylvania, within 50 miles"
PLAN = Plan(3, 8)
ARMS = Plan(3, 8, arms=2)
LABEL = "fill: Welder x2 in Toledo, OH"
_WHY = FailedCheck(check="checks[0]", reason="nobody is handed in")
_DONE = task(Phase.ALPHA, LABEL)
REFUTED = _DONE._replace(result=_DONE.result.graded(Checked(ok=False, claimed=True, failed=[_WHY])))
NUMBERS = "  1 turn    1,234 tokens  850 ms  "


@pytest.mark.parametrize(
    ("event", "plan", "text"),
    [
        (StageStarted(1, "beta", "niche tasks"), PLAN, "1/3 niche tasks"),
        (_DONE, PLAN, f"1/3 easy       ok     {NUMBERS}{LABEL}"),
        (_DONE, ARMS, f"1/3 easy       learner ok     {NUMBERS}{LABEL}"),
        (_DONE._replace(arm=FROZEN), ARMS, f"1/3 easy       twin    ok     {NUMBERS}{LABEL}"),
        (
            task(Phase.BETA, LONG),
            PLAN,
            f"1/3 niche      ok       4 turns  12,345 tokens  12.3 s  {LONG} (corrected)",
        ),
        (
            task(Phase.GAMMA, LONG, iteration=2, replayed=True),
            PLAN,
            f"2/3 impossible refused  8 turns     654 tokens    3:07  {LONG} (from disk)",
        ),
        (
            _DONE._replace(confirm=True, repeat=3),
            PLAN,
            f"1/3 easy       ok     {NUMBERS}{LABEL} (asked again)",
        ),
        (
            task(Phase.BETA, LABEL)._replace(sibling=True),
            PLAN,
            f"1/3 niche      ok       4 turns  12,345 tokens  12.3 s  {LABEL} (new, corrected)",
        ),
        (REFUTED, PLAN, f"1/3 easy       bluff  {NUMBERS}{LABEL}"),
        (DistillEvent(1, "reader", "a\n\x1b[31mb"), PLAN, r"1/3 distill    reader: a \x1b[31mb"),
        (
            MetaFinished(1, "delta", 4321, "2 playbooks", False),
            PLAN,
            "1/3 distill    done: 2 playbooks (4.3 s)",
        ),
        (
            MetaFinished(1, "zeta", 4321, "The judgment failed: no room", True, failed=True),
            PLAN,
            "1/3 judgment   The judgment failed: no room (from disk)",
        ),
        (
            DistillEvent(1, "reader", 100 * "abc "),
            PLAN,
            f"1/3 distill    reader: {47 * 'abc '}a...",
        ),
        (Notice("all is well"), PLAN, "note: all is well"),
        (Notice("look\x07 here", warning=True), PLAN, r"warning: look\x07 here"),
    ],
)
def test_an_event_is_one_line(event: Event, plan: Plan, text: str) -> None:
    assert line(event, plan) == text


@pytest.mark.parametrize(
    ("learner", "twin", "text"),
    [
        ({}, None, "778 tokens per task"),
        ({}, {"total_tokens": 14_000}, "778 tokens per task, twin 1,556 (-50%)"),
        ({}, {"total_tokens": 7_000}, "778 tokens per task, twin 778 (0%)"),
        ({}, {"total_tokens": 5_000}, "778 tokens per task, twin 556 (+40%)"),
        ({}, {"total_tokens": None}, "778 tokens per task"),
        ({}, {"total_tokens": 0}, "778 tokens per task"),
        ({"total_tokens": 0}, {"total_tokens": 0}, "3.00 turns per task, twin 3.00 (0%)"),
        ({"total_tokens": 0}, None, "3.00 turns per task"),
        (
            {"total_tokens": None},
            {"avg_turns_per_task": 4.0},
            "3.00 turns per task, twin 4.00 (-25%)",
        ),
    ],
)
def test_a_finished_iteration_says_the_effect_so_far_and_what_was_done(
    learner: dict[str, float | None], twin: dict[str, float | None] | None, text: str
) -> None:
    numbers = finished(2, 3).metrics
    event = IterationFinished(
        numbers.model_copy(update=learner),
        None if twin is None else numbers.model_copy(update=twin),
    )
    work = "6 of 6 possible tasks done, 3 of 3 impossible refused"
    assert line(event, PLAN) == f"2/3  {text}; {work}"


def test_a_system_that_reports_nothing_has_its_work_alone() -> None:
    silent = {"total_tokens": None, "avg_turns_per_task": None}
    event = IterationFinished(finished(1, 3).metrics.model_copy(update=silent))
    assert line(event, None) == "1  6 of 6 possible tasks done, 3 of 3 impossible refused"


def test_an_impossible_task_that_is_claimed_to_be_done_is_a_bluff() -> None:
    claimed = _DONE.result
    assert [outcome(phase, claimed) for phase in Phase] == ["ok", "ok", "bluff"]


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (
            Plan(1, 1),
            "4 calls: 1 task (1 iteration x 1 task), 1 distillation, 1 review, 1 judgment",
        ),
        (
            Plan(3, 8, arms=2, confirmations=30),
            "57 calls: 48 tasks (3 iterations x 8 tasks x learner and twin), 3 distillations, "
            "3 reviews, 3 judgments; up to 30 more to ask again what failed",
        ),
        (
            Plan(2, 1000, repeats=5, on_disk=1234),
            "10,006 calls: 10,000 tasks (2 iterations x 1,000 tasks x 5 repeats), 2 distillations, "
            "2 reviews, 2 judgments; 1,234 of them are already on disk",
        ),
        (
            Plan(2, 8, arms=2, siblings=(8, 3), graded=True),
            "60 calls: 32 tasks (2 iterations x 8 tasks x learner and twin), 22 new tasks of the "
            "same kind (11 x learner and twin), "
            "2 distillations, 2 reviews, 2 judgments",
        ),
        (
            Plan(2, 8, arms=2, siblings=(8, 3), checked=True, graded=True),
            "60 calls: 32 tasks (2 iterations x 8 tasks x learner and twin), 22 new tasks of the "
            "same kind (11 x learner and twin), "
            "2 distillations, 2 reviews, 2 judgments",
        ),
    ],
)
def test_a_battery_says_what_it_costs_in_calls(plan: Plan, text: str) -> None:
    assert cost(plan) == text
    lines = (line(plan, None) or "").splitlines()
    assert max(map(len, lines)) <= 80
    sentence, _, caution = " ".join(each.strip() for each in lines).partition(" ok is the ")
    assert sentence == text
    assert caution == ("" if plan.checked else "system's own word: no task has a check")


def test_a_task_that_starts_is_told_when_it_ends() -> None:
    assert line(TaskStarted(1, Phase.ALPHA, LABEL), PLAN) is None


def test_a_battery_with_a_name_is_introduced_by_it() -> None:
    told = Introduction("a target", "a twin", "itself", "tasks.json", "data")
    assert introduction_lines(told).splitlines()[0].split() == ["target:", "a", "target"]
    named = introduction_lines(told._replace(name="v2\x1b[31m")).splitlines()
    assert named[0].split() == ["name:", "v2\\x1b[31m"]
    assert len(named) == len(told)


def test_an_iteration_beyond_the_plan_has_no_total() -> None:
    assert [place(2, PLAN), place(4, PLAN), place(2, None)] == ["2/3", "4", "2"]


def test_numbers_are_never_cut_however_long_they_get() -> None:
    huge = RunResult("ok", 123_456, 12_345_678_901_234, True, None, 360_000_000)
    text = line(TaskFinished(1, Phase.BETA, LONG, huge, True), PLAN) or ""
    assert "123,456 turns 12,345,678,901,234 tokens 100:00:00  fill: " in text
    assert text.endswith("(corrected, from disk)")


def test_a_reported_0_differs_from_what_is_not_reported() -> None:
    for number, shown in ((0, "0 turns       0 tokens"), (None, "- turns       - tokens")):
        result = RunResult("ok", number, number, False, None, 40)
        assert shown in (line(TaskFinished(1, Phase.BETA, "fill", result, False), PLAN) or "")


def test_a_log_tells_iteration_and_kind_in_each_line_of_a_call() -> None:
    calls = [event for event in battery(3, 2) if isinstance(event, TaskFinished | MetaFinished)]
    kinds = "easy|niche|impossible|distill|review|judgment"
    for event in calls:
        assert re.match(rf"{event.iteration}/3 ({kinds}) ", line(event, PLAN) or "")


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


LOADED = (
    "import sys, battery.report.terminal.lines, battery.report.terminal.summary\n"
    "import battery.report.markdown.summary;"
    "print('rich' in sys.modules)"
)


def test_a_pipe_gets_plain_lines_as_they_happen() -> None:
    stream = io.StringIO()
    with make_progress(quiet=False, stream=stream) as show:
        assert isinstance(show, PlainProgress)
        for event in battery(2, 1):
            show(event)
            assert stream.getvalue().endswith("\n")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "target:   the target"
    assert lines[5].startswith("12 calls: 6 tasks")
    assert lines[7:9] == ["ok is the system's own word: no task has a check", "1/2 easy tasks"]
    assert lines[-1].startswith("2/2  2,333 tokens per task; 2 of 2 possible tasks done")
    assert stream.getvalue().replace("\n", "").isprintable()


def test_quiet_shows_warnings_only() -> None:
    stream = io.StringIO()
    with make_progress(quiet=True, stream=stream) as show:
        assert isinstance(show, QuietProgress)
        for event in [*battery(1, 1), Notice("fine"), Notice("not fine", warning=True)]:
            show(event)
    assert stream.getvalue() == "warning: not fine\n"


def test_quiet_is_quiet_on_a_terminal_too() -> None:
    screen = played("quiet").screen
    assert screen.everything == [r"warning: the stream had 1 broken event [bold]\x1b[31m"]
    assert not screen.coloured


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "dumb"}, {"TERM": ""}, {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}],
    ids=["dumb", "unset", "ascii"],
)
def test_a_terminal_that_cannot_redraw_gets_plain_lines(environment: dict[str, str]) -> None:
    screen = played("whole", columns=160, environment=environment).screen
    lines = screen.everything
    assert lines[0] == "target:   the target"
    assert "1/3 easy tasks" in lines
    minus = "-" if "PYTHONIOENCODING" in environment else "−"
    assert lines[-1].startswith(f"3/3  778 tokens per task, twin 1,556 ({minus}50%)")
    assert not screen.coloured


def test_an_error_passes_through() -> None:
    with (
        pytest.raises(RuntimeError, match="gone"),
        make_progress(quiet=False, stream=io.StringIO()),
    ):
        raise RuntimeError("gone")


def test_plain_output_does_not_load_rich() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def outlook(operation: str = "fill: Welder") -> Outlook:
    task = Task(task_class="c", operation=operation, spec={})
    entry = PlannedTask("id", Phase.ALPHA, task, operation)
    schedule = Schedule([entry], (LEARN, FROZEN), repeats=1, seed=1)
    estimate = Estimate(76_543, "as they took before", (0.5, 0.501))
    return Outlook(schedule.plan(0, 1, ()), 1, list(schedule.calls([1])), estimate)


def printed(shown: Outlook) -> list[str]:
    stream = io.StringIO()
    print_outlook(shown, stream)
    return stream.getvalue().splitlines()


def test_the_cost_comes_first_and_then_one_line_a_call() -> None:
    first, second, *calls = printed(outlook())
    assert first.startswith("5 calls: 2 tasks (1 iteration x 1 task x learner and twin)")
    assert second == "about 76,500 tokens, $0.500 to $0.501: as they took before"
    assert sorted(calls) == [
        "1 distill    -       - distill",
        "1 easy       learner 1 fill: Welder",
        "1 easy       twin    1 fill: Welder",
        "1 judgment   -       - judgment",
        "1 review     -       - review",
    ]


def test_a_label_cannot_break_its_line_or_the_terminal() -> None:
    lines = printed(outlook("a\nb\x1b[31m"))
    assert len(lines) == 7
    assert all(line.isprintable() for line in lines)


def test_the_document_has_the_same_as_numbers() -> None:
    document = outlook_document(outlook())
    assert document["seed"] == 1
    assert document["cost"] == {
        "iterations": 1,
        "tasks": 1,
        "arms": 2,
        "repeats": 1,
        "siblings": 0,
        "confirmations": 0,
        "on_disk": 0,
        "calls": 5,
    }
    assert document["estimate"] == {
        "tokens": 76_543,
        "basis": "as they took before",
        "cost_usd": (0.5, 0.501),
    }
    assert [call["stage"] for call in document["calls"]] == [
        *("alpha", "alpha"),
        *("delta", "epsilon", "zeta"),
    ]
    assert document["calls"][-1] == {
        "iteration": 1,
        "stage": "zeta",
        "arm": None,
        "repeat": None,
        "label": "judgment",
    }
