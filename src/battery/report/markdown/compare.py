"""A comparison as Markdown, short enough for the comment of a pull request; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from battery.base.numbers import counted, minus
from battery.base.text import brief
from battery.records.comparison import Change, Comparison, Difference, Side, TaskPair
from battery.records.models import KINDS
from battery.report import compare as cells
from battery.report.evidence import NONE, relative
from battery.report.markdown import code, plain, table

#: Characters; what hosts take as a comment ends at 65,536.
_LONGEST: Final = 60_000
_MOST_NAMED: Final = 20
_LABEL: Final = 60
#: Folders and settings may say more, and are fewer.
_VALUE: Final = 200
#: A note may be as long as a page.
_NOTE: Final = 500
_CUT: Final = "The rest does not fit into a comment; `--json` has all of it."


def markdown(comparison: Comparison) -> str:
    """Write the word, its sentence and the flips, then what they rest on, in 60,000 characters.

    Text of others is in code, shortened: there a name calls nobody and a URL is no link.
    """
    return "\n\n".join(_fitting(_sections(comparison))) + "\n"


def _fitting(sections: Iterable[str]) -> Iterator[str]:
    # Whole sections or none: the most important come first, and half a table misleads.
    room = _LONGEST - len(_CUT)
    for section in sections:
        room -= len(section) + 2
        if room < 0:
            yield _CUT
            return
        yield section


def _sections(comparison: Comparison) -> Iterator[str]:
    yield f"## Batteries compared: {comparison.outcome}"
    yield f"**{plain(comparison.sentence)}**"
    yield "\n".join([*_side("before", comparison.before), *_side("after", comparison.after)])
    if untrusted := cells.untrusted(comparison):
        yield f"**Not to be used:** none of the numbers below, for {plain(untrusted)}."
    if comparison.change:
        yield "### Flips"
        yield plain(cells.flips(comparison))
        if pairs := cells.flipped(comparison):
            yield _tasks(comparison, pairs[:_MOST_NAMED], "Flip", _flip)
            yield from _more(pairs, "task")
        yield f"### How much, over {cells.compared(comparison)}"
        yield _change(comparison, comparison.change)
        if comparison.start:
            yield "Iteration 1, before anything was learned:"
            yield _change(comparison, comparison.start)
        yield from _causes(comparison)
    if pairs := cells.biggest(comparison):
        yield f"### {cells.plain(comparison).capitalize()} by task, the largest changes"
        yield _tasks(comparison, pairs, "Change", lambda pair: relative(pair.ratio))
    yield from _only(comparison)
    yield from _rest(comparison)


def _side(when: str, side: Side) -> Iterator[str]:
    folder = _foreign(side.folder, _VALUE)
    yield f"- {when}: **{plain(side.name)}**, {folder} ({plain(cells.side(side))})"
    yield from (f"  - {word}: {_foreign(text, _NOTE)}" for word, text in cells.about(side))


def _causes(comparison: Comparison) -> Iterator[str]:
    if comparison.twins:
        yield "The twins, which learn nothing:"
        yield _change(comparison, comparison.twins)
    if comparison.cause:
        yield plain(comparison.cause)
    yield plain(" ".join(cells.noise(comparison)))


def _change(comparison: Comparison, change: Change) -> str:
    rows = [[name, *map(minus, values)] for name, *values in cells.rows(change)]
    return table(list(map(plain, cells.heads(comparison))), rows)


def _tasks(
    comparison: Comparison,
    pairs: Sequence[TaskPair],
    head: str,
    first: Callable[[TaskPair], str],
) -> str:
    rows = [
        [
            minus(first(pair)),
            KINDS[pair.phase],
            _in_table(pair.label),
            *map(minus, cells.task_cells(pair, comparison)),
        ]
        for pair in pairs
    ]
    return table([head, "Kind", "Task", *map(plain, cells.task_heads(comparison))], rows, left=3)


def _only(comparison: Comparison) -> Iterator[str]:
    for name, tasks in cells.only(comparison):
        yield f"### Only in {plain(name)}, not compared"
        yield "\n".join(
            f"- {KINDS[task.phase]}: {_foreign(task.label, _LABEL)}" for task in tasks[:_MOST_NAMED]
        )
        yield from _more(tasks, "task")


def _more(listed: Sequence[object], noun: str) -> Iterator[str]:
    if len(listed) > _MOST_NAMED:
        yield f"and {counted(len(listed) - _MOST_NAMED, f'more {noun}')}; `--json` has all of them."


def _flip(pair: TaskPair) -> str:
    claims = cells.claims(pair)
    return f"{pair.flip}; {claims}" if claims else str(pair.flip)


def _foreign(text: str, width: int) -> str:
    return code(brief(text, width))


def _in_table(label: str) -> str:
    # A table is cut at its bars before anything is read as code, and hosts do not agree on how a
    # bar after a backslash is read.
    return _foreign(label, _LABEL).replace("|", "¦")


def _difference(difference: Difference, comparison: Comparison) -> str:
    sides = ((comparison.before.name, difference.before), (comparison.after.name, difference.after))
    values = "; ".join(
        f"{plain(name)} {_foreign(value, _VALUE)}"
        for name, value in sides
        if value and value != NONE
    )
    what = _foreign(difference.what, _VALUE)
    return f"{what} ({values}): {plain(cells.consequence(difference))}"


def _rest(comparison: Comparison) -> Iterator[str]:
    if comparison.differences:
        yield "### What else differs"
        listed = list(cells.differences(comparison))
        yield "\n".join(
            f"- **{word}** {_difference(difference, comparison)}"
            for word, difference in listed[:_MOST_NAMED]
        )
        yield from _more(listed, "difference")
    if comparison.cautions or comparison.settle:
        yield "### Worth knowing"
        yield "\n".join(f"- {plain(text)}" for text in [*comparison.cautions, *comparison.settle])
    yield f"Scope: {plain(comparison.scope)}"
