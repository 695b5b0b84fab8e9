"""Read the records of an answer that has them as data: the JSON block that the prompts ask for.

Other JSON, tags and YAML are read as well, where a model answers in those instead of Markdown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from battery.review.inline import entitled
from battery.review.labels import label_of
from battery.review.words import is_verdict

#: Keys of the lists in the two blocks that the prompts ask for.
PROPOSALS_KEY: Final = "proposals"
VERDICTS_KEY: Final = "verdicts"

#: A field's text by its label; `metric` and `number` may be there, too.
Fields = Mapping[str, str]

_VALUE_START = re.compile(r"^[ \t]*([\[{])", re.MULTILINE)
_FENCE_BEFORE = re.compile(r"^[ \t]*`{3,}[ \t]*\w*[ \t]*\n\s*\Z", re.MULTILINE)
_FENCE_AFTER = re.compile(r"\A\s*?\n[ \t]*`{3,}[ \t]*$", re.MULTILINE)
# Comments, and commas too many; not inside of strings.
_NO_JSON = re.compile(
    r"(?P<text>\"(?:[^\"\\\n]|\\.)*\")|(?<!:)//[^\n]*|,(?=(?:\s|//[^\n]*+\n)*+[\]},])"
)
#: Values that are tried, and levels of one that are looked into.
_TRIED, _DEPTH = 500, 5
_TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[a-z][\w-]{0,40})"
    r"(?P<attributes>(?:\s+[\w-]{1,40}\s*=\s*(?:\"[^\"<>]{0,300}\"|'[^'<>]{0,300}'|\w+)){0,6})\s*>",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|(\w+))")
_OPEN_TAGS: Final = 20
_LEAF = re.compile(r"<([A-Za-z]\w{0,40})>([^<>]{1,2000})</\1>")


class Block(NamedTuple):
    """Records, and the answer's text without them."""

    records: Sequence[Fields]
    rest: str


def asked_block(text: str, key: str) -> Block | None:
    """Find the last object with a list of records under `key`; None when there is none."""
    for start, end, value in reversed(list(_values(text))):
        records = value.get(key) if isinstance(value, dict) else None
        fields: list[Fields] = []
        if isinstance(records, list):
            fields = [_fields(record) for record in records if isinstance(record, dict)]
        elif isinstance(records, dict):
            fields = [one for name, item in records.items() for one in _keyed(name, item)]
        if fields:
            before, after = _FENCE_BEFORE.sub("", text[:start]), _FENCE_AFTER.sub("", text[end:])
            return Block(fields, before + after)
    return None


def has_key(text: str, key: str) -> bool:
    """Return whether an object of the answer that can be parsed has a key."""
    return any(isinstance(value, dict) and key in value for _, _, value in _values(text))


def other_records(text: str) -> list[list[Fields]]:
    """Read every list of records that there is in JSON, in any form."""
    values = [value for _, _, value in _values(text)]
    lists = [found for value in values for found in _lists(value, _DEPTH)]
    # One object per proposal, each in a block or on a line of its own.
    single = [record for found in lists if len(found) == 1 for record in found]
    return [*lists, single]


def _values(text: str) -> Iterator[tuple[int, int, Any]]:
    """Parse each JSON value that begins a line; inside one that is broken, those that are whole."""
    # A model breaks lines inside strings.
    decoder, at = json.JSONDecoder(strict=False), 0
    lenient = _NO_JSON.sub(lambda found: found["text"] or " " * len(found[0]), text)
    for _ in range(_TRIED):
        found = _VALUE_START.search(text, at)
        if not found:
            return
        start, at = found.start(1), found.end()
        for written in (text, lenient):
            try:
                value, end = decoder.raw_decode(written, start)
            except (ValueError, RecursionError):
                continue
            break
        else:
            continue
        at = end
        yield start, end, value


def _lists(value: object, depth: int) -> Iterator[list[Fields]]:
    if depth == 0:
        return
    if isinstance(value, list):
        yield [_fields(item) for item in value if isinstance(item, dict)]
        for item in value:
            yield from _lists(item, depth - 1)
    elif isinstance(value, dict):
        yield [_fields(value)]
        yield [record for key, item in value.items() for record in _keyed(key, item)]
        for item in value.values():
            yield from _lists(item, depth - 1)


def _keyed(key: str, item: object) -> Iterator[Fields]:
    """Read a record whose number, title or verdict is its key."""
    name = _words(key)
    if isinstance(item, dict):
        yield {"title": name, **_fields(item)}
    elif isinstance(item, list) and is_verdict(name):
        for one in item:
            fields = _fields(one) if isinstance(one, dict) else {"title": _text(one)}
            yield {**fields, "verdict": name}
    elif isinstance(item, str) and not label_of(name) and is_verdict(item):
        yield {"title": name, "verdict": item}


def _fields(record: Mapping[str, object]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for key, value in record.items():
        name, text = _words(str(key)), _text(value)
        if name in {"metric", "metrics"}:
            label: str | None = "metric"
        elif re.fullmatch(r"(?:proposal )?(?:number|id|no|index)|#|n", name) or (
            name == "proposal" and entitled(text)[0] is not None and not entitled(text)[1]
        ):
            label = "number"
        else:
            label = label_of(name)
        if label and text and label not in fields:
            fields[label] = text
    return fields


def _words(key: str) -> str:
    """Write a key such as `targetFile` or `target_file` as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]+", " ", key).strip().lower()


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{_words(str(key))}: {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "" if value is None or isinstance(value, bool) else str(value).strip()


def tagged_records(text: str) -> list[Fields]:
    """Read the elements of tags that hold fields, such as `<proposal><verdict>…`."""
    records: list[Fields] = []
    # Each open element: its name, its attributes and fields so far, and where its text begins.
    stack: list[tuple[str, dict[str, object], int]] = []
    for tag in _TAG.finditer(text):
        name = tag["name"].lower()
        if not tag["end"]:
            attributes = {
                key: a or b or c for key, a, b, c in _ATTRIBUTE.findall(tag["attributes"])
            }
            stack = [*stack[-_OPEN_TAGS:], (name, attributes, tag.end())]
            continue
        while stack and any(name == open_ for open_, _, _ in stack):
            open_, held, start = stack.pop()
            if open_ == name:
                records += _element(name, held, text[start : tag.start()], stack)
                break
    return records


def _element(
    name: str,
    found: dict[str, object],
    inside: str,
    stack: list[tuple[str, dict[str, object], int]],
) -> Iterator[Fields]:
    """Yield an element with fields as a record; hand a field to the element around it."""
    is_leaf = "<" not in inside
    if is_leaf and not found and stack:
        stack[-1][1].setdefault(name, inside.strip())
    elif found:
        record = _fields({**found, name: inside} if is_leaf else found)
        if len(record) > 1:
            yield record


def untagged(text: str) -> str:
    """Write tags around a single field as the label of a line."""
    return _LEAF.sub(
        lambda tag: f"**{_words(tag[1])}**: {tag[2]}" if label_of(_words(tag[1])) else tag[0], text
    )
