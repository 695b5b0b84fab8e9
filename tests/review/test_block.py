"""The JSON block that the prompts ask for is read first, and told where the text says otherwise."""

from __future__ import annotations

import json

import pytest

from battery.review.block import asked_block, other_records, tagged_records
from battery.review.parse import parse_proposals, parse_verdicts

TEXT = (
    "### One\n**Target file**: `a.py`\n**Rationale**: r1\n**Expected impact**: `ok_tasks` rises\n\n"
    "### Two\n**Target file**: `b.py`\n**Rationale**: r2\n**Expected impact**: fewer turns\n\n"
    "### Three\n**Target file**: `c.py`\n**Rationale**: r3\n**Expected impact**: fewer tokens\n\n"
)
RECORDS = [
    {
        "number": number,
        "title": title,
        "target_file": path,
        "rationale": "r",
        "expected_impact": "`total_tokens` falls",
        "metric": "total_tokens",
    }
    for number, title, path in [(1, "One", "a.py"), (2, "Two", "b.py"), (3, "Three", "c.py")]
]
JUDGMENT = (
    "### Proposal 1: One\n**Verdict**: APPROVE\n**Reason**: holds\n**Blast radius**: small\n\n"
    "### Proposal 2: Two\n**Verdict**: REVISE\n**Reason**: vague\n\n"
    "### Proposal 3: Three\n**Verdict**: REJECT\n**Reason**: gone\n\n"
)


def block(key: str, records: object) -> str:
    return f"```json\n{json.dumps({key: records}, indent=2)}\n```\n"


def verdicts_of(*words: str) -> list[dict[str, object]]:
    return [{"proposal": n, "verdict": word, "reason": "r"} for n, word in enumerate(words, 1)]


def test_a_review_is_read_from_its_block() -> None:
    proposals, warnings = parse_proposals(TEXT + block("proposals", RECORDS))
    assert [(p.number, p.title, p.target_file, p.rationale, p.metric) for p in proposals] == [
        (1, "One", "a.py", "r", "total_tokens"),
        (2, "Two", "b.py", "r", "total_tokens"),
        (3, "Three", "c.py", "r", "total_tokens"),
    ]
    assert warnings == []


def test_a_judgment_is_read_from_its_block_with_the_details_of_its_text() -> None:
    proposals, _ = parse_proposals(TEXT)
    judgment = JUDGMENT + block("verdicts", verdicts_of("APPROVE", "REVISE", "REJECT"))
    verdicts, warnings = parse_verdicts(judgment + "## PR-ready changes\n\n- One\n", proposals)
    assert [(v.proposal, v.title, v.verdict, v.reason) for v in verdicts] == [
        (1, "One", "APPROVE", "holds"),
        (2, "Two", "REVISE", "vague"),
        (3, "Three", "REJECT", "gone"),
    ]
    assert [v.details for v in verdicts] == ["**Blast radius**: small", "", ""]
    assert warnings == []


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (RECORDS[:2], "has 3 proposals and its JSON block 2"),
        ([RECORDS[0], {**RECORDS[1], "target_file": "x.py"}, RECORDS[2]], "for b.py in the text"),
    ],
)
def test_a_block_that_differs_from_the_text_counts_and_is_told(
    records: list[dict[str, object]], told: str
) -> None:
    proposals, warnings = parse_proposals(TEXT + block("proposals", records))
    assert [p.target_file for p in proposals] == [record["target_file"] for record in records]
    assert told in warnings[0]


def test_a_verdict_that_differs_from_the_text_counts_and_is_told() -> None:
    proposals, _ = parse_proposals(TEXT)
    judgment = JUDGMENT + block("verdicts", verdicts_of("APPROVE", "REJECT"))
    verdicts, warnings = parse_verdicts(judgment, proposals)
    assert [v.verdict for v in verdicts] == ["APPROVE", "REJECT", "REJECT"]
    assert "says REVISE and its JSON block REJECT" in warnings[0]
    assert "in the text of the judgment and not in its JSON block" in warnings[1]


