"""Verdicts are read out of sentences only where somebody decides in them."""

from __future__ import annotations

import pytest

from battery.review.loose import JUDGMENT
from battery.review.prose import spoken_verdicts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I approve proposal 1.", {1: "APPROVE"}),
        ("I would approve proposal #1 and reject proposal #2.", {1: "APPROVE", 2: "REJECT"}),
        ("Proposal 2 (stop early) has no number. It should be revised.", {2: "REVISE"}),
        ("Proposals 1, 2 and 4 are APPROVED.", {1: "APPROVE", 2: "APPROVE", 4: "APPROVE"}),
        ("Reject proposal 3.", {3: "REJECT"}),
        ("I would approve proposal 1 if the file existed.", {}),
        ("I do not approve proposal 1.", {}),
        ("Proposal 1 builds on proposal 2, which I approve.", {}),
        ("Proposal 1 caches rejected searches.", {}),
        ("I approve proposal 1. No: I reject proposal 1.", {}),
        ("> I reject proposal 1.\n\nI approve proposal 2.", {2: "APPROVE"}),
        ("```\nI reject proposal 1.\n```\n", {}),
        ("## PR-ready changes\n\nProposal 1 is APPROVED.", {}),
        ("I approve 2 of 3 proposals.", {}),
    ],
)
def test_a_sentence_gives_the_verdict_that_it_decides_on(text: str, words: dict[int, str]) -> None:
    found = spoken_verdicts(text, JUDGMENT)
    assert {number: word for number, (word, _) in found.items()} == words


def test_the_paragraph_is_the_reason() -> None:
    paragraph = "Proposal 1 rests on numbers. I approve it."
    assert spoken_verdicts(f"Hello.\n\n{paragraph}\n", JUDGMENT) == {1: ("APPROVE", paragraph)}
