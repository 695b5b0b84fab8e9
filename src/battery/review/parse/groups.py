"""Cut lines into groups, one a proposal or verdict, in every way their structure offers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markdown_it.tree import SyntaxTreeNode

from battery.review.parse.inline import BOLD_LEAD, PARSER, REACH, entitled, is_verdict
from battery.review.parse.lines import Line, walk, without_thoughts

# The kinds of lines that can open a group; of equally good ones the earlier is taken.
_OPENERS = ("heading", "bold", "ordered", "bullet", "row")
# Any other label in bold; it only matters that it ends the field before it.
_OTHER_LABEL = re.compile(r"[^\w`*]*[*_]{1,3}[^*_:`]{1,60}(?::\s*[*_]{1,3}|[*_]{1,3}\s*:)")
# Given back from the prompt or a template, like <path>.
_PLACEHOLDER = re.compile(r"[`*]*(?:<[^>]*>|\[[^\]]*\]|\{[^}]*\}|\.{3}|…)[`*.]*")


class Group(NamedTuple):
    """The lines that belong to one proposal or verdict, in one way of reading."""

    opener: Line
    lines: list[Line]
    #: Whether it stands in the section that was asked for by name.
    asked: bool
    #: The verdict that a heading above gives to a whole list.
    above: str


class Form(NamedTuple):
    """What to look for in one of the two answers."""

    #: Titles of sections that hold what is sought, and of those that only look like it.
    asked: re.Pattern[str]
    passed_over: re.Pattern[str]
    fields: frozenset[str]
    #: The field that every proposal or verdict has, once.
    anchor: str


def all_readings(markdown: str, form: Form) -> Iterator[list[Group]]:
    """Group the lines in every way that the structure of the answer offers."""
    tree = SyntaxTreeNode(PARSER.parse(without_thoughts(markdown)))
    # Some models put the whole answer into a code fence; others show a file in one.
    for unwrap in (False, True):
        lines = list(_in_sections(walk(tree, 0, unwrap=unwrap), form))
        styles = {(line.kind, line.level) for line in lines if line.kind in _OPENERS}
        for kind in _OPENERS:
            for style in sorted(style for style in styles if style[0] == kind):
                yield list(_groups(lines, style))
        yield list(_groups(lines, (form.anchor, 0)))


def _in_sections(lines: Iterator[Line], form: Form) -> Iterator[Line]:
    passing: int | None = None
    for line in lines:
        # A title in bold stands below every heading.
        level = line.level if line.kind == "heading" else 7
        name = _section_name(line)
        if form.passed_over.fullmatch(name):
            passing = level
            yield Line("section", 0, "")
        elif form.asked.fullmatch(name):
            passing = None
            yield Line("section", 1, "")
        elif passing is None or level <= min(passing, 6):
            passing = None
            yield line


def _section_name(line: Line) -> str:
    if line.kind in {"wrap", "code", "cell", "row"} or len(line.text) > REACH:
        return ""
    bold = BOLD_LEAD.match(line.text)
    return entitled(bold["lead"] if bold else line.text)[1].lower()


def _groups(lines: list[Line], style: tuple[str, int]) -> Iterator[Group]:
    group: Group | None = None
    asked, above = False, ""
    for line in lines:
        opens = _opens(line, style)
        if group and (opens or _closes(line, style)):
            yield group
            group = None
        if line.kind in {"section", "heading"}:
            asked = line.level == 1 if line.kind == "section" else asked
            above = line.text if is_verdict(line.text) else ""
        if opens:
            anchored = line.label == style[0]
            opener = Line("text", line.level, "") if anchored else line
            group = Group(opener, [line] if anchored else [], asked, above)
        elif group:
            group.lines.append(line)
    if group:
        yield group


def _is_field(line: Line) -> bool:
    return line.label not in {None, "title"}


def _opens(line: Line, style: tuple[str, int]) -> bool:
    if _is_field(line):
        return line.label == style[0] and line.kind != "cell"
    return (line.kind, line.level) == style


def _closes(line: Line, style: tuple[str, int]) -> bool:
    kind, level = style
    if line.kind == "section":
        return True
    if line.kind == "heading" and kind != "heading":
        return not _is_field(line) or is_verdict(line.text)
    if kind == "row":
        return line.kind != "cell"
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
        if line.kind == "rule" and fields:
            break  # what follows a rule closes the whole answer
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
    return {label: text for label, text in texts.items() if not _PLACEHOLDER.fullmatch(text)}, rest


def _continues(line: Line, level: int, label: str) -> bool:
    if line.label == label:
        return line.kind != "cell"
    if line.label or line.kind in {"heading", "bold", "row", "cell"}:
        return False
    same = line.kind in {"text", "wrap", "code"} and line.level == level
    return line.level > level or (same and not _OTHER_LABEL.match(line.text))


def to_markdown(lines: Sequence[Line]) -> str:
    """Write lines as Markdown again."""
    base = min((line.level for line in lines if line.kind in {"ordered", "bullet"}), default=0)
    text = ""
    for line in lines:
        gap, mark = "\n\n", ""
        match line.kind:
            case "wrap":
                gap = "\n" if line.label or _OTHER_LABEL.match(line.text) else " "
            case "ordered" | "bullet":
                gap = "\n" + "  " * (line.level - base)
                mark = f"{line.number}. " if line.kind == "ordered" else "- "
            case "cell":
                gap = "\n"
            case "heading":
                mark = "#" * line.level + " "
        text += gap + mark + line.text
    return text.strip()
