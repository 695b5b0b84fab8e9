"""Markdown documents, and Markdown from foreign text: nothing in it may be read as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from battery.base.text import printable


def row(cells: Sequence[str]) -> str:
    """Write one row of a table; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Write a table of Markdown cells; columns after the first `left` are aligned right."""
    aligned = ["---" if at < left else "---:" for at in range(len(heads))]
    return "\n".join(map(row, [heads, aligned, *rows]))


def plain(text: str) -> str:
    """Escape what Markdown would read as markup, tables and HTML included."""
    escaped = re.sub(r"([\\`*\[\]<>|#~&])", r"\\\1", printable(text))
    # At the beginning these would start a list or a rule.
    escaped = re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", escaped)
    # Inside a word an underscore is literal, and file names stay readable.
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", escaped)


def code(text: str) -> str:
    """Quote foreign text as code, in a fence longer than any run of backticks in it."""
    shown = printable(text)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    # The page's language has no escape inside code; only a longer fence keeps a backtick.
    fence = "`" * (longest + 1)
    return f"{fence} {shown} {fence}" if longest else f"{fence}{shown}{fence}"
