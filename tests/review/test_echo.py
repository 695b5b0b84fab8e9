"""What a model only repeats of the prompt is told from what it says itself."""

from __future__ import annotations

import pytest

from battery.review.echo import Form

FORM = Form("**Rationale**: what the metrics or a task row show, with the number\nNone.")


@pytest.mark.parametrize(
    "text",
    [
        "what the metrics or a task row show, with the number",
        "`What` the metrics **or a task row** show",
        # A name in the place of a blank.
        "what the metrics or a task row of Toledo show, with the number",
        "number",
        "",
    ],
)
def test_the_forms_words_are_known_whatever_is_around_them(text: str) -> None:
    assert FORM.has(text)


@pytest.mark.parametrize("text", ["the metrics show 14 turns", "tasks.json", "numbers"])
def test_what_shares_a_word_with_the_form_is_no_echo(text: str) -> None:
    assert not FORM.has(text)


def test_nothing_at_all_repeats_nothing() -> None:
    assert not FORM.is_all(["", None])
    assert FORM.is_all(["", "what the metrics or a task row show"])
    assert not FORM.is_all(["src/a.py", "what the metrics or a task row show"])


def test_an_answer_repeats_the_form_when_most_of_its_lines_do() -> None:
    line = "Rationale: what the metrics or a task row show, with the number"
    own = "The welder took fourteen turns, because the memory is empty."
    assert FORM.is_most_of(f"## Heading that was asked for\n\n{line}\n")
    assert FORM.is_most_of(f"{line}\n{line}\n{own}\n")
    assert not FORM.is_most_of(f"{line}\n{own}\n")
    assert not FORM.is_most_of("## Rationale: what the metrics or a task row show\n")
