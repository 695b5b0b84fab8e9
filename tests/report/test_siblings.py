"""What new tasks took and what they show, in the same words on every surface."""

from __future__ import annotations

import pytest

from battery.records.findings import Evidence, Siblings, Transfer
from battery.records.word import Word
from battery.report import siblings
from battery.verdict.assess import assess
from tests.verdict.batteries import learning, observed, with_siblings

TAUGHT = assess(with_siblings(observed(learning), learning))


def new(**changes: object) -> Evidence:
    assert TAUGHT.siblings
    found = Siblings(**{**dict(TAUGHT.siblings), **changes})
    return TAUGHT.model_copy(update={"siblings": found})


def test_it_says_what_new_tasks_took_next_to_those_asked_again_and_how_it_was_tested() -> None:
    said = siblings.told(TAUGHT)
    assert said == (
        "16 new tasks, asked once each, of 8 tasks: against the twin, a typical one took 43.5% "
        "fewer tokens (91% interval 45.3% to 41.8% fewer), a repeated one 43.5% fewer. 12 of 12 "
        "done, twin 12 of 12. Do they gain as well? p = 0.004, held to 0.047 (sign flips over "
        "siblings, one-sided). The gain holds for new tasks as well."
    )


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("memorised", "on repeated tasks alone: because"),
        ("open", "holds for new tasks is open: because"),
        ("nothing to show", "Nothing was gained that could hold for new tasks"),
    ],
)
def test_what_they_show_is_said_with_the_reason(outcome: Transfer, words: str) -> None:
    note = None if outcome == "nothing to show" else "because"
    assert words in (siblings.told(new(outcome=outcome, note=note)) or "")


def test_under_a_word_that_makes_numbers_worthless_they_show_nothing() -> None:
    said = siblings.told(TAUGHT.model_copy(update={"verdict": Word.INVALID})) or ""
    assert said.endswith("But the verdict is INVALID, so none of this shows learning.")


def test_what_could_not_be_measured_is_said_and_not_made_up() -> None:
    said = siblings.told(new(ratio=None, repeated=None, interval=None, learn_calls=0, level=0.0))
    assert "no tokens of theirs could be compared. Do they gain" in (said or "")
    assert "held to" not in (said or "")


def test_without_siblings_nothing_is_said() -> None:
    evidence = assess(observed(learning))
    assert (siblings.told(evidence), siblings.by_task(evidence)) == (None, [])
