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
    TaskFinished,
    TaskStarted,
)
from battery.records.models import Phase
from battery.records.stages import META_STAGES
from battery.report.terminal.board import ROWS, Board, Key
from tests.report.events import battery, iteration, meta, task, tasks
from tests.report.samples import metrics


def played(events: Iterable[Event], *, now: float = 0.0) -> Board:
    board = Board(started=0.0)
    for event in events:
        board.update(event, now)
    return board


def test_tasks_are_counted_over_all_iterations() -> None:
    board = played([Plan(3, 9), *iteration(1, 3), *tasks(2, 1)])
    assert board.tasks() == (12, 27)
    assert (board.iteration, board.stage) == (2, "gamma impossible")


def test_an_iteration_beyond_the_plan_counts_its_own_tasks() -> None:
    assert played([Plan(1, 9), *tasks(4, 2)]).tasks() == (6, 9)


def test_before_the_plan_there_is_no_count_and_no_guess() -> None:
    board = played(tasks(1, 2))
    assert board.tasks() is None
    assert board.seconds_left(10.0) is None


def test_a_finished_battery_has_nothing_left() -> None:
    board = played(battery(2, 3))
    assert board.tasks() == (18, 18)
    assert board.seconds_left(60.0) == 0


def test_an_iteration_that_was_finished_before_counts_as_a_whole() -> None:
    board = played([Plan(3, 9), IterationFinished(metrics(2, total_tasks=9))])
    assert board.tasks() == (18, 27)


def test_the_time_left_goes_by_the_pace_of_tasks_and_meta_stages() -> None:
    """4 of 12 steps took 20 s; 8 and the whole second iteration are left at 5 s each."""
    board = played([Plan(2, 9), StageStarted(1, "alpha", "baseline")])
    for label in "abcd":
        board.update(task(Phase.ALPHA, label), 0.0)
    assert board.seconds_left(20.0) == (8 + 9 + len(META_STAGES)) * 5.0


def test_replayed_steps_are_no_measure_of_the_pace() -> None:
    replayed = [task(Phase.ALPHA, label, replayed=True) for label in "abcd"]
    board = played([Plan(1, 9), StageStarted(1, "alpha", "baseline"), *replayed])
    assert board.seconds_left(0.1) is None
    for label in "efg":
        board.update(task(Phase.ALPHA, label), 0.0)
    assert board.seconds_left(30.0) == pytest.approx(5 * 10.0)


def test_ten_thousand_tasks_leave_a_dozen_rows() -> None:
    board = played([Plan(1, 10_000), *(task(Phase.ALPHA, f"task {n}") for n in range(10_000))])
    assert [row.label for row in board.rows] == [f"task {n}" for n in range(10_000 - ROWS, 10_000)]
    assert not board.running


def test_a_task_runs_from_its_start_to_its_end() -> None:
    board = played([TaskStarted(1, Phase.BETA, "a"), TaskStarted(1, Phase.BETA, "b")], now=7.0)
    board.update(task(Phase.BETA, "a"), 9.0)
    assert board.running == {Key(Phase.BETA, "b"): 7.0}


def test_the_arms_of_a_task_are_told_apart() -> None:
    board = played([TaskStarted(1, Phase.BETA, "a"), TaskStarted(1, Phase.BETA, "a", "frozen")])
    board.update(task(Phase.BETA, "a"), 9.0)
    assert board.running == {Key(Phase.BETA, "frozen: a"): 0.0}


def test_calls_of_both_arms_and_all_repeats_are_counted() -> None:
    """The metrics of a finished iteration are of the learn arm's first repeat only."""
    board = played([Plan(3, 9, arms=2, repeats=2), IterationFinished(metrics(2, total_tasks=9))])
    assert board.tasks() == (72, 108)


def test_a_confirmation_shows_and_counts_as_no_step_of_the_plan() -> None:
    again = task(Phase.ALPHA, "a")._replace(confirm=True)
    board = played([Plan(2, 3), *tasks(2, 1), *[again] * 5])
    assert board.tasks() == (6, 6)
    assert isinstance(board.rows[-1], TaskFinished)
    assert board.rows[-1].confirm


def test_meta_stages_say_what_they_do_and_then_what_came_of_it() -> None:
    board = played([*tasks(1, 1), *meta(1)], now=3.0)
    assert [(row.name, row.text, row.elapsed_ms) for row in board.metas] == [
        ("delta", "2 playbooks written", 4321),
        ("epsilon", "3 proposals", 61_000),
        ("zeta", "scrum judgment", None),
    ]


def test_a_distill_event_shows_what_is_going_on() -> None:
    board = played([StageStarted(1, "delta", "distill"), DistillEvent(1, "writer", "one")])
    assert board.metas[0].text == "writer: one"


def test_a_replayed_meta_stage_needs_no_announcement() -> None:
    board = played([MetaFinished(1, "epsilon", 5, "3 proposals", True)])
    assert (board.metas[0].name, board.metas[0].replayed) == ("epsilon", True)


def test_a_new_iteration_starts_with_a_clean_board() -> None:
    board = played([Plan(2, 9), *iteration(1, 3), StageStarted(2, "alpha", "baseline")])
    assert (len(board.rows), board.metas, board.tasks()) == (0, [], (9, 18))


def test_a_notice_changes_nothing() -> None:
    assert played([*tasks(1, 1), Notice("hello")]) == played(tasks(1, 1))
