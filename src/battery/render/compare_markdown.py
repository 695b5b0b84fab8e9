"""A comparison as Markdown, short enough for the comment of a pull request; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from battery.comparison import Change, Comparison, NamedTask, TaskPair
from battery.render import compare_cells as cells
from battery.render.evidence import p_value
from battery.render.markup import plain, row


def markdown(found: Comparison) -> str:
    """Write the word, its sentence and the flips, then what they rest on."""
    return "\n\n".join(_sections(found)) + "\n"


def _sections(found: Comparison) -> Iterator[str]:
    yield f"## Batteries compared: {found.outcome}"
    yield f"**{plain(found.sentence)}**"
    yield "\n".join(
        f"- {name}: {plain(side.folder)} ({plain(cells.side(side))})"
        for name, side in (("A, before", found.before), ("B, after", found.after))
    )
    if found.changes:
        yield "### Flips"
        yield plain(cells.flips(found.flips))
        if pairs := cells.flipped(found):
            yield "\n".join(_tasks(pairs, ["Flip"], lambda pair: [str(pair.flip)]))
        yield f"### How much, over {cells.compared(found)}"
        yield "\n".join(_changes(found.changes, net=bool(found.twins)))
        if found.start:
            yield "Iteration 1, before anything was learned:"
            yield "\n".join(_changes(found.start))
        yield from _causes(found)
    if pairs := cells.biggest(found):
        yield "### Tokens by task, the largest changes"
        yield "\n".join(_tasks(pairs, ["Change"], lambda pair: [cells.amount("ratio", pair.ratio)]))
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
    heads = ["A", "B", "Change", "95% interval", "p", "p, max-T", "p, Holm"]
    heads += ["Net of the frozen arms", "95% interval of net", "p of net"] if net else []
    yield row(["Metric", *heads, "Tasks"])
    yield row(["---", *("---:" for _ in [*heads, "Tasks"])])
    for each in rows:
        shown = [
            cells.mean(each, each.before),
            cells.mean(each, each.after),
            cells.change(each),
            cells.interval(each),
            p_value(each.p),
            p_value(each.p_corrected),
            p_value(each.p_holm),
        ]
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
        yield row([*first(pair), pair.phase, plain(pair.label), *ok, *tokens])


def _only(found: Comparison) -> Iterator[str]:
    for name, tasks in (("A", found.only_before), ("B", found.only_after)):
        if tasks:
            yield f"### Only in {name}, not compared"
            yield "\n".join(_named(tasks))


def _named(tasks: Sequence[NamedTask]) -> Iterator[str]:
    for task in tasks:
        yield f"- {task.phase}: {plain(task.label)}"


def _rest(found: Comparison) -> Iterator[str]:
    if found.differences:
        yield "### What differs besides"
        yield "\n".join(
            f"- **{word}** {plain(cells.difference(each))}"
            for word, each in cells.differences(found.differences)
        )
    if found.cautions or found.settle:
        yield "### Worth knowing"
        yield "\n".join(f"- {plain(text)}" for text in [*found.cautions, *found.settle])
    yield f"Scope: {plain(found.scope)}"
