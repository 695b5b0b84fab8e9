"""Proposals stand with their verdicts and with what came of them."""

from __future__ import annotations

from battery.records.findings import Expectation, Scorecard
from battery.records.models import Proposal, Verdict
from battery.report.html.reviewed import Reviewed, reviews

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
    (judged,) = found.judged
    assert (judged.word, judged.reason) == ("APPROVE", "why")
    assert judged.target == "a.py (not in the repository)"
    assert judged.expected == "total_tokens to fall"
    assert judged.came == "10.00 → 5.00: right"
    assert found.outcome == "1 proposal: 1 APPROVE"


def test_without_a_judgment_or_a_next_iteration_it_says_so() -> None:
    (found,) = reviews([Reviewed(2, {"Review": "text"}, [PROPOSAL, PROPOSAL], [])], CARD)
    assert [title for title, _ in found.texts] == ["Review"]
    assert found.outcome == "2 proposals: 2 not judged"
    assert found.judged[0].expected == "tokens fall"
    assert found.judged[0].came == "no iteration came after it"


def test_iterations_without_a_review_are_left_out() -> None:
    asked = [Reviewed(1, {}, [], []), Reviewed(2, {"Review": "x"}, [], [])]
    found = list(reviews(asked, None))
    assert [each.iteration for each in found] == [2]
    assert found[0].outcome == "0 proposals"
