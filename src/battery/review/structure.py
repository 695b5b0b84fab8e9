"""Turn an answer in Markdown into groups of lines, one a proposal or verdict.

First into lines that know their place in the structure; then the lines are cut into groups in
every way that the structure offers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markdown_it.tree import SyntaxTreeNode

from battery.review.inline import (
    BLOCKS,
    BOLD_LEAD,
    COUNTED,
    VERDICT_LEAD,
    count_of,
    entitled,
    plain_text,
)
from battery.review.labels import COUNTED_NAME, INNER_LABEL, OTHER_LABEL, label_at
from battery.review.words import REACH, decide, is_verdict

# One of several words to tick, and not this one.
_TICKED = re.compile(r"\s*\[[xX✓✔]\]\s*")
_UNTICKED = re.compile(r"\s*(?:\[\s?\]|☐)")
_TICK = re.compile(r"\W*(?:✓|✔|✅|☑|●|x|yes|1)?\W*", re.IGNORECASE)
_NO_TICK = re.compile(r"[\s\u2013—-]*|\W*(?:no|0|✗|✘|❌|☐)\W*", re.IGNORECASE)
#: Columns of a table that are read.
_COLUMNS = 16


class Line(NamedTuple):
    """One line of an answer with its place in the structure."""

    #: One of the openers, or text, wrap (more of the text before), cell, code, rule, section.
    kind: str
    #: The level of a heading; otherwise how deep the line is in lists.
    level: int
    #: Inline Markdown, without the marks of headings and lists.
    text: str
    number: int | None = None
    #: Which field the line begins, and what is there of its value.
    label: str | None = None
    value: str = ""
    #: Whether it is in a quotation, and so perhaps somebody else's word.
    quoted: bool = False


def walk(node: SyntaxTreeNode, depth: int, *, unwrap: bool) -> Iterator[Line]:
    """Yield the lines below a node, in order; `unwrap` reads code fences as Markdown."""
    for child in node.children:
        match child.type:
            case "heading":
                yield make_line("heading", int(child.tag[1]), child.children[0].content)
            case "paragraph":
                yield from _paragraph(child.children[0].content, depth)
            case "list_item":
                yield from _item(child, depth + 1, unwrap=unwrap)
            case "table":
                yield from _table(child)
            case "fence":
                yield from _fence(child, depth, unwrap=unwrap)
            case "blockquote":
                for line in walk(child, depth, unwrap=unwrap):
                    yield line._replace(quoted=True)
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
        found = label_at(head, alone=kind == "heading")
        if found:
            label, start, weak = found
            if not weak or decide(written[start:])[0]:
                return Line(kind, level, text, number, label, written[start:])
    ticked = _TICKED.match(text)
    word = text[ticked.end() :] if ticked else text
    if is_verdict(word) and not is_unticked(text):
        return Line(kind, level, text, number, "verdict", word)
    return Line(kind, level, text, number)


def is_unticked(text: str) -> bool:
    """Return whether a line begins with an empty box."""
    return bool(_UNTICKED.match(text))


def _paragraph(content: str, depth: int) -> Iterator[Line]:
    kind = "text"
    for piece in INNER_LABEL.sub("\n", content).split("\n"):
        yield make_line("bold" if _is_bold_title(piece) else kind, depth, piece)
        kind = "wrap"


def _is_bold_title(text: str) -> bool:
    bold = BOLD_LEAD.match(text)
    if bold:
        rest = bold["rest"].strip(" :.")
        return not rest or bool(COUNTED.match(bold["lead"]) or VERDICT_LEAD.match(rest))
    return bool(re.match(rf"(?:{COUNTED_NAME})\s*#?\d", text, re.IGNORECASE))


def _item(node: SyntaxTreeNode, depth: int, *, unwrap: bool) -> Iterator[Line]:
    lines = list(walk(node, depth, unwrap=unwrap))
    if lines and lines[0].kind in {"text", "bold"}:
        kind = "ordered" if node.info else "bullet"
        lines[0] = make_line(kind, depth, lines[0].text, int(node.info or 0) or None)
    yield from lines


def _fence(node: SyntaxTreeNode, depth: int, *, unwrap: bool) -> Iterator[Line]:
    if unwrap:
        yield from walk(SyntaxTreeNode(BLOCKS.parse(node.content)), depth, unwrap=False)
    else:
        yield Line("code", depth, f"{node.markup}{node.info}\n{node.content}{node.markup}")


def _table(node: SyntaxTreeNode) -> Iterator[Line]:
    rows = [row for part in node.children for row in part.children]
    head, *body = [[cell.children[0].content for cell in row.children[:_COLUMNS]] for row in rows]
    labels = [make_line("heading", 1, cell).label for cell in head]
    names = [plain_text(cell).strip(": ") for cell in head]
    down = [make_line("heading", 1, cells[0]).label for cells in body]
    if len(head) > 2 and not any(labels[1:]) and any(down):
        # Fields go down, and each column is one proposal.
        head, *body = [list(column) for column in zip(*[head, *body], strict=True)]
        labels, names = [None, *down], ["", *(plain_text(cell).strip(": ") for cell in head[1:])]
    for cells in [head, *body]:
        label = make_line("heading", 1, cells[0]).label
        if len(cells) == 2 and label and not labels[1]:
            yield make_line("text", 0, f"**{plain_text(cells[0]).strip(': ')}**: {cells[1]}")
        elif cells is not head:
            yield from _row(names, labels, cells)


def _row(names: list[str], labels: list[str | None], cells: list[str]) -> Iterator[Line]:
    counted = [
        COUNTED.fullmatch(plain_text(cell)) if re.search(r"\d", cell[:REACH]) else None
        for cell in cells
    ]
    named = next(
        (i for i, label in enumerate(labels) if label in {None, "title"} and not counted[i]), 0
    )
    numbers = [count_of(found) for found in counted if found]
    yield Line("row", 0, cells[named], numbers[0] if numbers else None)
    words = [i for i, name in enumerate(names) if is_verdict(name)]
    if len(words) > 1:
        # A column for each word, and a tick in one of them.
        ticked = [i for i in words if not _NO_TICK.fullmatch(cells[i])]
        if len(ticked) == 1 and _TICK.fullmatch(cells[ticked[0]]):
            yield make_line("cell", 0, f"**Verdict**: {names[ticked[0]]}")
    for i, cell in enumerate(cells):
        if len(words) > 1 and i in words:
            continue
        if i != named and not counted[i]:
            yield make_line("cell", 0, f"**{names[i]}**: {cell}")


# The kinds of lines that can open a group; of equally good ones the earlier is taken.
_OPENERS = ("heading", "bold", "ordered", "bullet", "row")
# Given back from the prompt or a template, like <path>.
_PLACEHOLDER = re.compile(r"[`*]*(?:<(?!http)[^>]*>|\[[^\]]*\]|\{[^}]*\}|\.{3}|…)[`*.]*")


class Group(NamedTuple):
    """The lines that belong to one proposal or verdict, in one way of reading."""

    opener: Line
    lines: list[Line]
    #: Whether it is in the section that was asked for by name.
    asked: bool
    #: The verdict that a heading above gives to a whole list.
    above: str


class Form(NamedTuple):
    """What to look for in one of the two answers."""

    #: Titles of sections that hold what is sought, and of those that only look like it.
    asked: re.Pattern[str]
    passed_over: re.Pattern[str]
    #: Titles of other sections; in bold they may be a part of what is sought.
    aside: re.Pattern[str]
    fields: frozenset[str]
    #: The field that every proposal or verdict has, once.
    anchor: str


def plain_lines(markdown: str, form: Form) -> Iterator[str]:
    """Yield the paragraphs of an answer that may speak of what is sought, each on one line."""
    tree = SyntaxTreeNode(BLOCKS.parse(markdown))
    paragraph: list[str] = []
    for line in _in_sections(walk(tree, 0, unwrap=False), form):
        if line.kind != "wrap" and paragraph:
            yield " ".join(paragraph)
            paragraph = []
        if not line.quoted and line.kind not in {"code", "rule", "section"}:
            paragraph.append(line.text)
    if paragraph:
        yield " ".join(paragraph)


def all_readings(markdown: str, form: Form) -> Iterator[list[Group]]:
    """Group the lines in every way that the structure of the answer offers."""
    tree = SyntaxTreeNode(BLOCKS.parse(markdown))
    lines = list(walk(tree, 0, unwrap=False))
    yield from _readings(lines, form)
    # Some models put the whole answer into a code fence; others show an example in one.
    anchored = any(line.label == form.anchor and not line.quoted for line in lines)
    if not anchored and any(line.kind == "code" for line in lines):
        yield from _readings(list(walk(tree, 0, unwrap=True)), form)


def _readings(lines: list[Line], form: Form) -> Iterator[list[Group]]:
    # In a judgment a heading may be the verdict itself.
    own = (line for line in lines if not line.quoted)
    if not any(line.label or (line.kind, form.anchor) == ("heading", "verdict") for line in own):
        # The whole answer is one quotation.
        lines = [line._replace(quoted=False) for line in lines]
    lines = list(_in_sections(iter(lines), form))
    styles = {(line.kind, line.level) for line in lines if line.kind in _OPENERS}
    for kind in _OPENERS:
        for style in sorted(style for style in styles if style[0] == kind):
            yield list(_groups(lines, style))
    # Fields alone: a title or the field that each has begins a new one.
    for label in ("title", form.anchor):
        yield list(_groups(lines, (label, 0)))


def _in_sections(lines: Iterator[Line], form: Form) -> Iterator[Line]:
    passing: int | None = None
    for line in lines:
        # A title in bold is below every heading.
        level = line.level if line.kind == "heading" else 7
        name = _section_name(line)
        if form.passed_over.fullmatch(name) or (level < 7 and form.aside.fullmatch(name)):
            passing = level
            yield Line("section", 0, "")
        elif form.asked.fullmatch(name):
            passing = None
            yield Line("section", 1, "")
        elif passing is None or level <= min(passing, 6):
            passing = None
            yield line


def _section_name(line: Line) -> str:
    if line.quoted or line.kind in {"wrap", "code", "cell", "row"} or len(line.text) > REACH:
        return ""
    bold = BOLD_LEAD.match(line.text)
    return entitled(bold["lead"] if bold else line.text)[1].lower()


def _groups(lines: list[Line], style: tuple[str, int]) -> Iterator[Group]:
    group: Group | None = None
    asked, above, rank = False, "", 0
    # The level of lists below words that stand above them, and are no fields of their items.
    listed = style[1] if style[0] in {"ordered", "bullet"} else 0
    heads = False
    for line in lines:
        opens = _opens(line, style)
        is_head = line.level < listed and line.kind in {"text", "bold"} and is_verdict(line.text)
        heads = line.kind != "heading" and (heads or (is_head and not group))
        if group and (opens or _closes(line, style) or (heads and is_head)):
            yield group
            group = None
        if line.kind == "section":
            asked = line.level == 1
        if line.kind == "heading" and is_verdict(line.text):
            above, rank = line.text, line.level
        elif heads and is_head:
            above, rank = line.text, 7
        elif line.kind == "heading" and line.level <= rank:
            above = ""
        if opens:
            anchored = line.label == style[0] != "title"
            opener = Line("text", line.level, "") if anchored else line
            group = Group(opener, [line] if anchored else [], asked, above)
        elif group:
            group.lines.append(line)
    if group:
        yield group


def _is_field(line: Line) -> bool:
    return line.label not in {None, "title"}


def _opens(line: Line, style: tuple[str, int]) -> bool:
    if line.quoted:
        return False
    if _is_field(line) or style[0] == "title":
        return line.label == style[0]
    return (line.kind, line.level) == style


def _closes(line: Line, style: tuple[str, int]) -> bool:
    kind, level = style
    if line.quoted:
        return False
    if line.kind == "section":
        return True
    if line.kind == "heading" and kind != "heading":
        return not _is_field(line) or is_verdict(line.text)
    if line.kind == kind == "heading" and line.level < level:
        return True
    # Fields that are not indented still belong to the list item above them, so text does not close.
    same = line.kind == kind or {line.kind, kind} == {"ordered", "bullet"}
    return same and not _is_field(line) and line.level < level


def read_fields(group: Group, wanted: frozenset[str]) -> tuple[dict[str, str], list[Line]]:
    """Sort the lines of a group into the wanted fields and the rest."""
    fields: dict[str, list[Line]] = {}
    rest: list[Line] = []
    value, level, label = rest, 0, ""
    # A new paragraph is more of a field when another field follows, else it closes the group.
    waiting: list[Line] = []
    for line in group.lines:
        # Another form of the same answer: a table of all verdicts under a heading of its own.
        readable = line.kind != "cell" or group.opener.kind == "row"
        if readable and line.label in wanted - fields.keys():
            value += waiting
            label = line.label
            value = fields[label] = [line._replace(kind="text", text=line.value)]
            level = line.level if line.kind != "heading" else 0
            waiting = []
        elif value is rest or not _continues(line, level, label):
            rest += [*waiting, line]
            value, waiting = rest, []
        elif waiting or (line.kind == "text" and line.level == level and to_markdown(value)):
            waiting.append(line)
        else:
            value.append(line)
    rest += waiting
    texts = {label: to_markdown(lines) for label, lines in fields.items()}
    return {label: text for label, text in texts.items() if not _is_placeholder(text)}, rest


def _is_placeholder(text: str) -> bool:
    return bool(_PLACEHOLDER.fullmatch(text)) and not is_verdict(text)


def _continues(line: Line, level: int, label: str) -> bool:
    if line.label or line.kind in {"heading", "bold", "row", "cell"}:
        return line.label == label
    same = line.kind in {"text", "wrap", "code"} and line.level == level
    return line.level > level or (same and not OTHER_LABEL.match(line.text))


def to_markdown(lines: Sequence[Line]) -> str:
    """Write lines as Markdown again."""
    base = min((line.level for line in lines if line.kind in {"ordered", "bullet"}), default=0)
    text = ""
    for line in lines:
        gap, mark = "\n\n", ""
        match line.kind:
            case "wrap" | "cell":
                gap = "\n" if line.label or OTHER_LABEL.match(line.text) else " "
            case "ordered" | "bullet":
                gap = "\n" + "  " * (line.level - base)
                mark = f"{line.number}. " if line.kind == "ordered" else "- "
            case "heading":
                mark = "#" * line.level + " "
        text += gap + mark + line.text
    return text.strip()
