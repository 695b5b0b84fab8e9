"""Arms differ at the start where chance does not explain it and the difference is worth a word."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from battery.verdict.start import differs

EIGHT = np.array([100.0, 200, 300, 400, 500, 600, 700, 800])


@pytest.mark.parametrize(
    ("learn", "frozen", "ratio"),
    [
        (0.6 * EIGHT, EIGHT, 0.6),
        (1.05 * EIGHT, EIGHT, 1.05),
        # Regular, but too small to spoil anything.
        (1.049 * EIGHT, EIGHT, None),
        (EIGHT, EIGHT, None),
        # Seven of eight tasks may lean one way by chance, and seven tasks may do so all.
        (EIGHT * [0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 1.1], EIGHT, None),
        (0.6 * EIGHT[1:], EIGHT[1:], None),
        # Nobody reported tokens of one task.
        (0.6 * EIGHT, np.array([np.nan, *EIGHT[1:]]), None),
        # An answer from memory costs nothing; it counts as a hundredth.
        (0 * EIGHT, EIGHT, 0.01),
        (0 * EIGHT, 0 * EIGHT, None),
        (np.array([]), np.array([]), None),
    ],
)
def test_arms_differ_by_chance_or_by_little_or_not(
    learn: np.ndarray, frozen: np.ndarray, ratio: float | None
) -> None:
    differing = differs(learn, frozen)
    assert (differing and differing.ratio) == (ratio and pytest.approx(ratio))


def test_it_says_by_how_much_and_why_most_likely() -> None:
    less, more = differs(0.6 * EIGHT, EIGHT), differs(1.5 * EIGHT, EIGHT)
    assert less is not None
    assert more is not None
    assert less.text.endswith(
        "took 40% fewer tokens on a typical task than the frozen arm (p = 0.008, 8 tasks)"
    )
    assert "memory of an earlier battery" in less.cause
    assert "50% more tokens" in more.text
    assert "memory of an earlier battery" not in more.cause


tokens = arrays.arrays(np.float64, 10, elements=st.integers(0, 2**53).map(float))


@given(tokens, tokens)
def test_exchanging_the_arms_inverts_the_ratio(learn: np.ndarray, frozen: np.ndarray) -> None:
    one, other = differs(learn, frozen), differs(frozen, learn)
    # 5% fewer is less than 5% more, so at the edge only one of them is worth a word.
    if one is not None and other is not None:
        assert one.ratio * other.ratio == pytest.approx(1)
        assert one.p == pytest.approx(other.p)
        assert one.tasks == other.tasks
