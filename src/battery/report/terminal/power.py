"""What a battery could see, as text for people who know no statistics; pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from math import exp
from typing import Final

from battery.base.numbers import number, percent
from battery.verdict.planning import Asked, Name, Needed, Prospects, Question

_WIDTH: Final = 80
_LABEL: Final = 22
_TITLES: Final[dict[Name, str]] = {
    "learned": "Does learning help at all? (LEARNED)",
    "compounding": "Does it go on improving? (COMPOUNDING)",
    "trend": "Do the tokens of one arm fall? (a trend, whatever its cause)",
}
#: Less than this is what the search gives where nothing at all is needed.
_ANY: Final = 0.001


def text(found: Prospects) -> str:
    """Write one block a question, then what the words mean and what was assumed."""
    lines = [*_size(found), ""]
    for question in found.questions:
        lines += [_TITLES[question.name], *_answers(question, found), ""]
    lines += _paragraph(
        f"Seen: {percent(found.power)} of such batteries show it. A drop is what each iteration "
        "saves compared with the one before. On average: over the iterations after the first, "
        "against an arm that never learns; a saving that comes at once and stays counts by its "
        "average, too."
    )
    for assumption in found.assumptions:
        lines += _paragraph(assumption, "- ")
    return "\n".join(lines)


def _size(found: Prospects) -> Iterator[str]:
    yield (
        f"{_count(found.tasks, 'task')}, {_count(found.iterations, 'iteration')}, "
        f"{_count(found.repeats, 'repeat')}, noise {number(found.noise)} ({found.noise_source})"
    )
    if found.noise == 0:
        yield "Without noise the arms are deterministic: any change of enough tasks shows."
    else:
        factor = number(exp(found.noise))
        yield f"Two of three calls lie within a factor of {factor} of what their task takes."


def _answers(question: Question, found: Prospects) -> Iterator[str]:
    yield from _answer("smallest drop seen", _smallest(question))
    if found.drop is not None and question.asked is not None:
        yield from _answer(f"a drop of {_share(found.drop)}", _chance(question.asked))
        if question.asked.needed is not None:
            needed = _alone(question.asked.needed, found)
            yield from _answer(f"for {number(100 * found.power, 0)} of 100", needed)


def _smallest(question: Question) -> str:
    drop, reduction = question.smallest_drop, question.smallest_reduction
    if drop is None:
        return f"none: {question.impossible}"
    words = f"{_share(drop)} an iteration" if drop >= _ANY else "any"
    return f"{words}, {_share(reduction)} on average" if reduction and drop >= _ANY else words


def _chance(asked: Asked) -> str:
    # Rounded down, so that what misses the power meant never reads as if it reached it.
    return f"{int(100 * asked.power)} of 100 such batteries show it"


def _alone(needed: Needed, found: Prospects) -> str:
    """Name what is enough alone."""
    counts = {
        "iteration": (found.iterations, needed.iterations),
        "task": (found.tasks, needed.tasks),
        "repeat": (found.repeats, needed.repeats),
    }
    ways = [_count(more, noun) for noun, (now, more) in counts.items() if more and more > now]
    return ", or ".join(ways) if ways else "more of one thing is not enough; raise several"


def _count(many: int, noun: str) -> str:
    return f"{many:,} {noun}" if many == 1 else f"{many:,} {noun}s"


def _share(share: float) -> str:
    return percent(share, 1).replace(".0%", "%")


def _answer(label: str, words: str) -> list[str]:
    return _paragraph(words, f"  {label}:".ljust(_LABEL) + " ")


def _paragraph(words: str, start: str = "") -> list[str]:
    return textwrap.wrap(words, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
