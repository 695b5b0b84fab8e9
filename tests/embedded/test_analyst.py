"""The rule-based analyst on the battery's own prompts, read back by the battery's own parser."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.embedded.analyst import SIGNATURE, RuleAnalyst
from battery.embedded.reviewing import PLAYBOOK
from battery.protocol import ChatMessage, ChatRequest, Status, chat_content
from battery.records.metric import COUNTED
from battery.records.models import Phase, Run, RunResult, Task
from battery.review.parse import parse_proposals, parse_verdicts
from battery.review.prompts import overseer_prompt, rows, scrum_prompt
from battery.verdict.metrics import measure


def say(prompt: str) -> str:
    request = ChatRequest(
        model="m", messages=[ChatMessage(role="user", content=prompt)], temperature=0.1
    )
    return chat_content(asyncio.run(RuleAnalyst().answer(request)))


def run(
    operation: str, phase: Phase, status: Status = "ok", *, corrected: bool = False, **more: Any
) -> Run:
    numbers: dict[str, Any] = {"turns": 2, "tokens": 700, "error": None, "elapsed_ms": 12} | more
    task = Task(task_class="c", operation=operation, spec={})
    return Run(task, phase, RunResult(status=status, overseer_called=corrected, **numbers))


RUNS = [
    run("weld", Phase.ALPHA, elapsed_ms=900),
    run("sparky", Phase.BETA, turns=5, tokens=2400, corrected=True),
    run("slater", Phase.BETA, "failed", turns=8, error="no accepted result within 8 turns"),
    run("astronaut", Phase.GAMMA, "failed", turns=4, error="no supply:\n0 found"),
    run("too easy", Phase.GAMMA),
]


def review_prompt(runs: list[Run]) -> str:
    return overseer_prompt(measure(2, runs), rows(runs, [run.task.operation for run in runs]))


def section(answer: str, heading: str) -> str:
    found = re.search(rf"^## {heading}.*?\n(.*?)(?=^## |\Z)", answer, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def test_the_review_has_the_three_sections_and_is_signed() -> None:
    answer = say(review_prompt(RUNS))
    assert re.findall(r"^## .*$", answer, re.MULTILINE) == [
        "## What worked",
        "## What failed",
        "## Proposed changes for iteration 3",
    ]
    assert answer.rstrip().endswith(SIGNATURE)


def test_what_worked_are_the_tasks_that_went_straight_with_their_numbers() -> None:
    worked = section(say(review_prompt(RUNS)), "What worked")
    assert "`weld` (alpha): ok, 2 turns, 700 tokens" in worked
    assert not any(name in worked for name in ("sparky", "slater", "astronaut", "too easy"))


@pytest.mark.parametrize(
    ("operation", "verdict", "evidence"),
    [
        ("sparky", "drift to repair", "5 turns, 2400 tokens"),
        ("slater", "drift to repair", '"no accepted result within 8 turns"'),
        ("astronaut", "truly impossible", '"no supply: 0 found"'),
        ("too easy", "false positive of the test", "ended ok"),
    ],
)
def test_what_failed_is_classed_with_evidence(operation: str, verdict: str, evidence: str) -> None:
    failed = section(say(review_prompt(RUNS)), "What failed").splitlines()
    (line,) = [line for line in failed if f"`{operation}`" in line]
    assert f"*{verdict}*" in line
    assert evidence in line


def test_each_proposal_has_its_fields_a_metric_and_a_reason_in_the_numbers() -> None:
    proposals, warnings = parse_proposals(say(review_prompt(RUNS)))
    assert warnings == []
    assert len(proposals) >= 3
    assert {proposal.metric for proposal in proposals} == {metric.key for metric in COUNTED}
    # Only what a user of battery has: the tasks and the gateway's memory.
    assert {proposal.target_file for proposal in proposals} == {PLAYBOOK, "tasks.json"}
    assert all(re.search(r"\d", proposal.rationale or "") for proposal in proposals)


def test_proposals_follow_from_the_numbers_and_not_from_habit() -> None:
    calm = [run("weld", Phase.ALPHA), run("paint", Phase.ALPHA, tokens=900)]
    proposals, _ = parse_proposals(say(review_prompt(calm)))
    assert len(proposals) == 3
    assert "overseer_called_rate" not in {proposal.metric for proposal in proposals}
    # Both went straight already, so the tasks are what is left to change.
    assert proposals[0].target_file == "tasks.json"
    assert "`paint` cost 900 of 1600 tokens" in (proposals[1].rationale or "")


def test_an_iteration_without_tasks_brings_no_proposals_and_says_why() -> None:
    answer = say(overseer_prompt(measure(2, RUNS), []))
    assert "a proposal without a number would be a guess" in answer
    assert parse_proposals(answer)[0] == []


def test_a_cut_block_is_read_as_far_as_it_goes_and_the_rest_is_admitted() -> None:
    many = [run(f"weld {number}", Phase.ALPHA, error="x" * 200) for number in range(200)]
    answer = say(review_prompt(many))
    found = re.search(r"the evidence breaks off; (\d+) task rows could be read", answer)
    assert found
    assert answer.count("(alpha): ok") == int(found[1])
    assert 10 < int(found[1]) < 200
    assert len(parse_proposals(answer)[0]) >= 3


@given(length=st.integers(0, 2000))
@settings(deadline=None, max_examples=60)
def test_a_block_cut_anywhere_never_breaks_the_analyst(length: int) -> None:
    prompt = review_prompt(RUNS)
    start = prompt.index("```json\n") + len("```json\n")
    end = prompt.index("\n```", start)
    answer = say(prompt[:start] + prompt[start:end][:length] + prompt[end:])
    assert "## Proposed changes for" in answer
    assert ("Not everything could be read" in answer) == (length < end - start)


@given(text=st.text(max_size=200))
@settings(deadline=None, max_examples=60)
def test_any_evidence_gets_a_signed_review(text: str) -> None:
    answer = say(f"```json\n{text}\n```\n## What worked\n")
    assert "## What failed" in answer
    assert answer.rstrip().endswith(SIGNATURE)


def test_evidence_of_other_shapes_is_passed_over() -> None:
    evidence = {"metrics": [1], "tasks": [{"operation": 1}, "row", {"operation": "weld"}]}
    answer = say(f"```json\n{orjson.dumps(evidence).decode()}\n```\n## What worked\n")
    assert "`weld` (None)" in answer
    assert "turns not measured, tokens not measured" in answer


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
    assert verdicts["Replace gamma tasks that can be done"] == "REVISE"
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
