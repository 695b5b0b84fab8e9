"""JSON goes in and out unchanged, whatever the numbers in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base import jsonio

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def nested(depth: int) -> bytes:
    """Write lists and objects inside each other, so many levels deep."""
    return b'[{"a": ' * (depth // 2) + (b"[]" if depth % 2 else b"1") + b"}]" * (depth // 2)


def same(one: Any, other: Any) -> bool:
    """Compare as JSON does: 1 and 1.0 differ, and so do two key orders."""
    return json.dumps(one) == json.dumps(other)


@settings(deadline=None)
@given(documents)
def test_what_is_written_is_read_back_the_same(document: Any) -> None:
    assert same(jsonio.loads(jsonio.dumps(document)), document)
    assert same(jsonio.loads(jsonio.dumps_indented(document)), document)
    assert b"\n" not in jsonio.dumps(document)


@settings(deadline=None)
@given(documents)
def test_it_reads_what_another_writer_writes(document: Any) -> None:
    assert same(jsonio.loads(json.dumps(document).encode()), document)


@settings(deadline=None)
@given(st.dictionaries(st.text(), documents, max_size=5))
def test_the_canonical_form_does_not_depend_on_the_key_order(document: dict[str, Any]) -> None:
    turned = dict(reversed(document.items()))
    assert jsonio.canonical(turned) == jsonio.canonical(document)
    assert jsonio.loads(jsonio.canonical(document)) == document


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_a_document_or_a_value_error(data: bytes) -> None:
    try:
        document = jsonio.loads(data)
    except ValueError:
        return
    assert same(jsonio.loads(jsonio.dumps(document)), document)


@pytest.mark.parametrize("number", [2**63 - 1, 2**64, -(2**63) - 1, 10**19 + 1, 3 * 10**300 + 1])
def test_integers_of_any_size_are_kept_whole(number: int) -> None:
    for write in (jsonio.dumps, jsonio.dumps_indented, jsonio.canonical):
        assert jsonio.loads(write({"b": number, "a": [number]})) == {"b": number, "a": [number]}


@pytest.mark.parametrize("bad", [b"NaN", b"[Infinity]", b"1e999", b'"\\ud800"', b"{}x", b""])
def test_what_json_does_not_know_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match="column"):
        jsonio.loads(bad)


@pytest.mark.parametrize("depth", [2, 199, 200])
def test_whatever_depth_can_be_read_can_be_written_inside_an_artifact(depth: int) -> None:
    document = jsonio.loads(nested(depth))
    for write in (jsonio.dumps, jsonio.dumps_indented, jsonio.canonical):
        assert jsonio.loads(write(document)) == document
        assert write([{"result": {"artifact": document}}])


@pytest.mark.parametrize("depth", [201, 202, 1000, 100_000])
def test_a_document_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match=r"nested deeper than 200 levels|depth limit"):
        jsonio.loads(nested(depth))


def test_many_brackets_beside_each_other_are_not_deep() -> None:
    assert len(jsonio.loads(b"[" + b"[{}]," * 10_000 + b'"[[["]')) == 10_001
