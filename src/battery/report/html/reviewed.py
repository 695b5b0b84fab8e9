"""What the overseer proposed, how it was judged and what came of it, iteration by iteration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from battery.records.findings import Expectation, Scorecard
from battery.records.models import Proposal, Verdict
from battery.report import evidence as shown
from battery.report.html.prose import prose

#: The texts stand under the heading of their iteration, which stands under the section's.
_LEVEL: Final = 5


class Reviewed(NamedTuple):
    """What the large model said of one iteration, and what was read from it, as on disk."""

    iteration: int
    #: The answers of the chat stages, by the stage's title.
    answers: Mapping[str, str]
    proposals: Sequence[Proposal]
    verdicts: Sequence[Verdict]


class Judged(NamedTuple):
    """One proposal with its verdict and what came of it."""

    title: str
    target: str
    #: A verdict in a word, or that there is none.
    word: str
    reason: str
    flags: Sequence[str]
    expected: str
    came: str


class Review(NamedTuple):
    """One iteration's review, to be shown."""

    iteration: int
    #: Title and text of each answer, in the order of the stages.
    texts: list[tuple[str, Markup]]
    judged: list[Judged]

    @property
    def outcome(self) -> str:
        """Count the proposals and how they were judged, in a line."""
        counts = Counter(each.word for each in self.judged)
        words = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
        count = len(self.judged)
        return f"{count} proposal{'' if count == 1 else 's'}{': ' if words else ''}{words}"


def reviews(found: Sequence[Reviewed], card: Scorecard | None) -> Iterator[Review]:
    """Yield each iteration that has an answer of a chat stage."""
    expectations = {
        (each.iteration, each.proposal): each for each in (card.expectations if card else ())
    }
    for each in found:
        if not each.answers:
            continue
        verdicts = {verdict.proposal: verdict for verdict in each.verdicts}
        yield Review(
            each.iteration,
            [(title, prose(text, level=_LEVEL)) for title, text in each.answers.items() if text],
            [
                _judged(
                    proposal,
                    verdicts.get(proposal.number),
                    expectations.get((each.iteration, proposal.number)),
                )
                for proposal in each.proposals
            ],
        )


def _judged(proposal: Proposal, verdict: Verdict | None, expectation: Expectation | None) -> Judged:
    missing = " (not in the repository)" if proposal.target_exists is False else ""
    return Judged(
        title=proposal.title,
        target=f"{proposal.target_file or 'no file named'}{missing}",
        word=verdict.verdict if verdict else "not judged",
        reason=(verdict.reason if verdict else None) or "",
        flags=verdict.flags if verdict else (),
        expected=_expected(proposal, expectation),
        came=_came(expectation),
    )


def _expected(proposal: Proposal, expectation: Expectation | None) -> str:
    if expectation and expectation.expected:
        return f"{expectation.metric} to {expectation.expected}"
    return proposal.expected_impact or "nothing named"


def _came(expectation: Expectation | None) -> str:
    if expectation is None:
        return "no iteration came after it"
    return f"{shown.moved(expectation)}: {expectation.outcome}"
