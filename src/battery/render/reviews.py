"""Show what a review and its judgment came to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

from battery.models import Proposal, ReviewOutcome, Verdict
from battery.render.text import printable


def print_reviews(outcome: ReviewOutcome, folder: Path, stream: TextIO | None = None) -> None:
    """Print each proposal with its verdict and its reason, then where the texts are."""
    stream = stream or sys.stdout
    verdicts = {verdict.proposal: verdict for verdict in outcome.verdicts}
    count = len(outcome.proposals)
    print(f"Iteration {outcome.iteration}: {count} proposals", file=stream)
    for proposal in outcome.proposals:
        for text in _lines(proposal, verdicts.get(proposal.number)):
            print(printable(text), file=stream)
    print("\nFiles", file=stream)
    for path in outcome.artifacts:
        print(f"  {folder / path}", file=stream)


def _lines(proposal: Proposal, verdict: Verdict | None) -> list[str]:
    word = verdict.verdict if verdict else "no verdict"
    missing = " (not in the repository)" if proposal.target_exists is False else ""
    found = [
        "",
        f"{proposal.number}. {word:<10} {proposal.title}",
        f"   target  {proposal.target_file or 'not named'}{missing}",
    ]
    if verdict and verdict.reason:
        found.append(f"   reason  {verdict.reason}")
    return found + [f"   flag    {flag}" for flag in (verdict.flags if verdict else [])]
