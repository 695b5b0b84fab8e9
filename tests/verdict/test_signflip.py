from __future__ import annotations

import itertools
from random import Random
from typing import Any

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.verdict.signflip import (
    EXACT_UP_TO,
    RANDOM_FLIPS,
    Flipped,
    Floats,
    better,
    bound,
    chances_of_counts,
    differs,
    each,
    flipped_sums,
    signs,
)
from tests.verdict.drawn import measurable

NAN = float("nan")
#: Sixteenths add up without rounding, so that equal sums are equal.
sixteenths = st.integers(-1600, 1600).map(lambda number: number / 16)
effects = st.lists(sixteenths, min_size=1, max_size=7).map(np.array)
ps = st.one_of(st.none(), st.floats(0, 1))


@st.composite
def tables(draw: st.DrawFn) -> Floats:
    """Make tasks by metrics, with cells that were not measured."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 4)))
    cells = st.lists(
        st.one_of(sixteenths, st.just(NAN)),
        min_size=shape[0] * shape[1],
        max_size=shape[0] * shape[1],
    )
    return np.array(draw(cells)).reshape(shape)


def chance_of_count(changes: Floats, needed: int) -> float | None:
    """Ask for one number."""
    found = chances_of_counts(changes, [needed])
    return found[0] if found else None


def p_of(flipped: Flipped) -> float:
    assert flipped.p is not None
    return flipped.p


def random(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).normal(0.2, 1.0, shape)


def test_three_tasks_worked_out_by_hand() -> None:
    """Of the sums ±1 ±2 ±3, those of at least 1 + 2 - 3 = 0 are 6, 4, 2, 0 and 0."""
    assert better(np.array([1.0, 2.0, -3.0])) == (5 / 8, 3, 8, True)
    assert better(np.array([1.0, 2.0, 3.0])) == (1 / 8, 3, 8, True)
    assert differs(np.array([1.0, 2.0, 3.0])) == (2 / 8, 3, 8, True)
    assert differs(np.array([1.0, 2.0, -3.0])).p == 1.0


@pytest.mark.parametrize(
    ("values", "one_sided", "two_sided"),
    [
        ([0.5], 1 / 2, 1.0),
        ([-0.5], 1.0, 1.0),
        ([0.1] * 8, 1 / 256, 2 / 256),
        ([-0.1] * 8, 1.0, 2 / 256),
        ([0.0, 0.0, 3.0], 1 / 2, 1.0),
        ([NAN, 1.0, NAN, 2.0], 1 / 4, 1 / 2),
    ],
)
def test_one_value_equal_values_zeros_and_gaps(
    values: list[float], one_sided: float, two_sided: float
) -> None:
    assert better(np.array(values)).p == one_sided
    assert differs(np.array(values)).p == two_sided


@pytest.mark.parametrize("values", [[], [NAN, NAN], [0.0], [0.0, NAN, 0.0]])
def test_nothing_measured_or_nothing_but_zeros_is_no_information(values: list[float]) -> None:
    measured = sum(value == 0 for value in values)
    assert better(np.array(values)) == (None, measured, 0, True)
    assert differs(np.array(values)) == (None, measured, 0, True)


def test_the_order_of_adding_does_not_make_the_observed_pattern_miss_itself() -> None:
    """0.1 + 0.2 - 0.3 is not 0 in floating point, and half of the sums equal it."""
    for values in itertools.permutations([0.1, 0.2, -0.3, 0.7, -0.7]):
        exact = better(np.round(np.array(values) * 10))
        assert better(np.array(values)).p == exact.p


@pytest.mark.parametrize("seed", range(5))
def test_p_is_that_of_scipy(seed: int) -> None:
    sample = random(seed, 9)
    options: dict[str, Any] = {"permutation_type": "samples", "n_resamples": 2**9}
    greater = scipy.stats.permutation_test([sample], np.sum, alternative="greater", **options)
    other = scipy.stats.permutation_test([sample], np.sum, alternative="two-sided", **options)
    assert better(sample).p == pytest.approx(greater.pvalue, abs=1e-12)
    assert differs(sample).p == pytest.approx(other.pvalue, abs=1e-12)


def test_on_signed_ranks_it_is_the_exact_wilcoxon_test() -> None:
    ranks = np.array([1.0, -2, 3, 4, -5, 6, 7, 8, 9, 10])
    oracle = scipy.stats.wilcoxon(ranks, alternative="greater", method="exact")
    assert better(ranks).p == oracle.pvalue


def test_beyond_sixteen_tasks_random_flips_come_close_to_all_of_them() -> None:
    """2^17 patterns can still be counted one by one."""
    sample = random(3, 17)
    halves = [np.concatenate([signs(16), np.full((2**16, 1), last)], axis=1) for last in (1, -1)]
    sums = np.concatenate(halves) @ sample
    exact = (sums >= sample.sum() - 1e-9).mean()
    found = better(sample)
    assert (found.tasks, found.flips, found.exact) == (17, RANDOM_FLIPS, False)
    assert found.p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / RANDOM_FLIPS))
    assert found == better(sample)


def test_a_random_p_is_never_zero() -> None:
    assert better(np.ones(200)).p == 1 / (RANDOM_FLIPS + 1)


def test_tasks_with_an_effect_of_zero_change_no_p() -> None:
    few = np.array([0.0] * 8 + [1.0] * 8)
    assert better(few) == (1 / 256, 16, 2**16, True)
    found = better(np.concatenate([few, np.zeros(4)]))
    assert (found.tasks, found.exact) == (20, False)
    assert found.p == pytest.approx(1 / 256, abs=4 * np.sqrt(1 / 256 / RANDOM_FLIPS))


#: What breaks an equality of sums: ties, zeros, dust next to them, other sizes, gaps.
awkward = st.one_of(
    st.sampled_from([0.0, 0.1, 0.2, 0.3, -0.3, 0.7, 1e-12, -1e-12, 1 + 1e-12, 1 / 3, NAN]),
    measurable(1),
    sixteenths,
)
levels = st.one_of(
    st.sampled_from([0.5, 0.25, 1 / 256, 2**-16, 1e-5, 0.024, 0.05, 0.1, 0.9, 1 - 2**-53]),
    st.floats(0, 1, exclude_min=True, exclude_max=True),
)


@st.composite
def awkward_effects(draw: st.DrawFn, most: int = 20) -> Floats:
    """Make up to so many tasks, many of them with the effects of others, turned or not."""
    values = draw(st.lists(awkward, min_size=1, max_size=most))
    copies = draw(st.lists(st.sampled_from(values), max_size=most - len(values)))
    sign = draw(st.sampled_from([1.0, -1.0]))
    return np.array(values + [sign * value for value in copies])


def agree(values: Floats, level: float) -> bool:
    p, low = better(values).p, bound(values, level)
    return (p is not None and p <= level) == (low is not None and low > 0)


@given(awkward_effects(), levels)
@settings(deadline=None, max_examples=200)
def test_p_reaches_the_level_exactly_where_the_bound_is_above_zero(
    values: Floats, level: float
) -> None:
    assert agree(values, level)


@given(awkward_effects())
@settings(deadline=None, max_examples=100)
def test_at_a_level_that_p_just_reaches_or_misses_the_bound_says_the_same(values: Floats) -> None:
    p = better(values).p
    if p is not None and p < 1:
        for level in (p, np.nextafter(p, 0), np.nextafter(p, 1)):
            assert agree(values, float(level))


@pytest.mark.parametrize("tasks", range(1, 21))
def test_p_and_bound_agree_for_each_number_of_tasks(tasks: int) -> None:
    rng = np.random.default_rng(tasks)
    for values in rng.integers(-2, 5, (8, tasks)) / 10 + rng.choice([0, 1e-12], (8, tasks)):
        for level in (p_of(better(values)) if values.any() else 0.5, 0.024, 0.1):
            assert agree(values, min(level, 0.999))


@given(awkward_effects(most=8), levels)
@settings(deadline=None, max_examples=100)
def test_the_bound_is_a_mean_of_a_set_of_tasks(values: Floats, level: float) -> None:
    """Set by set; `k` sets at most may have a mean that is no larger, the empty one counted."""
    known = values[~np.isnan(values)].tolist()
    sets = [chosen for n in range(1, 9) for chosen in itertools.combinations(known, n)]
    k = int(level * 2 ** len(known))
    low = bound(values, level)
    if k < 1:
        assert low is None
    else:
        assert low == pytest.approx(sorted(map(np.mean, sets))[k - 1], abs=1e-7)


@given(awkward_effects(), levels, st.floats(-2, 2))
@settings(deadline=None, max_examples=100)
def test_the_test_of_another_mean_rejects_what_is_below_the_bound(
    values: Floats, level: float, mean: float
) -> None:
    low = bound(values, level)
    p = better(values - mean).p
    # Taking the mean off rounds each effect anew, which only counts right at the bound.
    if low is not None and p is not None and abs(low - mean) > 1e-6:
        assert (p <= level) == (mean < low)


@given(awkward_effects(), st.sampled_from([0.024, 0.1]), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_neither_order_nor_unit_changes_an_interval_and_the_mean_is_inside(
    values: Floats, level: float, shuffler: Random
) -> None:
    mixed = values.tolist()
    shuffler.shuffle(mixed)
    low, upper = bound(values, level), bound(-values, level)
    assert bound(np.array(mixed), level) == low
    if low is not None and upper is not None:
        assert bound(values * 8, level) == low * 8
        assert low - 1e-9 <= np.nanmean(values) <= -upper + 1e-9


def test_a_bound_worked_out_by_hand() -> None:
    """The means of the sets of 1, 2 and 6 are 1, 1.5, 2, 3, 3.5, 4 and 6."""
    values = np.array([6.0, NAN, 1.0, 2.0])
    assert [bound(values, k / 8) for k in range(1, 8)] == [1, 1.5, 2, 3, 3.5, 4, 6]
    assert bound(values, 0.124) is None
    assert bound(values, 0.249) == 1.0


@pytest.mark.parametrize(
    ("values", "low"), [([], None), ([NAN], None), ([0.0] * 3, None), ([0.0] * 6, 0.0)]
)
def test_a_bound_needs_tasks_and_no_effects(values: list[float], low: float | None) -> None:
    assert bound(np.array(values), 0.05) == low


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, NAN])
def test_a_level_is_a_chance(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        bound(np.ones(8), level)


@pytest.mark.parametrize("tasks", [6, 30])
def test_the_interval_leaves_the_truth_out_as_often_as_its_level_says(tasks: int) -> None:
    rng = np.random.default_rng(8)
    samples = rng.standard_t(2, (1000 if tasks == 6 else 150, tasks)) + 0.3
    lows = [bound(sample, 1 / 8) for sample in samples]
    above = np.mean([low is not None and low > 0.3 for low in lows])
    assert above == pytest.approx(1 / 8, abs=4 * np.sqrt(1 / 8 * 7 / 8 / len(samples)))


def test_patterns_are_all_there_once_and_the_first_changes_nothing() -> None:
    rows = signs(4)
    assert {tuple(row) for row in rows.tolist()} == set(itertools.product([1.0, -1.0], repeat=4))
    assert rows[0].tolist() == [1.0] * 4
    assert not rows.flags.writeable
    with pytest.raises(ValueError, match="17 tasks"):
        signs(EXACT_UP_TO + 1)


def test_random_patterns_are_fair_coins_and_come_in_chunks() -> None:
    chunks = list(flipped_sums(np.eye(100)))
    assert len(chunks) > 1
    rows = np.concatenate(chunks)
    assert rows.shape == (RANDOM_FLIPS, 100)
    assert (np.abs(rows) == 1).all()
    assert np.abs(rows.mean(axis=0)).max() < 5 / np.sqrt(RANDOM_FLIPS)


def test_patterns_are_the_same_whether_kept_or_too_many_to_keep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    effects = np.random.default_rng(3).normal(size=(EXACT_UP_TO + 9, 1))
    kept = np.concatenate(list(flipped_sums(effects)))
    monkeypatch.setattr("battery.verdict.signflip._KEPT_BYTES", 0)
    assert np.array_equal(kept, np.concatenate(list(flipped_sums(effects))))


@pytest.mark.parametrize("tasks", [0, 1, EXACT_UP_TO, EXACT_UP_TO + 1, 24, 25])
def test_a_row_is_turned_as_a_whole(tasks: int) -> None:
    table = np.random.default_rng(tasks).normal(size=(tasks, 2))
    # The first columns show the signs that the others are summed with.
    for rows in flipped_sums(np.hstack([np.eye(tasks), table])):
        np.testing.assert_allclose(rows[:, tasks:], rows[:, :tasks] @ table, rtol=1e-6, atol=1e-12)


@given(effects, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_relabelling_tasks_changes_no_p(values: Floats, shuffler: Random) -> None:
    mixed = values.tolist()
    shuffler.shuffle(mixed)
    assert better(np.array(mixed)) == better(values)


@given(effects, st.sampled_from([1e-300, 1e-3, 0.3, 7.7, 1e300]))
@settings(deadline=None)
def test_scaling_changes_no_p(values: Floats, factor: float) -> None:
    assert better(values * factor) == better(values)
    assert differs(values * factor) == differs(values)


@given(effects.filter(np.any))
@settings(deadline=None)
def test_swapping_the_arms_mirrors_p(values: Floats) -> None:
    one, other = p_of(better(values)), p_of(better(-values))
    least = 1 / 2 ** len(values)
    assert least <= one <= 1
    # Both count the patterns that give exactly the observed sum.
    assert one + other >= 1 + least
    assert differs(values) == differs(-values)
    assert p_of(differs(values)) == (1.0 if values.sum() == 0 else 2 * min(one, other))


def test_the_chance_of_a_count_worked_out_by_hand() -> None:
    """Two equal changes: of ++, +-, -+, -- only the first sum is above 0."""
    one = np.array([[1.0], [1.0]])
    assert chance_of_count(one, 1) == 1 / 4
    assert chance_of_count(one, 0) == 1.0
    assert chance_of_count(one, 2) == 0.0
    # A second metric that moves against the first: one of them improves in ++ and in --.
    both = np.hstack([one, -one])
    assert chance_of_count(both, 1) == 1 / 2
    assert chance_of_count(both, 2) == 0.0


def test_a_sum_of_zero_is_no_improvement_even_after_rounding() -> None:
    changes = np.array([[0.1], [0.2], [-0.3]])
    assert chance_of_count(changes, 1) == chance_of_count(np.round(changes * 10), 1) == 3 / 8


@pytest.mark.parametrize("changes", [np.zeros((3, 2)), np.full((3, 2), NAN), np.zeros((0, 2))])
def test_where_nothing_changed_there_is_no_chance_to_tell(changes: Floats) -> None:
    assert chance_of_count(changes, 1) is None


def test_three_of_five_comes_out_by_luck_about_half_of_the_time() -> None:
    """With an odd number of metrics and no ties, three or more better mirrors two or fewer."""
    assert chance_of_count(random(7, 8, 5), 3) == pytest.approx(0.5, abs=1e-9)
    assert chance_of_count(random(7, 300, 5), 3) == pytest.approx(0.5, abs=0.01)


@given(tables(), st.integers(1, 4))
@settings(deadline=None)
def test_a_higher_count_is_never_more_likely(table: Floats, needed: int) -> None:
    fewer, more = chance_of_count(table, needed), chance_of_count(table, needed + 1)
    if fewer is None or more is None:
        assert not np.nan_to_num(table).any()
    else:
        assert 0 <= more <= fewer <= 1


def test_many_batteries_have_the_p_of_each() -> None:
    table = random(3, 20, 7)
    assert each(table) == pytest.approx([p_of(better(row)) for row in table])
    assert each(table, two_sided=True) == pytest.approx([p_of(differs(row)) for row in table])
    assert each(np.zeros((2, 3))).tolist() == [1.0, 1.0]


def test_fewer_random_flips_give_about_the_same_p() -> None:
    table = random(4, 20, 10)
    assert each(table, most=512) == pytest.approx(each(table), abs=4 * (0.25 / 512) ** 0.5)
    assert each(table, most=512).tolist() != each(table).tolist()
