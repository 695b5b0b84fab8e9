"""A rule-based analyst that answers the battery's two questions without a language model.

It writes the overseer review from the numbers in the prompt, or the scrum judgment of a review. To
judge, the rules see form and evidence, not merit: does the file exist, does the rationale cite a
number, does the impact name a metric and a size, is the change the battery's own to make. It
signs as rules, so that nobody takes it for a model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from battery.embedded.reviewing import json_block, read_figures, write_review
from battery.embedded.tokens import estimate
from battery.protocol import ChatRequest, Json
from battery.protocol.chat import chat_answer

_REVIEW: Final = re.compile(r"<review>\n?(.*?)(?:</review>|\Z)", re.DOTALL)
_PROPOSED: Final = re.compile(r"^## Proposed changes.*$", re.MULTILINE)
_HEADING: Final = re.compile(r"^#{3,6}\s+(?:\d+[.)]\s*)?(.+)$", re.MULTILINE)
_NUMBERED: Final = re.compile(r"^\d+[.)]\s+\**(.+?)[*:]*$", re.MULTILINE)
_EVIDENCE: Final = re.compile(r"^- `(?P<path>[^`]+)`: (?P<found>exists|does not exist)", re.M)
#: The battery's prompt names the metrics; the rules know no other.
_METRICS: Final = re.compile(r"^- An expected impact names one of the metrics (.*)\.$", re.M)
_TASKS_FILE: Final = re.compile(r"(?:^|/)tasks\.json$")
_LESSONS: Final = re.compile(r"(?:^|/)distilled_[^/]*\.jsonl$")


class _Proposal(NamedTuple):
    title: str
    target: str | None
    rationale: str
    impact: str
    metric: str | None


class _Ruling(NamedTuple):
    verdict: Literal["APPROVE", "REVISE", "REJECT"]
    reason: str
    change: str = ""


def write_judgment(prompt: str) -> str:
    """Judge each proposal of the review in the prompt, in the form the battery asks for."""
    found = _REVIEW.search(prompt)
    # What follows the review is the battery's own text; inside it anybody may claim anything.
    end = found.end() if found else 0
    named = _METRICS.search(prompt, end)
    metrics = re.findall(r"`(\w+)`", named[1]) if named else []
    proposals = _read_proposals(found[1], metrics) if found else []
    evidence = {
        match["path"]: match["found"] == "exists" for match in _EVIDENCE.finditer(prompt, end)
    }
    rulings = [(one, _rule(one, proposals[:at], evidence)) for at, one in enumerate(proposals)]
    if not rulings:
        nothing = "No proposal could be read from the review, so there is nothing to judge."
        return f"{nothing}\n\n## PR-ready changes\n\nNone."
    parts = [
        _section(number, proposal, ruling, evidence)
        for number, (proposal, ruling) in enumerate(rulings, start=1)
    ]
    records = [
        {
            "proposal": number,
            "title": proposal.title,
            "verdict": ruling.verdict,
            "reason": ruling.reason,
        }
        for number, (proposal, ruling) in enumerate(rulings, start=1)
    ]
    approved = [
        f"- `{proposal.target}`: {proposal.title}."
        for proposal, ruling in rulings
        if ruling.verdict == "APPROVE"
    ]
    ready = "\n".join(approved) or "None."
    return "\n\n".join([*parts, json_block({"verdicts": records}), "## PR-ready changes", ready])


def _read_proposals(review: str, metrics: Sequence[str]) -> list[_Proposal]:
    # Headings above this section are claims, not proposals.
    start = _PROPOSED.search(review)
    if start is None:
        return []
    text = review[start.end() :]
    # Older reviews number their proposals in a list.
    opener = _HEADING if _HEADING.search(text) else _NUMBERED
    # The text before the first one belongs to no proposal; then titles and bodies take turns.
    _, *parts = opener.split(text)
    return [
        _proposal(title.strip(), body, metrics)
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    ]


def _proposal(title: str, body: str, metrics: Sequence[str]) -> _Proposal:
    impact = _field("Expected impact", body)
    return _Proposal(
        title=title,
        target=_field("Target file", body).strip("` ") or None,
        rationale=_field("Rationale", body),
        impact=impact,
        metric=next((name for name in metrics if name in impact), None),
    )


def _field(name: str, body: str) -> str:
    """Read a field up to the next bold name or blank line; empty when it is not there."""
    text = rf"\*\*{name}:?\*\*:?\s*(?!\*\*)(.*?)(?=\n\s*\n|\n\s*(?:[-*]\s+)?\*\*|\Z)"
    found = re.search(text, body, re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def _rule(one: _Proposal, earlier: list[_Proposal], evidence: dict[str, bool]) -> _Ruling:
    """Rule on one proposal; the first rule that speaks decides."""
    # Only a file that was looked for and not found: no evidence is no evidence against it.
    if one.target and evidence.get(one.target) is False:
        return _Ruling("REJECT", f"`{one.target}` does not exist.")
    if formal := _formal_fault(one):
        return formal
    # Sound as the idea may be, it is a change of the ruler and not of what is measured.
    if _TASKS_FILE.search(one.target or ""):
        fixed = "Other tasks would break the comparison between this battery's iterations."
        return _Ruling("REVISE", fixed, "Make it a new battery and compare within that one.")
    if any((one.target, one.metric) == (other.target, other.metric) for other in earlier):
        twice = f"An earlier proposal changes `{one.target}` for {one.metric} already."
        return _Ruling("REVISE", twice, "Merge the two, or say how their effects differ.")
    return _Ruling("APPROVE", f"It rests on figures of this iteration: {one.rationale}")


def _formal_fault(one: _Proposal) -> _Ruling | None:
    """Revise what is not all there, generic or vague; None when the form is right."""
    if not one.target or not one.rationale or not one.impact:
        missing = "It names no target file, rationale or impact, or the review was cut off there."
        return _Ruling("REVISE", missing, "State all three fields.")
    if not re.search(r"\d", one.rationale):
        generic = "The rationale cites no number of this iteration."
        return _Ruling("REVISE", generic, "Cite the tasks and figures that call for it.")
    if one.metric is None or not re.search(r"\d", one.impact):
        vague = "The expected impact does not say which metric moves how far."
        return _Ruling("REVISE", vague, "Name one of the metrics and a size.")
    return None


def _section(number: int, proposal: _Proposal, ruling: _Ruling, evidence: dict[str, bool]) -> str:
    lines = [
        f"### Proposal {number}: {proposal.title}",
        f"**Verdict**: {ruling.verdict}",
        f"**Reason**: {ruling.reason}",
    ]
    if ruling.verdict == "REVISE":
        lines.append(f"**What must change**: {ruling.change}")
    if ruling.verdict == "APPROVE" and proposal.target:
        reach = "not known to these rules; see what uses the file."
        if _LESSONS.search(proposal.target):
            reach = "every later task that is told these lessons, and its tokens."
        checked = "it exists" if evidence.get(proposal.target) else "whether it exists is unchecked"
        lines += [
            f"**Realistic impact**: {proposal.impact} Rules cannot test that; the next run can.",
            f"**Blast radius**: {reach}",
            f"**Right file**: `{proposal.target}`; {checked}.",
        ]
    return "\n\n".join(lines)


SIGNATURE: Final = "— rules (no language model)"

_ELSE: Final = (
    "No language model is attached to this gateway. The rules that answer here can write two "
    "things only: the review of an iteration and the judgment of such a review."
)


class RuleAnalyst:
    """Answer the two prompts of the battery from what is in them; say so for any other."""

    async def answer(self, request: ChatRequest) -> Json:
        """Return a chat answer; its token usage is estimated."""
        prompt = "\n\n".join(message.content for message in request.messages)
        content = f"{_answer(prompt)}\n\n{SIGNATURE}\n"
        return chat_answer(content, request.model, estimate(prompt, content).as_json())


def _answer(prompt: str) -> str:
    # The judgment's prompt quotes a review, so its own heading is looked for first.
    if _asks_for("## PR-ready changes", prompt):
        return write_judgment(prompt)
    if _asks_for("## What worked", prompt):
        return write_review(read_figures(prompt))
    return _ELSE


def _asks_for(heading: str, prompt: str) -> bool:
    # At the start of a line: inside the evidence, which is one line, it would be a task's text.
    return f"\n{heading}" in f"\n{prompt}"
