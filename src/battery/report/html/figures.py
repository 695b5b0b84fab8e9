"""Places of an interval on its scale; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from battery.base.numbers import percent, signed_percent
from battery.records.findings import Interval

#: How far a scale may reach to either side, as a relative change; what lies beyond is cut.
_REACHES: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)


class Scale(NamedTuple):
    """A scale of changes, with nothing (no change) always on it."""

    low: float
    high: float

    @classmethod
    def over(cls, changes: Iterable[float], *, floor: float = -1.0) -> Scale:
        """Choose the smallest scale that holds all changes and is as wide to either side.

        A change is a share: -0.5 is half. Below `floor` there is nothing: no ratio falls by more
        than all.
        """
        most = max(map(abs, changes), default=0.0)
        reach = next((each for each in _REACHES if most <= each), _REACHES[-1])
        return cls(max(-reach, floor), reach)

    def at(self, change: float) -> float:
        """Return the place of a change in percent of the width; what lies beyond is at the end."""
        inside = min(max(change, self.low), self.high)
        return round(100 * (inside - self.low) / (self.high - self.low), 2)


class Bar(NamedTuple):
    """An interval to draw: places in percent of the width, and what it says in words."""

    label: str
    none: float
    point: float
    #: Distances from the left and from the right end; null where there is no interval.
    band: tuple[float, float] | None
    ticks: list[tuple[float, str]]


def ends(
    kind: Literal["ratio", "difference"], value: float | None, interval: Interval | None
) -> list[float]:
    """Return the value, then both ends of its interval, as changes: 0 is no difference.

    Empty without a value, and the value alone without an interval.
    """
    if value is None:
        return []
    found = [value, *([interval.low, interval.high] if interval else [])]
    return [each - 1 for each in found] if kind == "ratio" else found


def bar(label: str, changes: Sequence[float], scale: Scale, *, ticks: bool = False) -> Bar:
    """Lay out what `ends` returns of a value; ticks name the scale's ends and its zero."""
    value, *interval = changes
    band = (scale.at(interval[0]), round(100 - scale.at(interval[1]), 2)) if interval else None
    named = [
        (scale.at(scale.low), signed_percent(scale.low).replace(".0%", "%")),
        (scale.at(0), f"{percent(0)}: no difference"),
        (scale.at(scale.high), signed_percent(scale.high).replace(".0%", "%")),
    ]
    return Bar(label, scale.at(0), scale.at(value), band, named if ticks else [])
