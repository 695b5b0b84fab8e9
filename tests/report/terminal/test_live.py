from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache

import pytest
from rich.console import Console

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
from battery.records.models import FROZEN, Phase
from battery.records.stages import META_STAGES
from battery.report.terminal.live import ROWS, Board, Key, LiveProgress
from tests.report import rush
from tests.report.events import battery, iteration, meta, task, tasks
from tests.report.ptys import Screen, run_on_terminal
from tests.report.samples import metrics

pytestmark = pytest.mark.slow


def board_after(events: Iterable[Event], *, now: float = 0.0) -> Board:
    board = Board(started=0.0)
    for event in events:
        board.update(event, now)
    return board


def test_tasks_are_counted_over_all_iterations() -> None:
    board = board_after([Plan(3, 9), *iteration(1, 3), *tasks(2, 1)])
    assert board.tasks() == (12, 27)
    assert (board.iteration, board.stage) == (2, "impossible tasks")


def test_an_iteration_beyond_the_plan_counts_its_own_tasks() -> None:
    assert board_after([Plan(1, 9), *tasks(4, 2)]).tasks() == (6, 9)


def test_before_the_plan_there_is_no_count_and_no_guess() -> None:
    board = board_after(tasks(1, 2))
    assert board.tasks() is None
    assert board.seconds_left(10.0) is None


def test_a_finished_battery_has_nothing_left() -> None:
    board = board_after(battery(2, 3))
    assert board.tasks() == (18, 18)
    assert board.seconds_left(60.0) == 0


def test_an_iteration_that_was_finished_before_counts_as_a_whole() -> None:
    board = board_after([Plan(3, 9), IterationFinished(metrics(2, total_tasks=9))])
    assert board.tasks() == (18, 27)


def test_the_time_left_goes_by_the_pace_of_tasks_and_meta_stages() -> None:
    """4 of 12 steps took 20 s; 8 and the whole second iteration are left at 5 s each."""
    board = board_after([Plan(2, 9), StageStarted(1, "alpha", "easy tasks")])
    for label in "abcd":
        board.update(task(Phase.ALPHA, label), 0.0)
    assert board.seconds_left(20.0) == (8 + 9 + len(META_STAGES)) * 5.0


def test_replayed_steps_are_no_measure_of_the_pace() -> None:
    replayed = [task(Phase.ALPHA, label, replayed=True) for label in "abcd"]
    board = board_after([Plan(1, 9), StageStarted(1, "alpha", "easy tasks"), *replayed])
    assert board.seconds_left(0.1) is None
    for label in "efg":
        board.update(task(Phase.ALPHA, label), 0.0)
    assert board.seconds_left(30.0) == pytest.approx(5 * 10.0)


def test_ten_thousand_tasks_leave_a_dozen_rows() -> None:
    board = board_after([Plan(1, 10_000), *(task(Phase.ALPHA, f"task {n}") for n in range(10_000))])
    assert [row.label for row in board.rows] == [f"task {n}" for n in range(10_000 - ROWS, 10_000)]
    assert not board.running


def test_a_task_runs_from_its_start_to_its_end() -> None:
    board = board_after([TaskStarted(1, Phase.BETA, "a"), TaskStarted(1, Phase.BETA, "b")], now=7.0)
    board.update(task(Phase.BETA, "a"), 9.0)
    assert board.running == {Key(Phase.BETA, "b"): 7.0}


def test_the_arms_of_a_task_are_told_apart() -> None:
    board = board_after(
        [TaskStarted(1, Phase.BETA, "a"), TaskStarted(1, Phase.BETA, "a", "frozen")]
    )
    board.update(task(Phase.BETA, "a"), 9.0)
    assert board.running == {Key(Phase.BETA, "twin: a"): 0.0}


def test_calls_of_both_arms_and_all_repeats_are_counted() -> None:
    """The metrics of a finished iteration are of the learner's first repeat only."""
    board = board_after(
        [Plan(3, 9, arms=2, repeats=2), IterationFinished(metrics(2, total_tasks=9))]
    )
    assert board.tasks() == (72, 108)


def test_a_confirmation_shows_and_counts_as_no_step_of_the_plan() -> None:
    again = task(Phase.ALPHA, "a")._replace(confirm=True)
    board = board_after([Plan(2, 3), *tasks(2, 1), *[again] * 5])
    assert board.tasks() == (6, 6)
    assert isinstance(board.rows[-1], TaskFinished)
    assert board.rows[-1].confirm


