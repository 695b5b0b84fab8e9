"""A verdict is one word that was decided on."""

from __future__ import annotations

import pytest

from battery.review.words import decide, is_verdict


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("APPROVE", "APPROVE"),
        ("**Approved** ✅", "APPROVE"),
        ("✅ approve with a smaller scope", "APPROVE"),
        ("REVISE, not REJECT", "REVISE"),
        ("REVISE (or REJECT if the file is missing)", "REVISE"),
        ("not APPROVED, but REJECTED", "REJECT"),
        ("I cannot approve this", None),
        ("would be APPROVE if the file existed, so REJECT", "REJECT"),
        ("APPROVE | REVISE | REJECT", None),
        ("APPROVE/REVISE/REJECT", None),
        ("APPROVE, REVISE or REJECT", None),
        ("APPROVE or REVISE", None),
        ("_REVISE_", "REVISE"),
        ("[REJECT]", "REJECT"),
        ("Changes requested", "REVISE"),
        ("LGTM", "APPROVE"),
        ("Conditional approve, with a limit", "APPROVE"),
        ("Approved with suggestions", "APPROVE"),
        ("tempted to REJECT it, but: APPROVE", "APPROVE"),
        ("at first APPROVE, now REVISE", "REVISE"),
        ("APPROVE → REVISE", "REVISE"),
        ("between APPROVE and REJECT", None),
        ("REVISE before we can approve it", "REVISE"),
        ("I would approve it", "APPROVE"),
        ("I would approve it if it had a number", None),
        ("批准", "APPROVE"),
        ("不批准", "REJECT"),
        ("nicht genehmigt", None),
        ("REVISE → APPROVE as soon as it has a test", "REVISE"),
        ("REVISE => APPROVE when the file is right", "REVISE"),
        ("REVISE -> APPROVE", "APPROVE"),
        ("No approval from me", None),
        ("Approval was refused, so REVISE", "REVISE"),
        ("Approval is pending", None),
        ("It lacks approval", None),
        ("Failed to get my approval", None),
        ("Partial approval", None),
        ("No — REJECT", "REJECT"),
        ("APPROVE? No, REJECT", "REJECT"),
        ("Approved? No.", None),
        ("APPROVE and/or REVISE", None),
        ("No blockers - approve", "APPROVE"),
        ("[x] APPROVE [ ] REVISE [ ] REJECT", "APPROVE"),
        ("APPROVE / **REVISE** / REJECT", "REVISE"),
        ("**APPROVE** / **REVISE** / REJECT", None),
        ("No aprobado", None),
        ("ne sera pas acceptée", None),
        ("keine Freigabe, abgelehnt", "REJECT"),
        ("未通过", None),
        ("无法通过", None),
        ("承認はできません", None),
        ("承認できます", "APPROVE"),
        ("승인하지 않음", None),
        ("승인 거부", "REJECT"),
        ("APPROVE or REJECT, as the team likes", None),
        ("APPROVE the limit / REVISE the prompt", None),
        ("APPROVE (3) vs. REVISE (2)", None),
        ("later", None),
        ("", None),
    ],
)
def test_a_verdict_is_one_decided_word(written: str, word: str | None) -> None:
    assert decide(written)[0] == word


def test_what_is_said_after_the_verdict_comes_back_without_marks() -> None:
    assert decide("**APPROVE** — it is small") == ("APPROVE", "it is small")
    assert decide("~~APPROVE~~ REJECT: gone") == ("REJECT", "gone")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("✅ APPROVE", True),
        ("**Rejected proposals**", True),
        ("Proposals to revise", True),
        ("Reject searches without a role", False),
    ],
)
def test_a_heading_may_be_a_verdict_and_nothing_else(text: str, wanted: bool) -> None:
    assert is_verdict(text) is wanted
