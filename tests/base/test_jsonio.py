"""JSON goes in and out unchanged, whatever the numbers in it."""

from __future__ import annotations

import io
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


@pytest.mark.parametrize(
    "number",
    [2**63 - 1, 2**64, -(2**63) - 1, 10**19 + 1, 3 * 10**300 + 1, -(10**308), 10**309, 7**5000],
)
def test_integers_of_any_size_are_kept_whole(number: int) -> None:
    for write in (jsonio.dumps, jsonio.dumps_indented, jsonio.canonical):
        assert jsonio.loads(write({"b": number, "a": [number]})) == {"b": number, "a": [number]}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (rb"cut \ud83d", "cut \N{REPLACEMENT CHARACTER}"),
        (rb"\uDE00 left", "\N{REPLACEMENT CHARACTER} left"),
        (rb"\ud83d\ud83d\ude00", "\N{REPLACEMENT CHARACTER}\N{GRINNING FACE}"),
        (rb"\ud83d\n", "\N{REPLACEMENT CHARACTER}\n"),
        (rb"\ud83d\\ude00", "\N{REPLACEMENT CHARACTER}\\ude00"),
        (rb"\\ud83d \udbff", "\\ud83d \N{REPLACEMENT CHARACTER}"),
        (rb"\\\\\ud83d\ude00\udc00", "\\\\\N{GRINNING FACE}\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_half_a_surrogate_pair_is_replaced_and_nothing_else(written: bytes, text: str) -> None:
    assert jsonio.loads(b'{"' + written + b'": ["' + written + b'"]}') == {text: [text]}


@settings(deadline=None)
@given(st.lists(st.text(st.characters() | st.characters(categories=["Cs"]))))
def test_every_string_that_is_read_can_be_written_as_utf_8(texts: list[str]) -> None:
    # This writer escapes the halves of a pair alone, as JavaScript does.
    read = jsonio.loads(json.dumps(texts).encode())
    whole = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
    assert read == whole
    assert jsonio.loads(jsonio.dumps(read)) == read


def test_a_long_integer_next_to_half_a_pair_is_kept_whole() -> None:
    assert jsonio.loads(rb'["\ud83d", 12345678901234567890123]') == [
        "\N{REPLACEMENT CHARACTER}",
        12345678901234567890123,
    ]


@pytest.mark.parametrize("text", ["{}", '["\\ud800"]', '{"id": 12345678901234567890123}'])
def test_a_byte_order_mark_is_passed_over(text: str) -> None:
    assert jsonio.loads(text.encode("utf-8-sig")) == jsonio.loads(text.encode())


@pytest.mark.parametrize(
    ("bad", "place"),
    [
        (b'{"artifact": {"scores": [1, NaN]}}', r"artifact\.scores\[1\] is NaN, .* column 29"),
        (b'{"a": -Infinity}', "a is -Infinity, .* column"),
        (b'{"a": 1e999}', "a is Infinity, .* column"),
        (b'{"a": [1, %b]}' % (b"1" * 4301), r"a\[1\] is Infinity, .*4,300 digits"),
        (b'{"b": %b, "a": NaN}' % (b"1" * 400), "a is NaN, .* column"),
        (b"NaN", "the document is NaN, .* column"),
        (b'{"a": NaN,}', "column"),
        (b'{"a": %b,}' % (b"1" * 400), "column"),
        (b'{"a": 0%b}' % (b"1" * 400), "column"),
        (b'["\t", %b]' % (b"1" * 400), "column"),
        (b"[" * 900 + b"NaN" + b"]" * 900, "column"),
    ],
)
def test_a_number_that_json_does_not_know_is_named_by_its_place(bad: bytes, place: str) -> None:
    with pytest.raises(ValueError, match=place):
        jsonio.loads(bad)


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        (b'"\xed\xa0\x80"', "byte 1 is 0xed"),
        (b'["caf\xe9"]', "byte 5 is 0xe9"),
        ("[1]".encode("utf-16"), "byte 0 is 0xff"),
        (b'[%b, "\xff"]' % (b"1" * 400), "byte 404 is 0xff"),
    ],
)
def test_another_encoding_is_named_by_its_first_byte(bad: bytes, where: str) -> None:
    with pytest.raises(jsonio.EncodingError, match=f"^not UTF-8: {where}$"):
        jsonio.loads(bad)


