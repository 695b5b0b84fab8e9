"""How proposals and verdicts are read out of what models write.

`answers/` holds reviews and judgments in many styles, each with what a human reader would take
from it beside it as JSON: proposals or verdicts field by field, warnings by a part of their text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from battery.records.models import Proposal, Verdict
from battery.review.parse import flag_missing, parse_proposals, parse_verdicts, with_existence
from battery.review.prompts import judgment_form, review_form
from tests.review.proposals import proposal

ANSWERS = Path(__file__).parent / "answers"


def expected(answer: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(answer.with_suffix(".json").read_text("utf-8"))
    return document


def shown(records: list[Proposal] | list[Verdict], keys: list[str]) -> list[dict[str, Any]]:
    return [{key: getattr(record, key) for key in keys} for record in records]


def assert_warnings(given: list[str], parts: list[str]) -> None:
    assert len(given) == len(parts), given
    for warning, part in zip(given, parts, strict=True):
        assert part in warning


@pytest.mark.parametrize("answer", sorted(ANSWERS.glob("review_*.md")), ids=lambda path: path.stem)
def test_a_review_is_read_as_a_human_reads_it(answer: Path) -> None:
    wanted = expected(answer)
    proposals, warnings = parse_proposals(answer.read_text("utf-8"))
    keys = ["title", "target_file", "rationale", "expected_impact", "metric"]
    assert shown(proposals, keys) == wanted["proposals"]
    assert [p.number for p in proposals] == list(range(1, len(proposals) + 1))
    assert_warnings(warnings, wanted["warnings"])


@pytest.mark.parametrize(
    "answer", sorted(ANSWERS.glob("judgment_*.md")), ids=lambda path: path.stem
)
def test_a_judgment_is_read_as_a_human_reads_it(answer: Path) -> None:
    wanted = expected(answer)
    reviewed = [
        proposal(number, each["title"], each["target_file"])
        for number, each in enumerate(wanted["reviewed"], 1)
    ]
    verdicts, warnings = parse_verdicts(answer.read_text("utf-8"), reviewed)
    assert (
        shown(verdicts, ["proposal", "title", "verdict", "reason", "details"])
        == (wanted["verdicts"])
    )
    assert_warnings(warnings, wanted["warnings"])


def test_a_prompt_that_comes_back_is_no_judgment_of_its_own() -> None:
    verdicts, warnings = parse_verdicts(judgment_form(), [proposal(1, "Add a table", "a.json")])
    assert verdicts == []
    assert warnings == ["the model repeated the prompt: the judgment has no verdict of its own"]
    proposals, warnings = parse_proposals(review_form().partition("## What failed")[0])
    assert proposals == []
    assert warnings == ["the model repeated the prompt: the review has no proposal of its own"]


def test_a_list_of_what_is_ready_is_no_judgment() -> None:
    ready = "## PR-ready changes\n\n- **Proposal 1** (APPROVED): `a.json`\n"
    verdicts, warnings = parse_verdicts(ready, [proposal(1, "Add a table", "a.json")])
    assert verdicts == []
    assert_warnings(warnings, ["no verdict could be read"])


FRAGMENTS = [
    "## What worked",
    "## What failed",
    "## Proposed changes for iteration 2",
    "### Proposal 1: A",
    "1. **B**",
    "- **Target file**: `a/b.py`",
    "**Rationale**: c",
    "**Expected impact**: turns",
    "**Verdict**: APPROVE",
    "- ❌ REJECT",
    "| # | Verdict |\n|---|---|",
    "| 1 | REVISE |",
    "```",
    "```markdown",
    "---",
    "===",
    "> ",
    "   ",
    "</think>",
    "**",
    "|",
    "\t- x",
    "## PR-ready",
    "Proposal 2 \u2013 D",
    "**Target file**: <path>",
    "APPROVE | REVISE | REJECT",
    "\\",
    "[x](y.py)",
]
markdown_texts = st.one_of(
    st.text(),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=5))).map("\n".join),
    st.lists(st.sampled_from(FRAGMENTS)).map(" ".join),
)


@hypothesis_settings(deadline=None, derandomize=True)
@given(markdown_texts)
def test_any_text_is_read_without_an_error(text: str) -> None:
    proposals, warnings = parse_proposals(text)
    assert [p.number for p in proposals] == list(range(1, len(proposals) + 1))
    assert all(p.title for p in proposals)
    assert warnings or len(proposals) >= 3
    verdicts, warnings = parse_verdicts(text, proposals)
    assert {v.proposal for v in verdicts} <= {None, *(p.number for p in proposals)}
    assert verdicts or warnings


letters = st.text("abcdefghijklmnopqrstuvwxyzäß0123456789", min_size=1, max_size=9)
words = st.lists(letters, min_size=3, max_size=7).map(" ".join)
paths = st.lists(letters, min_size=1, max_size=4).map(lambda parts: "/".join(parts) + ".py")
metrics = st.sampled_from(
    ["total_tokens", "avg_turns_per_task", "overseer_called_rate", "ok_tasks", "total_elapsed_s"]
)
verdict_words = st.sampled_from(["APPROVE", "REVISE", "REJECT"])
changes = st.lists(
    st.tuples(words.map(lambda text: f"Use {text}"), paths, words, metrics, verdict_words),
    min_size=3,
    max_size=6,
)


@hypothesis_settings(deadline=None, derandomize=True)
@given(changes)
def test_an_answer_in_the_asked_form_comes_back_whole(
    asked: list[tuple[str, str, str, str, str]],
) -> None:
    review = "## What worked\n\nAlpha.\n\n## Proposed changes for iteration 2\n"
    judgment = ""
    for number, (title, path, why, metric, word) in enumerate(asked, 1):
        review += f"\n### {title}\n\n**Target file**: `{path}`\n**Rationale**: {why}\n"
        review += f"**Expected impact**: `{metric}` moves\n"
        judgment += f"### Proposal {number}: {title}\n\n**Verdict**: {word}\n**Reason**: {why}\n\n"
    proposals, warnings = parse_proposals(review)
    assert [(p.title, p.target_file, p.rationale, p.metric) for p in proposals] == [
        (title, path, why, metric) for title, path, why, metric, _ in asked
    ]
    assert warnings == []
    verdicts, warnings = parse_verdicts(judgment + "## PR-ready changes\n\nNone.\n", proposals)
    assert [(v.proposal, v.title, v.verdict, v.reason) for v in verdicts] == [
        (number, title, word, why) for number, (title, _, why, _, word) in enumerate(asked, 1)
    ]
    assert warnings == []


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "line",
    ["a" + " " * 4_000 + "b", "-" * 4_000 + "x", "|" * 2_000, "(.:,;" * 1_000, "/" * 3_000],
)
def test_a_long_hostile_line_says_nothing_and_takes_no_time(line: str) -> None:
    for text in (line, f"**Target file**: {line}", f"**Verdict**: {line}", f"### {line} x"):
        assert parse_proposals(text)[0] == []
        assert parse_verdicts(text, [])[0] == []


def test_a_title_that_holds_a_verdict_word_is_no_verdict() -> None:
    judgment = "### Proposal 1: REJECT searches without a role\n**Verdict**: APPROVE"
    (verdict,), _ = parse_verdicts(judgment, [proposal(1, "REJECT searches without a role")])
    assert (verdict.verdict, verdict.title) == ("APPROVE", "REJECT searches without a role")


def test_verdicts_without_any_name_stand_in_the_order_of_the_proposals() -> None:
    judgment = "Verdict: APPROVE\nReason: a\n\nVerdict: REJECT\nReason: b\n"
    verdicts, warnings = parse_verdicts(judgment, [proposal(1, "One"), proposal(2, "Two")])
    assert [(v.proposal, v.title, v.verdict, v.reason) for v in verdicts] == [
        (1, "One", "APPROVE", "a"),
        (2, "Two", "REJECT", "b"),
    ]
    assert warnings == []


def test_two_different_verdicts_on_one_proposal_are_both_kept_and_told() -> None:
    judgment = "### Proposal 1\n**Verdict**: APPROVE\n\n### Proposal 1\n**Verdict**: REJECT\n"
    verdicts, warnings = parse_verdicts(judgment, [proposal(1, "A change")])
    assert [v.verdict for v in verdicts] == ["APPROVE", "REJECT"]
    assert_warnings(warnings, ["more than one verdict"])


def test_existence_is_noted_only_where_it_was_looked_up() -> None:
    proposals = [proposal(1, "A", "a.py"), proposal(2, "B", "b.py"), proposal(3, "C", "c.py")]
    noted = with_existence([*proposals, proposal(4, "D")], {"a.py": True, "b.py": False})
    assert [p.target_exists for p in noted] == [True, False, None, None]


def test_only_an_approve_of_a_missing_file_is_flagged() -> None:
    proposals = with_existence(
        [proposal(1, "A", "a.py"), proposal(2, "B", "b.py")], {"a.py": True, "b.py": False}
    )
    judgment = (
        "### Proposal 1\n**Verdict**: APPROVE\n\n### Proposal 2\n**Verdict**: APPROVE\n\n"
        "### Proposal 2\n**Verdict**: REJECT\n\n### Something else\n**Verdict**: APPROVE\n"
    )
    verdicts, _ = parse_verdicts(judgment, proposals)
    assert [v.flags for v in flag_missing(verdicts, proposals)] == [
        [],
        ["approved, but b.py does not exist in the repository"],
        [],
        [],
    ]