def test_meta_stages_say_what_they_do_and_then_what_came_of_it() -> None:
    board = board_after([*tasks(1, 1), *meta(1)], now=3.0)
    assert [(row.name, row.text, row.elapsed_ms) for row in board.metas] == [
        ("delta", "2 playbooks written", 4321),
        ("epsilon", "3 proposals", 61_000),
        ("zeta", "judgment", None),
    ]


def test_a_distill_event_shows_what_is_going_on() -> None:
    board = board_after([StageStarted(1, "delta", "distill"), DistillEvent(1, "writer", "one")])
    assert board.metas[0].text == "writer: one"


def test_a_replayed_meta_stage_needs_no_announcement() -> None:
    board = board_after([MetaFinished(1, "epsilon", 5, "3 proposals", True)])
    assert (board.metas[0].name, board.metas[0].replayed) == ("epsilon", True)


def test_a_new_iteration_starts_with_a_clean_board() -> None:
    board = board_after([Plan(2, 9), *iteration(1, 3), StageStarted(2, "alpha", "easy tasks")])
    assert (len(board.rows), board.metas, board.tasks()) == (0, [], (9, 18))


def test_a_notice_changes_nothing() -> None:
    assert board_after([*tasks(1, 1), Notice("hello")]) == board_after(tasks(1, 1))


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
    progress(StageStarted(1, "alpha", "easy tasks"))
    clock.now = 30.0
    progress(task(Phase.ALPHA, "fill: Welder x2 in Toledo, OH"))
    progress(task(Phase.BETA, "fill: Crane operator x12 in Erie, Pennsylvania"))
    progress(task(Phase.GAMMA, "fill: Diver x9 in Reno, NV", replayed=True))
    progress(TaskStarted(1, Phase.GAMMA, "[red]fill\x1b[2J[/red]"))
    clock.now = 42.0
    assert drawn(progress) == [
        "iteration 1/3 · easy tasks · 3 of 12 tasks · 42.0 s",
        "  kind       task                        status  turns  tokens overseer    time",
        "  easy       fill: Welder x2 in Toledo,… ok          1   1,234           850 ms",
        "  niche      fill: Crane operator x12 i… ok          4  12,345      yes  12.3 s",
        "  impossible fill: Diver x9 in Reno, NV  failed      8     654            saved",
        r"⠋ impossible [red]fill\x1b[2J[/red]      running                         12.0 s",
    ]


def test_both_arms_of_a_task_are_read_at_a_glance() -> None:
    progress = LiveProgress(io.StringIO(), clock=Clock())
    progress(Plan(3, 4, arms=2))
    progress(StageStarted(1, "alpha", "easy tasks"))
    progress(task(Phase.ALPHA, "fill: Welder x2 in Toledo, OH"))
    progress(task(Phase.ALPHA, "fill: Welder x2 in Toledo, OH")._replace(arm=FROZEN))
    progress(TaskStarted(1, Phase.ALPHA, "fill: Diver x9 in Reno, NV", FROZEN))
    assert [text[:45] for text in drawn(progress)[2:]] == [
        "  easy       fill: Welder x2 in Toledo,… ok  ",
        "  easy       twin: fill: Welder x2 in T… ok  ",
        "⠋ easy       twin: fill: Diver x9 in Re… runn",
    ]
    assert drawn(progress)[0].startswith("iteration 1/3 · easy tasks · 2 of 24 tasks")


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
    assert frame[0] == "iteration 1/2 · judgment · 3 of 6 tasks · 20.0 s · about 28.0 s left"
    assert frame[-3:] == [
        "  distill    2 playbooks written                                           4.3 s",
        "  review     3 proposals                                                    1:01",
        "⠋ judgment   judgment                                                     20.0 s",
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
    assert lines[4].startswith("iteration 2/3 · distill")
    assert " · 18 of 27 tasks · " in lines[4]
    assert len(lines) == 4 + 1 + 1 + 9 + 1
    assert lines[-1].startswith(r"⠋ distill    writer: \x1b[2Jone two [red]three[/red]")
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


@pytest.mark.parametrize(("columns", "rows"), rush.SIZES)
def test_nothing_printed_is_lost_and_nothing_of_a_frame_is_left(columns: int, rows: int) -> None:
    """Two threads tell it things as fast as they can; `benchmarks/live.py` does so 200 times."""
    assert [rush.faults(columns, rows, seed) for seed in range(2)] == [[], []]


def test_no_color_draws_the_same_without_colour() -> None:
    plain = run_on_terminal("tests.report.play", "whole", environment={"NO_COLOR": "1"})
    assert plain.text() == played("whole").text()
    assert "3/3 done" in plain.text()
