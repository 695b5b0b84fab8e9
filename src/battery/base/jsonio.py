"""JSON in and out, the same everywhere: UTF-8, keys in their order, numbers kept whole.

orjson does the work; a document that it refuses or would change takes a slower way. It turns
integers beyond 64 bits into floats, and an answer must go back to disk as it came. It refuses a
byte order mark and half a surrogate pair, which real servers send. What cannot be written back,
because it is nested too deeply, is not read either.
"""

from __future__ import annotations

import contextlib
import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from math import inf, isfinite
from typing import Any, BinaryIO, Final

import orjson
from pydantic_core import to_json

from battery.base.errors import dotted

#: Levels of a document from outside: an answer, an event, a tasks file. Such a document is stored
#: inside others (a list of runs, a journal line, an export) that must be readable, too.
MAX_DEPTH: Final = 200
#: Levels of a file. Both writers give up at 254.
MAX_FILE_DEPTH: Final = 240

# The tables below look for two rare things in all documents, so the work is left to methods of
# bytes: a pattern or a walk over the values takes longer than parsing.
#: Makes every digit a 0, and the brackets of objects those of lists.
_PLAIN: Final = bytes.maketrans(b"123456789{}", b"000000000[]")
#: Digits that make an integer too long for orjson.
_LONG: Final = b"0" * 19
#: Makes brackets of all kinds one kind.
_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_NO_STRUCTURE: Final = bytes(byte for byte in range(256) if byte not in b",[]{}")
_TEXT: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_STRING: Final = re.compile(_TEXT)
#: Some texts with what is before them: to take out all at once would keep all pieces in memory.
_STRINGS: Final = re.compile(rb'(?:[^"]*+%b){1,1000}' % _TEXT)
#: Bytes of a long document that are looked at together.
_BLOCK: Final = 1 << 20
#: Bytes of a file that are parsed together, unless an item is longer. In more of them are mostly
#: too many brackets to tell at a glance that nothing is nested too deeply.
_PIECE: Final = 1 << 13
# Escaped backslashes and whole pairs are matched, too: neither what follows such a backslash nor
# the second half of a pair is half a pair.
_SURROGATES: Final = re.compile(
    rb"\\(?:\\(?:\\\\)*|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2}))"
)
# Python's own limit. Longer ones take time that grows with the square of their length.
#: Digits that an integer may have.
MAX_DIGITS: Final = 4300
#: An integer that orjson takes for a float, or for infinity.
_LONG_INTEGER: Final = re.compile(rb"[0-9]{19,}")


class UnfitError(ValueError):
    """Report a document that its writer took for JSON, and that cannot be kept.

    `hint` is what to do about it.
    """

    hint = "make the program that writes it leave such a number out, or write it as a text"


class EncodingError(UnfitError):
    """Report a document in another encoding than UTF-8."""

    hint = "make the program that writes it use UTF-8"


class TooDeepError(UnfitError):
    """Report a document that is nested too deeply."""

    hint = (
        "make the program that writes it leave out what is nested so deeply, or write it as a text"
    )


def loads(data: bytes, max_depth: int | None = MAX_FILE_DEPTH) -> Any:
    """Parse a JSON document; raise `ValueError` with the position of what is wrong.

    A document nested deeper than `max_depth` raises `TooDeepError`; None sets no limit. A byte
    order mark is passed over, and U+FFFD replaces half a surrogate pair, which could not be written
    as UTF-8.
    """
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        data = _SURROGATES.sub(_whole, data.removeprefix(BOM_UTF8))
        try:
            parsed = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            parsed = _refused(data, error)
    opened, is_long = _looked_over(data)
    if max_depth is not None and opened > max_depth and _is_deeper(data, max_depth):
        raise TooDeepError(f"nested deeper than {max_depth} levels")
    if is_long:
        # Only after orjson: this parser takes what JSON does not know. A file that is too deep for
        # it is better read with approximate integers than not at all.
        with contextlib.suppress(RecursionError):
            return json.loads(data)
    return parsed


def _looked_over(data: bytes) -> tuple[int, bool]:
    """Count opening brackets, and return whether an integer may be long; texts count too."""
    opened, is_long = 0, False
    for start in range(0, len(data), _BLOCK):
        block = data[start : start + _BLOCK + len(_LONG)].translate(_PLAIN)
        opened += block.count(b"[", 0, _BLOCK)
        is_long = is_long or _LONG in block
    return opened, is_long


