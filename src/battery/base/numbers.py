"""Numbers as people read them; pure, and the same in every report."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

# Random flips cannot tell smaller ones apart, and nobody decides by the fourth decimal.
#: A p-value below this is written as being below it.
LEAST_P: Final = 0.001
#: Above ten times nobody needs the digits.
HUGE: Final = 10.0
#: Decimals beyond these are worth nothing to anybody.
_MOST_PLACES: Final = 9
AS_MANY: Final = "as many"
_MINUS: Final = re.compile(r"(?<![\w./-])-(?=\$?\.?\d)")


def number(value: float, places: int = 2, *, grouped: bool = False) -> str:
    """Write a number with fixed decimals, halves rounded away from zero: 3.625 is 3.63.

    The number is taken as it is written in decimal, so 2.675 is 2.68 although its binary
    fraction is below that. `grouped` puts commas between thousands. No zero has a sign: -0.001 is
    0.00.
    """
    rounded = _round(Decimal(repr(value)), places)
    return f"{rounded:,f}" if grouped else f"{rounded:f}"


def money(dollars: float) -> str:
    """Write US dollars: `$12.35`, and below one dollar with three digits that tell: `$0.0123`."""
    exact = abs(Decimal(repr(dollars)))
    # `adjusted` is the place of the first digit: -2 for 0.0123.
    places = 2 if not exact or exact >= 1 else min(2 - exact.adjusted(), _MOST_PLACES)
    return with_sign(min(dollars, 0), f"${_round(exact, places):,f}")


def signed(value: float, places: int = 2, *, grouped: bool = False) -> str:
    """Write a change like `number`, with its sign: +3.00, -4520.00; no change is 0.00."""
    return with_sign(value, number(abs(value), places, grouped=grouped))


def counted(count: int, noun: str) -> str:
    """Write how many there are: `1 task`, `1,200 tasks`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(share: float, places: int = 0) -> str:
    """Write a share of 1 as a percentage: 0.375 is 38%."""
    # Moving the decimal point is exact; multiplying the float by 100 is not.
    return f"{_round(Decimal(repr(share)).scaleb(2), places):f}%"


def signed_percent(share: float, places: int = 1) -> str:
    """Write a relative change with its sign: -0.486 is -48.6%, none is 0.0%."""
    return with_sign(share, percent(abs(share), places))


def more_or_fewer(ratio: float, places: int | None = None) -> str:
    """Write a ratio as people say it: `38% fewer`, `12% more`, `0.3% more`, `as many`.

    Whole percents, or one decimal near nothing, where a whole percent would round the direction
    away; `places` where the number is next to a bound. Above ten times: `more than 900% more`.
    """
    if ratio > HUGE:
        return f"more than {percent(HUGE - 1)} more"
    difference = abs(ratio - 1)
    if difference < 0.0005:
        return AS_MANY
    usual = 0 if difference >= 0.01 else 1
    words = "fewer" if ratio < 1 else "more"
    return f"{percent(difference, usual if places is None else places)} {words}"


def p_value(p: float | None) -> str:
    """Write a p-value for a table: `0.008`, `< 0.001`; a dash where nothing was tested."""
    if p is None:
        return "-"
    return f"< {LEAST_P}" if p < LEAST_P else number(p, 3)


def p_equals(p: float | None) -> str:
    """Write a p-value for a sentence: `p = 0.008`, `p < 0.001`."""
    text = p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def duration(seconds: float) -> str:
    """Write a duration: 850 ms, 12.3 s, 3:07 (minutes), 1:02:03 (hours)."""
    exact = Decimal(repr(seconds))
    milliseconds = int(_round(exact * 1000, 0))
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    # Rounded before the unit is chosen: 59.96 s is a minute, not 60.0 s.
    tenths = _round(exact, 1)
    if tenths < 60:
        return f"{tenths} s"
    minutes, rest = divmod(int(_round(exact, 0)), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def minus(text: str) -> str:
    """Write the minus of each number in a text as U+2212, which is as wide as a plus.

    The one rule: where a person reads, below zero is a real minus, which is the page, Markdown and
    terminals that can show it. Where a program may read, it is a hyphen: pipes, JSON, CSV, JUnit,
    and the table of metrics in `summary.md`, whose format is fixed. Ranges, dates and paths are
    left alone; names that others chose are not to be passed.
    """
    return _MINUS.sub("\N{MINUS SIGN}", text)


def with_sign(change: float, amount: str) -> str:
    """Put the sign of a change in front of its amount; none where that is written as zero."""
    shown = any(digit in amount for digit in "123456789")
    return amount if not shown or not change else f"{'+' if change > 0 else '-'}{amount}"


def _round(exact: Decimal, places: int) -> Decimal:
    # From Decimal("1e-2") on, not from a float, which would bring its binary fraction along.
    rounded = exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    # A zero below zero would read as a loss that nobody can see.
    return rounded or abs(rounded)
