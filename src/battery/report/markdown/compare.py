"""A comparison as Markdown, short enough for the comment of a pull request; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from battery.base.numbers import p_value
from battery.base.text import brief
from battery.records.comparison import Change, Comparison, Difference, TaskPair
from battery.report import compare_cells as cells
from battery.report.evidence import INTERVAL, NONE, amount, undecided
from battery.report.markdown.markup import code, plain, row

#: Characters; what hosts take as a comment ends at 65,536.
_LONGEST: Final = 60_000
_MOST_NAMED: Final = 20
_LABEL: Final = 60
#: Folders and settings may say more, and are fewer.
_VALUE: Final = 200
_CUT: Final = "The rest does not fit into a comment; `--json` has all of it."


def markdown(found: Comparison) -> str:
    """Write the word, its sentence and the flips, then what they rest on, in 60,000 characters.

    Text of others stands in code, shortened: there a name calls nobody and a URL is no link.
    """
    return "\n\n".join(_fitting(_sections(found))) + "\n"


def _fitting(sections: Iterable[str]) -> Iterator[str]:
    room = _LONGEST - len(_CUT)
    for section in sections:
        room -= len(section) + 2
        if room < 0:
            yield _CUT
            return
        yield section


def _sections(found: Comparison) -> Iterator[str]:
    yield f"## Batteries compared: {found.outcome}"
    yield f"**{plain(found.sentence)}**"
    yield "\n".join(
        f"- {name}: {_foreign(side.folder, _VALUE)} ({plain(cells.side(side))})"
        for name, side in (("A, before", found.before), ("B, after", found.after))
    )
    if found.changes:
        yield "### Flips"
        yield plain(cells.flips(found.flips))
        if pairs := cells.flipped(found):
            yield "\n".join(_tasks(pairs[:_MOST_NAMED], ["Flip"], _flip))
            yield from _more(pairs)
        yield f"### How much, over {cells.compared(found)}"
        yield "\n".join(_changes(found.changes, net=bool(found.twins)))
        yield f"{undecided(found.changes).capitalize()}."
        if found.start:
            yield "Iteration 1, before anything was learned:"
            yield "\n".join(_changes(found.start))
        yield from _causes(found)
    if pairs := cells.biggest(found):
        yield "### Tokens by task, the largest changes"
        yield "\n".join(_tasks(pairs, ["Change"], lambda pair: [amount("ratio", pair.ratio)]))
    yield from _only(found)
    yield from _rest(found)


def _causes(found: Comparison) -> Iterator[str]:
    if found.twins:
        yield "The frozen arms, B against A:"
        yield "\n".join(_changes(found.twins))
    if found.cause:
        yield plain(found.cause)
    yield plain(" ".join(cells.noise(found.noise)))


def _changes(rows: Sequence[Change], *, net: bool = False) -> Iterator[str]:
    heads = ["A", "B", "Change", INTERVAL, "p", "p, max-T", "p, Holm"]
    heads += ["Net of the frozen arms", f"{INTERVAL} of net", "p of net"] if net else []
    yield row(["Metric", *heads, "Tasks"])
    yield row(["---", *("---:" for _ in [*heads, "Tasks"])])
    for each in rows:
        shown = cells.columns(each)
        if net:
            shown += [cells.net(each), cells.span(each.kind, each.net_interval)]
            shown += [p_value(each.p_net)]
        yield row([each.metric, *shown, str(each.tasks)])


def _tasks(
    pairs: Sequence[TaskPair], heads: list[str], first: Callable[[TaskPair], list[str]]
) -> Iterator[str]:
    yield row([*heads, "Phase", "Task", "ok in A", "ok in B", "Tokens in A", "Tokens in B"])
    yield row([*("---" for _ in heads), "---", "---", "---:", "---:", "---:", "---:"])
    for pair in pairs:
        ok = [cells.share(pair.ok_before), cells.share(pair.ok_after)]
        tokens = [cells.tokens(pair.tokens_before), cells.tokens(pair.tokens_after)]
        yield row([*first(pair), pair.phase, _in_table(pair.label), *ok, *tokens])


def _only(found: Comparison) -> Iterator[str]:
    for name, tasks in (("A", found.only_before), ("B", found.only_after)):
        if tasks:
            yield f"### Only in {name}, not compared"
            yield "\n".join(
                f"- {task.phase}: {_foreign(task.label, _LABEL)}" for task in tasks[:_MOST_NAMED]
            )
            yield from _more(tasks)


def _more(listed: Sequence[object]) -> Iterator[str]:
    if len(listed) > _MOST_NAMED:
        yield f"and {len(listed) - _MOST_NAMED:,} more; `--json` has all of them."


def _flip(pair: TaskPair) -> list[str]:
    claims = f", {cells.standing(pair)}" if pair.claims_after else ""
    return [f"{pair.flip}{claims}"]


def _foreign(text: str, width: int) -> str:
    return code(brief(text, width))


def _in_table(label: str) -> str:
    # A table is cut at its bars before anything is read as code, and hosts do not agree on how a
    # bar after a backslash is read.
    return _foreign(label, _LABEL).replace("|", "¦")


def _difference(each: Difference) -> str:
    what, before, after = (
        _foreign(text or NONE, _VALUE) for text in (each.what, each.before, each.after)
    )
    return f"{what}: A {before}, B {after}; {plain(each.text)}"


def _rest(found: Comparison) -> Iterator[str]:
    if found.differences:
        yield "### What differs besides"
        listed = list(cells.differences(found.differences))
        yield "\n".join(f"- **{word}** {_difference(each)}" for word, each in listed[:_MOST_NAMED])
        yield from _more(listed)
    if found.cautions or found.settle:
        yield "### Worth knowing"
        yield "\n".join(f"- {plain(text)}" for text in [*found.cautions, *found.settle])
    yield f"Scope: {plain(found.scope)}"
