"""Power over runs is the share of campaigns that the verdict over runs calls LEARNED."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.records.campaign import Spread
from battery.records.word import POSITIVE, Word
from battery.verdict import policy
from battery.verdict.runs import assess_runs
from battery.verdict.runs.power import (
    MOST_RUNS,
    Campaign,
    Runs,
    enough,
    judge,
    over_runs,
    power,
    spread_of,
)
from battery.verdict.simulation import PACKAGED, Design, Saving
from tests.verdict.runs.made import cost, run, runs

USUAL = Design(PACKAGED, iterations=3, repeats=1, noise=0.3)

EFFECT = st.floats(-0.4, 0.6)
ONE = st.tuples(EFFECT, EFFECT, EFFECT, EFFECT, st.floats(-0.1, 0.3), st.booleans())


@settings(max_examples=200)
@given(st.lists(ONE, min_size=2, max_size=8))
def test_the_fast_rule_says_of_any_runs_what_the_verdict_says(
    drawn: list[tuple[float, float, float, float, float, bool]],
) -> None:
    effects, together, before, solvable, feigned, spoiled = map(np.array, zip(*drawn, strict=True))
    left_out = np.where(spoiled, np.nan, 1.0)
    columns = (effects * left_out, together * left_out, before, solvable * left_out, feigned)
    fast = bool(judge(Runs(*(each[None] for each in columns)), 0.1)[0])
    spoils: dict[str, Any] = {"word": Word.INVALID, "left_out": "INVALID: apart"}
    found = [
        run(
            number,
            solvable=exp(-each[3]),
            costs=[
                cost(exp(-each[0]), together=exp(-each[1]), before=exp(-each[2]), feigned=each[4])
            ],
            **(spoils if each[5] else {}),
        )
        for number, each in enumerate(drawn)
    ]
    assert fast == (assess_runs(found).verdict in POSITIVE)


def test_more_runs_and_larger_savings_are_seen_more_often_and_luck_hides_them() -> None:
    by_runs = [power(Saving(0.15), USUAL, count, 0.15) for count in (5, 7, 10, 20)]
    assert by_runs == sorted(by_runs)
    by_drop = [power(Saving(drop), USUAL, 5, 0.15) for drop in (0.0, 0.1, 0.2, 0.3)]
    assert by_drop == sorted(by_drop)
    by_spread = [power(Saving(0.2), USUAL, 5, spread) for spread in (0.4, 0.2, 0.1, 0.0)]
    assert by_spread == sorted(by_spread)


def test_nothing_learned_is_seen_in_one_campaign_of_twenty_at_most() -> None:
    for spread in (0.0, 0.15, 1.0):
        for count in (5, 6, 9):
            assert power(Saving(), USUAL, count, spread) <= policy.ALPHA


def test_20_percent_is_seen_by_five_runs_of_three_iterations() -> None:
    assert power(Saving(0.2), USUAL, 5, 0.0) >= 0.9
    assert power(Saving(once=0.4, niche=True), USUAL, 5, 0.0) >= 0.9


def test_too_few_runs_or_iterations_see_nothing() -> None:
    assert power(Saving(0.5), USUAL, 4, 0.0) == 0
    assert power(Saving(0.5), USUAL, 1, 0.0) == 0
    assert power(Saving(0.5), USUAL._replace(iterations=1), 5, 0.0) == 0


def test_a_campaign_is_told_what_it_sees_and_how_many_runs_would_be_enough() -> None:
    asked = over_runs(Campaign(5), USUAL, 0.15)
    assert (asked.runs, asked.spread_source) == (5, "assumed")
    first = asked.questions[0]
    assert first.smallest_drop is not None
    assert power(Saving(first.smallest_drop), USUAL, 5, 0.15) >= policy.POWER
    assert first.power is not None
    assert first.power < policy.POWER
    assert first.needed is not None
    assert power(Saving(0.15), USUAL, first.needed, 0.15) >= policy.POWER
    assert over_runs(Campaign(4), USUAL, None).questions[0].smallest_drop is None
    easy = USUAL._replace(phases=(3, 0, 2))
    assert [each.primary for each in over_runs(Campaign(5), easy, None).questions] == ["cost"]


def test_the_spread_is_measured_on_runs_that_count_and_planned_with_its_bound() -> None:
    found = runs(0.1, 0.3, 0.2, 0.25, error=0.05)
    spread = assess_runs(found).spread
    measured = spread_of(found)
    assert spread
    assert spread.between is not None
    assert measured is not None
    assert measured > spread.between
    spoiled = run(9, -3.0, left_out="INVALID: apart", word=Word.INVALID)
    assert spread_of([*found, spoiled]) == measured
    assert spread_of(found[:1]) is None


def test_enough_runs_show_a_saving_and_too_much_spread_has_none() -> None:
    few = enough(0.3, Spread(total=0.1, noise=None, between=None), 0.1, 5)
    more = enough(0.3, Spread(total=0.4, noise=None, between=None), 0.1, 5)
    assert few is not None
    assert more is not None
    assert few < more <= MOST_RUNS
    assert enough(0.12, Spread(total=2.0, noise=None, between=None), 0.1, 5) is None


def test_the_advice_of_an_open_campaign_is_a_number_of_runs() -> None:
    evidence = assess_runs(runs(0.3, 0.25, 0.35, 0.28, -0.03))
    assert evidence.settle[0].command == "battery campaign plan --runs 6"
    assert "memories differ as these do" in evidence.settle[0].text
