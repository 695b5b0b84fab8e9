"""JSON in and out, the same everywhere: UTF-8, keys in their order, numbers kept whole.

orjson does the work. It would turn integers beyond 64 bits into floats, and an answer must go
back to disk as it came, so documents with such a number take the slower way through pydantic.
What cannot be written back, because it is nested too deeply, is not read either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Final

import orjson
from pydantic_core import from_json, to_json

#: Both writers give up at 254 levels, and an artifact wraps a document in a few of its own.
MAX_DEPTH: Final = 200

_LONG_INTEGER = re.compile(rb"\d{19}")


def loads(data: bytes) -> Any:
    """Parse a JSON document; raise `ValueError` with the position of what is wrong.

    A document nested deeper than `MAX_DEPTH` is wrong, too.
    """
    parsed = orjson.loads(data)
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _is_deep(parsed):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    return from_json(data, allow_inf_nan=False) if _LONG_INTEGER.search(data) else parsed


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
    separator = b"[\n  "
    for item in items:
        yield separator + dumps_indented(item).rstrip(b"\n").replace(b"\n", b"\n  ")
        separator = b",\n  "
    yield b"[]\n" if separator.startswith(b"[") else b"\n]\n"


def array_pieces(file: BinaryIO) -> Iterator[bytes]:
    """Cut an indented array into arrays of one item; leave any other layout in one piece."""
    lines = [file.readline(), file.readline()]
    indented = lines == [b"[\n", b"  {\n"]
    for line in file:
        lines.append(line)
        # A text in JSON holds no line end, so only an item can end in such a line.
        if indented and line == b"  },\n":
            yield b"".join(lines)[:-2] + b"]"
            lines = [b"["]
    yield b"".join(lines)


def canonical(value: Any) -> bytes:
    """Write a document so that equal contents give equal bytes, whatever their key order."""
    # These bytes are hashed, and the hashes are on disk: another layout would make every older
    # battery one of other tasks.
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return to_json(_sorted(value))


def _is_deep(document: Any) -> bool:
    """Go down level by level: recursion would end where a hostile document wants it to."""
    level = [document] if isinstance(document, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        groups = [item.values() if isinstance(item, dict) else item for item in level]
        level = [child for group in groups for child in group if isinstance(child, (dict, list))]
        if not level:
            return False
    return True


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
