"""Numbers of the page, the same in charts, tables, grid and tips; pure.

`assets/page.js` has the same two formats for what is drawn and switched later.
"""

from __future__ import annotations

from typing import Final

from battery.base.numbers import number, percent

#: Digits of a share or of a part of a second; no chart can show more.
_DIGITS: Final = 6


def rounded(value: float) -> int | float:
    """Shorten what is not whole; a whole number keeps all its digits."""
    if value.is_integer():
        return int(value)
    return round(value, 2) if abs(value) >= 1 else float(f"{value:.{_DIGITS}g}")


def figure(value: float) -> str:
    """Write an amount: 1,234,567 when whole, else 12.50, or 0.0125 below 1."""
    short = rounded(value)
    if float(short).is_integer():
        return f"{int(short):,}"
    return number(short, 2 if abs(short) >= 1 else 4, grouped=True)


def rate(share: float) -> str:
    """Write a share of 1: 50%, or 33.3% when not exact; 0% and 100% only for none and all."""
    tenths = percent(share, 1)
    if 0 < share < 1 and tenths in {"0.0%", "100.0%"}:
        return "<0.1%" if tenths == "0.0%" else ">99.9%"
    return tenths.replace(".0%", "%") if percent(share, 4).endswith(".0000%") else tenths
