"""The review by rules rests on the numbers of the prompt, however much of them arrived."""

from __future__ import annotations

import re

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.embedded.reviewing import PLAYBOOK, read_figures, write_review
from battery.records.metric import COUNTED
from battery.records.models import Phase
from battery.review.parse import parse_proposals
from battery.review.prompts import overseer_prompt
from battery.verdict.metrics import measure
from tests.embedded.reviews import RUNS, review_prompt, run, section


def answer_to(prompt: str) -> str:
    return write_review(read_figures(prompt))


def test_what_worked_are_the_tasks_that_went_straight_with_their_numbers() -> None:
    worked = section(answer_to(review_prompt(RUNS)), "What worked")
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
    failed = section(answer_to(review_prompt(RUNS)), "What failed").splitlines()
    (line,) = [line for line in failed if f"`{operation}`" in line]
    assert f"*{verdict}*" in line
    assert evidence in line


def test_each_proposal_has_its_fields_a_metric_and_a_reason_in_the_numbers() -> None:
    proposals, warnings = parse_proposals(answer_to(review_prompt(RUNS)))
    assert warnings == []
    assert len(proposals) >= 3
    assert {proposal.metric for proposal in proposals} == {metric.key for metric in COUNTED}
    # Only what a user of battery has: the tasks and the gateway's memory.
    assert {proposal.target_file for proposal in proposals} == {PLAYBOOK, "tasks.json"}
    assert all(re.search(r"\d", proposal.rationale or "") for proposal in proposals)


def test_proposals_follow_from_the_numbers_and_not_from_habit() -> None:
    calm = [run("weld", Phase.ALPHA), run("paint", Phase.ALPHA, tokens=900)]
    proposals, _ = parse_proposals(answer_to(review_prompt(calm)))
    assert len(proposals) == 3
    assert "overseer_called_rate" not in {proposal.metric for proposal in proposals}
    # Both went straight already, so the tasks are what is left to change.
    assert proposals[0].target_file == "tasks.json"
    assert "`paint` cost 900 of 1600 tokens" in (proposals[1].rationale or "")


def test_an_iteration_without_tasks_brings_no_proposals_and_says_why() -> None:
    answer = answer_to(overseer_prompt(measure(2, RUNS), []))
    assert "a proposal without a number would be a guess" in answer
    assert parse_proposals(answer)[0] == []


def test_a_cut_block_is_read_as_far_as_it_goes_and_the_rest_is_admitted() -> None:
    many = [run(f"weld {number}", Phase.ALPHA, error="x" * 200) for number in range(200)]
    answer = answer_to(review_prompt(many))
    found = re.search(r"the evidence breaks off; (\d+) task rows could be read", answer)
    assert found
    assert answer.count("(alpha): ok") == int(found[1])
    assert 10 < int(found[1]) < 200
    assert len(parse_proposals(answer)[0]) >= 3


@given(length=st.integers(0, 2000))
@settings(deadline=None)
def test_a_block_cut_anywhere_never_breaks_the_review(length: int) -> None:
    prompt = review_prompt(RUNS)
    start = prompt.index("```json\n") + len("```json\n")
    end = prompt.index("\n```", start)
    answer = answer_to(prompt[:start] + prompt[start:end][:length] + prompt[end:])
    assert "## Proposed changes for" in answer
    assert ("Not everything could be read" in answer) == (length < end - start)


def test_evidence_of_other_shapes_is_passed_over() -> None:
    evidence = {"metrics": [1], "tasks": [{"operation": 1}, "row", {"operation": "weld"}]}
    answer = answer_to(f"```json\n{orjson.dumps(evidence).decode()}\n```\n## What worked\n")
    assert "`weld` (None)" in answer
    assert "turns not measured, tokens not measured" in answer
