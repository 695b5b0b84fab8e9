"""Campaigns are counted by the verdict over runs, next to what the same calls would have said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from battery.calibration import check, count
from battery.calibration.campaigns import CAMPAIGNS, HARM, LEARNING, NULLS, said
from battery.calibration.dials import Dials
from battery.calibration.scenario import CAMPAIGNS as NUMBERS
from battery.calibration.scenario import Scenario
from battery.records.word import POSITIVE, Word
from battery.verdict import policy
from tests.calibration.test_scenarios import OF_LEARNING, turned

pytestmark = pytest.mark.slow

BY_NAME = {scenario.name: scenario for scenario in CAMPAIGNS}


def words(scenario: Scenario, n: int = 6) -> list[Word]:
    return [each.word for each in said(scenario, n, np.random.default_rng(1))]


def test_each_scenario_is_of_several_runs_that_learn_or_do_not() -> None:
    assert all(scenario.runs >= policy.BATTERIES for scenario in CAMPAIGNS)
    nulls = {scenario.name for scenario in NULLS}
    for scenario in CAMPAIGNS:
        assert scenario.null == (scenario.name in nulls)
        assert not (scenario.null and turned(scenario.dials) & OF_LEARNING)
    assert all(scenario.power or scenario.caught for scenario in LEARNING)
    assert all(scenario.caught or scenario.unpromised for scenario in HARM)


def test_a_seed_gives_the_same_campaigns_and_another_seed_others() -> None:
    scenario = BY_NAME["5 runs, random playbooks"]
    seeds = [np.random.SeedSequence(seed) for seed in (1, 1, 2)]
    one, same, other = (count(scenario, 4, seed) for seed in seeds)
    assert one == same
    assert one != other
    assert one.runs == 5
    assert one.simulations == sum(one.words.values()) == 4


def test_a_spoiled_run_is_left_out_of_its_campaign() -> None:
    spoiled = Dials(unlike_start=-5.0)
    scenario = Scenario("", "", Dials(drop=0.4, noise=0.05), runs=6, spoiled=spoiled)
    assert set(words(scenario)) == {Word.LEARNED}
    # Two of them would be more than a fifth.
    assert set(words(replace(scenario, dials=spoiled))) == {Word.INVALID}


def test_memorised_gains_are_told_from_lessons() -> None:
    quiet = Dials(drop=0.3, noise=0.1, siblings=True)
    lessons = Scenario("", "", quiet, runs=5)
    assert set(words(lessons)) == {Word.LEARNED}
    assert set(words(replace(lessons, dials=replace(quiet, memorises=True)))) == {Word.MEMORISED}


def test_what_single_runs_would_claim_is_counted_next_to_it() -> None:
    luck = replace(BY_NAME["5 runs, random playbooks"], dials=Dials(playbook=0.4, noise=0.1))
    outcomes = list(said(luck, 8, np.random.default_rng(1)))
    claimed = [each.word in POSITIVE for each in outcomes]
    assert sum(claimed) < sum(each.any_run for each in outcomes)
    assert any(each.one_run for each in outcomes)
    tally = count(luck, 8, np.random.SeedSequence(1))
    assert tally.any_run is not None
    assert tally.one_run is not None


def test_a_campaign_is_held_to_the_bounds_of_a_battery() -> None:
    scenario = BY_NAME["5 runs, nothing learned"]
    tally = count(scenario, 4, np.random.SeedSequence(1))
    wrong = tally.model_copy(
        update={"words": tally.words | {Word.LEARNED: 4, Word.INCONCLUSIVE: 0}}
    )
    assert "positive verdicts" in {
        bound.what for bound in check(scenario, wrong) if not bound.passed
    }
    # The direction count is one of iterations, and says nothing of runs.
    assert "direction count" not in {bound.what for bound in check(scenario, tally)}


def test_campaigns_take_their_numbers_from_a_list_of_their_own() -> None:
    assert [CAMPAIGNS[0].simulations(preset) for preset in ("fast", "full")] == [
        NUMBERS["fast"],
        NUMBERS["full"],
    ]
