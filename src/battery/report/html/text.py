"""Foreign text of several lines, made safe to look at; pure."""

from __future__ import annotations

from battery.base.text import printable


def visible(text: str) -> str:
    r"""Show foreign text as it is, line by line, with control characters as escapes: `\x1b`."""
    return "\n".join(map(_visible_line, text.replace("\r\n", "\n").split("\n")))


def _visible_line(text: str) -> str:
    return text if text.isprintable() else "".join(map(_visible_character, text))


def _visible_character(char: str) -> str:
    # Not `printable` alone, which folds the spaces that code and tables are aligned with.
    return char if char.isprintable() or char in "\t\u00a0\u3000" else printable(char) or " "
