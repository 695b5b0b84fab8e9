"""Any JSON as text that is read without knowing JSON; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from battery.base import jsonio

#: Values on one line, such as a list of numbers, take at most so many characters.
_LINE: Final = 100
#: What is deeper inside is written as JSON: nobody reads on, and some answers nest a thousandfold.
_DEEP: Final = 8
#: What Python writes as JSON does, but for the quotes of a text.
_ALIKE: Final = frozenset({str, int})


def readable(value: Any) -> str:
    """Write a name and its value per line, what is inside indented; empty where there is nothing.

    Texts and numbers are as they came; lists have a dash per item, and one that is short is a line.
    """
    return "\n".join(_lines(value, 1))


def _lines(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEP and _holds(value):
        yield jsonio.dumps(value).decode()
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _named(f"{name}:", inner, depth)
    elif isinstance(value, list):
        for inner in value:
            first, *others = _item(inner, depth)
            yield f"- {first}".rstrip()
            for line in others:
                yield f"  {line}"
    elif value is not None:
        yield from _plain(value).split("\n")


def _named(name: str, value: Any, depth: int) -> Iterator[str]:
    lines = _item(value, depth)
    if len(lines) == 1 and not lines[0].startswith("- "):
        yield f"{name} {lines[0]}".rstrip()
        return
    yield name
    for line in lines:
        yield f"  {line}"


def _item(value: Any, depth: int) -> list[str]:
    line = _flat(value)
    if line is not None and len(line) <= _LINE:
        return [line]
    return list(_lines(value, depth + 1))


def _flat(value: Any) -> str | None:
    """Write a value on one line; None where it holds lists or objects, or several lines."""
    text = _joined(value) if isinstance(value, (dict, list)) else _plain(value)
    return None if text is None or "\n" in text else text


def _joined(value: Any) -> str | None:
    """Write what a list or an object holds, with commas; None where that holds anything itself."""
    inside = value.values() if isinstance(value, dict) else value
    # Mostly all are texts and whole numbers, which Python writes alike, and fast.
    if not _ALIKE.issuperset(map(type, inside)):
        # What lists of objects hold is not to be written twice.
        if any(map(_holds, inside)):
            return None
        texts = map(_plain, inside)
        value = dict(zip(value, texts, strict=True)) if isinstance(value, dict) else list(texts)
    if isinstance(value, dict):
        return ", ".join([f"{name} {inner}" for name, inner in value.items()]) or "none"
    return ", ".join(map(str, value)) or "none"


def _holds(value: Any) -> bool:
    return isinstance(value, (dict, list)) and bool(value)


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list)) or value is None:
        return "none"
    return jsonio.dumps(value).decode()