def _refused(data: bytes, error: ValueError) -> Any:
    """Parse what orjson refuses for the length of an integer; else say what is wrong.

    The fields of numbers that JSON does not know, which some writers put there, are named.
    """
    try:
        data.decode()
    except UnicodeDecodeError as wrong:
        byte = f"byte {wrong.start} is 0x{data[wrong.start]:02x}"
        raise EncodingError(f"not UTF-8: {byte}") from None
    if "depth limit" in str(error):
        raise TooDeepError(str(error)) from None
    try:
        document = json.loads(data, parse_int=_integer)
        wrong_number = next(_not_finite(document), None)
    except (ValueError, RecursionError):
        raise error from None
    if wrong_number:
        path, number = wrong_number
        longer = f", or an integer of over {MAX_DIGITS:,} digits" if number == "Infinity" else ""
        what = f"{number}, which is not JSON{longer}"
        raise UnfitError(f"{dotted(path) or 'the document'} is {what}: {error}") from None
    # Only integers may be what orjson refuses: the other parser takes more than JSON.
    orjson.loads(_LONG_INTEGER.sub(b"1000", data))
    return document


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else inf


def structure(data: bytes) -> bytes:
    """Return the commas and brackets of a JSON document, without those inside texts."""
    marks, end = bytearray(), 0
    # Not by `finditer`, which looks behind every byte for a text where there is none.
    while strings := _STRINGS.match(data, end):
        marks += _STRING.sub(b"", strings[0]).translate(None, _NO_STRUCTURE)
        end = strings.end()
    return bytes(marks + data[end:].translate(None, _NO_STRUCTURE))


def _is_deeper(data: bytes, max_depth: int) -> bool:
    """Return whether a document, which is JSON, is nested deeper."""
    left = structure(data).translate(_BRACKETS, b",")
    for _ in range(max_depth):
        # What is innermost goes, which is one level everywhere.
        left = left.replace(b"[]", b"")
    return bool(left)


def cut_off(document: Any, max_depth: int, instead: str) -> bool:
    """Put a text in place of what is nested deeper; return whether anything was."""
    parents = _level(document, max_depth - 1) if _level(document, max_depth) else []
    for parent in parents:
        for key, child in _items(parent):
            if isinstance(child, (dict, list)):
                parent[key] = instead
    return bool(parents)


def _whole(escape: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if escape["half"] else escape[0]


def _not_finite(value: Any, path: tuple[int | str, ...] = ()) -> Iterator[tuple[Any, str]]:
    if isinstance(value, float) and not isfinite(value):
        yield path, json.dumps(value)
    elif isinstance(value, (dict, list)):
        for key, item in _items(value):
            yield from _not_finite(item, (*path, key))


def dumps(value: Any) -> bytes:
    """Write a document on one line, without a line end."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return to_json(value)


def dumps_indented(value: Any) -> bytes:
    """Write a document indented by two, with a final line end."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"
    except TypeError:
        return to_json(value, indent=2) + b"\n"


def indented_array(items: Iterable[object]) -> Iterator[bytes]:
    """Write what `dumps_indented` would write for the whole list, holding one item at a time."""
    separator, end = b"[", b"\n]\n"
    for item in items:
        # In a list of its own it is as deep as in this one.
        yield separator + dumps_indented([item])[len(b"[") : -len(end)]
        separator = b","
    yield end if separator == b"," else b"[]\n"


def array_pieces(file: BinaryIO) -> Iterator[bytes]:
    """Cut an indented array into short arrays; leave any other layout in one piece.

    An array has the items that end in the next `_PIECE` bytes.
    """
    # A text in JSON holds no line end, so only an item can end in such a line.
    end_line = b"\n  },\n"
    start = file.read(len(b"[\n  {\n"))
    if start != b"[\n  {\n":
        yield start + file.read()
        return
    rest = bytearray(start)
    while block := file.read(_PIECE):
        seen = len(rest) - len(end_line)
        rest += block
        if (end := rest.rfind(end_line, max(seen, 0))) >= 0:
            # In place, and one copy: an item may be large.
            comma = end + end_line.index(b",")
            rest[comma] = ord("]")
            piece = bytes(memoryview(rest)[: comma + 1])
            rest[: comma + 1] = b"["
            yield piece
            del piece
    yield bytes(rest)


def canonical(value: Any) -> bytes:
    """Write a document so that equal contents give equal bytes, whatever their key order."""
    # These bytes are hashed, and the hashes are on disk: another layout would make every older
    # battery one of other tasks.
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return to_json(_sorted(value))


def _level(document: Any, depth: int) -> list[Any]:
    """Return the objects and lists that so many others are around."""
    # Level by level: recursion would end where a hostile document wants it to.
    level = [document] if isinstance(document, (dict, list)) else []
    for _ in range(depth):
        level = [
            child for item in level for _, child in _items(item) if isinstance(child, (dict, list))
        ]
        if not level:
            break
    return level


def _items(parent: dict[Any, Any] | list[Any]) -> Iterable[tuple[Any, Any]]:
    return list(parent.items() if isinstance(parent, dict) else enumerate(parent))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def kind_of(value: object) -> str:
    """Name the kind of a JSON value, as messages do."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    if value is None:
        return "nothing"
    if isinstance(value, str) and not value.strip():
        return "an empty string"
    return names.get(type(value), "a number")
