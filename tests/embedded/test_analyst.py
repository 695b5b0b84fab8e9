"""The rule-based analyst on the battery's own prompts, read back by the battery's own parser."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.embedded.analyst import SIGNATURE, RuleAnalyst
from battery.embedded.reviewing import PLAYBOOK
from battery.protocol import ChatMessage, ChatRequest
from battery.protocol.chat import chat_content
from battery.records.models import Phase
from battery.review.parse import parse_proposals, parse_verdicts
from battery.review.prompts import scrum_prompt
from tests.embedded.reviews import RUNS, review_prompt, run, section


def say(prompt: str) -> str:
    request = ChatRequest(
        model="m", messages=[ChatMessage(role="user", content=prompt)], temperature=0.1
    )
    return chat_content(asyncio.run(RuleAnalyst().answer(request)))


def test_the_review_has_the_three_sections_and_is_signed() -> None:
    answer = say(review_prompt(RUNS))
    assert re.findall(r"^## .*$", answer, re.MULTILINE) == [
        "## What worked",
        "## What failed",
        "## Proposed changes for iteration 3",
    ]
    assert answer.rstrip().endswith(SIGNATURE)


@given(text=st.text(max_size=200))
@settings(deadline=None)
def test_any_evidence_gets_a_signed_review(text: str) -> None:
    answer = say(f"```json\n{text}\n```\n## What worked\n")
    assert "## What failed" in answer
    assert answer.rstrip().endswith(SIGNATURE)


def judged(review: str, evidence: dict[str, bool] | None = None) -> tuple[str, dict[str, str]]:
    """Judge a review; return the answer and the verdict of each proposal by its title."""
    answer = say(scrum_prompt(2, review, evidence))
    proposals, _ = parse_proposals(review)
    verdicts, warnings = parse_verdicts(answer, proposals)
    assert warnings == []
    return answer, {verdict.title: verdict.verdict for verdict in verdicts}


def proposal(title: str, target: str, rationale: str, impact: str) -> str:
    return (
        f"### {title}\n\n**Target file**: `{target}`\n\n**Rationale**: {rationale}\n\n"
        f"**Expected impact**: {impact}\n\n"
    )


GOOD = proposal("Good", "src/loop.py", "5 turns for `weld`", "`total_tokens` falls by 300")
REVIEW = "## What worked\n\n- all\n\n## What failed\n\n- none\n\n## Proposed changes for 3\n\n"


@pytest.mark.parametrize(
    ("title", "text", "verdict", "reason"),
    [
        ("Good", GOOD, "APPROVE", "5 turns for `weld`"),
        (
            "Gone",
            proposal("Gone", "src/gone.py", "5 turns", "`ok_tasks` rises by 1"),
            "REJECT",
            "`src/gone.py` does not exist",
        ),
        (
            "Generic",
            proposal("Generic", "src/loop.py", "It is slow", "`ok_tasks` rises by 1"),
            "REVISE",
            "cites no number",
        ),
        (
            "Vague",
            proposal("Vague", "src/loop.py", "5 turns", "everything gets 2 times better"),
            "REVISE",
            "which metric",
        ),
        (
            "Tasks",
            proposal("Tasks", "tasks.json", "5 turns", "`ok_tasks` rises by 1"),
            "REVISE",
            "break the comparison",
        ),
        ("Bare", "### Bare\n\nDo something.\n\n", "REVISE", "names no target file"),
        ("Twice", GOOD + GOOD.replace("Good", "Twice"), "REVISE", "earlier proposal"),
    ],
)
def test_a_proposal_is_judged_by_its_form_and_the_evidence(
    title: str, text: str, verdict: str, reason: str
) -> None:
    answer, verdicts = judged(REVIEW + text, {"src/loop.py": True, "src/gone.py": False})
    assert verdicts[title] == verdict
    assert reason in answer


def test_only_what_was_approved_is_ready_for_a_pull_request() -> None:
    gone = proposal("Gone", "src/gone.py", "5 turns", "`ok_tasks` rises by 1")
    answer, _ = judged(REVIEW + GOOD + gone, {"src/loop.py": True, "src/gone.py": False})
    ready = section(answer, "PR-ready changes")
    assert "src/loop.py" in ready
    assert "gone" not in ready.lower()
    assert answer.rstrip().endswith(SIGNATURE)


def test_an_approval_says_impact_blast_radius_and_whether_the_file_was_checked() -> None:
    checked, _ = judged(REVIEW + GOOD, {"src/loop.py": True})
    unchecked, _ = judged(REVIEW + GOOD)
    assert "**Blast radius**: not known to these rules" in checked
    lessons, _ = judged(REVIEW + GOOD.replace("src/loop.py", PLAYBOOK))
    assert "**Blast radius**: every later task" in lessons
    assert "**Realistic impact**: `total_tokens` falls by 300" in checked
    assert "it exists" in checked
    assert "whether it exists is unchecked" in unchecked


def test_its_own_review_can_be_judged() -> None:
    review = say(review_prompt(RUNS))
    answer, verdicts = judged(review, {PLAYBOOK: True, "tasks.json": True})
    assert len(verdicts) == len(parse_proposals(review)[0])
    assert verdicts["Replace impossible tasks that can be done"] == "REVISE"
    assert "APPROVE" in verdicts.values()
    assert answer.count(SIGNATURE) == 1


def test_a_review_cut_inside_a_proposal_is_sent_back() -> None:
    review = REVIEW + GOOD + proposal("Late", "src/loop.py", "5 turns", "`ok_tasks`")
    answer, verdicts = judged(review[: review.index("**Rationale**", len(REVIEW + GOOD)) + 5])
    assert verdicts == {"Good": "APPROVE", "Late": "REVISE"}
    assert "the review was cut off there" in answer


@pytest.mark.parametrize("review", ["It was a fine day.", f"{REVIEW}None.\n", REVIEW.rstrip()])
def test_a_review_without_proposals_leaves_nothing_to_judge(review: str) -> None:
    answer = say(scrum_prompt(1, review, None))
    assert "nothing to judge" in answer
    assert section(answer, "PR-ready changes").strip().startswith("None.")


def test_a_heading_inside_the_evidence_does_not_change_what_is_asked() -> None:
    odd = [run("## PR-ready changes", Phase.ALPHA)]
    assert "## What worked" in say(review_prompt(odd))


def test_the_proposals_of_a_list_are_judged_as_well() -> None:
    listed = "## Proposed changes for iteration 2\n\n" + "".join(
        f"{number}. **{title}**\n   - **Target file**: `src/loop.py`\n"
        f"   - **Rationale**: {number} turns\n   - **Expected impact**: `{metric}` falls by 1\n"
        for number, title, metric in [(1, "One", "total_tokens"), (2, "Two", "total_elapsed_s")]
    )
    _, verdicts = judged(listed, {"src/loop.py": True})
    assert verdicts == {"One": "APPROVE", "Two": "APPROVE"}


def test_the_judgment_repeats_its_verdicts_as_data() -> None:
    answer, verdicts = judged(REVIEW + GOOD, {"src/loop.py": True})
    records = json.loads(answer.split("```json\n")[1].split("```")[0])["verdicts"]
    assert {record["title"]: record["verdict"] for record in records} == verdicts
