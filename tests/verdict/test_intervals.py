from __future__ import annotations

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.verdict.intervals import clopper_pearson_upper, difference, half_width, ratio, wilson

NAN = float("nan")
rates = st.floats(0, 1)
counts = st.integers(1, 50)


def test_a_saving_is_a_ratio_below_one() -> None:
    """Frozen needs 200 and 800 tokens where learn needs 100 and 200: halves and quarters."""
    effects = np.log(np.array([200 / 100, 800 / 200]))
    found = ratio(effects)
    assert found.value == pytest.approx(1 / np.sqrt(8))
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1 / np.sqrt(8) < 1 < found.high


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_the_interval_is_students(level: float) -> None:
    effects = np.random.default_rng(1).normal(0.3, 0.4, 8)
    low, high = scipy.stats.t.interval(level, 7, effects.mean(), scipy.stats.sem(effects))
    expected = np.exp([-effects.mean(), -high, -low])
    assert tuple(ratio(effects, level)) == pytest.approx(tuple(expected))


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    samples = np.random.default_rng(2).normal(0.3, 0.4, (2000, 8))
    inside = [
        found.low <= np.exp(-0.3) <= found.high
        for found in map(ratio, samples)
        if found.low is not None and found.high is not None
    ]
    assert len(inside) == 2000
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def test_one_task_has_a_value_without_an_interval() -> None:
    found = ratio(np.array([np.log(2.0)]))
    assert found.value == pytest.approx(0.5)
    assert found.low is found.high is None


@pytest.mark.parametrize("effects", [[], [NAN], [NAN, NAN]])
def test_no_task_has_nothing(effects: list[float]) -> None:
    assert ratio(np.array(effects)) == (None, None, None)


def test_equal_effects_make_a_point() -> None:
    found = ratio(np.full(4, 0.25))
    assert found.low == found.value == found.high == pytest.approx(np.exp(-0.25))


def test_a_gap_is_left_out() -> None:
    assert ratio(np.array([0.1, NAN, 0.3])) == ratio(np.array([0.1, 0.3]))


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=9).map(np.array))
@settings(deadline=None)
def test_swapping_the_arms_turns_the_ratio_over(effects: np.ndarray) -> None:
    found, swapped = ratio(effects), ratio(-effects)
    assert found.low is not None
    assert found.value is not None
    assert found.high is not None
    assert tuple(swapped) == pytest.approx((1 / found.value, 1 / found.high, 1 / found.low))


def test_a_wider_level_is_a_wider_interval() -> None:
    assert half_width(1.0, 8, 0.99) > half_width(1.0, 8, 0.95) > half_width(1.0, 8, 0.9) > 0


def test_the_bound_of_no_event_in_six_is_39_percent() -> None:
    """Below it, six trials without an event have a chance of .05 at most."""
    assert clopper_pearson_upper(0, 6) == pytest.approx(1 - 0.05 ** (1 / 6))
    assert clopper_pearson_upper(0, 6) == pytest.approx(0.393, abs=5e-4)


@given(counts, st.data())
@settings(deadline=None)
def test_at_the_bound_so_few_events_have_the_chance_that_is_left(
    trials: int, data: st.DataObject
) -> None:
    events = data.draw(st.integers(0, trials - 1))
    bound = clopper_pearson_upper(events, trials)
    assert scipy.stats.binom.cdf(events, trials, bound) == pytest.approx(0.05)
    oracle = scipy.stats.binomtest(events, trials, alternative="less").proportion_ci(0.95)
    assert bound == pytest.approx(oracle.high)


def test_nothing_can_be_excluded_without_a_trial_or_where_all_are_events() -> None:
    assert clopper_pearson_upper(0, 0) == 1.0
    assert clopper_pearson_upper(3, 3) == 1.0


def test_rates_of_none_and_all_have_an_interval() -> None:
    low, high = wilson(0.0, 8)
    assert low == 0.0
    assert high == pytest.approx(3.8415 / (8 + 3.8415), abs=1e-4)
    assert wilson(1.0, 8) == pytest.approx((1 - high, 1.0))
    assert wilson(0.5, 0) == (0.0, 1.0)


@given(rates, counts)
@settings(deadline=None)
def test_an_interval_of_a_rate_holds_it_and_stays_between_none_and_all(rate: float, n: int) -> None:
    low, high = wilson(rate, n)
    assert 0 <= low <= rate <= high <= 1


def test_the_newcombe_interval_of_his_own_example() -> None:
    """56 of 70 against 48 of 80, the first contrast of table II in the paper."""
    z = 1.959964

    def score(x: int, n: int) -> tuple[float, float]:
        centre = (2 * x + z * z) / (2 * (n + z * z))
        half = z * np.sqrt(z * z + 4 * x * (1 - x / n)) / (2 * (n + z * z))
        return centre - half, centre + half

    assert wilson(56 / 70, 70) == pytest.approx(score(56, 70), abs=1e-6)
    low, high = difference_of_counts((56, 70), (48, 80))
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def difference_of_counts(one: tuple[int, int], other: tuple[int, int]) -> tuple[float, float]:
    """Put the paper's formula together from `wilson`, for groups of different size."""
    (p1, p2), (n1, n2) = (one[0] / one[1], other[0] / other[1]), (one[1], other[1])
    (l1, u1), (l2, u2) = wilson(p1, n1), wilson(p2, n2)
    gap = p1 - p2
    return (
        gap - np.sqrt((p1 - l1) ** 2 + (u2 - p2) ** 2),
        gap + np.sqrt((u1 - p1) ** 2 + (p2 - l2) ** 2),
    )


def test_a_difference_of_rates_over_the_same_tasks() -> None:
    found = difference(6 / 8, 2 / 8, 8)
    assert found.value == 0.5
    assert (found.low, found.high) == pytest.approx(difference_of_counts((6, 8), (2, 8)))


def test_equal_rates_differ_by_zero_with_an_interval() -> None:
    found = difference(1.0, 1.0, 8)
    half = 1 - wilson(1.0, 8)[0]
    assert tuple(found) == pytest.approx((0.0, -half, half))


@pytest.mark.parametrize(("learn", "frozen", "n"), [(NAN, 0.5, 8), (0.5, NAN, 8), (0.5, 0.5, 0)])
def test_without_a_rate_there_is_no_difference(learn: float, frozen: float, n: int) -> None:
    assert difference(learn, frozen, n) == (None, None, None)


@given(rates, rates, counts)
@settings(deadline=None)
def test_swapping_the_arms_changes_the_sign_of_a_difference(
    learn: float, frozen: float, n: int
) -> None:
    found, swapped = difference(learn, frozen, n), difference(frozen, learn, n)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert -1 - 1e-9 <= found.low <= found.value <= found.high <= 1 + 1e-9
    assert tuple(swapped) == pytest.approx((-found.value, -found.high, -found.low))


def test_all_or_nothing_tasks_are_the_widest_case() -> None:
    """Rates between none and all a task vary less: 95 % intervals cover more than that."""
    rng = np.random.default_rng(3)
    chances = np.clip(rng.normal(0.6, 0.2, (1500, 1, 8)), 0, 1)
    both = rng.binomial(4, np.repeat(chances, 2, axis=1)) / 4
    means = both.mean(axis=2)
    found = [difference(learn, frozen, 8) for learn, frozen in means]
    covered = [each.low is not None and each.low <= 0 <= (each.high or 0) for each in found]
    assert np.mean(covered) > 0.98
