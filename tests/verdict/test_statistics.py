from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.verdict.signflip import Floats
from battery.verdict.statistics import (
    EXACT_POSITIONS,
    Ordered,
    at_most,
    clopper_pearson_upper,
    critical_value,
    difference,
    doubled_midranks,
    half_width,
    ordered,
    page,
    ratio,
    wilson,
)

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


@pytest.mark.parametrize("level", [0.05, 0.5, 0.95, 0.999])
@pytest.mark.parametrize(
    ("events", "trials"),
    [(0, 1), (0, 20_000), (1, 20_000), (10_000, 20_000), (19_999, 20_000), (7, 300), (299, 300)],
)
def test_the_bound_of_a_rate_is_a_quantile_of_the_beta_distribution(
    events: int, trials: int, level: float
) -> None:
    oracle = scipy.special.betaincinv(events + 1, trials - events, level)
    assert clopper_pearson_upper(events, trials, level) == pytest.approx(oracle, abs=1e-12, rel=0)


@given(st.integers(-1, 400), st.integers(0, 400), rates)
@settings(deadline=None)
def test_so_many_events_or_fewer_are_as_likely_as_in_scipy(
    events: int, trials: int, rate: float
) -> None:
    oracle = scipy.stats.binom.cdf(events, trials, rate)
    assert at_most(events, trials, rate) == pytest.approx(oracle, rel=1e-9, abs=1e-300)


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


@st.composite
def tables(draw: st.DrawFn) -> Floats:
    """Make small tables of tasks by positions with many ties."""
    tasks, positions = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    row = st.lists(st.integers(0, 4), min_size=positions, max_size=positions)
    return np.array(draw(st.lists(row, min_size=tasks, max_size=tasks)), dtype=np.float64)


def random(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).normal(size=shape)


def brute_force(values: Floats) -> float:
    """Try all arrangements of all rows."""
    ranks = scipy.stats.rankdata(values, axis=1)
    positions = np.arange(1, values.shape[1] + 1)
    observed = (ranks * positions).sum()
    sums = [
        [float(np.dot(arranged, positions)) for arranged in itertools.permutations(row)]
        for row in ranks
    ]
    totals = np.array([sum(each) for each in itertools.product(*sums)])
    return float((totals >= observed).mean())


def p_of(ordered: Ordered) -> float:
    assert ordered.p is not None
    return ordered.p


def test_a_single_task_worked_out_by_hand() -> None:
    """1, 2, 3 in this order is the best of six arrangements; its L is 1 + 4 + 9."""
    best, worst = page(np.array([[10.0, 20.0, 30.0]])), page(np.array([[30.0, 20.0, 10.0]]))
    assert [best.p, worst.p] == pytest.approx([1 / 6, 1.0])
    assert (best.statistic, best.tasks, best.exact) == (14.0, 1, True)
    assert worst.statistic == 10.0


def test_equal_values_share_their_midrank() -> None:
    """Of the three arrangements of 1.5, 1.5 and 3, this one is the best."""
    tied = page(np.array([[5.0, 5.0, 8.0]]))
    assert [tied.p, tied.statistic] == pytest.approx([1 / 3, 13.5])


def test_the_best_of_all_arrangements_has_the_smallest_p() -> None:
    rising = np.tile(np.arange(5.0), (3, 1))
    assert page(rising).p == pytest.approx(float(Fraction(1, 120**3)))


@pytest.mark.parametrize(("tasks", "positions"), [(2, 3), (8, 3), (5, 4), (8, 5), (3, 7)])
def test_without_ties_p_is_that_of_scipy(tasks: int, positions: int) -> None:
    for seed in range(3):
        values = random(seed, tasks, positions)
        oracle = scipy.stats.page_trend_test(values, method="exact")
        found = page(values)
        assert (found.p, found.statistic) == pytest.approx((oracle.pvalue, oracle.statistic))


def brute_force_ordered(segments: list[Floats]) -> tuple[float, float]:
    """Try every arrangement of every row of every segment; return p and L."""
    sums, observed = np.zeros(1), 0.0
    for row in (row for values in segments for row in values):
        ranks = scipy.stats.rankdata(row)
        positions = np.arange(1, len(row) + 1)
        observed += float(ranks @ positions)
        each = [np.array(arrangement) @ positions for arrangement in itertools.permutations(ranks)]
        sums = np.add.outer(sums, each).ravel()
    return float(np.mean(sums >= observed - 1e-9)), observed


