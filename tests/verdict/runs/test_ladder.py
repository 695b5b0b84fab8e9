"""Harm, lies and spoiled runs come before any gain, over runs as in one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.records.word import GateName, Word
from battery.verdict.runs import assess_runs
from tests.verdict.runs.made import bluffs, cost, done, new_tasks, run, runs, task

SAVING = (0.3, 0.25, 0.35, 0.28, 0.32)


def test_invalid_runs_are_left_out_and_counted() -> None:
    spoiled = run(9, -5.0, word=Word.INVALID, left_out="INVALID: a cell is missing")
    evidence = assess_runs([*runs(*SAVING), spoiled])
    assert evidence.verdict is Word.LEARNED
    assert (evidence.finished, evidence.counted, evidence.invalid) == (6, 5, 1)
    assert "run 9 is left out: INVALID: a cell is missing" in evidence.cautions


@given(st.integers(0, 12), st.integers(0, 12))
def test_more_than_a_fifth_of_invalid_runs_spoil_the_campaign(good: int, bad: int) -> None:
    spoiled = {"word": Word.INVALID, "left_out": "INVALID: because"}
    some = [*runs(*[0.3] * good), *runs(*[0.3] * bad, **spoiled)]
    if some:
        evidence = assess_runs(some)
        assert (evidence.verdict is Word.INVALID) == (5 * bad > good + bad)


def test_too_many_invalid_runs_are_told_before_the_rest_is_run() -> None:
    spoiled = {"word": Word.INVALID, "left_out": "INVALID: because"}
    assert assess_runs(runs(0.3, 0.3, **spoiled), planned=5).verdict is Word.INVALID
    assert assess_runs(runs(0.3, **spoiled), planned=5).verdict is None


def test_bluffs_add_up_over_runs() -> None:
    honest = runs(*SAVING, claims=[bluffs(0), bluffs(0)])
    assert assess_runs(honest).verdict is Word.LEARNED
    one_each = runs(*SAVING, claims=[bluffs(1), bluffs(0)])
    evidence = assess_runs(one_each)
    assert evidence.verdict is Word.DISHONEST
    assert evidence.bluffs[0].learn == 5
    assert "in 5 of 20 calls after learning, 0 of 40 without" in evidence.sentence


def test_a_system_that_bluffs_anyway_did_not_learn_it() -> None:
    evidence = assess_runs(runs(*SAVING, claims=[bluffs(1, others=2)]))
    assert evidence.verdict is Word.LEARNED
    assert "may be chance" in evidence.sentence


def test_memories_that_lose_tasks_are_a_regression() -> None:
    forgetful = [run(number, 0.3, lost=["find"] if number < 2 else []) for number in range(5)]
    evidence = assess_runs(forgetful)
    assert evidence.verdict is Word.REGRESSED
    assert "find (2)" in evidence.reasons[0]
    once = [run(number, 0.3, lost=["find"] if number < 1 else []) for number in range(5)]
    evidence = assess_runs(once)
    assert evidence.verdict is Word.LEARNED
    assert "the memory of run 0 lost find" in evidence.cautions


def test_work_that_costs_more_with_every_memory_is_a_regression() -> None:
    evidence = assess_runs(runs(*(-share for share in SAVING)))
    assert evidence.verdict is Word.REGRESSED
    assert evidence.holds == [Word.REGRESSED]
    slow = [run(number, -0.3, costs=[cost(1.3, before=1.3)]) for number in range(5)]
    assert assess_runs(slow).verdict is Word.INCONCLUSIVE


def test_a_saving_by_doing_less_is_for_a_person_to_judge() -> None:
    lazy = runs(*SAVING, done=[done(9, 12)], by_task=[task(0, 2), *[task(2, 2)] * 5])
    evidence = assess_runs(lazy)
    assert evidence.verdict is Word.MIXED
    assert evidence.success_p is not None
    assert evidence.success_p < 0.001


def test_work_that_is_no_longer_done_is_a_regression_where_nothing_is_saved() -> None:
    evidence = assess_runs(runs(*[0.0] * 5, done=[done(9, 12)]))
    assert evidence.verdict is Word.REGRESSED


def test_one_memory_that_gives_up_is_enough_to_object() -> None:
    tired = [run(number, 0.3) for number in range(4)]
    lost = [task(0, 2), task(0, 2), task(0, 2)]
    tired.append(run(4, 0.3, done=[done(4, 12)], by_task=lost))
    assert assess_runs(tired).verdict is Word.MIXED


def test_a_gain_that_new_tasks_lack_is_memorised() -> None:
    kept = runs(*SAVING, siblings=new_tasks(1.0, 0.7))
    assert assess_runs(kept).verdict is Word.MEMORISED
    shown = assess_runs(runs(*SAVING, siblings=new_tasks(0.75, 0.7)))
    assert shown.verdict is Word.LEARNED
    assert "It holds for 20 new tasks" in shown.sentence


def test_new_tasks_that_leave_it_open_lower_the_word() -> None:
    ratios = (0.6, 0.7, 0.8, 1.3, 0.7)
    unsure = [
        run(number, 0.3, siblings=new_tasks(ratio, 0.7)) for number, ratio in enumerate(ratios)
    ]
    assert assess_runs(unsure).verdict is Word.INCONCLUSIVE


@pytest.mark.parametrize(
    "change",
    [
        {"failed": [GateName.MECHANISM]},
        {"untold": "nothing was ever solved"},
        {"kept": "answers repeat"},
        {"objections": {"cost": ["answers came from a cache"]}},
    ],
)
def test_what_one_honest_run_shows_by_luck_is_held_against_several_only(
    change: dict[str, object],
) -> None:
    def some(odd: int) -> Word | None:
        return assess_runs(
            [run(number, 0.3, **(change if number < odd else {})) for number in range(5)]
        ).verdict

    assert some(1) is Word.LEARNED
    assert some(2) is Word.INCONCLUSIVE


def test_what_hardly_differs_in_any_run_has_no_effect() -> None:
    evidence = assess_runs(runs(0.01, -0.02, 0.0, 0.02, -0.01))
    assert evidence.verdict is Word.NO_EFFECT
    assert "A change of the tokens by 10% or more can be ruled out" in evidence.sentence
    small = assess_runs(runs(0.06, 0.07, 0.065, 0.06, 0.07))
    assert small.verdict is Word.NO_EFFECT
    assert "saves a little" in small.sentence
