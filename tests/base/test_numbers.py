from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.numbers import (
    duration,
    minus,
    money,
    number,
    p_equals,
    p_value,
    percent,
    signed,
    signed_percent,
)

#: More than a thousand calls add up to, each with as many tokens as an answer may report.
MOST = 10.0**20
finite = st.floats(-MOST, MOST)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00"),
        (7, "7.00"),
        (3.625, "3.63"),
        (3.635, "3.64"),
        (2.675, "2.68"),
        (1.005, "1.01"),
        (0.125, "0.13"),
        (2.674999, "2.67"),
        (-0.005, "-0.01"),
        (-2.675, "-2.68"),
        (-0.001, "0.00"),
        (-0.0, "0.00"),
        (999.995, "1000.00"),
        (1e21, "1000000000000000000000.00"),
    ],
)
def test_two_decimals_with_halves_away_from_zero(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [(1234567, 0, "1,234,567"), (1234.5, 2, "1,234.50"), (-9999.5, 0, "-10,000"), (999, 0, "999")],
)
def test_thousands_are_grouped_on_request(value: float, places: int, text: str) -> None:
    assert number(value, places, grouped=True) == text


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0, "$0.00"),
        (0.0123, "$0.0123"),
        (0.012345, "$0.0123"),
        (0.5, "$0.500"),
        (0.099996, "$0.1000"),
        (1, "$1.00"),
        (12.345, "$12.35"),
        (1234567.891, "$1,234,567.89"),
        (-0.0456, "-$0.0456"),
        (0.00000012345, "$0.000000123"),
        (1e-12, "$0.000000000"),
        (0.1 + 0.2, "$0.300"),
    ],
)
def test_money_has_cents_or_three_digits_that_tell(dollars: float, text: str) -> None:
    assert money(dollars) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0004, "0 ms"),
        (0.8499, "850 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (1, "1.0 s"),
        (12.345, "12.3 s"),
        (59.94, "59.9 s"),
        (59.95, "1:00"),
        (187, "3:07"),
        (3599.4, "59:59"),
        (3599.5, "1:00:00"),
        (3723, "1:02:03"),
        (360_000, "100:00:00"),
    ],
)
def test_durations_choose_their_unit_after_rounding(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("share", "text"), [(0, "0%"), (0.375, "38%"), (1, "100%")])
def test_shares_are_whole_percentages(share: float, text: str) -> None:
    assert percent(share) == text


@given(st.floats(-0.01, 0.01), st.integers(0, 2))
def test_no_zero_has_a_sign(value: float, places: int) -> None:
    texts = (
        number(value, places),
        signed(value, places),
        percent(value, places),
        signed_percent(value, places),
        money(value),
    )
    for text in texts:
        assert set(text) & set("123456789") or not set(text) & set("+-"), text


@given(finite)
@settings(deadline=None)
def test_any_number_is_written_within_half_a_hundredth(value: float) -> None:
    text = number(value)
    assert len(text.split(".")[1]) == 2
    assert abs(Decimal(text) - Decimal(repr(value))) <= Decimal("0.005")


@given(finite)
@settings(deadline=None)
def test_grouping_and_signs_do_not_change_the_number(value: float) -> None:
    assert number(value, grouped=True).replace(",", "") == number(value)
    assert signed(value).lstrip("+") == number(value)
    assert (signed(value)[0] in "+-") == (number(value) != "0.00")
    assert signed_percent(value).endswith("%")


@pytest.mark.parametrize(
    ("p", "cell", "sentence"),
    [(0.0004, "< 0.001", "p < 0.001"), (0.001, "0.001", "p = 0.001"), (0.25, "0.250", "p = 0.250")],
)
def test_a_p_value_too_small_to_show_is_below_its_bound_everywhere(
    p: float, cell: str, sentence: str
) -> None:
    assert (p_value(p), p_equals(p)) == (cell, sentence)


@pytest.mark.parametrize(
    ("ascii_text", "shown"),
    [
        ("-39%", "−39%"),
        ("-55.4% to +2.0%", "−55.4% to +2.0%"),
        ("better (-4,520.00, -48.6%)", "better (−4,520.00, −48.6%)"),
        ("-$0.50", "−$0.50"),
        ("-", "-"),
        ("2026-11-27, 1-3, gpt-4, --last, -n 3, x-1", "2026-11-27, 1-3, gpt-4, --last, -n 3, x-1"),
    ],
)
def test_only_the_minus_of_a_number_becomes_a_real_one(ascii_text: str, shown: str) -> None:
    assert minus(ascii_text) == shown
