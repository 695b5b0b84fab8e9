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
    critical_value,
    doubled_midranks,
    most_without_event,
    ordered,
    page,
    student,
)

NAN = float("nan")


def test_the_bound_of_no_event_in_six_is_39_percent() -> None:
    assert most_without_event(6) == pytest.approx(0.393, abs=5e-4)


@pytest.mark.parametrize("level", [0.05, 0.5, 0.95, 0.999])
@pytest.mark.parametrize("trials", [1, 2, 8, 300, 20_000])
def test_the_bound_is_that_of_clopper_and_pearson(trials: int, level: float) -> None:
    """At the bound, no event has the chance that is left."""
    bound = most_without_event(trials, level)
    assert scipy.stats.binom.cdf(0, trials, bound) == pytest.approx(1 - level)
    oracle = scipy.stats.binomtest(0, trials, alternative="less").proportion_ci(level)
    assert bound == pytest.approx(oracle.high)


def test_nothing_can_be_excluded_without_a_trial() -> None:
    assert most_without_event(0) == 1.0


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
    least = critical_value(tasks, positions, level=0.05)
    assert [each.statistic >= least for each in found] == significant
    assert 10 < sum(significant) < 190


def test_too_small_a_table_has_no_critical_value() -> None:
    """Two positions in four tasks: the best arrangement has p = 1/16; in five, 1/32."""
    assert critical_value(4, 2, level=0.05) == float("inf")
    assert critical_value(5, 2, level=0.05) == 5 * (1 + 4)


@pytest.mark.parametrize(
    ("share", "freedom", "quantile"),
    # Printed tables of Student's t.
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.95, 4, 2.132),
        (0.975, 5, 2.571),
        (0.99, 10, 2.764),
        (0.95, 30, 1.697),
        (0.5, 7, 0.0),
    ],
)
def test_quantiles_of_student_are_those_of_the_tables(
    share: float, freedom: int, quantile: float
) -> None:
    assert student(share, freedom) == pytest.approx(quantile, abs=5e-4)


def test_many_degrees_of_freedom_are_as_good_as_normal() -> None:
    assert student(0.975, 100_000) == pytest.approx(1.96, abs=1e-3)


@pytest.mark.parametrize(("share", "freedom"), [(0.4, 3), (1.0, 3), (0.9, 0)])
def test_there_is_no_quantile_elsewhere(share: float, freedom: int) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        student(share, freedom)
