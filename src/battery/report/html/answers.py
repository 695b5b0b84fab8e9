"""What was learned, proposed and judged, iteration by iteration, to be shown on the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from battery.base.numbers import counted
from battery.base.text import brief
from battery.protocol import Json, distill
from battery.records.findings import Expectation, Scorecard
from battery.records.models import Proposal, Verdict
from battery.report.html.prose import prose

#: Roles of events that say how far the distillation is, or repeat all of it.
_NO_LESSON: Final = frozenset({"status", "progress", "final", "done", "error"})
#: Most lessons of one iteration that are shown; some gateways send a word an event.
MOST_LESSONS: Final = 300
#: A lesson longer than this is cut, and says so.
MOST_CHARACTERS: Final = 2_000
_KIND_WIDTH: Final = 60


class Lesson(NamedTuple):
    """One event of the distill stream that carries a text."""

    kind: str
    text: str
    #: Whether the text goes on in the file of the events.
    cut: bool = False


class Learned(NamedTuple):
    """What the learning side delivered after one iteration."""

    iteration: int
    #: The distill text; None where nothing was distilled.
    text: str | None
    #: Whether an earlier iteration had the same text.
    same_text: bool
    new: list[Lesson]
    #: What an earlier iteration had delivered as well.
    known: list[Lesson]
    #: Lessons beyond `MOST_LESSONS`, only counted.
    more: int
    #: Why nothing counts as learned; empty where the distillation did not fail.
    failure: str = ""


def learned(distilled: Iterable[tuple[int, str | None, Iterable[Json]]]) -> Iterator[Learned]:
    """Sort the lessons of each iteration (number, text, events) into new and known ones."""
    texts: set[str] = set()
    seen: set[Lesson] = set()
    for iteration, text, events in distilled:
        outcome = distill.distilled(events := list(events))
        # What a failed distillation had said before is not known to be kept. A stream may repeat
        # itself; what was delivered twice was still learned once.
        lessons = [] if outcome.failed else list(dict.fromkeys(_lessons(events)))
        shown = lessons[:MOST_LESSONS]
        yield Learned(
            iteration=iteration,
            text=text,
            same_text=text in texts,
            new=[_short(lesson) for lesson in shown if lesson not in seen],
            known=[_short(lesson) for lesson in shown if lesson in seen],
            more=len(lessons) - len(shown),
            failure=outcome.error if outcome.failed else "",
        )
        seen.update(lessons)
        texts |= {text} if text else set()


def _lessons(events: Iterable[Json]) -> Iterator[Lesson]:
    for event in events:
        # The events are a gateway's own: any key of them may hold any JSON.
        role, text = _text(event, "role"), _text(event, "text")
        if role not in _NO_LESSON and text.strip():
            yield Lesson(_text(event, "kind") or role or "event", text)


def _text(event: Json, key: str) -> str:
    value = event.get(key)
    return value if isinstance(value, str) else ""


def _short(lesson: Lesson) -> Lesson:
    """Cut a lesson for the page, once it has been compared as a whole."""
    cut = len(lesson.text) > MOST_CHARACTERS
    return Lesson(brief(lesson.kind, _KIND_WIDTH), lesson.text[:MOST_CHARACTERS], cut)


#: The texts are under the heading of their iteration, which is under the section's.
_LEVEL: Final = 5


class Reviewed(NamedTuple):
    """What the large model said of one iteration, and what was read from it, as on disk."""

    iteration: int
    #: The answers of the chat stages, by the stage's title.
    answers: Mapping[str, str]
    proposals: Sequence[Proposal]
    verdicts: Sequence[Verdict]


#: A proposal, its verdict where it was judged, and what came of it where it may have been done.
Judged = tuple[Proposal, Verdict | None, Expectation | None]


class Review(NamedTuple):
    """One iteration's review, to be shown."""

    iteration: int
    #: Title and text of each answer, in the order of the stages.
    texts: list[tuple[str, Markup]]
    judged: list[Judged]

    @property
    def outcome(self) -> str:
        """Count the proposals and how they were judged, in a line."""
        counts = Counter(
            verdict.verdict if verdict else "not judged" for _, verdict, _ in self.judged
        )
        words = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
        return counted(len(self.judged), "proposal") + (f": {words}" if words else "")


def reviews(reviewed: Iterable[Reviewed], card: Scorecard | None) -> Iterator[Review]:
    """Yield each iteration that has an answer of a chat stage."""
    expectations = {
        (expected.iteration, expected.proposal): expected
        for expected in (card.expectations if card else ())
    }
    for review in reviewed:
        if not review.answers:
            continue
        # By number and not by position: a judgment may leave a proposal out.
        verdicts = {verdict.proposal: verdict for verdict in review.verdicts}
        yield Review(
            review.iteration,
            [(title, prose(text, level=_LEVEL)) for title, text in review.answers.items() if text],
            [
                (
                    proposal,
                    verdicts.get(proposal.number),
                    expectations.get((review.iteration, proposal.number)),
                )
                for proposal in review.proposals
            ],
        )
