"""The run is the unit: what may be claimed of a system, and what may not."""

from __future__ import annotations

from itertools import permutations, product
from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.records.campaign import CampaignEvidence
from battery.records.word import POSITIVE, Word
from battery.verdict import policy
from battery.verdict.runs import assess_runs
from tests.verdict.runs.made import cost, done, run, runs

SAVINGS = st.lists(st.floats(-0.9, 0.9).map(lambda share: round(share, 3)), min_size=1, max_size=9)


def test_five_memories_that_all_save_are_a_claim_about_the_system() -> None:
    evidence = assess_runs(runs(0.3, 0.25, 0.35, 0.28, 0.32))
    assert evidence.verdict is Word.LEARNED
    assert evidence.subject == "the system"
    asked = evidence.question("cost")
    assert (asked.p, asked.helped, asked.runs) == (1 / 32, 5, 5)
    assert (asked.best and asked.best.run, asked.worst and asked.worst.run) == ("3", "2")
    assert asked.effect == pytest.approx(
        exp(sum(log(1 - share) for share in (0.3, 0.25, 0.35, 0.28, 0.32)) / 5)
    )
    assert asked.interval
    assert asked.effect
    assert asked.interval.low < asked.effect < asked.interval.high < 1


def test_one_memory_in_five_that_harms_leaves_it_open() -> None:
    evidence = assess_runs(runs(0.3, 0.25, 0.35, 0.28, -0.03))
    assert evidence.verdict is Word.INCONCLUSIVE
    assert "4 of 5 memories helped" in evidence.sentence
    assert "the worst used 3% more tokens" in evidence.sentence


def test_no_number_of_tasks_makes_up_for_runs() -> None:
    for count in range(1, policy.BATTERIES):
        evidence = assess_runs(runs(*[0.5] * count, tasks=1000))
        assert evidence.verdict is Word.INCONCLUSIVE
        note = evidence.question("cost").note
        assert note
        assert f"1/{2**count}" in note


@given(SAVINGS)
def test_the_order_of_planned_runs_changes_nothing(saved: list[float]) -> None:
    there, back = assess_runs(runs(*saved)), assess_runs(runs(*saved)[::-1])
    assert there.verdict == back.verdict
    assert there.reasons == back.reasons
    assert there.question("cost").p == back.question("cost").p


@given(SAVINGS)
def test_nothing_is_claimed_unless_signs_and_interval_agree(saved: list[float]) -> None:
    evidence = assess_runs(runs(*saved))
    asked = evidence.question("cost")
    if evidence.verdict in POSITIVE:
        assert asked.yes
        assert asked.p is not None
        assert asked.p <= policy.planned()
        assert asked.interval
        assert asked.interval.high < 1
        assert asked.effect is not None
        assert asked.effect <= 1 - policy.RELEVANT + 1e-9


@settings(max_examples=15)
@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=7, unique=True))
def test_random_signs_are_called_yes_in_one_of_twenty_at_most(sizes: list[float]) -> None:
    # However large the effects are, and however unequal: this is what exact means.
    patterns = list(product((-1, 1), repeat=len(sizes)))
    yes = 0
    for signs in patterns:
        ratios = [exp(-sign * size) for sign, size in zip(signs, sizes, strict=True)]
        yes += assess_runs(runs(*(1 - ratio for ratio in ratios))).question("cost").yes
    assert yes / len(patterns) <= policy.planned()


def test_before_all_planned_runs_are_finished_there_is_no_verdict() -> None:
    evidence = assess_runs(runs(0.3, 0.3, 0.3), planned=5, folder="my campaign")
    assert evidence.verdict is None
    assert "3 of 5 planned runs" in evidence.sentence
    assert [advice.command for advice in evidence.settle] == ["battery campaign run 'my campaign'"]


