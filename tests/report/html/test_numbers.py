"""Numbers keep what is exact and never claim all or nothing of what is neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.report.html.numbers import figure, rate, rounded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1_234_567, "1,234,567"),
        (1_234_567.25, "1,234,567.25"),
        (12.5, "12.50"),
        (0.0125, "0.0125"),
        (3.0, "3"),
        (0.0, "0"),
        (99.9999, "100"),
    ],
)
def test_amounts(value: float, text: str) -> None:
    assert figure(float(value)) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1 / 3, "33.3%"),
        (0.5, "50%"),
        (0.996, "99.6%"),
        (0.9999, ">99.9%"),
        (1.0, "100%"),
        (0.0001, "<0.1%"),
        (0.0, "0%"),
    ],
)
def test_shares(share: float, text: str) -> None:
    assert rate(share) == text


@given(st.floats(0, 1))
def test_only_all_and_none_are_a_hundred_and_zero_percent(share: float) -> None:
    assert (rate(share) == "100%") == (share == 1)
    assert (rate(share) == "0%") == (share == 0)


@given(st.integers(0, 10**15))
def test_a_whole_number_keeps_all_its_digits(count: int) -> None:
    assert rounded(float(count)) == count
    assert figure(float(count)) == f"{count:,}"
