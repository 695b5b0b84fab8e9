"""One row a figure, one Markdown table of all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

_HEAD = ("figure", "compared", "bound", "pass", "ours", "baseline")


class Row(NamedTuple):
    """One figure next to its baseline; `passed` is None where there is no bound."""

    figure: str
    compared: str
    bound: str
    passed: bool | None
    ours: str
    baseline: str


def ratio_row(figure: str, ours_s: float, base_s: float, bound: float | None = None) -> Row:
    """Compare two durations in seconds by their ratio."""
    ratio = ours_s / base_s
    return Row(
        figure=figure,
        compared=f"{ratio:.2f} x",
        bound="" if bound is None else f"{bound:g} x",
        passed=None if bound is None else ratio <= bound,
        ours=milliseconds(ours_s),
        baseline=milliseconds(base_s),
    )


def added_row(figure: str, ours_s: float, base_s: float, bound_ms: float) -> Row:
    """Compare two durations in seconds by their difference."""
    more = (ours_s - base_s) * 1000
    return Row(
        figure=figure,
        compared=f"{more:+.2f} ms",
        bound=f"+{bound_ms:g} ms",
        passed=more <= bound_ms,
        ours=milliseconds(ours_s),
        baseline=milliseconds(base_s),
    )


def seconds_row(figure: str, ours_s: float, bound_s: float) -> Row:
    """Hold a duration to a bound of its own, where there is nothing to compare it with."""
    return Row(
        figure=figure,
        compared=f"{ours_s:.2f} s",
        bound=f"{bound_s:g} s",
        passed=ours_s <= bound_s,
        ours=milliseconds(ours_s),
        baseline="",
    )


def megabytes_row(figure: str, ours_mb: float, bound_mb: float) -> Row:
    """Hold an amount of memory in megabytes to a bound of its own."""
    return Row(
        figure=figure,
        compared=f"{ours_mb:.0f} MB",
        bound=f"{bound_mb:g} MB",
        passed=ours_mb <= bound_mb,
        ours=f"{ours_mb:.1f} MB",
        baseline="",
    )


def difference_row(figure: str, ours_mb: float, base_mb: float, bound_mb: float) -> Row:
    """Compare two amounts of memory in megabytes by their difference."""
    more = ours_mb - base_mb
    return Row(
        figure=figure,
        compared=f"{more:+.1f} MB",
        bound=f"+{bound_mb:g} MB",
        passed=more <= bound_mb,
        ours=f"{ours_mb:.1f} MB",
        baseline=f"{base_mb:.1f} MB",
    )


def milliseconds(seconds: float) -> str:
    """Write a duration with three digits or so, from microseconds to minutes."""
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 100 else f"{value:.3g} ms"


def table(rows: Iterable[Row]) -> str:
    """Write the rows as a Markdown table, in their order."""
    words = {True: "yes", False: "**no**", None: ""}
    lines = [_HEAD, ("---", "--:", "--:", "---", "--:", "--:")]
    for row in rows:
        judged = words[row.passed]
        lines.append((row.figure, row.compared, row.bound, judged, row.ours, row.baseline))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
