"""What every surface says of the learning cost."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records.learning import Amount, Learning, LearningOf
from battery.records.summary import Summary
from battery.records.word import Word
from battery.report.learning import learning
from battery.verdict.assess import assess
from tests.report.samples import summary
from tests.verdict import batteries

#: An iteration whose distillation does not say what it took.
SILENT = LearningOf(iteration=1, calls={"distill": Amount()}, saved=None)


def record(**changes: Any) -> Learning:
    calls = {"distill": Amount(tokens=6170), "review": Amount(tokens=300), "judgment": Amount()}
    iterations = [LearningOf(iteration=n, calls=calls, saved=None) for n in (1, 2)]
    usual = {
        "unit": "total_tokens",
        "iterations": iterations,
        "total": Amount(tokens=12_940),
        "cost": 12_340.0,
        "saved": 15_000.0,
        "paid_back": 2,
    }
    return Learning(**{**usual, **changes})


def said(shown: Summary, **changes: Any) -> list[str]:
    return list(learning(shown.model_copy(update={"learning": record(**changes)})))


@pytest.fixture
def shown() -> Summary:
    evidence = assess(batteries.observed(batteries.learning, iterations=2))
    return summary(evidence=evidence.model_copy(update={"verdict": Word.LEARNED}))


def test_it_says_what_learning_cost_and_when_it_was_paid_back(shown: Summary) -> None:
    first, second = said(shown)
    assert first == "Learning cost 12,340 tokens so far; paid back in iteration 2."
    assert second == (
        "The battery's own reviews and judgments took 600 tokens, which does not count as a cost "
        "of learning."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"paid_back": None, "saved": 900.0},
            "so far; 900 tokens saved, not paid back after 2 iterations.",
        ),
        (
            {"paid_back": None, "saved": -5.0},
            "so far; nothing saved, not paid back after 2 iterations.",
        ),
        (
            {"paid_back": None, "saved": None},
            "so far; what it saves shows from iteration 2 on.",
        ),
        (
            {"paid_back": None, "cost": None, "unit": "cost_usd"},
            "Learning cost 12,340 tokens so far; its price is not known.",
        ),
        (
            {"paid_back": None, "cost": None, "iterations": [SILENT]},
            "Learning cost: not known, because no distillation reports what it took.",
        ),
    ],
)
def test_it_says_what_is_not_known_or_not_paid_back(
    changes: dict[str, Any], words: str, shown: Summary
) -> None:
    assert said(shown, **changes)[0].endswith(words)


def test_under_a_word_that_makes_the_numbers_worthless_no_saving_is_told(shown: Summary) -> None:
    assert shown.evidence
    evidence = shown.evidence.model_copy(update={"verdict": Word.INVALID})
    first, _ = said(shown.model_copy(update={"evidence": evidence}))
    assert first == "Learning cost 12,340 tokens so far."


def test_without_a_record_nothing_is_said(shown: Summary) -> None:
    assert list(learning(shown)) == []