@pytest.mark.parametrize("bad", [b'"\\ud8"', b'"\\u00"', b"{}x", b""])
def test_what_json_does_not_know_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match="column"):
        jsonio.loads(bad)


@pytest.mark.parametrize("number", [b"1", b"12345678901234567890123"])
@pytest.mark.parametrize("depth", [2, 199, 200])
def test_a_document_from_outside_can_be_read_back_inside_others(depth: int, number: bytes) -> None:
    whole = b"[" + nested(depth - 1) + b"," + number + b"]"
    document = jsonio.loads(whole, jsonio.MAX_DEPTH)
    for _ in range(jsonio.MAX_FILE_DEPTH - depth):
        document = {"inside": document}
    for write in (jsonio.dumps, jsonio.dumps_indented, jsonio.canonical):
        assert jsonio.loads(write(document)) == document
        # An export wraps once more what was read from a file.
        assert write([[[[{"sample": [document]}]]]])


@pytest.mark.parametrize("depth", [201, 202, 1000, 100_000])
def test_a_document_from_outside_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    with pytest.raises(jsonio.TooDeepError, match=r"nested deeper than 200 levels|depth limit"):
        jsonio.loads(nested(depth), jsonio.MAX_DEPTH)


@pytest.mark.parametrize("depth", [241, 1000, 100_000])
def test_a_file_that_could_not_be_written_back_is_refused(depth: int) -> None:
    with pytest.raises(jsonio.TooDeepError, match=r"nested deeper than 240 levels|depth limit"):
        jsonio.loads(nested(depth))


@pytest.mark.parametrize("depth", [2, 19, 20, 21, 22, 900])
def test_what_is_nested_deeper_is_cut_off_and_the_rest_kept(depth: int) -> None:
    document = jsonio.loads(b'{"deep": ' + nested(depth - 1) + b', "wide": [[], 1]}', None)
    before = jsonio.dumps_indented(document) if depth < 100 else b""
    assert jsonio.cut_off(document, 20, "(deeper)") is (depth > 20)
    assert document["wide"] == [[], 1]
    written = jsonio.dumps_indented(document)
    assert (b'"(deeper)"' in written) is (depth > 20)
    assert jsonio.loads(written, 20) == document
    assert depth > 20 or written == before


def test_brackets_in_texts_neither_hide_depth_nor_add_to_it() -> None:
    flat = json.dumps(["[" * 300, '\\"[{' * 300, {"]": "}" * 300}]).encode()
    assert jsonio.loads(flat, jsonio.MAX_DEPTH) == json.loads(flat)
    hidden = b'["]",' * 201 + b"0" + b',"["]' * 201
    with pytest.raises(jsonio.TooDeepError):
        jsonio.loads(hidden, jsonio.MAX_DEPTH)


@pytest.mark.parametrize("before", [0, 1, 30, 31, 47, 48, 49])
def test_a_long_integer_is_found_wherever_it_is(
    before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonio, "_BLOCK", 16)
    long = b"9" * 30
    assert jsonio.loads(b" " * before + long + b" " * 9) == int(long)


@settings(max_examples=15)
@given(st.lists(documents))
def test_an_indented_array_is_written_as_the_whole_list_would_be(items: list[Any]) -> None:
    assert b"".join(jsonio.indented_array(items)) == jsonio.dumps_indented(items)


@settings(max_examples=15)
@given(st.lists(st.dictionaries(st.text(), documents, min_size=1), min_size=1), st.integers(1, 99))
def test_an_indented_array_is_cut_between_its_items(items: list[Any], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonio, "_PIECE", block)
        file = io.BytesIO(b"".join(jsonio.indented_array(items)))
        pieces = [jsonio.loads(piece) for piece in jsonio.array_pieces(file)]
    assert same([item for piece in pieces for item in piece], items)
    longest = max(len(jsonio.dumps_indented(item)) for item in items)
    assert all(len(jsonio.dumps_indented(piece)) <= 3 * (block + longest) for piece in pieces)


def test_many_brackets_beside_each_other_are_not_deep() -> None:
    assert len(jsonio.loads(b"[" + b"[{}]," * 10_000 + b'"[[["]')) == 10_001