def test_a_block_that_is_cut_leaves_its_text_to_be_read_and_is_told() -> None:
    whole = block("proposals", RECORDS)
    proposals, warnings = parse_proposals(TEXT + whole[: len(whole) // 2])
    assert [p.rationale for p in proposals] == ["r1", "r2", "r3"]
    assert warnings == ["the JSON block of the review is broken or cut; its text was read instead"]


def test_a_block_with_comments_and_broken_lines_is_read() -> None:
    block = (
        '{"verdicts": [\n{"proposal": 1, "verdict": "APPROVE", // small\n "reason": "see\nhttp://a"},'
        '\n // the other\n {"proposal": 2, "verdict": "REJECT", "reason": "no, }",},\n]}'
    )
    verdicts, _ = parse_verdicts(f"```json\n{block}\n```\n", [])
    assert [(v.verdict, v.reason) for v in verdicts] == [
        ("APPROVE", "see\nhttp://a"),
        ("REJECT", "no, }"),
    ]


def test_of_two_blocks_the_last_one_counts() -> None:
    draft = block("verdicts", verdicts_of("REJECT"))
    text = draft + "On reflection:\n" + block("verdicts", verdicts_of("APPROVE"))
    verdicts, _ = parse_verdicts(text, parse_proposals(TEXT)[0])
    assert [v.verdict for v in verdicts] == ["APPROVE"]


def test_a_block_in_the_thoughts_or_in_a_quotation_is_not_read() -> None:
    draft = block("verdicts", verdicts_of("REJECT", "REJECT", "REJECT"))
    quoted = "".join(f"> {line}\n" for line in draft.split("\n"))
    for before in (f"<think>\n{draft}</think>\n", quoted):
        verdicts, _ = parse_verdicts(f"{before}\n{JUDGMENT}", parse_proposals(TEXT)[0])
        assert [v.verdict for v in verdicts] == ["APPROVE", "REVISE", "REJECT"]


def test_the_template_of_a_block_is_no_verdict() -> None:
    text = block("verdicts", verdicts_of("APPROVE | REVISE | REJECT")) + JUDGMENT
    verdicts, _ = parse_verdicts(text, parse_proposals(TEXT)[0])
    assert [v.verdict for v in verdicts] == ["APPROVE", "REVISE", "REJECT"]


def test_the_block_leaves_the_text_without_its_fence() -> None:
    found = asked_block("a\n\n" + block("verdicts", verdicts_of("APPROVE")) + "b\n", "verdicts")
    assert found
    assert found.rest.split() == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ('[{"file": "a.py", "why": "r"}]', [{"target": "a.py", "reason": "r"}]),
        ('{"x": {"items": [{"targetFile": "a.py"}]}}', [{"target": "a.py"}]),
        ('{"2": {"verdict": "APPROVE"}}', [{"title": "2", "verdict": "APPROVE"}]),
        ('{"approved": [2]}', [{"title": "2", "verdict": "approved"}]),
        ('{"impact": {"metric": "ok_tasks", "by": 2}}', [{"impact": "metric: ok_tasks; by: 2"}]),
        ('{"a":\n{"file": "b.py"}', [{"target": "b.py"}]),
    ],
)
def test_other_json_is_read_by_the_names_of_its_keys(
    text: str, records: list[dict[str, str]]
) -> None:
    assert records in other_records(text)


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("<p id='1'><verdict>APPROVE</verdict></p>", [{"number": "1", "verdict": "APPROVE"}]),
        ('<verdict proposal="2">REVISE</verdict>', [{"number": "2", "verdict": "REVISE"}]),
        ("<a><b><file>a.py</file><why>r</why></b></a>", [{"target": "a.py", "reason": "r"}]),
        ("<file>a.py</file>", []),
        ("</verdict><verdict>", []),
        ("a < b and <c>", []),
    ],
)
def test_tags_are_read_by_their_names(text: str, records: list[dict[str, str]]) -> None:
    assert tagged_records(text) == records
