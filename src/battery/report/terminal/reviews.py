"""What a review and its judgment came to, on the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from battery.base.text import printable, write_line
from battery.records.models import Proposal, ReviewOutcome, Verdict

_WIDTH: Final = 80
_INDENT: Final = " " * 11


def print_reviews(outcome: ReviewOutcome, folder: Path, stream: TextIO) -> None:
    """Print each proposal with its verdict and its reason, then where the texts are."""
    for text in review_lines(outcome, folder):
        write_line(stream, text)


def review_lines(outcome: ReviewOutcome, folder: Path) -> Iterator[str]:
    """Build the lines of `print_reviews`, foreign text made harmless."""
    verdicts = {verdict.proposal: verdict for verdict in outcome.verdicts}
    yield f"Iteration {outcome.iteration}: {len(outcome.proposals)} proposals"
    for proposal in outcome.proposals:
        yield ""
        for label, text in _proposal(proposal, verdicts.get(proposal.number)):
            yield from _wrapped(label, text)
    yield ""
    yield from (printable(str(folder / path)) for path in outcome.artifacts)


def _proposal(proposal: Proposal, verdict: Verdict | None) -> Iterator[tuple[str, str]]:
    """Yield labels and texts."""
    word = verdict.verdict if verdict else "not judged"
    missing = " (not in the repository)" if proposal.target_exists is False else ""
    yield f"{proposal.number}. {word}", proposal.title
    yield "   target", f"{proposal.target_file or 'not named'}{missing}"
    if verdict and verdict.reason:
        yield "   reason", verdict.reason
    for flag in verdict.flags if verdict else []:
        yield "   flag", flag


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        printable(text),
        _WIDTH,
        initial_indent=f"{label:<10} ",
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
