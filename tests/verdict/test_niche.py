"""The test of niche tasks by exchanging pairs, held against all exchanges one after the other."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.verdict import niche, policy
from battery.verdict.cost import log_ratio
from battery.verdict.niche import Pairs, exchanged, saves, saves_each
from battery.verdict.signflip import Floats

NAN = float("nan")
COSTS = st.sampled_from([NAN, 0.0, 1.0, 2.0, 3.0, 500.0, 700.0])


def one_by_one(own: Floats, base: Floats) -> float:
    """Exchange every subset of the pairs, and count how often as much is saved."""
    places = np.argwhere(~np.isnan(own))

    def saved(exchanged: tuple[bool, ...]) -> float:
        sides = own.copy(), base.copy()
        for place, turned in zip(places, exchanged, strict=True):
            if turned:
                sides[0][tuple(place)], sides[1][tuple(place)] = (
                    base[tuple(place)],
                    own[tuple(place)],
                )
        rows = ~np.isnan(own).all(axis=1)
        return float(log_ratio(*(np.nanmean(side[rows], axis=1) for side in sides)).sum())

    observed = saved((False,) * len(places))
    every = [saved(turned) for turned in product((False, True), repeat=len(places))]
    return float(np.mean([each >= observed - 1e-9 * (1 + abs(observed)) for each in every]))


@given(
    st.integers(1, 3).flatmap(
        lambda tasks: st.lists(
            st.lists(st.tuples(COSTS, COSTS), min_size=3, max_size=3),
            min_size=tasks,
            max_size=tasks,
        )
    )
)
@settings(deadline=None, max_examples=60)
def test_p_is_the_share_of_all_exchanges(rows: list[list[tuple[float, float]]]) -> None:
    calls = np.array(rows)
    missing = np.isnan(calls).any(axis=2)
    calls[missing] = NAN
    own, base = calls[..., 0], calls[..., 1]
    if (own == base)[~missing].all():
        assert exchanged(Pairs(own, base)) is None
    else:
        assert exchanged(Pairs(own, base)) == pytest.approx(one_by_one(own, base), abs=1e-12)


@pytest.mark.parametrize("shape", [(20, 3, 4, 1), (10, 2, 3, 3), (10, 7, 2, 2)])
def test_many_batteries_have_the_p_of_each(shape: tuple[int, ...]) -> None:
    own, base = np.exp(np.random.default_rng(1).normal(8, 0.3, (2, *shape)))
    one_by_one = [saves(*each) for each in zip(own, base, strict=True)]
    assert saves_each(own, base) == pytest.approx(one_by_one)


def test_sixteen_million_exchanges_are_counted_and_not_drawn() -> None:
    """Six niche tasks of four pairs: all in favour leaves one of 2^24 exchanges."""
    rng = np.random.default_rng(1)
    base = rng.uniform(1000, 2000, (6, 4))
    assert exchanged(Pairs(base / 2, base)) == 1 / 2**24


def test_the_end_of_the_interval_is_on_the_side_of_the_p_value() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        own, base = np.exp(rng.normal([[[7.7]], [[8.0]]], 0.3, (2, 3, 2)))[..., None]
        p, low = niche.saves(own, base), niche.bound(own, base, policy.NICHE_OF_SIX)
        assert p is not None
        assert low is not None
        assert (p <= policy.NICHE_OF_SIX) == (low > 0)
