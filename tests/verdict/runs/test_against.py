"""What is no gain in one run is none over several."""

from __future__ import annotations

from collections.abc import Sequence

from battery.records.campaign import RunFindings
from battery.records.findings import QuestionName
from battery.verdict.runs.against import against
from battery.verdict.runs.effects import gains, interval
from tests.verdict.runs.made import cost, done, run, runs


def told(found: Sequence[RunFindings], name: QuestionName = "cost") -> str:
    return next(against(name, found, interval(gains(found, name), 0.045)), "")


def each(**changes: object) -> list[RunFindings]:
    return [run(number, 0.3, **changes) for number in range(5)]


def test_a_clear_saving_has_nothing_against_it() -> None:
    assert not told(runs(0.3, 0.25, 0.35, 0.28, 0.32))


def test_a_saving_that_is_too_small_does_not_count() -> None:
    assert "less than the 10% that counts" in told(runs(0.05, 0.06, 0.05, 0.06, 0.05))
    assert not told(runs(0.05, 0.06, 0.05, 0.06, 0.05, relevant_cost=0.05))


def test_tasks_that_pay_for_the_others_are_no_saving() -> None:
    assert "together cost no less" in told(each(costs=[cost(0.7, together=1.01)]))


def test_a_saving_on_impossible_tasks_alone_is_none() -> None:
    assert "the saving is on impossible ones" in told(each(solvable=0.99))


def test_a_learner_that_was_cheaper_from_the_start_has_not_learned_it() -> None:
    assert "in iteration 1 already" in told(each(costs=[cost(0.7, before=0.72)]))
    # One run that happened to start cheap is no lean of the system.
    mixed = [
        run(number, 0.3, costs=[cost(0.7, before=before)])
        for number, before in enumerate((0.6, 1.1, 1.2, 0.9, 1.3))
    ]
    assert not told(mixed)
    # Where battery put the memories in place nothing is taken off.
    assert not told(each(costs=[cost(0.7, before=None)]))


def test_calls_that_scatter_feign_no_saving() -> None:
    assert "calls vary so much" in told(each(costs=[cost(0.7, feigned=0.3)]))
    assert not told(each(costs=[cost(0.7, feigned=0.05)]))


def test_one_run_that_gains_much_does_not_carry_the_others() -> None:
    text = told(runs(0.01, 0.01, 0.9, 0.9, 0.02))
    assert "may be no gain at all" in text


def test_more_done_counts_by_size_and_since_iteration_1() -> None:
    assert not told(each(done=[done(11, 6)]), "success")
    assert "less than the 10% that count" in told(each(done=[done(7, 6)]), "success")
    assert "in iteration 1 already" in told(each(done=[done(11, 6, before=0.4)]), "success")
    niche = [done(13 - 1, 11), done(6, 3, kind="niche")]
    assert not told(each(done=niche), "success")
