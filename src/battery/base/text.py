"""Text of others made safe to show, and cut to a width in terminal cells."""

from __future__ import annotations

import difflib
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, TextIO

_COMMAND: Final = re.compile(r"(?<!\S)::(?=[A-Za-z])")


def printable(text: str) -> str:
    r"""Make foreign text one harmless line: `\x1b` for an escape, a space for a newline.

    Everything that Unicode does not call printable is escaped: terminal control sequences,
    text direction overrides, lone surrogates. Runs of whitespace become one space.
    """
    # Nearly all texts are printable as they are; character by character takes ten times as long.
    shown = text if text.isprintable() else "".join(map(_harmless, text))
    return without_runner_commands(" ".join(shown.split()))


def visible(text: str) -> str:
    r"""Escape what a terminal would obey or hide, as JSON does (`\u202e`); keep lines and spaces.

    A JSON document stays the same document.
    """
    lines = text.split("\n")
    return "\n".join(line if line.isprintable() else _escaped(line) for line in lines)


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does: `tokens, turns and time`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def spans(numbers: Iterable[int]) -> str:
    """Write whole numbers that rise as a sentence does: `1`, `1 and 2`, `1 to 4 and 7`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    # Of two that follow each other, "1 and 2" is as short as "1 to 2".
    several = ([f"{part[0]} to {part[-1]}"] if part[2:] else map(str, part) for part in parts)
    return listed([text for texts in several for text in texts])


def quoted(text: str) -> str:
    """Put quotation marks around a name that is part of a sentence."""
    return f'"{text}"'


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known word that was most likely meant; None where none is near enough."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)), None)


def capital(text: str) -> str:
    """Return a clause as it begins a sentence: the first letter is a capital."""
    return text[:1].upper() + text[1:]


def clause(text: str) -> str:
    """Return a sentence as it goes on in another one: the first letter is small."""
    return text[:1].lower() + text[1:]


def without_runner_commands(text: str) -> str:
    """Break up what runners of pipelines take for commands.

    These are `##[` anywhere in a line and `::word` at its beginning, which any word of a text may
    get to when it is wrapped.
    """
    return _COMMAND.sub(": :", text.replace("##[", "## ["))


def _escaped(line: str) -> str:
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def _harmless(char: str) -> str:
    if char.isprintable():
        return char
    # The information separators count as whitespace in Python and as control codes elsewhere.
    if char.isspace() and not "\x1c" <= char <= "\x1f":
        return " "
    return char.encode("unicode_escape").decode("ascii")


def brief(text: str, width: int, *, ellipsis: str = "…") -> str:
    """Show the beginning of a foreign text of any length in at most `width` columns."""
    # Cut first: megabytes of text are not worth reading to show a line of it.
    return fit(printable(text[: 10 * width]), width, ellipsis=ellipsis)


def cells(text: str) -> int:
    """Count the terminal columns of printable text: two for wide characters, none for marks."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(char: str) -> int:
    # Accents that combine share the column of the character before them.
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(text: str, width: int, *, ellipsis: str = "…") -> str:
    """Cut printable text to at most `width` columns; a cut one ends with the ellipsis.

    The width must leave room for the ellipsis.
    """
    if cells(text) <= width:
        return text
    room = width - cells(ellipsis)
    kept = ""
    # Character by character: a wide one may leave a column that the next does not fit in.
    for char in text:
        room -= _cells(char)
        if room < 0:
            break
        kept += char
    return kept.rstrip() + ellipsis


def pad(text: str, width: int, *, ellipsis: str = "…") -> str:
    """Cut or fill printable text to exactly `width` columns."""
    cut = fit(text, width, ellipsis=ellipsis)
    return cut + " " * (width - cells(cut))


def takes_escapes(stream: TextIO) -> bool:
    """Return whether the stream is a terminal that understands control sequences."""
    # Windows aside, every terminal names itself; one that does not is not to be trusted.
    return stream.isatty() and os.environ.get("TERM", "") not in {"", "dumb", "unknown"}


def can_show(stream: TextIO, text: str) -> bool:
    """Return whether the stream's encoding has all characters of the text."""
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def write_line(stream: TextIO, line: str) -> None:
    """Write one line at once and flush it; what the encoding lacks is escaped, not an error."""
    encoding = stream.encoding or "utf-8"
    # One write per line, so that lines of several processes on one terminal do not mix.
    stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()
