"""How good or bad a contrast is and how people say it, of effects and of changes alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from battery.base.numbers import AS_MANY, HUGE, more_or_fewer, number, p_equals, percent
from battery.records.findings import Contrast, Interval
from battery.records.metric import METRICS
from battery.verdict import policy

C = TypeVar("C", bound=Contrast)


def of_metric(contrasts: Sequence[C], metric: str) -> C | None:
    """Return the contrast in one metric; None where there is none."""
    return next((contrast for contrast in contrasts if contrast.metric == metric), None)


def harm(contrast: Contrast) -> float:
    """Return how much worse a side is: a share of its base, or points; below 0 it is better."""
    return _harm(contrast, contrast.value)


def net_harm(contrast: Contrast) -> float:
    """Return the same of the net value."""
    return _harm(contrast, contrast.net)


def _harm(contrast: Contrast, value: float | None) -> float:
    if value is None:
        return 0.0
    return METRICS[contrast.metric].sign * (value - 1 if contrast.kind == "ratio" else value)


def is_sure(contrast: Contrast) -> bool:
    """Return whether a contrast is more than luck, whatever its size."""
    p = _deciding_p(contrast)
    return p is not None and p <= policy.ALPHA


def is_significant(contrast: Contrast, sign: int) -> bool:
    """Return whether a side is worse (1) or better (-1) by a relevant amount, and not by luck."""
    return is_sure(contrast) and policy.is_relevant(sign * harm(contrast))


def within_jitter(time: Contrast) -> bool:
    """Return whether two mean times differ by less than the machine's own jitter."""
    if time.own is None or time.base is None:
        return True
    return abs(time.own - time.base) < policy.RESOLUTION_S


def _deciding_p(contrast: Contrast) -> float | None:
    # What decides nothing corrects nothing either and stands by itself.
    return contrast.p if contrast.p_corrected is None else contrast.p_corrected


def moved(contrast: Contrast) -> str:
    """Write a contrast: `tokens worse by 38% (corrected p = 0.008)`."""
    word = "worse" if harm(contrast) > 0 else "better"
    p, corrected = _deciding_p(contrast), "" if contrast.p_corrected is None else "corrected "
    tested = "" if p is None else f" ({corrected}{p_equals(p)})"
    return f"{METRICS[contrast.metric].plain} {word} by {size(contrast)}{tested}"


def size(contrast: Contrast) -> str:
    """Write how much worse or better a side is: `38%`, `38 percentage points`."""
    amount = abs(harm(contrast))
    if contrast.kind == "difference":
        return f"{number(100 * amount, 0)} percentage points"
    return f"more than {percent(HUGE - 1)}" if amount > HUGE - 1 else percent(amount)


def span(interval: Interval | None) -> str:
    """Write the interval of a ratio behind its value; nothing where there is none."""
    if interval is None:
        return ""
    ends = f"from {more_or_fewer(interval.low)} to {more_or_fewer(interval.high)}"
    return f" ({percent(interval.level)} interval: {ends})"


def typical(tokens: Contrast | None, places: int | None = None) -> str:
    """Write a contrast up to its base: `38% fewer tokens on a typical task than`."""
    # A geometric mean, in which a large task weighs as much as any.
    ratio = 1.0 if tokens is None or tokens.value is None else tokens.value
    amount = more_or_fewer(ratio, places)
    return f"{amount} tokens on a typical task {'as' if amount == AS_MANY else 'than'}"


def together(tokens: Contrast | None) -> Iterator[str]:
    """Note where all tasks together do not say the same as a typical one."""
    if tokens is None or tokens.value is None or not tokens.own or not tokens.base:
        return
    ratio = tokens.own / tokens.base
    # Two that are both huge read alike, and one of them is no news.
    if policy.is_relevant(abs(min(ratio, HUGE) - min(tokens.value, HUGE))):
        yield (
            f"all tasks together took {more_or_fewer(ratio)} tokens: tasks that take many "
            "weigh more there than in a typical task"
        )
