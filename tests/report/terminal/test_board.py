from __future__ import annotations

from collections.abc import Iterable

import pytest

from battery.records.events import (
    DistillEvent,
    Event,
    IterationFinished,
    MetaFinished,
    Notice,
    Plan,
    StageStarted,
    TaskStarted,
)
from battery.records.models import FROZEN, LEARN, Phase
from battery.records.stages import META_STAGES
from battery.report.terminal.board import ROWS, Board, Key
from tests.report.events import BOTH, battery, iteration, meta, task, tasks
from tests.report.samples import metrics

EASY = Key(Phase.ALPHA, "a")


def board_after(events: Iterable[Event], *, now: float = 0.0) -> Board:
    board = Board(started=0.0)
    for event in events:
        board.update(event, now)
    return board


def test_calls_are_counted_over_all_iterations() -> None:
    board = board_after([Plan(3, 9), *iteration(1, 3), *tasks(2, 1)])
    assert board.calls() == (12 + 3, 27 + 9)
    assert (board.iteration, board.stage) == (2, "impossible tasks")


def test_an_iteration_beyond_the_plan_counts_its_own_calls() -> None:
    assert board_after([Plan(1, 9), *tasks(4, 2)]).calls() == (6, 12)


def test_before_the_plan_there_is_no_count_and_no_guess() -> None:
    board = board_after(tasks(1, 2))
    assert board.calls() is None
    assert board.seconds_left(10.0) is None


def test_a_finished_battery_has_nothing_left() -> None:
    board = board_after(battery(2, 3))
    assert board.calls() == (24, 24)
    assert board.seconds_left(60.0) == 0


def test_an_iteration_that_was_finished_before_counts_as_a_whole() -> None:
    board = board_after([Plan(3, 9), IterationFinished(metrics(2, total_tasks=9))])
    assert board.calls() == (24, 36)


def test_calls_of_both_arms_and_all_repeats_are_counted() -> None:
    """The metrics of a finished iteration are of the first repeat only."""
    plan = Plan(3, 9, arms=2, repeats=2)
    board = board_after([plan, IterationFinished(metrics(2, total_tasks=9))])
    assert board.calls() == (72 + 6, 108 + 9)


def test_the_time_left_goes_by_the_pace_of_all_calls() -> None:
    """4 of 12 calls took 20 s; 8 and the whole second iteration are left at 5 s each."""
    board = board_after([Plan(2, 9), StageStarted(1, "alpha", "easy tasks")])
    for label in "abcd":
        board.update(task(Phase.ALPHA, label), 0.0)
    assert board.seconds_left(20.0) == (8 + 9 + len(META_STAGES)) * 5.0


def test_replayed_calls_are_no_measure_of_the_pace() -> None:
    replayed = [task(Phase.ALPHA, label, replayed=True) for label in "abcd"]
    board = board_after([Plan(1, 9), StageStarted(1, "alpha", "easy tasks"), *replayed])
    assert board.seconds_left(0.1) is None
    for label in "efg":
        board.update(task(Phase.ALPHA, label), 0.0)
    assert board.seconds_left(30.0) == pytest.approx(5 * 10.0)


def test_the_arms_of_a_task_share_its_row() -> None:
    started = [TaskStarted(1, Phase.ALPHA, "a", arm) for arm in BOTH]
    board = board_after([*started, task(Phase.ALPHA, "a")._replace(arm=FROZEN)], now=7.0)
    assert list(board.rows) == [EASY]
    learner, twin = (board.rows[EASY].cells[arm] for arm in BOTH)
    assert (learner.started, learner.calls) == (7.0, 0)
    assert (twin.started, twin.tokens, twin.outcomes) == (None, 1234, {"ok": 1})


def test_repeats_of_a_task_add_up_in_its_row() -> None:
    first, second = (task(Phase.ALPHA, "a")._replace(repeat=repeat) for repeat in (1, 2))
    failed = second._replace(result=second.result._replace(status="failed", tokens=766))
    cell = board_after([first, failed]).rows[EASY].cells[LEARN]
    assert (cell.calls, cell.tokens, cell.outcomes) == (2, 2000, {"ok": 1, "failed": 1})
    silent = second._replace(result=second.result._replace(tokens=None))
    assert board_after([first, silent]).rows[EASY].cells[LEARN].tokens is None


def test_what_is_asked_again_or_new_has_a_row_of_its_own() -> None:
    done = task(Phase.ALPHA, "a")
    board = board_after([done, done._replace(confirm=True), done._replace(sibling=True)])
    assert [key.mark for key in board.rows] == ["", "again", "new"]


def test_a_confirmation_is_no_call_of_the_plan() -> None:
    again = task(Phase.ALPHA, "a")._replace(confirm=True)
    assert board_after([Plan(2, 3), *tasks(2, 1), *[again] * 5]).calls() == (6 + 3, 12)


@pytest.mark.no_cover
def test_of_ten_thousand_tasks_the_last_ones_are_kept_and_those_under_way() -> None:
    running = TaskStarted(1, Phase.BETA, "slow")
    finished = (task(Phase.ALPHA, f"task {number}") for number in range(10_000))
    board = board_after([Plan(1, 10_001), running, *finished])
    assert len(board.rows) == ROWS
    assert next(iter(board.rows)) == Key(Phase.BETA, "slow")
    assert [key.label for key, _ in board.latest(2)] == ["task 9998", "task 9999"]


def test_the_rows_in_use_last_come_in_the_order_of_the_tasks() -> None:
    done = [task(Phase.ALPHA, label) for label in ("a", "b", "c", "b", "a")]
    assert [key.label for key, _ in board_after(done).latest(2)] == ["a", "b"]


def test_meta_stages_say_what_they_do_and_then_what_came_of_it() -> None:
    board = board_after([*tasks(1, 1), *meta(1)], now=3.0)
    assert [(row.name, row.text, row.elapsed_ms) for row in board.metas] == [
        ("delta", "2 playbooks written", 4321),
        ("epsilon", "3 proposals", 61_000),
        ("zeta", "", None),
    ]


def test_a_distill_event_shows_what_is_going_on() -> None:
    board = board_after([StageStarted(1, "delta", "distill"), DistillEvent(1, "writer", "one")])
    assert board.metas[0].text == "writer: one"


def test_a_replayed_meta_stage_needs_no_announcement() -> None:
    board = board_after([MetaFinished(1, "epsilon", 5, "3 proposals", True)])
    assert (board.metas[0].name, board.metas[0].replayed) == ("epsilon", True)


def test_a_new_iteration_starts_with_a_clean_board() -> None:
    started = StageStarted(2, "alpha", "easy tasks")
    board = board_after([Plan(2, 9), *iteration(1, 3), started])
    assert (board.rows, board.metas, board.calls()) == ({}, [], (12, 24))


def test_a_notice_changes_nothing() -> None:
    assert board_after([*tasks(1, 1), Notice("hello")]) == board_after(tasks(1, 1))
