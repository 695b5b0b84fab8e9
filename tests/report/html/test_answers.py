"""What a distillation added is told from what was known."""

from __future__ import annotations

from battery.protocol import Json
from battery.records.findings import Expectation, Scorecard
from battery.records.models import Proposal, Verdict
from battery.report.html.answers import (
    MOST_CHARACTERS,
    MOST_LESSONS,
    Lesson,
    Reviewed,
    learned,
    reviews,
)


def lesson(text: str, **more: object) -> Json:
    return {"role": "lesson", "text": text, **more}


def test_lessons_of_an_earlier_iteration_are_not_new() -> None:
    first, second = learned(
        [
            (1, "one", [lesson("a", kind="plan"), lesson("b"), lesson("b")]),
            (2, "two", [lesson("b"), lesson("c")]),
        ]
    )
    assert first.new == [Lesson("plan", "a"), Lesson("lesson", "b")]
    assert (second.new, second.known) == ([Lesson("lesson", "c")], [Lesson("lesson", "b")])


def test_progress_and_the_last_word_are_no_lessons_nor_is_what_has_no_text() -> None:
    events: list[Json] = [
        {"role": "status", "text": "working"},
        {"role": "final", "text": "all"},
        {"role": "lesson"},
        {"role": "lesson", "text": " "},
        {"text": ["no text"]},
        {"text": "without a role"},
    ]
    (found,) = learned([(1, "all", events)])
    assert found.new == [Lesson("event", "without a role")]


def test_a_failed_distillation_adds_no_lesson_and_says_why() -> None:
    events = [lesson("half of it"), {"type": "error", "message": "no room"}]
    failed, later = learned([(1, "The distillation failed: no room", events), (2, "x", events[:1])])
    assert (failed.failure, failed.new, failed.known) == ("no room", [], [])
    assert (later.failure, later.new) == ("", [Lesson("lesson", "half of it")])


def test_the_same_text_again_is_noticed_and_nothing_distilled_is_none() -> None:
    found = list(learned([(1, "same", []), (2, None, []), (3, "same", [])]))
    assert [each.same_text for each in found] == [False, False, True]
    assert found[1].text is None


def test_of_very_many_lessons_the_rest_is_counted() -> None:
    (found,) = learned([(1, "all", [lesson(str(n)) for n in range(MOST_LESSONS + 5)])])
    assert (len(found.new), found.more) == (MOST_LESSONS, 5)


def test_a_long_lesson_is_cut_with_a_mark_after_it_was_compared_as_a_whole() -> None:
    start = "x" * MOST_CHARACTERS
    one, two = learned([(1, "a", [lesson(start + "one")]), (2, "b", [lesson(start + "two")])])
    assert one.new == [Lesson("lesson", start, cut=True)]
    assert (len(two.new), two.known) == (1, [])


def test_a_role_or_kind_that_is_no_text_is_passed_over() -> None:
    events: list[Json] = [
        {"role": ["lesson"], "text": "a"},
        {"role": {"b": 1}, "kind": {"c": []}, "text": "b"},
        {"role": "lesson", "kind": 7, "text": "c"},
    ]
    (found,) = learned([(1, "all", events)])
    assert [each.kind for each in found.new] == ["event", "event", "lesson"]


PROPOSAL = Proposal(
    number=1,
    title="Cache",
    target_file="a.py",
    rationale=None,
    expected_impact="tokens fall",
    metric="total_tokens",
    target_exists=False,
)
CARD = Scorecard(
    expectations=[
        Expectation(
            iteration=1,
            proposal=1,
            title="Cache",
            metric="total_tokens",
            expected="fall",
            before=10.0,
            after=5.0,
            outcome="right",
        )
    ],
    right=1,
    wrong=0,
    unchanged=0,
    not_measurable=0,
)


def verdict(word: str) -> Verdict:
    return Verdict.model_validate(
        {"proposal": 1, "title": "Cache", "verdict": word, "reason": "why", "details": ""}
    )


def test_a_proposal_has_its_verdict_and_its_outcome() -> None:
    (found,) = reviews(
        [Reviewed(1, {"Review": "# a", "Judgment": "b"}, [PROPOSAL], [verdict("APPROVE")])], CARD
    )
    assert found.judged == [(PROPOSAL, verdict("APPROVE"), CARD.expectations[0])]
    assert found.outcome == "1 proposal: 1 APPROVE"


def test_without_a_judgment_or_a_next_iteration_it_says_so() -> None:
    (found,) = reviews([Reviewed(2, {"Review": "text"}, [PROPOSAL, PROPOSAL], [])], CARD)
    assert [title for title, _ in found.texts] == ["Review"]
    assert found.outcome == "2 proposals: 2 not judged"
    assert found.judged == [(PROPOSAL, None, None)] * 2


def test_iterations_without_a_review_are_left_out() -> None:
    asked = [Reviewed(1, {}, [], []), Reviewed(2, {"Review": "x"}, [], [])]
    found = list(reviews(asked, None))
    assert [each.iteration for each in found] == [2]
    assert found[0].outcome == "0 proposals"
