from __future__ import annotations

import itertools
from fractions import Fraction
from math import comb

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.verdict.signflip import Floats
from battery.verdict.strata import LEAST_P, Stratum, by_task, fewer, more

NAN = float("nan")


@st.composite
def strata(draw: st.DrawFn, most_calls: int = 12) -> Stratum:
    own, base = draw(st.tuples(st.integers(0, most_calls), st.integers(0, most_calls)))
    return Stratum(draw(st.integers(0, own)), own, draw(st.integers(0, base)), base)


def p_of(p: float | None) -> float:
    assert p is not None
    return p


def counted(strata: list[Stratum]) -> float | None:
    """Convolve whole numbers, and divide once."""
    ways, total = {0: 1}, 1
    for stratum in filter(lambda stratum: stratum.informative, strata):
        sums: dict[int, int] = {}
        for so_far, number in ways.items():
            for own in range(min(stratum.own, stratum.events) + 1):
                more_ways = comb(stratum.own, own) * comb(stratum.base, stratum.events - own)
                sums[so_far + own] = sums.get(so_far + own, 0) + number * more_ways
        ways, total = sums, total * comb(stratum.own + stratum.base, stratum.events)
    if total == 1:
        return None
    observed = sum(stratum.own_events for stratum in strata if stratum.informative)
    return float(Fraction(sum(n for own, n in ways.items() if own >= observed), total))


def exchanged(own: list[list[int]], base: list[list[int]]) -> float:
    """Deal the calls of each task to both sides in every way."""
    sums = [0]
    for mine, other in zip(own, base, strict=True):
        deals = [sum(deal) for deal in itertools.combinations(mine + other, len(mine))]
        sums = [so_far + deal for so_far in sums for deal in deals]
    observed = sum(map(sum, own))
    return sum(each >= observed for each in sums) / len(sums)


def test_two_tasks_worked_out_by_hand() -> None:
    """1 of 6 deals gives the own side both events of a task, 4 of 6 one of them."""
    both, split = Stratum(2, 2, 0, 2), Stratum(1, 2, 1, 2)
    assert more([both]) == pytest.approx(1 / 6)
    assert more([split]) == pytest.approx(5 / 6)
    assert more([both, both]) == pytest.approx(1 / 36)
    assert more([both, split]) == pytest.approx(9 / 36)
    assert fewer([both]) == 1.0


@given(strata(), st.lists(strata(), max_size=5))
@settings(deadline=None, max_examples=200)
def test_p_counts_all_ways_that_events_can_fall(first: Stratum, others: list[Stratum]) -> None:
    expected = counted([first, *others])
    if expected is None:
        assert more([first, *others]) is None
    else:
        assert more([first, *others]) == pytest.approx(expected, rel=1e-11, abs=0)


calls = st.lists(st.integers(0, 1), min_size=1, max_size=3)


@given(st.lists(st.tuples(calls, calls), min_size=1, max_size=3))
@settings(deadline=None)
def test_p_counts_all_deals_of_the_calls(tasks: list[tuple[list[int], list[int]]]) -> None:
    own, base = [list(side) for side in zip(*tasks, strict=True)]
    found = more([Stratum(sum(a), len(a), sum(b), len(b)) for a, b in zip(own, base, strict=True)])
    assert exchanged(own, base) == (1.0 if found is None else pytest.approx(found))


@given(strata(most_calls=60))
@settings(deadline=None)
def test_one_stratum_is_fishers_test(stratum: Stratum) -> None:
    table = np.array(
        [
            [stratum.own_events, stratum.own - stratum.own_events],
            [stratum.base_events, stratum.base - stratum.base_events],
        ]
    )
    if stratum.informative:
        greater = scipy.stats.fisher_exact(table, alternative="greater")
        less = scipy.stats.fisher_exact(table, alternative="less")
        assert p_of(more([stratum])) == pytest.approx(greater.pvalue, rel=1e-9, abs=0)
        assert p_of(fewer([stratum])) == pytest.approx(less.pvalue, rel=1e-9, abs=0)


@given(st.lists(strata(), max_size=5).filter(lambda them: any(s.informative for s in them)))
@settings(deadline=None)
def test_the_two_sides_mirror_each_other(several: list[Stratum]) -> None:
    turned = [Stratum(*stratum[2:], *stratum[:2]) for stratum in several]
    assert p_of(fewer(several)) == pytest.approx(p_of(more(turned)), rel=1e-11, abs=0)
    assert p_of(more(several)) + p_of(fewer(several)) > 1


