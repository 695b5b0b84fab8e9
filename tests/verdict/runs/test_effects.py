"""The numbers of runs: what is missing is no number, and what lucky runs show is known."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.verdict import policy
from battery.verdict.runs import effects
from tests.verdict.runs.made import done, run


def test_a_saving_is_above_0_and_nothing_known_is_nan() -> None:
    logs = effects.logs([0.5, 1.0, 2.0, None, 0.0])
    assert logs[0] == pytest.approx(-logs[2])
    assert logs[1] == 0
    assert np.isnan(logs[3])
    assert np.isfinite(logs[4])
    assert effects.middle(logs[3:4]) is None


def test_work_is_compared_where_both_arms_have_calls() -> None:
    few = done().model_copy(update={"frozen_calls": 0, "frozen": 0})
    found = effects.more_done([run(1, done=[done(9, 6)]), run(2, done=[few]), run(3, done=[])])
    assert found[0] == 0.25
    assert np.isnan(found[1:]).all()


def test_the_interval_is_that_of_student() -> None:
    # By hand: mean -.48, deviation .92033, t of 4 degrees 2.7764.
    ends = effects.interval(np.array([0.7, -1.6, -0.2, -1.2, -0.1]), 0.025)
    assert ends
    assert ends.low == pytest.approx(-1.6227, abs=1e-4)
    assert ends.high == pytest.approx(0.6627, abs=1e-4)
    assert ends.level == 0.95
    assert effects.interval(np.array([0.7, np.nan]), 0.025) is None


@given(st.integers(1, 40))
def test_luck_shows_more_than_chance_in_one_campaign_of_twenty_at_most(runs: int) -> None:
    rate = policy.ALPHA
    chances = [comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(runs + 1)]
    told = [chance for k, chance in enumerate(chances) if effects.more_than_chance(k, runs)]
    assert sum(told) <= policy.ALPHA + 1e-9
    assert effects.more_than_chance(runs, runs)
    assert not effects.more_than_chance(0, runs)


def test_two_of_five_is_more_than_chance() -> None:
    assert [effects.more_than_chance(count, 5) for count in range(3)] == [False, False, True]
