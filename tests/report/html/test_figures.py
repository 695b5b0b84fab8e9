"""Intervals are drawn to scale, with no difference always on it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.records.findings import Evidence
from battery.records.models import LEARN, Phase
from battery.records.word import Word
from battery.report.html.figures import (
    MOST_DOTS,
    Headline,
    bar,
    dots,
    headline,
    iterations,
    kinds,
    place,
    siblings,
    stem,
    tasks,
)
from battery.verdict import policy
from battery.verdict.assess import assess
from tests.report.samples import metrics, summary, three
from tests.verdict.batteries import Cell, compounding, learning, observed, with_siblings

CHANGES = st.floats(-1, 20, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "at"), [(-1, 0), (-0.4, 30), (0, 50), (0.05, 52.5), (1, 100), (99, 100)]
)
def test_every_change_is_on_one_axis_from_nothing_to_twice_as_much(
    change: float, at: float
) -> None:
    assert place(change) == at


@given(st.lists(CHANGES, min_size=3, max_size=3).map(sorted))
def test_places_keep_the_order_and_stay_inside(values: list[float]) -> None:
    low, middle, high = values
    drawn = bar("words", [middle, low, high])
    assert bool(drawn.band) == (low < 1)
    left, right = (drawn.band[0], 100 - drawn.band[1]) if drawn.band else (100, 100)
    assert 0 <= left <= drawn.point + 0.01
    assert drawn.point <= right + 0.01 <= 100.02
    assert drawn.beyond == (middle > 1)


@given(CHANGES)
def test_a_cost_that_rose_by_what_counts_is_drawn_as_worse(change: float) -> None:
    for drawn in (bar("words", [change]), stem("words", change)):
        assert drawn.worse == (change >= policy.RELEVANT - policy.TINY)


@given(CHANGES)
def test_a_value_without_interval_is_joined_to_no_difference(change: float) -> None:
    drawn = stem("words", change)
    assert drawn.stem
    assert drawn.band
    ends = {drawn.band[0], round(100 - drawn.band[1], 2)}
    assert ends == {place(0), drawn.point}


def first_screen(changes: Any, **shape: Any) -> tuple[Evidence, Headline]:
    evidence = assess(observed(changes, **shape))
    return evidence, headline(three(evidence=evidence), evidence)


def learned_on(phase: Phase) -> Any:
    """Save half of the tokens on the tasks of one phase, once something was learned."""

    def changes(cell: Cell) -> dict[str, Any]:
        saves = cell.arm == LEARN and cell.iteration > 1 and cell.phase is phase
        return {"tokens": 500 - cell.task - cell.iteration if saves else 1000}

    return changes


def solves(cell: Cell) -> dict[str, Any]:
    """Fail every niche task until something was learned, and then do them at a higher price."""
    better = cell.arm == LEARN and cell.iteration > 1
    if cell.phase is not Phase.BETA:
        return {"tokens": 1400 if better else 1000}
    done = {"status": "ok"} if better else {"status": "failed", "error": "no idea"}
    return {**done, "tokens": 1500 if better else 1000}


def test_it_is_the_effect_on_all_tasks_with_its_interval_and_what_both_arms_did() -> None:
    evidence, first = first_screen(learning)
    group = evidence.group("all")
    assert group
    assert group.interval
    assert first.title == "Tokens on a typical task, against the twin"
    assert first.value == "-43.5%"
    assert "Interval -45.5% to -41.5%" in first.text
    assert "p = 0.004" in first.text
    assert "8 tasks" in first.text
    assert [(arm.arm, arm.text, arm.share) for arm in first.done] == [
        ("learn", "12 of 12", 100),
        ("frozen", "12 of 12", 100),
    ]
    assert first.figure
    assert first.figure.band
    assert first.figure.point < place(0)
    assert first.value in first.figure.label


def test_where_only_niche_tasks_are_shown_to_save_it_is_their_effect() -> None:
    evidence, first = first_screen(learned_on(Phase.BETA))
    assert {question.name for question in evidence.questions if question.yes} == {"niche"}
    assert first.title == "Tokens on a typical niche task, against the twin"
    assert first.value.startswith("-50.")
    assert "3 tasks" in first.text
    assert "all tasks -23." in first.text
    assert first.done[0].text == "6 of 6"


def test_where_only_more_is_done_the_counts_of_both_arms_come_first() -> None:
    evidence, first = first_screen(solves, iterations=4)
    assert evidence.verdict is Word.MIXED
    assert first.by_success
    assert first.value == "18 of 18, twin 9 of 18"
    assert [arm.share for arm in first.done] == [100, 50]
    assert "Tokens on a typical task, against the twin: +43." in first.text
    assert first.figure


def test_what_came_after_the_planned_look_is_not_said_to_be_part_of_its_effect() -> None:
    evidence = assess(observed(learning, iterations=5)._replace(planned=3), plan=False)
    iterations = [metrics(number) for number in range(1, 6)]
    first = headline(summary(*iterations, evidence=evidence), evidence)
    assert "8 tasks, iterations 2 to 3." in first.text


def test_where_few_tasks_reach_no_level_it_says_so_in_place_of_an_interval() -> None:
    _, first = first_screen(learning, phases=(Phase.ALPHA, Phase.BETA))
    assert first.figure
    assert first.figure.band is None
    assert "No interval" in first.text


@pytest.mark.parametrize("word", [Word.INVALID, Word.DISHONEST])
def test_no_number_is_louder_than_a_word_that_makes_it_worthless(word: Word) -> None:
    evidence = assess(observed(learning)).model_copy(update={"verdict": word})
    first = headline(three(evidence=evidence), evidence)
    assert (first.value, first.figure, first.done) == ("", None, ())
    assert word in first.text


def test_with_one_arm_it_is_the_trend_and_no_interval() -> None:
    _, first = first_screen(learning, arms=("learn",))
    assert first.title == "Tokens, from the first to the last iteration"
    assert first.figure
    assert first.figure.band is None
    assert "no twin" in first.text


def test_a_single_iteration_has_nothing_to_draw() -> None:
    evidence = assess(observed(iterations=1))
    first = headline(summary(metrics(1), evidence=evidence), evidence)
    assert (first.value, first.figure) == ("One iteration", None)
    assert first.text.startswith("There is no iteration after the first")
    assert (kinds(evidence), tasks(evidence.by_task, evidence)) == ([], [])
    assert iterations(summary(metrics(1), evidence=evidence), evidence) == []


def test_the_p_of_a_saving_is_not_next_to_an_effect_that_costs_more() -> None:
    def more(cell: Cell) -> dict[str, Any]:
        return {"tokens": 1500 if cell.iteration > 1 and cell.arm == LEARN else 1000}

    _, costly = first_screen(more)
    assert costly.value.startswith("+")
    assert "p = " not in costly.text
    assert "p = " in first_screen(learning)[1].text


def test_tokens_that_nobody_reported_have_no_effect() -> None:
    evidence, first = first_screen(lambda _: {"tokens": None})
    assert (first.value, first.figure) == ("No effect can be shown", None)
    assert first.done
    assert {row.figure for row in kinds(evidence)} == {None}
    assert {row.figure for _, row in tasks(evidence.by_task, evidence)} == {None}
    assert {row.figure for row in iterations(three(), evidence)} == {None}


def test_kinds_of_tasks_have_intervals_where_a_question_was_put() -> None:
    rows = kinds(assess(observed(learning)))
    assert [row.cells[0].split()[-1] for row in rows] == ["8", "niche", "easy", "impossible"]
    drawn = [row.figure for row in rows if row.figure]
    assert [each.stem for each in drawn] == [False, False, True, True]


def test_tasks_come_with_their_names_the_largest_gain_first() -> None:
    evidence = assess(observed(learned_on(Phase.BETA)))
    rows = tasks(evidence.by_task, evidence)
    assert [row.cells[0] for _, row in rows[:3]] == ["beta 5", "beta 4", "beta 3"]
    assert [task.change for task, _ in rows] == ["better"] * 3 + ["same"] * 5
    assert [row.figure.point for _, row in rows[:1] if row.figure] == [24.62]


def test_the_saving_is_followed_by_iteration() -> None:
    evidence = assess(observed(compounding, iterations=5))
    found = summary(*(metrics(number) for number in range(1, 6)), evidence=evidence)
    rows = iterations(found, evidence)
    assert [row.cells[0] for row in rows] == ["2", "3", "4", "5"]
    points = [row.figure.point for row in rows if row.figure]
    assert points == sorted(points, reverse=True)
    assert len(points) == 4


def test_what_new_tasks_took_is_next_to_what_was_asked_again() -> None:
    evidence = assess(with_siblings(observed(learning), learning))
    assert evidence.siblings
    again, new = siblings(evidence.siblings)
    assert [row.cells[0] for row in (again, new)] == ["again", "for the first time"]
    assert again.figure
    assert new.figure
    assert (again.figure.stem, new.figure.stem) == (True, False)
    assert new.cells[2].endswith("%)")


def test_dots_show_the_largest_gain_first_and_what_both_did_where_it_differs() -> None:
    shown = dots(assess(observed(solves, iterations=4)).by_task)
    assert (shown.left_out, shown.least) == (0, [])
    niche = [dot for dot in shown.most if dot.kind == "niche"]
    assert {(dot.change, dot.word, dot.done) for dot in niche} == {
        ("+50.0%", "mixed", "3 of 3 done, twin 0 of 3")
    }
    assert {dot.done for dot in shown.most if dot.kind != "niche"} == {""}


def test_what_cannot_be_done_is_claimed_and_not_done() -> None:
    def bluffs(cell: Cell) -> dict[str, Any]:
        learned = cell.arm == LEARN and cell.iteration > 1
        return {"status": "ok"} if learned and cell.phase is Phase.GAMMA else {}

    shown = dots(assess(observed(bluffs)).by_task)
    assert {dot.done for dot in shown.most} == {"", "2 of 2 claimed, twin 0 of 2"}


def test_of_many_tasks_those_that_gain_most_and_those_that_gain_least_are_dots() -> None:
    by_task = assess(observed(learning)).by_task
    many = [by_task[0].model_copy(update={"label": str(number)}) for number in range(60)]
    assert len(dots(many[:MOST_DOTS]).most) == MOST_DOTS
    shown = dots(many)
    assert ["".join(dot.label) for dot in shown.most] == [str(number) for number in range(7)]
    assert ["".join(dot.label) for dot in shown.least] == ["56", "57", "58", "59"]
    assert shown.left_out == 60 - 7 - 4
