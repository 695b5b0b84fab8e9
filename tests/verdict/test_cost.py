"""Effects are logs of ratios of means, over the cells that both arms measured."""

from __future__ import annotations

from math import exp, inf, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.verdict import cost

sizes = st.one_of(st.just(0.0), st.floats(1e-3, 1e9))


def calls(*cells: list[float]) -> np.ndarray:
    """Make one task of iterations by repeats."""
    return np.array([cells], dtype=np.float64)


def test_an_effect_is_of_means_and_not_a_mean_of_effects() -> None:
    own, base = calls([500.0], [1500.0]), calls([1000.0], [1000.0])
    assert cost.task_effects(own, base).tolist() == [0.0]
    assert cost.cell_effects(own, base)[0] == pytest.approx([log(2), -log(1.5)])


def test_repeats_are_averaged_inside_their_cell() -> None:
    assert cost.task_effects(calls([1.0, 3.0], [8.0, nan]), calls([2.0, nan], [8.0, 8.0])) == [0.0]


def test_cells_that_one_arm_did_not_measure_are_left_out_of_both() -> None:
    own, base = calls([100.0], [nan]), calls([200.0], [10.0])
    assert cost.task_effects(own, base) == pytest.approx([log(2)])
    learn, frozen = cost.common(own, base)
    assert np.isnan(learn).tolist() == np.isnan(frozen).tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("own", "base", "ratio"),
    [
        (0.0, 1000.0, 0.01),
        (1000.0, 0.0, 100.0),
        # Whatever the unit is: dollars are smaller numbers than tokens.
        (0.0, 0.5, 0.01),
        (0.00005, 0.0, 100.0),
        (0.0, 0.0, 1.0),
    ],
)
def test_nothing_counts_as_little(own: float, base: float, ratio: float) -> None:
    effect = cost.log_ratio(np.array([own]), np.array([base]))
    assert np.exp(-effect) == pytest.approx([ratio])


@given(sizes, sizes)
def test_exchanging_the_sides_turns_the_effect_around(own: float, base: float) -> None:
    one, other = (
        cost.log_ratio(np.array([a]), np.array([b]))[0] for a, b in ((own, base), (base, own))
    )
    assert one == pytest.approx(-other)
    assert one * (base - own) >= 0


def test_dust_is_no_information() -> None:
    assert cost.log_ratio(np.array([1.0 + 1e-12]), np.array([1.0])).tolist() == [0.0]
    assert cost.log_ratio(np.array([1.0 + 1e-8]), np.array([1.0]))[0] < 0


def test_a_typical_task_is_a_geometric_mean() -> None:
    assert cost.ratio(np.array([log(2), log(8), nan])) == pytest.approx(1 / 4)
    assert cost.ratio(np.array([nan])) is None
    assert cost.as_ratio(-1e9) == exp(700)
    assert (cost.effect(0.5), cost.effect(0.0)) == (log(2), inf)


def scattered(share: float) -> np.ndarray:
    """Make six tasks of which odd iterations take so much more than even ones."""
    rows = [
        [[100.0 * (1 + share * ((task + column) % 2))] for column in range(4)] for task in range(8)
    ]
    return np.array(rows)


def test_calls_that_scatter_more_are_seen() -> None:
    rows = [list(range(8))]
    assert cost.scatters(scattered(2.0), scattered(0.1), rows)
    assert not cost.scatters(scattered(0.1), scattered(2.0), rows)
    assert not cost.scatters(scattered(0.5), scattered(0.5), rows)
    # One iteration scatters nowhere.
    assert not cost.scatters(scattered(2.0)[:, :1], scattered(0.1)[:, :1], rows)


def test_what_all_tasks_of_a_kind_do_together_is_no_scatter() -> None:
    """Learning makes all of them cheaper and cheaper."""
    own = np.array([[[1000.0 / (1 + column)] for column in range(4)] for _ in range(8)])
    assert not cost.scatters(own, np.full((8, 4, 1), 1000.0), [list(range(8))])


def test_a_mean_of_few_scattering_calls_is_too_low_by_its_skew() -> None:
    """By half of the variance, over the calls and the mean squared."""
    own, even = calls([200.0], [300.0], [2200.0], [700.0]), calls(*[[1000.0]] * 4)
    mean, count = 850, 4
    variance = sum((x - mean) ** 2 for x in (200, 300, 2200, 700)) / (count - 1)
    too_low = variance / (2 * count * mean**2)
    assert cost.skew(own, even) == pytest.approx(too_low)
    assert cost.skew(even, own) == pytest.approx(-too_low)
    assert cost.skew(10 * own, own) == pytest.approx(0)


def test_a_single_call_and_free_calls_have_no_skew() -> None:
    one, free = calls([500.0], [nan]), calls([0.0], [0.0])
    assert cost.skew(one, calls([100.0], [900.0])) == 0
    assert cost.skew(free, calls([100.0], [900.0])) == 0
