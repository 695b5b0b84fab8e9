"""The outcome of a review reads well and cannot move the cursor."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

from battery.records.models import Proposal, ReviewOutcome, Verdict
from battery.report.terminal.reviews import print_reviews

Word = Literal["APPROVE", "REVISE", "REJECT"]


def proposal(number: int, title: str, *, exists: bool | None = None) -> Proposal:
    return Proposal(
        number=number,
        title=title,
        target_file="src/a.py",
        rationale=None,
        expected_impact=None,
        metric=None,
        target_exists=exists,
    )


def verdict(number: int, word: Word, reason: str, flags: list[str]) -> Verdict:
    return Verdict(proposal=number, title="t", verdict=word, reason=reason, details="", flags=flags)


def shown(outcome: ReviewOutcome) -> str:
    stream = io.StringIO()
    print_reviews(outcome, Path("data"), stream)
    return stream.getvalue()


def test_each_proposal_stands_with_its_verdict_and_what_contradicts_it() -> None:
    outcome = ReviewOutcome(
        iteration=2,
        proposals=[proposal(1, "Cache it", exists=False), proposal(2, "Nobody judged this")],
        verdicts=[verdict(1, "APPROVE", "why not", ["approved, but not there"])],
        artifacts=["iter_2/overseer_review.md"],
    )
    assert shown(outcome) == (
        "Iteration 2: 2 proposals\n"
        "\n"
        "1. APPROVE Cache it\n"
        "   target  src/a.py (not in the repository)\n"
        "   reason  why not\n"
        "   flag    approved, but not there\n"
        "\n"
        "2. not judged Nobody judged this\n"
        "   target  src/a.py\n"
        "\n"
        "data/iter_2/overseer_review.md\n"
    )


def test_long_and_hostile_text_is_wrapped_and_harmless() -> None:
    text = "evil \x1b[2J text\r\n" + "word " * 60
    outcome = ReviewOutcome(
        iteration=1,
        proposals=[proposal(1, text)],
        verdicts=[verdict(1, "REJECT", text, [])],
        artifacts=[],
    )
    assert "\x1b" not in shown(outcome)
    assert max(map(len, shown(outcome).splitlines())) <= 80
