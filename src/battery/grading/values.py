"""Values of an answer compared with what a check states; a reason says how they differ."""

from __future__ import annotations

import json
from fractions import Fraction
from math import isfinite
from typing import Any, Final

from battery.base.jsonio import kind_of
from battery.base.text import brief, listed

#: Columns of a value, or of a check's own words, that a reason shows.
SHOWN: Final = 300


def shown(value: Any) -> str:
    """Show the beginning of a value, on one harmless line."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError, TypeError):
        text = f"{kind_of(value)} that is too large to show"
    return brief(text, SHOWN)


def key_of(value: Any) -> object:
    """Return what is equal for values that are equal in JSON: 1 is 1.0, and true is not 1."""
    if isinstance(value, dict):
        return ("object", frozenset((name, key_of(item)) for name, item in value.items()))
    if isinstance(value, list):
        return ("list", tuple(map(key_of, value)))
    return (type(value).__name__ if value is None or isinstance(value, bool | str) else "", value)


def equals(wanted: Any, value: Any) -> str | None:
    """Return why a value is not equal to the wanted one; None where it is."""
    same = key_of(value) == key_of(wanted)
    return None if same else f"{shown(wanted)} expected, {got(value)}"


def one_of(wanted: list[Any], value: Any) -> str | None:
    """Return why a value is none of the wanted ones; None where it is one."""
    if key_of(value) in map(key_of, wanted):
        return None
    return f"one of {shown(wanted)} expected, {got(value)}"


def length(wanted: int, value: Any) -> str | None:
    """Return why a list or text has another length; None where it has that one."""
    if not isinstance(value, list | str | dict):
        return f"a list or a text expected, {got(value)}"
    items = "characters" if isinstance(value, str) else "items"
    size = len(value)
    return None if size == wanted else f"{wanted} {items} expected, got {size}"


def unique(wanted: bool, value: Any) -> str | None:
    """Return which item of a list is there twice, or, if that is wanted, that none is."""
    if not isinstance(value, list):
        return f"a list expected, {got(value)}"
    seen: dict[object, Any] = {}
    for item in value:
        key = key_of(item)
        if key in seen:
            return f"{shown(item)} is there twice" if wanted else None
        seen[key] = item
    return None if wanted else "no item is there twice"


def same_items(wanted: list[Any], value: Any) -> str | None:
    """Return which items are missing or not expected; None where there are none."""
    if not isinstance(value, list):
        return f"a list expected, {got(value)}"
    here = {key_of(item): item for item in value}
    expected = {key_of(item): item for item in wanted}
    missing = [item for key, item in expected.items() if key not in here]
    extra = [item for key, item in here.items() if key not in expected]
    parts = [f"{shown(missing)} missing"] if missing else []
    parts += [f"{shown(extra)} not expected"] if extra else []
    return listed(parts) or None


def number(wanted: float, within: float, value: Any) -> str | None:
    """Return why a number is not within a distance of the wanted one; None where it is."""
    infinite = isinstance(value, float) and not isfinite(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or infinite:
        return f"a number expected, {got(value)}"
    # As written in decimals: as floats, 0.4 is not within 0.1 of 0.3.
    if abs(_exact(value) - _exact(wanted)) <= _exact(within):
        return None
    return f"{shown(wanted)} within {shown(within)} expected, {got(value)}"


def _exact(number: float) -> Fraction:
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def got(value: Any) -> str:
    """Say what was there instead."""
    return "nothing is there" if value is None else f"got {shown(value)}"