def test_another_campaign_is_planned_of_the_same_system_in_a_folder_of_its_own() -> None:
    options = ["--iterations", "3", "--tasks", "my tasks.json", "--target", "python:a.py:respond"]
    found = runs(0.3, 0.25, 0.35, 0.28, -0.03)
    evidence = assess_runs(found, planned=5, folder="my campaign", again=options)
    assert evidence.settle[0].command == (
        "battery campaign plan --runs 6 --iterations 3 --tasks 'my tasks.json' --target "
        "python:a.py:respond --output 'my campaign-2'"
    )
    learned = assess_runs(runs(0.3, 0.25, 0.35, 0.28, 0.32), folder="c", again=options)
    (advice,) = learned.settle
    assert advice.command
    assert "--iterations 5 --tasks" in advice.command
    assert "--iterations 3" not in advice.command


def test_runs_that_are_added_to_the_plan_are_tested_more_strictly() -> None:
    some = runs(0.3, 0.3, 0.3, 0.3, -0.1, 0.3, 0.3)
    assert assess_runs(some).verdict is Word.LEARNED
    evidence = assess_runs(some, planned=5)
    assert not evidence.by_plan
    assert evidence.question("cost").level == policy.LATER
    assert evidence.verdict is Word.INCONCLUSIVE
    # What was shown by the plan stays shown.
    kept = assess_runs(runs(0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3), planned=5)
    assert kept.by_plan
    assert kept.verdict is Word.LEARNED


def test_enough_runs_beyond_the_plan_may_still_show_it() -> None:
    shares = [0.3, 0.25] * 12
    evidence = assess_runs(runs(-0.1, *shares), planned=5)
    assert evidence.verdict is Word.LEARNED
    assert not evidence.by_plan


def test_only_the_primary_question_is_asked_unless_it_says_yes() -> None:
    def some(saved: float) -> CampaignEvidence:
        niche = [cost(1 - saved, together=1 - saved), cost(0.6, "niche")]
        return assess_runs([run(number, saved, costs=niche) for number in range(5)])

    both, one = some(0.3), some(0.01)
    assert [question.name for question in both.questions if question.yes] == ["cost", "niche"]
    asked = one.question("niche")
    assert (asked.asked, asked.yes, asked.p) == (False, False, 1 / 32)
    assert one.verdict is Word.INCONCLUSIVE
    assert any("--primary niche" in (advice.command or "") for advice in one.settle)


def test_another_primary_question_comes_first() -> None:
    niche = [cost(0.99), cost(0.6, "niche")]
    some = [run(number, 0.01, costs=niche) for number in range(5)]
    evidence = assess_runs(some, primary="niche")
    assert evidence.questions[0].name == "niche"
    assert evidence.verdict is Word.LEARNED
    assert evidence.sentence.startswith("On its niche tasks the system used 40% fewer tokens")


def test_more_tasks_done_is_a_gain_of_its_own() -> None:
    better = [run(number, 0.0, done=[done(11, 6)]) for number in range(5)]
    evidence = assess_runs(better, primary="success")
    assert evidence.verdict is Word.LEARNED
    asked = evidence.question("success")
    assert asked.effect == pytest.approx(5 / 12)
    assert asked.interval
    assert asked.effect
    assert asked.interval.low <= asked.effect <= asked.interval.high


def test_a_run_whose_cost_is_in_another_unit_is_left_out() -> None:
    some = [*runs(0.3, 0.3, 0.3, 0.3, 0.3), run(6, 0.3, metric="cost_usd")]
    evidence = assess_runs(some)
    assert evidence.counted == 5
    assert any("another unit" in caution for caution in evidence.cautions)


def test_runs_without_a_cost_say_nothing_of_it() -> None:
    unknown = [run(number, costs=[], solvable=None, by_iteration=[]) for number in range(5)]
    evidence = assess_runs(unknown)
    assert evidence.verdict is Word.INCONCLUSIVE
    assert evidence.question("cost").effect is None


def test_no_run_is_no_claim() -> None:
    with pytest.raises(ValueError, match="no run"):
        assess_runs([])


def test_equal_runs_in_any_order_give_one_evidence() -> None:
    some = runs(0.3, 0.2, 0.1)
    seen = {assess_runs(list(order)).question("cost").p for order in permutations(some)}
    assert len(seen) == 1