small_segments = st.lists(
    st.integers(1, 4).flatmap(
        lambda size: st.lists(
            st.lists(st.integers(0, 3), min_size=size, max_size=size), min_size=1, max_size=2
        ).map(lambda rows: np.array(rows, dtype=np.float64))
    ),
    min_size=1,
    max_size=2,
)


@given(small_segments)
@settings(deadline=None)
def test_over_segments_p_counts_all_arrangements_within_each(segments: list[Floats]) -> None:
    found = ordered(segments)
    p, statistic = brute_force_ordered(segments)
    assert found.statistic == pytest.approx(statistic)
    assert found.tasks == sum(map(len, segments))
    assert found.exact
    assert p == pytest.approx(1.0 if found.p is None else found.p)


def test_segments_of_equal_length_are_one_table_and_their_order_does_not_matter() -> None:
    one, other, longer = random(8, 3, 4), random(9, 5, 4), random(10, 5, 6)
    assert ordered([one, other]) == page(np.vstack([one, other]))
    assert ordered([one, longer]) == ordered([longer, one])


def test_a_step_between_segments_is_no_order() -> None:
    """Values that only grow where a new segment starts."""
    flat = np.array([[1.0, 1.0, 1.0]] * 8)
    assert ordered([flat, flat * 9, flat[:, :1] * 99]).p is None


def test_without_segments_or_rows_there_is_no_information() -> None:
    assert ordered([]) == (None, 0.0, 0, True)
    rows = random(11, 4, 3)
    assert ordered([np.zeros((0, 5)), rows, np.full((2, 3), NAN)]) == page(rows)


def test_segments_too_large_to_count_are_approximated_closely() -> None:
    """A segment of three positions and one of eleven, which is one more than is counted."""
    rng = np.random.default_rng(12)
    segments = [rng.normal(size=(8, size)) + 0.1 * np.arange(size) for size in (3, 11)]
    found = ordered(segments)
    assert not found.exact
    oracles = [page(values) for values in segments]
    assert found.statistic == sum(oracle.statistic for oracle in oracles)
    drawn = [
        np.argsort(np.argsort(rng.random((20_000, *values.shape)), axis=2), axis=2) + 1
        for values in segments
    ]
    sums = np.sum(
        [(ranks @ np.arange(1, ranks.shape[2] + 1)).sum(axis=1) for ranks in drawn], axis=0
    )
    share = np.mean(sums >= found.statistic)
    assert p_of(found) == pytest.approx(share, abs=4 * np.sqrt(share / 20_000))


