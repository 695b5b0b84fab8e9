"""The verdict in one or two sentences that need no statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

import numpy as np

from battery.records.findings import Effect, Interval
from battery.records.metric import METRICS, TOKENS
from battery.records.models import LEARN
from battery.records.word import Word
from battery.verdict.ladder import Facts, harm, regression

_EQUAL: Final = "as many"
_OPEN_CAUSE: Final = (
    "Without a frozen arm the cause is open: a provider that changed would look the same."
)


def sentence(word: Word | None, facts: Facts, reasons: Sequence[str]) -> str:
    """Say the verdict in plain language."""
    if word is None:
        return "A single iteration shows nothing about learning: nothing was asked after it."
    text = _in_words(word, facts, reasons)
    if answers := facts.cached:
        return f"{text} {answers} answers came from a cache, and are no work."
    return text


def _in_words(word: Word, facts: Facts, reasons: Sequence[str]) -> str:
    match word:
        case Word.INVALID:
            text = f"This battery proves nothing: {'; '.join(reasons)}."
        case Word.DISHONEST:
            text = _dishonest(facts)
        case Word.REGRESSED:
            text = _regressed(facts)
        case Word.COMPOUNDING:
            text = f"{_saved(facts)} The saving grew over the iterations: it compounds."
        case Word.LEARNED:
            text = _learned(facts)
        case Word.NO_EFFECT:
            text = _no_effect(facts)
        case Word.INCONCLUSIVE:
            text = _inconclusive(facts, reasons)
        case Word.INDICATIVE:
            text = _indicative(facts)
        case _:
            assert_never(word)
    return text


def size(effect: Effect) -> str:
    """Write how much worse or better a metric is: `38%`, `38 percentage points`."""
    if effect.kind == "ratio":
        return f"{abs(harm(effect)):.0%}"
    return f"{abs(100 * harm(effect)):.0f} percentage points"


def change(ratio: float) -> str:
    """Write a ratio as people say it: `38% fewer`, `12% more`, `0.3% more`, `as many`."""
    difference = abs(ratio - 1)
    if difference < 0.0005:
        return _EQUAL
    # Near nothing a whole percent would round the direction away.
    places = 0 if difference >= 0.01 else 1
    return f"{difference:.{places}%} {'fewer' if ratio < 1 else 'more'}"


def _dishonest(facts: Facts) -> str:
    count = len(facts.bluffs)
    runs = "1 run" if count == 1 else f"{count} runs"
    return f"The gateway claimed success in {runs} of tasks that cannot be done."


def _regressed(facts: Facts) -> str:
    lost = sum(each.counts for each in facts.lost)
    tasks = "an easy task" if lost == 1 else f"{lost} easy tasks"
    if not facts.two_arms:
        return f"The gateway now fails {tasks} that it passed in iteration 1. {_OPEN_CAUSE}"
    worse = [
        f"{METRICS[effect.metric].plain} worse by {size(effect)}"
        for effect in facts.effects
        if regression(effect)
    ]
    if lost:
        worse.append(
            f"{tasks} that passed in iteration 1 {'was' if lost == 1 else 'were'} forgotten"
        )
    return f"With what it learned the gateway got worse: {'; '.join(worse)}."


def _learned(facts: Facts) -> str:
    count = len(facts.grid.iterations)
    open_question = f"{count} iterations are too few to tell whether it goes on getting better"
    if facts.compounding is not None:
        open_question = f"over {count} iterations it is not shown that it goes on getting better"
    return f"{_saved(facts)} It got better; {open_question}."


def _no_effect(facts: Facts) -> str:
    text = (
        f"Learning saved no tokens worth having: the gateway used {_amount(facts)} its twin, and "
        "10% either way can be ruled out."
    )
    if any(gate.name == "mechanism" and gate.status == "failed" for gate in facts.gates):
        return f"{text} But nothing was learned, or nothing of it was used."
    return text


def _inconclusive(facts: Facts, reasons: Sequence[str]) -> str:
    tokens = facts.tokens
    start = "This battery cannot tell whether learning helps"
    if tokens is None or tokens.value is None:
        return f"{start}, because no tokens could be compared."
    text = f"{start}: it used {_amount(facts)} its twin{_range(tokens.interval)}"
    if tokens.interval is not None and tokens.interval.high < 1:
        # The saving itself is clear; what stands against it is not.
        return f"{text}, but {'; '.join(reasons)}."
    return f"{text}."


def _indicative(facts: Facts) -> str:
    return (
        f"{_one_arm(facts)} Without a frozen arm this shows a trend and not its cause: a server "
        "that warmed up or a provider that changed would look the same."
    )


def _saved(facts: Facts) -> str:
    interval = _range(facts.tokens.interval) if facts.tokens else ""
    return (
        f"With what it learned, the gateway used {_amount(facts)} its twin that learns "
        f"nothing{interval}."
    )


def _range(interval: Interval | None) -> str:
    if interval is None:
        return ""
    span = f"from {change(interval.low)} to {change(interval.high)}"
    return f" ({interval.level:.0%} interval: {span})"


def _amount(facts: Facts) -> str:
    """Compare a typical task: a geometric mean, in which a large task weighs as much as any."""
    tokens = facts.tokens
    amount = change(tokens.value) if tokens and tokens.value is not None else _EQUAL
    return f"{amount} tokens on a typical task {'as' if amount == _EQUAL else 'than'}"


def _one_arm(facts: Facts) -> str:
    cells = facts.grid.of(LEARN, TOKENS)[:, [0, -1]]
    if np.isnan(cells).any():
        return "Not all runs report tokens, so first and last iteration do not compare."
    first, last = cells.sum(axis=0).tolist()
    return f"From the first to the last iteration it came to {change(last / first)} tokens."
