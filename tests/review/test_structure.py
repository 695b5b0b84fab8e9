"""An answer becomes groups of lines, in every way that its Markdown offers."""

from __future__ import annotations

import re

import pytest
from markdown_it.tree import SyntaxTreeNode

from battery.review.inline import PARSER
from battery.review.parse import parse_proposals
from battery.review.structure import (
    Form,
    Group,
    Line,
    all_readings,
    make_line,
    read_fields,
    to_markdown,
    walk,
)

FORM = Form(
    asked=re.compile("changes"),
    passed_over=re.compile("what worked"),
    aside=re.compile("dropped"),
    fields=frozenset({"target", "reason"}),
    anchor="target",
)


def lines(markdown: str, *, unwrap: bool = False) -> list[Line]:
    return list(walk(SyntaxTreeNode(PARSER.parse(markdown)), 0, unwrap=unwrap))


def fullest(markdown: str) -> list[Group]:
    """Return the reading with most groups."""
    return max(all_readings(markdown, FORM), key=len)


def fields(markdown: str) -> dict[str, str]:
    """Return the fields of the only group of an answer."""
    (group,) = fullest(markdown)
    return read_fields(group, FORM.fields)[0]


@pytest.mark.parametrize(
    ("written", "label", "value"),
    [
        ("**Target file**: `a.py`", "target", "`a.py`"),
        ("Rationale: slow", "reason", "slow"),
        ("- *Expected impact* fewer turns", "impact", "fewer turns"),
        ("**Verdict: APPROVE**", "verdict", "APPROVE"),
        ("APPROVE", "verdict", "APPROVE"),
        ("Rationale without a colon", None, ""),
        ("It is slow", None, ""),
    ],
)
def test_a_line_knows_which_field_it_begins(written: str, label: str | None, value: str) -> None:
    line = make_line("text", 0, written)
    assert (line.label, line.value.strip()) == (label, value)


def test_a_list_item_knows_its_number_and_how_deep_it_is() -> None:
    found = [(line.kind, line.level, line.number) for line in lines("3. a\n   - b\n\n## c")]
    assert found == [("ordered", 1, 3), ("bullet", 2, None), ("heading", 2, None)]


def test_a_row_of_a_table_is_its_title_and_a_field_for_each_other_cell() -> None:
    row, cell = lines("| # | Proposal | Target file |\n|---|---|---|\n| 2 | Cache | a.py |")
    assert (row.kind, row.text, row.number) == ("row", "Cache", 2)
    assert (cell.label, cell.value) == ("target", "a.py")


def test_a_fence_is_code_or_on_request_the_markdown_inside_it() -> None:
    fenced = "```markdown\n## a\n```"
    assert [line.kind for line in lines(fenced)] == ["code"]
    assert [(line.kind, line.text) for line in lines(fenced, unwrap=True)] == [("heading", "a")]


@pytest.mark.parametrize("mark", ["### ", "1. ", "- "])
def test_proposals_are_told_apart_by_headings_or_by_list_items(mark: str) -> None:
    answer = f"## Changes\n\n{mark}One\n\n   Target file: a.py\n\n{mark}Two\n\n   Reason: slow\n"
    groups = fullest(answer)
    assert [group.opener.text for group in groups] == ["One", "Two"]
    assert [read_fields(group, FORM.fields)[0] for group in groups] == [
        {"target": "a.py"},
        {"reason": "slow"},
    ]


def test_only_groups_of_the_section_that_was_asked_for_are_marked_so() -> None:
    field = "Target file: a.py"
    parts = ["### One", field, "## Changes", "### Two", field, "## What worked", "all"]
    groups = fullest("\n\n".join([*parts, "## More", "### Three", field]))
    assert [(group.opener.text, group.asked) for group in groups if group.lines] == [
        ("One", False),
        ("Two", True),
        ("Three", False),
    ]


def test_a_field_goes_on_over_wrapped_lines_and_ends_at_the_next_one() -> None:
    answer = "### One\n\nReason: slow\nand expensive\n**Owner**: me\n**Target file**: a.py\n"
    assert fields(answer) == {"reason": "slow and expensive", "target": "a.py"}


@pytest.mark.parametrize("written", ["<path>", "`<path>`", "[path]", "..."])
def test_a_placeholder_of_the_prompt_is_no_value(written: str) -> None:
    assert fields(f"### One\n\n**Target file**: {written}\n**Reason**: r\n") == {"reason": "r"}


@pytest.mark.parametrize("markdown", ["1. a\n- b", "text\n\n## c", "```py\nx\n```", "- a\n  - b"])
def test_lines_are_written_as_the_markdown_they_came_from(markdown: str) -> None:
    assert to_markdown(lines(markdown)) == markdown


def test_what_worked_yields_no_proposal_even_when_it_names_a_target_file() -> None:
    review = "## What worked\n### Playbooks\n**Target file**: a.py\n**Rationale**: it held\n"
    proposals, warnings = parse_proposals(review)
    assert proposals == []
    assert len(warnings) == 1
