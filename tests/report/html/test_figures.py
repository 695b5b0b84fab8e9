"""Intervals are drawn to scale, with no difference always on it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.report.html.figures import Scale, bar

CHANGES = st.floats(-1, 20, allow_nan=False)


@pytest.mark.parametrize(
    ("changes", "low", "high"),
    [
        ([], -0.1, 0.1),
        ([-0.05, 0.1], -0.1, 0.1),
        ([-0.4, -0.55], -1, 1),
        ([3.0], -1, 5),
        ([99.0], -1, 10),
    ],
)
def test_the_scale_is_the_smallest_that_holds_all(
    changes: list[float], low: float, high: float
) -> None:
    assert Scale.over(changes) == (low, high)


@given(st.lists(CHANGES, min_size=3, max_size=3).map(sorted))
def test_places_keep_the_order_and_stay_inside(values: list[float]) -> None:
    low, middle, high = values
    scale = Scale.over(values)
    drawn = bar("words", [middle, low, high], scale)
    assert drawn.band
    left, right = drawn.band[0], 100 - drawn.band[1]
    assert 0 <= left <= drawn.point + 0.01
    assert drawn.point <= right + 0.01 <= 100.02
    assert 0 < drawn.none < 100


def test_ticks_name_both_ends_and_nothing_between() -> None:
    drawn = bar("words", [-0.2], Scale.over([-0.2]), ticks=True)
    assert [text for _, text in drawn.ticks] == ["-25%", "0%: no difference", "+25%"]
    assert drawn.band is None
