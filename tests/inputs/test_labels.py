"""What a user may call a battery, and what of it is kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.base.errors import UsageError
from battery.base.redact import Redactor
from battery.base.text import printable
from battery.inputs.labels import LONGEST, MAX_TAGS, make_labels

NOTHING = Redactor([])


def test_what_was_not_given_is_left_as_it_is_and_an_empty_text_takes_it_away() -> None:
    assert make_labels({"name": None, "tag": []}, NOTHING) == {}
    cleared = make_labels({"name": "", "note": " ", "tag": [""]}, NOTHING)
    assert cleared == {"name": None, "note": None, "tags": []}


def test_a_tag_is_kept_once_in_the_order_given() -> None:
    assert make_labels({"tag": ["b", "a", "b"]}, NOTHING) == {"tags": ["b", "a"]}


@given(st.text(st.characters(codec=None), max_size=LONGEST["tag"] // 10))
def test_any_text_becomes_one_harmless_line(text: str) -> None:
    labels = make_labels({"name": text, "note": text}, NOTHING)
    name = labels["name"]
    assert name is None or (name.isprintable() and name == name.strip())
    assert labels == {"name": name, "note": name}


@given(st.text(st.characters(codec=None), max_size=LONGEST["tag"] // 10))
def test_any_text_becomes_a_tag_of_one_word_or_is_refused(text: str) -> None:
    try:
        tags = make_labels({"tag": [text]}, NOTHING)["tags"]
    except UsageError:
        assert set(printable(text)) & set(" ,")
        return
    assert all(tag.isprintable() and not set(tag) & set(" ,") for tag in tags)


@pytest.mark.parametrize("tag", ["a b", "a,b", "a\tb"])
def test_a_tag_of_several_words_is_refused(tag: str) -> None:
    with pytest.raises(UsageError, match="is more than one word") as caught:
        make_labels({"tag": ["fine", tag]}, NOTHING)
    assert "without spaces and commas" in (caught.value.hint or "")


@pytest.mark.parametrize("kind", LONGEST)
def test_a_label_of_the_longest_length_is_taken_and_a_longer_one_refused(kind: str) -> None:
    def labelled(text: str) -> dict[str, Any]:
        return make_labels({kind: [text] if kind == "tag" else text}, NOTHING)

    assert "x" * LONGEST[kind] in str(labelled("x" * LONGEST[kind]))
    with pytest.raises(UsageError, match=f"the {kind} has") as caught:
        labelled("x" * (LONGEST[kind] + 1))
    assert caught.value.hint == f"it may have {LONGEST[kind]:,}"


def test_more_tags_than_a_heading_can_show_are_refused() -> None:
    with pytest.raises(UsageError, match="too many"):
        make_labels({"tag": [str(number) for number in range(MAX_TAGS + 1)]}, NOTHING)


@pytest.mark.parametrize("options", [{"name": "my s3cret-key"}, {"tag": ["s3cret-key"]}])
def test_a_secret_is_refused_and_not_repeated(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="holds a secret") as caught:
        make_labels(options, Redactor(["s3cret-key"]))
    assert "s3cret" not in caught.value.message
