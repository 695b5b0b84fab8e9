"""Turn an answer in Markdown into lines that know their place in its structure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from markdown_it.tree import SyntaxTreeNode

from battery.review.parse.inline import (
    BOLD_LEAD,
    COUNTED,
    PARSER,
    REACH,
    VERDICT_LEAD,
    count_of,
    is_verdict,
    plain_text,
)

_LABELS = {
    "target": r"target(?: (?:files?|paths?))?(?:\(s\))?|files?(?:\(s\))?(?: to change)?|path",
    "impact": r"(?:expected |predicted )?(?:impact|effect|outcome)s?|(?:affected |which )?metrics?",
    "reason": r"rationale|reason(?:ing|s)?|justification|why|motivation",
    "verdict": r"(?:final |scrum )?verdict|decision|judge?ment|ruling",
    "title": r"title|name|proposal|proposed change|change",
}
_LABEL = "(?:" + "|".join(f"(?P<{key}>{words})" for key, words in _LABELS.items()) + ")"
_COLON = r"(?:[:\uff1a=]|->|→|[-\u2013—]+(?=\s|$))"
_NOTE = r"(?:\s*\([^)]*\))?"
_EMPHASISED = re.compile(
    rf"[^\w`<*]*(?P<mark>[*_]{{1,3}})[^\w`<*]*(?:[a-h\d][.)]\s*)?{_LABEL}{_NOTE}\s*"
    rf"(?:(?P=mark){_NOTE}\s*{_COLON}?|{_COLON}\s*(?P=mark))\s*",
    re.IGNORECASE,
)
_PLAIN = re.compile(rf"[^\w`<*]*(?:[a-h\d][.)]\s*)?{_LABEL}{_NOTE}\s*{_COLON}\s*", re.IGNORECASE)
_ALONE = re.compile(rf"\W*{_LABEL}\W*$", re.IGNORECASE)
# A label in the middle of a line: any in bold, or one of those that the prompts ask for.
_INNER_LABEL = re.compile(
    r"(?<![\s;|(\u2013—-])[\s;|(\u2013—-]++"
    rf"(?=(\*\*|__)(?:{'|'.join(_LABELS.values())})\s*(?::\s*\1|\1\s*:))"
    r"|(?<![;|.,(:\u2013—-])[;|.,(:\u2013—-]++\s*+"
    r"(?=(?:Target file|Rationale|Expected impact|Verdict|Reason)\s*:)",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*+•]\s+)?(?:\[[ xX]\]\s+)?")
# Models that think aloud end their thoughts with this tag, even when they do not open it.
_THOUGHT_END = re.compile(r"^[ \t]*</think(?:ing)?>|</think(?:ing)?>[ \t]*$", re.MULTILINE)


class Line(NamedTuple):
    """One line of an answer with its place in the structure."""

    #: One of the openers, or text, wrap (more of the text before), cell, code, rule, section.
    kind: str
    #: The level of a heading; otherwise how deep the line is in lists.
    level: int
    #: Inline Markdown, without the marks of headings and lists.
    text: str
    number: int | None = None
    #: Which field the line begins, and what stands there of its value.
    label: str | None = None
    value: str = ""


def without_thoughts(markdown: str) -> str:
    """Leave out what the model thought aloud before its answer."""
    return _THOUGHT_END.split(markdown)[-1]


def walk(node: SyntaxTreeNode, depth: int, *, unwrap: bool) -> Iterator[Line]:
    """Yield the lines below a node, in order; `unwrap` reads code fences as Markdown."""
    for child in node.children:
        match child.type:
            case "heading":
                yield from _heading(child, depth)
            case "paragraph":
                yield from _paragraph(child.children[0].content, depth)
            case "list_item":
                yield from _item(child, depth + 1, unwrap=unwrap)
            case "table":
                yield from _table(child)
            case "fence":
                yield from _fence(child, depth, unwrap=unwrap)
            case "hr":
                yield Line("rule", depth, "")
            case _:
                yield from walk(child, depth, unwrap=unwrap)


def make_line(kind: str, level: int, text: str, number: int | None = None) -> Line:
    """Make a line and find out whether it begins a field."""
    bold = BOLD_LEAD.match(text)
    # The bold may reach over label and value, as in **Verdict: APPROVE**.
    for written in (text, f"{bold['lead']} {bold['rest']}" if bold else ""):
        head = written[:REACH]
        found = _ALONE.match(head) if kind == "heading" else None
        found = found or _EMPHASISED.match(head) or _PLAIN.match(head)
        if found:
            label = next(key for key in _LABELS if found[key])
            return Line(kind, level, text, number, label, written[found.end() :])
    leads = kind in {"text", "wrap"} and VERDICT_LEAD.match(text[:REACH])
    if leads or is_verdict(text):
        return Line(kind, level, text, number, "verdict", text)
    return Line(kind, level, text, number)


def _heading(node: SyntaxTreeNode, depth: int) -> Iterator[Line]:
    text = node.children[0].content
    line = make_line("heading", int(node.tag[1]), text)
    if node.markup.startswith("#") or not (line.label or "\n" in text):
        yield line
    else:
        # A rule right under a field makes the field a heading for Markdown, but for nobody else.
        yield from _paragraph(text, depth)
        yield Line("rule", depth, "")


def _paragraph(content: str, depth: int) -> Iterator[Line]:
    kind = "text"
    for piece in _INNER_LABEL.sub("\n", content).split("\n"):
        text = _BULLET.sub("", piece)
        yield make_line("bold" if _is_bold_title(text) else kind, depth, text)
        kind = "wrap"


def _is_bold_title(text: str) -> bool:
    bold = BOLD_LEAD.match(text)
    if bold:
        rest = bold["rest"].strip(" :.")
        return not rest or bool(COUNTED.match(bold["lead"]) or VERDICT_LEAD.match(rest))
    return bool(re.match(r"(?:proposal|change)\s*#?\d", text, re.IGNORECASE))


def _item(node: SyntaxTreeNode, depth: int, *, unwrap: bool) -> Iterator[Line]:
    lines = list(walk(node, depth, unwrap=unwrap))
    if lines and lines[0].kind in {"text", "bold"}:
        kind = "ordered" if node.info else "bullet"
        lines[0] = make_line(kind, depth, lines[0].text, int(node.info or 0) or None)
    yield from lines


def _fence(node: SyntaxTreeNode, depth: int, *, unwrap: bool) -> Iterator[Line]:
    if unwrap and node.info.strip().lower() in {"", "markdown", "md", "text", "txt"}:
        yield from walk(SyntaxTreeNode(PARSER.parse(node.content)), depth, unwrap=False)
    else:
        yield Line("code", depth, f"{node.markup}{node.info}\n{node.content}{node.markup}")


def _table(node: SyntaxTreeNode) -> Iterator[Line]:
    rows = [row for part in node.children for row in part.children]
    head, *body = [[cell.children[0].content for cell in row.children] for row in rows]
    labels = [make_line("heading", 1, cell).label for cell in head]
    for cells in [head, *body]:
        label = make_line("heading", 1, cells[0]).label
        if len(cells) == 2 and label and (cells is not head or not labels[1]):
            yield make_line("text", 0, f"**{plain_text(cells[0]).strip(': ')}**: {cells[1]}")
        elif cells is not head:
            yield from _row(head, labels, cells)


def _row(head: list[str], labels: list[str | None], cells: list[str]) -> Iterator[Line]:
    counted = [COUNTED.fullmatch(plain_text(cell)) for cell in cells]
    unlabelled = [i for i, label in enumerate(labels) if label is None and not counted[i]]
    named = labels.index("title") if "title" in labels else [*unlabelled, 0][0]
    numbers = [count_of(found) for found in counted if found]
    yield Line("row", 0, cells[named], numbers[0] if numbers else None)
    for i, cell in enumerate(cells):
        if i != named and not counted[i]:
            yield make_line("cell", 0, f"**{plain_text(head[i]).strip(': ')}**: {cell}")
