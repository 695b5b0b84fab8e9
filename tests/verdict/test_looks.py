from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.verdict.looks import BETS, MOST, e_values
from battery.verdict.signflip import Floats
from tests.verdict.drawn import measurable

NAN = float("nan")
#: What the looks after the planned one may spend, as 1 / e.
THRESHOLD = 200
blocks = st.lists(measurable(1e6), max_size=6).map(np.array)
Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]

NULLS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "t2": lambda rng, shape: rng.standard_t(2, shape),
    "cauchy": lambda rng, shape: rng.standard_cauchy(shape),
    "two points": lambda rng, shape: rng.choice([-1.0, 1.0], shape),
}


def simulated(differences: Floats) -> Floats:
    """Return the e-values of many batteries (first axis) of blocks of pairs, all at once.

    The first block is iteration 1.
    """
    squares = (differences**2).mean(axis=2)
    earlier = np.cumsum(squares, axis=1) / np.arange(1, squares.shape[1] + 1)
    spread = np.sqrt(earlier[:, :-1, None])
    cut = np.clip(differences[:, 1:] / spread, -MOST, MOST)
    logs = [np.log(1 + np.tanh(bet * cut)).sum(axis=2).cumsum(axis=1) for bet in BETS]
    values: Floats = np.mean(np.exp(logs), axis=0)
    return values


def reached(values: Floats) -> Floats:
    """Return after each block in which share of batteries it has ever been enough."""
    shares: Floats = (np.maximum.accumulate(values, axis=1) >= THRESHOLD).mean(axis=0)
    return shares


@pytest.mark.parametrize("null", NULLS)
def test_what_the_simulation_reckons_is_what_the_module_does(null: str) -> None:
    differences = NULLS[null](np.random.default_rng(1), (20, 6, 5))
    for battery, expected in zip(differences, simulated(differences), strict=True):
        assert e_values(list(battery[1:]), battery[0]) == pytest.approx(expected)


@pytest.mark.parametrize("null", NULLS)
def test_without_an_effect_twenty_looks_rarely_reach_the_threshold(null: str) -> None:
    rng = np.random.default_rng(2)
    # In parts, each small enough for the memory of a small machine.
    hits = [reached(simulated(NULLS[null](rng, (2000, 21, 24))))[-1] for _ in range(4)]
    level = 1 / THRESHOLD
    assert np.mean(hits) <= level + 3 * np.sqrt(level * (1 - level) / 8_000)


def test_an_effect_of_half_a_deviation_is_found_within_a_few_looks() -> None:
    differences = np.random.default_rng(3).normal(0.5, 1, (2000, 11, 24))
    found = reached(simulated(differences))
    assert found[1] > 0.35
    assert found[3] > 0.85
    assert found[9] > 0.99


def test_the_average_over_all_signs_is_one_after_each_block() -> None:
    """The property that everything rests on, without luck: all signs of two blocks of three."""
    before = np.array([1.0, -3.0])
    sizes = np.array([0.2, 1.0, 7.0, 0.0, 2.0, 40.0])
    patterns = itertools.product([1.0, -1.0], repeat=6)
    found = [
        e_values(np.split(sizes * np.array(pattern), 2), before).tolist() for pattern in patterns
    ]
    assert np.mean(found, axis=0) == pytest.approx([1.0, 1.0])


def test_one_block_worked_out_by_hand() -> None:
    """The spread is 2, so the differences are half a spread, and a thousand, cut off at two."""
    found = e_values([np.array([1.0, NAN, -2000.0])], np.array([2.0, -2.0, NAN]))
    by_bet = [(1 + np.tanh(bet * 0.5)) * (1 + np.tanh(bet * -2)) for bet in BETS]
    assert found == pytest.approx([np.mean(by_bet)])


def test_nothing_is_bet_before_anything_tells_how_large_differences_are() -> None:
    good = np.full(8, 3.0)
    for before in (None, np.array([]), np.array([NAN]), np.zeros(4)):
        found = e_values([good, good], before)
        assert found[0] == 1.0
        assert found[1] > 2
    assert e_values([np.zeros(3)] * 3).tolist() == [1.0, 1.0, 1.0]


def test_an_iteration_without_pairs_changes_nothing() -> None:
    good = np.full(8, 3.0)
    gap = np.array([NAN, NAN])
    assert e_values([good, gap, good, np.array([])]).tolist() == pytest.approx(
        [1.0, 1.0, *[e_values([good, good])[1]] * 2]
    )
    assert e_values([]).size == 0


def test_later_blocks_do_not_change_what_was_reported_before() -> None:
    series = list(np.random.default_rng(4).normal(0.3, 1, (6, 10)))
    assert e_values(series)[:4].tolist() == e_values(series[:4]).tolist()


def test_the_more_the_better_and_worse_than_nothing_is_no_evidence() -> None:
    before, good = np.array([1.0, -1.0]), np.full(200, 1.0)
    rising = e_values([good] * 40, before)
    assert (np.diff(rising) >= 0).all()
    assert np.isfinite(rising).all()
    assert rising[0] > 1e30
    assert e_values([-good] * 40, before)[-1] < 1e-30


@given(st.lists(blocks, max_size=5), st.none() | blocks, st.integers(-40, 40))
@settings(deadline=None)
def test_e_values_are_numbers_that_know_no_unit(
    series: list[Floats], before: Floats | None, exponent: int
) -> None:
    found = e_values(series, before)
    assert found.shape == (len(series),)
    assert (found >= 0).all()
    assert np.isfinite(found).all()
    unit = 2.0**exponent
    scaled = e_values([block * unit for block in series], None if before is None else before * unit)
    assert scaled == pytest.approx(found, rel=1e-6)


@given(blocks, blocks)
@settings(deadline=None)
def test_the_order_within_an_iteration_does_not_matter(before: Floats, block: Floats) -> None:
    assert e_values([block[::-1]], before[::-1]) == pytest.approx(e_values([block], before))
