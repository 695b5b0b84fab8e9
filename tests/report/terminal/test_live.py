"""What a real terminal of 80 columns shows, and what it looks like afterwards."""

from __future__ import annotations

import io
from functools import cache

import pytest
from rich.console import Console

from battery.records.events import IterationFinished, Plan, StageStarted, TaskStarted
from battery.records.models import FROZEN, Phase
from battery.report.terminal.live import LiveProgress
from tests.report.events import iteration, meta, task, tasks
from tests.report.ptys import Screen, run_on_terminal
from tests.report.samples import metrics

COST = [
    "36 calls: 27 tasks (3 iterations x 9 tasks), 3 distill, 6 review and judgment",
]
LINE_1 = "1/3 done  6 of 9 ok, 7,000 tokens, 3.00 turns per task, overseer 25%, 12.3 s"
SURVIVES = [
    "note: using the embedded gateway",
    r"warning: the stream had 1 broken event [bold]\x1b[31m",
    *COST,
    LINE_1,
]


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@cache
def played(scene: str, rows: int = 24) -> Screen:
    """Play a scene on a terminal, once however many tests look at it."""
    return run_on_terminal("tests.report.play", scene, rows=rows)


def drawn(progress: LiveProgress) -> list[str]:
    console = Console(file=io.StringIO(), width=80, height=24)
    with console.capture() as captured:
        console.print(progress.frame())
    return [text.rstrip() for text in captured.get().splitlines()]


def test_a_frame_shows_header_tasks_and_meta_stages() -> None:
    clock = Clock()
    progress = LiveProgress(io.StringIO(), clock=clock)
    progress(Plan(3, 4))
    progress(StageStarted(1, "alpha", "baseline"))
    clock.now = 30.0
    progress(task(Phase.ALPHA, "fill: Welder x2 in Toledo, OH"))
    progress(task(Phase.BETA, "fill: Crane operator x12 in Erie, Pennsylvania"))
    progress(task(Phase.GAMMA, "fill: Diver x9 in Reno, NV", replayed=True))
    progress(TaskStarted(1, Phase.GAMMA, "[red]fill\x1b[2J[/red]"))
    clock.now = 42.0
    assert drawn(progress) == [
        "iteration 1/3 · stage alpha baseline · 3 of 12 tasks · 42.0 s",
        "  phase task                             status  turns  tokens overseer    time",
        "  alpha fill: Welder x2 in Toledo, OH    ok          1   1,234           850 ms",
        "  beta  fill: Crane operator x12 in Eri… ok          4  12,345      yes  12.3 s",
        "  gamma fill: Diver x9 in Reno, NV       failed      8     654            saved",
        r"⠋ gamma [red]fill\x1b[2J[/red]           running                         12.0 s",
    ]


def test_both_arms_of_a_task_are_read_at_a_glance() -> None:
    progress = LiveProgress(io.StringIO(), clock=Clock())
    progress(Plan(3, 4, arms=2))
    progress(StageStarted(1, "alpha", "baseline"))
    progress(task(Phase.ALPHA, "fill: Welder x2 in Toledo, OH"))
    progress(task(Phase.ALPHA, "fill: Welder x2 in Toledo, OH")._replace(arm=FROZEN))
    progress(TaskStarted(1, Phase.ALPHA, "fill: Diver x9 in Reno, NV", FROZEN))
    assert [text[:45] for text in drawn(progress)[2:]] == [
        "  alpha fill: Welder x2 in Toledo, OH    ok  ",
        "  alpha frozen: fill: Welder x2 in Tole… ok  ",
        "⠋ alpha frozen: fill: Diver x9 in Reno,… runn",
    ]
    assert drawn(progress)[0].startswith("iteration 1/3 · stage alpha baseline · 2 of 24 tasks")


def test_between_two_iterations_there_is_no_stage_to_name() -> None:
    progress = LiveProgress(io.StringIO(), clock=Clock())
    progress(Plan(3, 4))
    progress(IterationFinished(metrics(1, total_tasks=4)))
    assert drawn(progress)[0].startswith("iteration 1/3 · 4 of 12 tasks")


def test_meta_stages_follow_the_tasks() -> None:
    clock = Clock()
    progress = LiveProgress(io.StringIO(), clock=clock)
    for event in [Plan(2, 3), *tasks(1, 1), *meta(1)]:
        progress(event)
    clock.now = 20.0
    frame = drawn(progress)
    # 5 steps in 20 s, 1 left in this iteration and 6 in the next.
    assert frame[0] == (
        "iteration 1/2 · stage zeta scrum ju… · 3 of 6 tasks · 20.0 s · about 28.0 s left"
    )
    assert frame[-3:] == [
        "  delta   2 playbooks written                                              4.3 s",
        "  epsilon 3 proposals                                                       1:01",
        "⠋ zeta    scrum judgment                                                  20.0 s",
    ]


def test_a_finished_iteration_empties_the_frame() -> None:
    progress = LiveProgress(io.StringIO(), clock=Clock())
    for event in [Plan(1, 3), *iteration(1, 1)]:
        progress(event)
    assert len(drawn(progress)) == 1


def test_a_whole_battery_leaves_one_line_an_iteration() -> None:
    screen = played("whole")
    assert screen.text().splitlines() == [*COST, LINE_1, "2" + LINE_1[1:], "3" + LINE_1[1:]]
    assert screen.widest <= 80
    assert screen.cursor_shown


@pytest.mark.parametrize(
    ("scene", "end"),
    [
        ("middle", []),
        ("error", ["stopped: RuntimeError"]),
        ("interrupt", ["stopped: KeyboardInterrupt"]),
    ],
)
def test_the_terminal_is_clean_however_it_ends(scene: str, end: list[str]) -> None:
    screen = played(scene)
    assert screen.text().splitlines() == [*SURVIVES, *end]
    assert screen.cursor_shown


def test_the_running_view_on_a_terminal() -> None:
    screen = played("middle")
    lines = screen.last_frame.splitlines()
    assert lines[:4] == SURVIVES
    assert lines[4].startswith("iteration 2/3 · stage delta dis")
    assert " · 18 of 27 tasks · " in lines[4]
    assert len(lines) == 4 + 1 + 1 + 9 + 1
    assert lines[-1].startswith(r"⠋ delta   writer: \x1b[2Jone two [red]three[/red]")
    assert screen.widest <= 80
    assert screen.coloured


@pytest.mark.parametrize(("rows", "finished"), [(24, 12), (12, 2), (8, 1)])
def test_many_tasks_show_the_last_ones_that_the_terminal_has_room_for(
    rows: int, finished: int
) -> None:
    screen = played("many", rows)
    shown = [text for text in screen.last_frame.splitlines() if "fill:" in text]
    assert len(shown) == finished
    assert "x30" in shown[-1]
    assert "running" in screen.last_frame
    assert "and 2 more" in screen.last_frame


def test_no_color_draws_the_same_without_colour() -> None:
    plain = run_on_terminal("tests.report.play", "whole", environment={"NO_COLOR": "1"})
    assert plain.text() == played("whole").text()
    assert "3/3 done" in plain.text()