@pytest.mark.parametrize("levels", [None, 3])
def test_what_can_be_counted_is_approximated_as_closely_with_and_without_ties(
    levels: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = [random(seed, 10, 6) + 0.2 * np.arange(6) for seed in range(13, 18)]
    if levels:
        several = [np.round(values) for values in several]
    counted = [p_of(page(values)) for values in several]
    monkeypatch.setattr("battery.verdict.statistics.EXACT_POINTS", 0)
    assert not page(several[0]).exact
    approximated = [p_of(page(values)) for values in several]
    # Without the correction for continuity it would be .0028 or more.
    assert np.mean(approximated) == pytest.approx(np.mean(counted), abs=0.001)


def test_a_small_p_of_the_approximation_keeps_its_digits() -> None:
    rising = np.tile(np.arange(12.0), (40, 1))
    z = np.sqrt(40 * 11)
    assert p_of(page(rising)) == pytest.approx(scipy.stats.norm.sf(z), rel=0.2)


@given(tables())
@settings(deadline=None)
def test_with_ties_p_counts_all_arrangements_of_the_midranks(values: Floats) -> None:
    found = page(values)
    if (values == values[:, :1]).all():
        assert found.p is None
    else:
        assert found.p == pytest.approx(brute_force(values))


def test_rows_of_equal_values_add_to_the_statistic_and_nothing_to_p() -> None:
    varied = random(1, 4, 5)
    with_flat = page(np.vstack([varied, np.full((3, 5), 7.0)]))
    assert with_flat.p == page(varied).p
    assert with_flat.statistic == page(varied).statistic + 3 * 3 * 15
    assert with_flat.tasks == 7


def test_a_row_with_a_gap_is_left_out() -> None:
    values = random(2, 6, 4)
    gap = np.full((1, 4), 1.0)
    gap[0, 2] = NAN
    assert page(np.vstack([gap, values])) == page(values)


@pytest.mark.parametrize(
    ("values", "tasks"),
    [
        (np.zeros((0, 3)), 0),
        (np.full((2, 3), NAN), 0),
        (np.full((2, 3), 4.0), 2),
        (np.array([[1.0], [2.0]]), 2),
    ],
)
def test_without_any_order_there_is_no_information(values: Floats, tasks: int) -> None:
    found = page(values)
    assert (found.p, found.tasks, found.exact) == (None, tasks, True)


def test_values_that_differ_by_rounding_are_equal() -> None:
    assert doubled_midranks(np.array([[0.1 + 0.2, 0.3, 0.1]])).tolist() == [[5, 5, 2]]


@pytest.mark.parametrize("levels", [None, 3])
def test_the_normal_approximation_is_close_where_counting_ends(levels: int | None) -> None:
    """Tables just small enough to count; doubling all rows is what makes them too large."""
    rng = np.random.default_rng(4)
    values = rng.normal(size=(16, 9)) + 0.05 * np.arange(9)
    if levels:
        values = np.round(values)
    counted = page(values)
    twice = page(np.vstack([values, values]))
    assert counted.exact
    assert not twice.exact
    # Two independent halves that say the same: z grows by the root of two.
    z = scipy.stats.norm.isf(p_of(counted)) * np.sqrt(2)
    assert twice.p == pytest.approx(scipy.stats.norm.sf(z), rel=0.1)


def test_many_positions_and_many_tasks_are_approximated_as_in_scipy() -> None:
    for shape in ((4, EXACT_POSITIONS + 2), (1000, 9)):
        values = random(5, *shape)
        oracle = scipy.stats.page_trend_test(values, method="asymptotic")
        found = page(values)
        assert not found.exact
        assert found.statistic == oracle.statistic
        assert found.p == pytest.approx(oracle.pvalue, abs=0.01)


def test_without_an_order_small_p_are_as_rare_as_they_say() -> None:
    """A p of at most .05 comes in at most a twentieth of all tables; here of 2,000."""
    tables_without = np.random.default_rng(6).integers(0, 3, (2000, 4, 3)).astype(np.float64)
    found = [page(values).p for values in tables_without]
    assert 0.02 < np.mean([p is not None and p <= 0.05 for p in found]) <= 0.055


@given(tables(), st.sampled_from([1e-6, 0.3, 1e9]))
@settings(deadline=None)
def test_neither_the_order_of_tasks_nor_their_size_matters(values: Floats, factor: float) -> None:
    sizes = factor ** np.arange(len(values))[:, None]
    found = page(values)
    assert page(values[::-1]) == found
    assert page(values * sizes) == found


@given(tables())
@settings(deadline=None)
def test_rows_turned_round_mirror_p(values: Floats) -> None:
    forth, back = page(values), page(values[:, ::-1])
    assert (forth.p is None) == (back.p is None)
    if forth.p is not None and back.p is not None:
        assert forth.p + back.p > 1
        assert back.p == pytest.approx(page(-values).p)


@pytest.mark.parametrize(
    ("tasks", "positions"), [(8, 2), (8, 3), (4, 9), (30, 9), (5, EXACT_POSITIONS + 2)]
)
def test_from_the_critical_value_on_p_is_significant(tasks: int, positions: int) -> None:
    slope = 3 / np.sqrt(tasks) / positions
    values = random(7, 200, tasks, positions) + slope * np.arange(positions)
    found = [page(table) for table in values]
    significant = [p_of(each) <= 0.05 for each in found]
    least = critical_value(tasks, positions, 0.05)
    assert [each.statistic >= least for each in found] == significant
    assert 10 < sum(significant) < 190


def test_too_small_a_table_has_no_critical_value() -> None:
    """Two positions in four tasks: the best arrangement has p = 1/16; in five, 1/32."""
    assert critical_value(4, 2, 0.05) == float("inf")
    assert critical_value(5, 2, 0.05) == 5 * (1 + 4)
