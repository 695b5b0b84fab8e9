"""A verdict finds the proposal that it is about."""

from __future__ import annotations

import pytest

from battery.review.loose import MOST
from battery.review.matching import Matching
from battery.review.parse import parse_proposals, parse_verdicts
from tests.review.proposals import proposal

PROPOSALS = [
    proposal(1, "Cache the trade synonyms", "src/cache.rs"),
    proposal(2, "Stop early when supply is zero", "src/supply.rs"),
    proposal(3, "Put distilled playbooks first", "src/recall.rs"),
]


@pytest.mark.parametrize(
    ("number", "title", "written", "proposal"),
    [
        (2, "", "", 2),
        (None, "Put distilled playbooks first", "", 3),
        (None, "put the distilled playbooks first!", "", 3),
        # Models renumber; a title that clearly belongs to another proposal wins.
        (1, "Put distilled playbooks first", "", 3),
        (1, "Something else", "", 1),
        (7, "Cache the trade synonyms", "", 1),
        (7, "Cache of trades", "", None),
        (None, "Log the recall order", "", None),
        (None, "The second", "see src/supply.rs", 2),
        (None, "In the repository", "./src/supply.rs", 2),
        (None, "Its name alone", "**supply.rs**: fine", 2),
        (None, "A part of a name", "oversupply.rs", None),
        (None, "Another folder", "lib/supply.rs", None),
        (None, "Both", "src/supply.rs and src/cache.rs", None),
        (None, "A longer path", "src/supply.rs/more", None),
        (None, "", "", None),
    ],
)
def test_number_title_and_file_say_which_proposal_is_meant(
    number: int | None, title: str, written: str, proposal: int | None
) -> None:
    assert Matching(PROPOSALS).find(number, title, written) == proposal


def test_among_many_proposals_of_like_titles_the_very_one_is_found() -> None:
    many = [proposal(n, f"Use cache number {n} of the search") for n in range(1, 200)]
    matching = Matching(many)
    assert [matching.find(None, f"use cache number {n} of the search", "") for n in (1, 77)] == [
        1,
        77,
    ]


def test_more_proposals_or_verdicts_than_are_read_are_told() -> None:
    review = "".join(
        f"### {n}\n**Target file**: `src/m{n}.py`\n**Metric**: `ok_tasks`\n\n"
        for n in range(1, MOST + 50)
    )
    proposals, told = parse_proposals(review)
    assert (len(proposals), len(told)) == (MOST, 1)
    assert f"more than {MOST} proposals" in told[0]
    judgment = "".join(f"### Proposal {n}\n**Verdict**: REVISE\n\n" for n in range(1, MOST + 50))
    verdicts, told = parse_verdicts(judgment, proposals)
    assert (len(verdicts), len(told)) == (MOST, 1)
    assert f"more than {MOST} verdicts" in told[0]


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "text",
    [
        "# a\n" * 3_000,
        "- APPROVE\n" * 1_500,
        "| x | APPROVE |\n|---|---|\n" + "| x | APPROVE |\n" * 600,
        "> " * 50_000,
        "[" * 100_000,
        "<think></think>" * 30_000,
        "</think>\n" * 30_000,
        "```\n" * 60_000,
        "analysis " * 30_000,
        '{"a":[' * 60_000,
        "<proposal>" * 30_000,
        "I approve proposal 1. " * 12_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_long_hostile_answer_is_dealt_with_and_told(text: str) -> None:
    for warnings in (parse_proposals(text)[1], parse_verdicts(text, PROPOSALS)[1]):
        assert warnings
