"""Read values out of one line of Markdown: titles, verdict words, paths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from battery.review.labels import COUNTED_NAME
from battery.review.words import REACH, Word, decide, is_denied, said_after

# Indented code is off: models indent a list too far much more often than they mean code.
PARSER = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["code", "lheading"])
# For the structure alone: what is inside the lines is read later, and only where it matters.
BLOCKS = MarkdownIt("commonmark", {"html": False}).enable("table")
BLOCKS.disable(["code", "lheading", "inline"])
# The underscores of names such as __init__.py are not meant as bold.
_UNSTRESSED = MarkdownIt("commonmark", {"html": False}).disable("emphasis")
BOLD_LEAD = re.compile(r"[^\w`*]*(\*\*|__)(?P<lead>(?:(?!\1).){1,200})\1\s*(?P<rest>.*)", re.DOTALL)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
# The number before a title: Proposal 2, #2, 2), P2:, 3.2 but not the count in "2 welders".
COUNTED = re.compile(
    r"[^\w`(\[/.\"'“]*(?:"
    rf"(?:{COUNTED_NAME})\s*#?\s*(?P<worded>\d{{1,3}})(?!\d)"
    rf"|(?P<ordinal>{'|'.join(_ORDINALS)})\s+(?:{COUNTED_NAME})\b"
    r"|proposal\s+(?P<letter>(?-i:[A-H]))(?=\s*(?:[:.)\]|\u2013—-]|$))"
    r"|[\[(]?(?:p|\d{1,2}\.)?(?P<bare>\d{1,3})(?:\s*[.):\]\u2013—|-]+(?!\d)|\ufe0f?\u20e3|\s*$"
    r"|(?<=p\d)(?=\s*\()))"
    r"[\s:\uff1a.)\]|\u2013—-]*",
    re.IGNORECASE,
)
_DECORATION = re.compile(r"^[^\w(`\[/.\"'“<+~]+")
IN_BOLD = re.compile(
    r"(?P<before>.*?)(?:\*\*|__)[^\w*]*(?P<word>approved?|revised?|reject(?:ed)?)[^\w*]*"
    r"(?:\*\*|__)",
    re.DOTALL | re.IGNORECASE,
)
# A verdict next to a title: in capitals after a separator, in bold, or as the last word.
_IN_TITLE = (
    re.compile(
        r"(?P<before>.*?)(?:^|[-\u2013—:|(\[>→=,.]|\*\*|__|\s[^\w\s]++)\s*+[^\w\s]*+\s*+"
        r"(?P<word>\b(?:APPROVED?|ACCEPT(?:ED)?|REVISED?|REJECT(?:ED)?)\b)",
        re.DOTALL,
    ),
    IN_BOLD,
    re.compile(
        r"(?P<before>.*)[-\u2013—:|(\[→]\W*+(?P<word>\b(?:approved?|revised?|reject(?:ed)?))\b(?=\W*$|[*_]*\))",
        re.DOTALL | re.IGNORECASE,
    ),
)
VERDICT_LEAD = re.compile(
    r"[^\w`]*(?:\b(?:APPROVED?|REVISED?|REJECT(?:ED)?)\b|"
    r"[*_]{1,3}\W*(?i:approved?|revised?|reject(?:ed)?)\W*[*_]{1,3})"
)
# A part of a path may be a pattern, a variable, or a route such as [slug] or (shop).
_PART = r"(?:[\w.@~+$-]|\{[\w.-]+\}|(?<=[/\\])(?:\*{1,2}|\[+[\w.-]+\]+|\([\w.-]+\))(?=[/\\.]))"
_PATH = re.compile(
    r"(?<![\w.@~+/\\-])(?:(?:[A-Za-z]:(?=[/\\]))?"
    rf"(?:{_PART}*[/\\])+{_PART}+[/\\]?"
    r"|[\w@+-][\w.@+-]*\.[A-Za-z]\w{0,9}|\.\w[\w.-]+)"
)
_NO_PATH = re.compile(r"n/a|and/or|w/o|i/o|\d+/\d+|e\.g\.?|i\.e\.?|https?:.*", re.IGNORECASE)
# Spaces only inside the name of the file, else it is a command or a sentence.
_SPACED_PATH = re.compile(r"(?:[\w.@~+-]+[/\\])+[\w@+-]+(?:[ ][\w@+-]+)+\.[A-Za-z]\w{0,9}")
# In code or a link inside folders as well, where the first word is a folder and no command.
_SPACED_FOLDERS = re.compile(r"[\w.@~+-]+[/\\](?:[\w.@~+ -]+[/\\])*[\w@+ -]+\.[A-Za-z]\w{0,9}")
_APART = re.compile(r"[\w-]+(?: / [\w-]+)* / [\w-]+\.[A-Za-z]\w{0,9}")
_IN_REPOSITORY = re.compile(r"https?://[^/]+/(?:[^/]+/){2,}?(?:-/)?(?:blob|raw|src)/[^/]+/")
_DASH_INSIDE = re.compile(r"(?<=\w)[\u2012-\u2015\u2212](?=\w)")
_WIDE = {0xFF0F: "/", 0x2044: "/", 0x2215: "/", 0xFF0E: ".", 0xFF3F: "_"}
_BREAKS = {"softbreak": " ", "hardbreak": " "}
_IN_BRACKETS = re.compile(r"^\((.*)\)$")
_TITLE_END = re.compile(r"[:.]\s|\s[\u2013—-]+\s")
_URL = re.compile(r"\b\w+://\S+")
_NOTHING = {"none", "unknown", "tbd", "na", "various", "multiple", "unspecified", "-"}


class TitleVerdict(NamedTuple):
    """A verdict in a title line, and the text around it."""

    before: str
    word: Word
    after: str


def verdict_in_title(text: str) -> TitleVerdict | None:
    """Find a verdict in the title line itself, before or after the title."""
    for pattern in _IN_TITLE:
        found = pattern.match(text[:REACH])
        denied = found and is_denied(text[: found.start("word")])
        word = found and not denied and decide(found["word"])[0]
        if found and word:
            before, after = found["before"], said_after(text[found.end() :])
            if not re.search(r"\w", before):
                counted = COUNTED.match(after)
                start = counted.end() if counted else 0
                title, *more = _TITLE_END.split(after[start:], maxsplit=1)
                before, after = after[:start] + title, "".join(more)
            return TitleVerdict(before, word, after)
    return None


def plain_text(text: str) -> str:
    """Return inline Markdown as a reader sees it, on one line."""
    return _plain(PARSER.parseInline(text)[0].children or [])


def _plain(inline: Sequence[Token]) -> str:
    return " ".join("".join(part.content or _BREAKS.get(part.type, "") for part in inline).split())


def entitled(text: str, number: int | None = None) -> tuple[int | None, str, str]:
    """Split the text of an opener into number, title and what follows a title in bold."""
    bold, rest = BOLD_LEAD.match(text), ""
    if bold:
        text, rest = bold["lead"], said_after(bold["rest"])
    title = plain_text(text)
    counted = COUNTED.match(title)
    if counted:
        number, title = count_of(counted), _IN_BRACKETS.sub(r"\1", title[counted.end() :])
    title = _DECORATION.sub("", title).rstrip(" :*|\u2013—-")
    if rest and not title:
        return number, *entitled(rest)[1:]
    return number, title, rest


def count_of(found: re.Match[str]) -> int:
    """Read the number that `COUNTED` found."""
    if found["ordinal"]:
        return _ORDINALS.index(found["ordinal"].lower()) + 1
    return ord(found["letter"]) - 64 if found["letter"] else int(found["worded"] or found["bare"])


def first_path(markdown: str) -> str | None:
    """Read the first path: of code and link targets, else of words; None when there is none."""
    inline = _UNSTRESSED.parseInline(markdown)[0].children or []
    # A link's text is often the last part of the path alone; its target is the whole of it.
    marked = [
        _destination(str(part.attrs["href"])) if part.type == "link_open" else part.content.strip()
        for part in inline
        if part.type in {"code_inline", "link_open"}
    ]
    spaced = next(filter(_SPACED_FOLDERS.fullmatch, marked), None)
    if spaced:
        return spaced
    for text in map(_typed, [*marked, _plain(inline)]):
        if _SPACED_PATH.fullmatch(text.strip("*_")):
            return text.strip("*_")
        for found in _PATH.finditer(_URL.sub("", text)):
            if not _NO_PATH.fullmatch(found[0]):
                return _unmarked(found[0])
    # A file without a suffix, like Makefile, is a path when nothing else is said.
    for text in [*marked[:1], plain_text(markdown)]:
        if re.fullmatch(r"\w[\w-]*", text) and text.lower() not in _NOTHING:
            return text
    return None


def _unmarked(path: str) -> str:
    """Leave out a full stop, and underscores that were emphasis."""
    path = path.rstrip(".")
    return path.strip("_") if re.search(r"\.\w*[^\W_]_{1,3}$", path) else path


def _destination(href: str) -> str:
    """Return the path that a link leads to, also where it is a page of a repository's host."""
    return _IN_REPOSITORY.sub("", unquote(href.partition("#")[0]))


def _typed(text: str) -> str:
    """Undo what typography makes of a path: dashes, wide signs, spaces around slashes."""
    text = _IN_REPOSITORY.sub("", _DASH_INSIDE.sub("-", text).translate(_WIDE))
    return text.replace(" / ", "/") if _APART.fullmatch(text) else text