@given(st.lists(strata(), max_size=5))
@settings(deadline=None)
def test_the_order_of_the_tasks_does_not_matter(several: list[Stratum]) -> None:
    assert more(several[::-1]) == more(several)


@given(st.lists(strata(most_calls=4), max_size=3))
@settings(deadline=None)
def test_a_p_that_is_a_round_share_reaches_that_level(several: list[Stratum]) -> None:
    """1 of 10 deals is .1 to the last digit, not a rounding above."""
    expected = counted(several)
    if expected is not None and round(expected, 3) == expected:
        assert more(several) == expected


@pytest.mark.parametrize(
    "stratum",
    [
        Stratum(0, 0, 0, 0),
        Stratum(3, 5, 0, 0),
        Stratum(0, 0, 3, 5),
        Stratum(0, 5, 0, 5),
        Stratum(5, 5, 4, 4),
    ],
)
def test_a_task_that_cannot_differ_says_nothing_and_changes_nothing(stratum: Stratum) -> None:
    assert more([stratum]) is None
    assert fewer([stratum, stratum]) is None
    telling = Stratum(4, 5, 1, 5)
    assert more([stratum, telling]) == more([telling])


def test_without_a_task_there_is_nothing_to_test() -> None:
    assert more([]) is None


def test_small_p_keep_their_digits() -> None:
    """20 tasks with all 10 events on the own side: one deal of C(20, 10) each."""
    assert more([Stratum(10, 10, 0, 10)] * 20) == pytest.approx(
        float(Fraction(1, comb(20, 10) ** 20)), rel=2e-12
    )


def test_p_is_never_zero() -> None:
    assert more([Stratum(10, 10, 0, 10)] * 1000) == LEAST_P
    assert fewer([Stratum(10, 10, 0, 10)] * 1000) == 1.0


@pytest.mark.no_cover
def test_many_unequal_tasks_and_many_calls_are_counted_too() -> None:
    rng = np.random.default_rng(1)
    several = []
    for own, base in rng.integers(1, 11, (300, 2)).tolist():
        events = rng.integers(0, [own + 1, base + 1]).tolist()
        several.append(Stratum(events[0], own, events[1], base))
    assert more(several) == pytest.approx(counted(several), rel=1e-10, abs=0)
    large = Stratum(5100, 10_000, 4900, 10_000)
    oracle = scipy.stats.hypergeom.sf(5099, 20_000, 10_000, 10_000)
    assert more([large]) == pytest.approx(oracle, rel=1e-8, abs=0)


def test_p_is_close_to_cochrans_test_where_calls_are_many() -> None:
    """Cochran-Mantel-Haenszel, corrected for continuity."""
    rng = np.random.default_rng(2)
    several = [
        Stratum(int(rng.binomial(40, 0.6)), 40, int(rng.binomial(30, 0.5)), 30) for _ in range(12)
    ]
    excess = variance = 0.0
    for stratum in several:
        margins = scipy.stats.hypergeom(stratum.own + stratum.base, stratum.events, stratum.own)
        excess += stratum.own_events - margins.mean()
        variance += margins.var()
    normal = scipy.stats.norm.sf((excess - 0.5) / np.sqrt(variance))
    assert more(several) == pytest.approx(normal, rel=0.02)


def test_small_p_are_as_rare_as_they_say() -> None:
    """Tasks done in 10 to 90 %, 6 calls per side: at most a twentieth of 2,000 have p <= .05."""
    rng = np.random.default_rng(3)
    rates = np.linspace(0.1, 0.9, 8)[:, None]
    sides = (rng.random((2000, 2, 8, 6)) < rates).astype(np.float64)
    found = [more(by_task(own, base)) for own, base in sides]
    share = np.mean([p is not None and p <= 0.05 for p in found])
    assert 0.015 < share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_calls_are_counted_per_task() -> None:
    own: Floats = np.array([[1.0, 0.0, NAN], [NAN, NAN, NAN]])
    base: Floats = np.array([[0.0, 0.0, 0.0, 1.0], [1.0, 1.0, NAN, 0.0]])
    assert by_task(own, base) == [Stratum(1, 2, 1, 4), Stratum(0, 0, 2, 3)]
    with pytest.raises(ValueError, match="longer"):
        by_task(own[:1], base)
