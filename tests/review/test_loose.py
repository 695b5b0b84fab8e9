"""Reviews and judgments in the many forms that models give them.

`answers/judgments.txt` and `answers/reviews.txt` hold one answer per `===` line. They are all
about the same three proposals.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.review.parse import parse_proposals, parse_verdicts

ANSWERS = Path(__file__).parent / "answers"
TITLES = (
    "Cache the trade synonyms",
    "Stop early when supply is zero",
    "Put distilled playbooks first",
)
PATHS = ("src/loop.rs", "src/supply.rs", "src/recall.rs")
METRICS = ("avg_turns_per_task", "total_tokens", "overseer_called_rate")
PROPOSALS, _ = parse_proposals(
    "\n".join(
        f"### {title}\n**Target file**: `{path}`\n**Expected impact**: `{metric}` falls\n"
        for title, path, metric in zip(TITLES, PATHS, METRICS, strict=True)
    )
)
LETTERS = {"APPROVE": "A", "REVISE": "V", "REJECT": "X"}


def answers(name: str) -> list[tuple[str, str]]:
    """Read the answers of a file, each with the rest of its `===` line."""
    _, *parts = ("\n" + (ANSWERS / name).read_text("utf-8")).split("\n=== ")
    return [(title, text) for title, _, text in (part.partition("\n") for part in parts)]


@pytest.mark.parametrize(("name", "text"), answers("judgments.txt"))
def test_a_judgment_is_read_right_or_the_user_hears_of_it(name: str, text: str) -> None:
    """Before the name is the verdict on each proposal: A, V for REVISE, X for REJECT, or none."""
    verdicts, warnings = parse_verdicts(text, PROPOSALS)
    read = [
        "".join(LETTERS[v.verdict] for v in verdicts if v.proposal == number) or "."
        for number in (1, 2, 3)
    ]
    assert "".join(read) == name.split(maxsplit=1)[0]
    told = " ".join(warnings)
    for number, letter in enumerate(read, 1):
        assert letter != "." or f"proposal {number} (" in told or "no verdict could be" in told


@pytest.mark.parametrize(("name", "text"), answers("reviews.txt"))
def test_a_review_is_read_in_any_form(name: str, text: str) -> None:
    del name
    proposals, warnings = parse_proposals(text)
    assert [(p.title, p.target_file, p.metric) for p in proposals] == list(
        zip(TITLES, PATHS, METRICS, strict=True)
    )
    assert all(p.rationale and p.expected_impact for p in proposals)
    assert warnings == []


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with reviewing this.",
        "## What worked\n\n- `a`: see `runs.json`\n\n## What failed\n\nNothing in `src/a.py`.\n",
        "## Förslag\n\n### Cache\n**Skäl**: 5\n",
        '```json\n{"metrics": {"ok_tasks": 3}, "tasks": [{"operation": "fill"}]}\n```',
        "<p>Improve everything.</p>",
        "",
    ],
)
def test_a_review_without_proposals_is_told(text: str) -> None:
    proposals, warnings = parse_proposals(text)
    assert proposals == []
    assert "no proposal could be read" in " ".join(warnings)


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("Loop less (`src/a.py`)", "src/a.py"),
        ("Lower `max_turns` in `src\\a.py`", "src\\a.py"),
        ("Lower `max_turns` to 4", None),
    ],
)
def test_only_a_file_in_the_title_is_the_target(title: str, path: str | None) -> None:
    (proposal,), _ = parse_proposals(
        f"### {title}\nFive turns.\n\n**Why**: w\n\n**Expected impact**: `total_tokens` falls\n"
    )
    assert (proposal.target_file, proposal.metric) == (path, "total_tokens")


@pytest.mark.parametrize(
    ("impact", "count"), [("less confusion", 1), ("no change of any metric", 0), ("None", 0)]
)
def test_an_impact_without_a_metric_is_told_unless_it_says_so(impact: str, count: int) -> None:
    _, warnings = parse_proposals(
        f"### Loop less\n**Target file**: a.py\n**Expected impact**: {impact}\n"
    )
    assert sum("no metric could be read" in warning for warning in warnings) == count


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("### Proposal 1\n**Verdict**: APPROVE\n\n**Verdict**: REVISE\n", "given twice"),
        ("### Proposal 1\n> **Verdict**: REVISE\n\n**Reason**: r\n", "in a quotation"),
        (
            "### Proposal 1\n**Verdict**: REVISE\n\n## At last\n\n| Proposal | Verdict |\n|-|-|\n"
            "| 1 | APPROVE |\n",
            "elsewhere with another word",
        ),
    ],
)
def test_a_verdict_that_is_less_certain_than_it_looks_is_told(written: str, told: str) -> None:
    verdicts, warnings = parse_verdicts(written, PROPOSALS)
    assert [(v.proposal, v.verdict) for v in verdicts] == [(1, "REVISE")]
    assert told in warnings[-1]


def test_a_judgment_in_quotations_alone_is_the_judges_own() -> None:
    verdicts, warnings = parse_verdicts(
        "".join(f"### Proposal {n}\n> **Verdict**: REVISE\n\nr\n\n" for n in (1, 2, 3)), PROPOSALS
    )
    assert [v.proposal for v in verdicts] == [1, 2, 3]
    assert warnings == []


def test_the_reason_is_the_judges_and_not_the_echoed_rationale() -> None:
    (verdict,), _ = parse_verdicts(
        "### Proposal 1\n**Rationale**: as given\n\n**Verdict**: APPROVE\n**Reason**: holds\n",
        PROPOSALS,
    )
    assert verdict.reason == "holds"
