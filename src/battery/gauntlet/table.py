"""A gauntlet as text for a terminal and as Markdown; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from battery.base.numbers import counted, percent
from battery.gauntlet import FOUND, Gauntlet, Ran, least_found
from battery.gauntlet.registry import Role
from battery.records.word import Word
from battery.report.markdown import plain, table
from battery.report.terminal.look import GAP, align

#: What each role is called, and what it is held to.
_HEADINGS: Final[Mapping[Role, str]] = {
    "false": "False learners",
    "honest": "Honest learners",
    "unseen": "What a battery cannot see",
}


def text(gauntlet: Gauntlet) -> str:
    """Write the table and what came of the bounds, in ASCII and at most 100 columns."""
    heads = ("system", "role", "n", "positive", "verdicts")
    rows = [heads, *map(_row, gauntlet.systems)]
    names, roles, sizes, positives, words = zip(*rows, strict=True)
    columns = [align(names, left=True), align(roles, left=True), align(sizes), align(positives)]
    lines = [GAP.join(cells).rstrip() for cells in zip(*columns, words, strict=True)]
    lines += ["", f"{kept(gauntlet)} ({origin(gauntlet)})."]
    lines += [f"broken: {reason}" for reason in broken(gauntlet)]
    return "\n".join(lines)


def markdown(gauntlet: Gauntlet) -> str:
    """Write the same as a document, with every story and with what unmasked whom."""
    return f"# Gauntlet\n\n{kept(gauntlet)}: {origin(gauntlet)}.\n\n{tables(gauntlet)}\n"


def tables(gauntlet: Gauntlet) -> str:
    """Write a section per role."""
    sections = []
    for role, heading in _HEADINGS.items():
        if systems := gauntlet.of(role):
            last = {"false": "What unmasked it", "honest": "What it missed", "unseen": "What would"}
            heads = ["System", "What it does", "Positive", "Verdicts", last[role]]
            rows = [_cells(ran) for ran in systems]
            sections += [f"## {heading}", table(heads, rows, left=len(heads))]
    return "\n\n".join(sections)


def broken(gauntlet: Gauntlet) -> list[str]:
    """Name the broken bounds, a line each."""
    reasons = [_told(ran) for ran in gauntlet.broken]
    if gauntlet.found is not None and not gauntlet.finds:
        seen, least = percent(gauntlet.found, 1), percent(FOUND)
        reasons.append(f"honest learners: {seen} positive, at least {least} are asked for")
    return reasons


def _told(ran: Ran) -> str:
    """Name a broken bound: the system, what was seen, what is allowed, the seeds."""
    least = least_found(ran.batteries)
    allowed = "none is allowed" if ran.role == "false" else f"at least {least} are asked for"
    seeds = ", ".join(map(str, ran.seeds[:5])) + (", ..." if len(ran.seeds) > 5 else "")
    positive = f"{ran.positive} of {ran.batteries} positive"
    return f"{ran.system}: {positive}, {allowed} (seeds {seeds})"


def kept(gauntlet: Gauntlet) -> str:
    """Say how many bounds hold, that on all honest learners together included."""
    bounds = sum(ran.passed is not None for ran in gauntlet.systems) + (gauntlet.found is not None)
    text = f"{bounds - len(broken(gauntlet))} of {bounds} bounds hold"
    if gauntlet.found is None:
        return text
    return f"{text}; {percent(gauntlet.found, 1)} of the batteries of honest learners are positive"


def origin(gauntlet: Gauntlet) -> str:
    """Say what the table was made from."""
    batteries = sum(ran.batteries for ran in gauntlet.systems)
    return (
        f"preset gauntlet, seed {gauntlet.seed}, {counted(len(gauntlet.systems), 'system')}, "
        f"{batteries:,} batteries"
    )


def _row(ran: Ran) -> Sequence[str]:
    return ran.system, ran.role, str(ran.batteries), str(ran.positive), _words(ran, short=True)


def _cells(ran: Ran) -> list[str]:
    positive = f"{ran.positive} of {ran.batteries}"
    if ran.passed is False:
        positive = f"**{positive}**"
    last = ran.unmasked_by or "; ".join(_reasons(ran))
    return [plain(ran.system), plain(ran.story), positive, _words(ran, short=False), plain(last)]


def _reasons(ran: Ran) -> Iterator[str]:
    for reason in ran.reasons:
        yield f"{reason.text} ({reason.batteries})"


def _words(ran: Ran, *, short: bool) -> str:
    def name(word: Word) -> str:
        return word.about.short if short else word

    given = sorted(ran.words.items(), key=lambda item: -item[1])
    return ", ".join(f"{name(word)} {number}" for word, number in given)
