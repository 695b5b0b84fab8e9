"""What each chat stage asks the large model, and what is read from its answer.

Pure: the run puts in what is on disk and writes what comes out; `watch` reads the same answers
from the journal, so both say the same of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from battery.inputs.tasks import labels
from battery.records.findings import Record
from battery.records.models import Proposal, Run, Verdict
from battery.records.stages import OVERSEER, SCRUM
from battery.records.summary import Metrics
from battery.review.own import without_thoughts
from battery.review.parse import flag_missing, parse_proposals, parse_verdicts, with_existence
from battery.review.prompts import overseer_prompt, rows, scrum_prompt

#: Characters of the longest answer that is kept in memory once it was read; most have far fewer.
_KEPT: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What the chats before one left behind."""

    #: Their answers, by role.
    answers: Mapping[str, str] = field(default_factory=dict)
    #: Whether a path is a file of the user's repository; None where there is none to look in.
    exists: Callable[[str], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a chat about one iteration may show the model."""

    metrics: Metrics
    #: Reads the learner's first repeat. A function, because thousands of runs may be large and
    #: most chats do not need them.
    read_runs: Callable[[], Sequence[Run]]
    earlier: Earlier


class Reading(NamedTuple):
    """What was read from an answer."""

    #: What came of it, in a line.
    detail: str
    #: Records to write, by their kind.
    documents: Mapping[type[Record], Sequence[Record]] = {}
    warnings: Sequence[str] = ()


def first_line(text: str) -> str:
    """Return what a text says first, where nothing else is read from it."""
    return text.strip().partition("\n")[0]


def as_text(answer: str, earlier: Earlier) -> Reading:
    """Read no more than the first line."""
    del earlier  # A text on its own.
    return Reading(first_line(answer))


class Chat(NamedTuple):
    """One chat stage: how its prompt is made and how its answer is read; neither ever raises."""

    prompt: Callable[[Evidence], str]
    read: Callable[[str, Earlier], Reading] = as_text


def _review_prompt(evidence: Evidence) -> str:
    runs = evidence.read_runs()
    return overseer_prompt(evidence.metrics, rows(runs, labels(run.task for run in runs)))


def _read_review(answer: str, earlier: Earlier) -> Reading:
    proposals, warnings = _proposals(answer, earlier)
    detail = f"{len(proposals)} proposals"
    return Reading(detail, {Proposal: proposals}, warnings)


def _judgment_prompt(evidence: Evidence) -> str:
    review = evidence.earlier.answers[OVERSEER.role]
    proposals, _ = _proposals(review, evidence.earlier)
    looked_up = {
        proposal.target_file: proposal.target_exists
        for proposal in proposals
        if proposal.target_file and proposal.target_exists is not None
    }
    exists = None if evidence.earlier.exists is None else looked_up
    # The judge must not take a draft in the thoughts for a proposal. A review of thoughts alone
    # goes out as it came: there is nothing else to judge.
    said = without_thoughts(review).strip() or review
    return scrum_prompt(evidence.metrics.iteration, said, exists)


def _read_judgment(answer: str, earlier: Earlier) -> Reading:
    # The review's proposals are written anew: an older folder may hold none, and the repository
    # may have got a file since they were read.
    proposals, warnings = _proposals(earlier.answers.get(OVERSEER.role, ""), earlier)
    verdicts, more = _verdicts(answer, proposals)
    verdicts = flag_missing(verdicts, proposals)
    flags = [flag for verdict in verdicts for flag in verdict.flags]
    approved = sum(verdict.verdict == "APPROVE" for verdict in verdicts)
    return Reading(
        f"{approved} of {len(verdicts)} approved",
        {Proposal: proposals, Verdict: verdicts},
        [*warnings, *more, *flags],
    )


# The judge's prompt, its answer and the summary after each iteration read the same texts again,
# which would take longer than all else about a summary.
_kept_proposals = functools.lru_cache(maxsize=32)(parse_proposals)
_kept_verdicts = functools.lru_cache(maxsize=32)(parse_verdicts)


def _verdicts(answer: str, proposals: Sequence[Proposal]) -> tuple[list[Verdict], list[str]]:
    parse = _kept_verdicts if len(answer) <= _KEPT else parse_verdicts
    return parse(answer, tuple(proposals))


def _proposals(review: str, earlier: Earlier) -> tuple[list[Proposal], list[str]]:
    read, warnings = (_kept_proposals if len(review) <= _KEPT else parse_proposals)(review)
    proposals = list(read)
    if earlier.exists is not None:
        paths = {proposal.target_file for proposal in proposals if proposal.target_file}
        found = {path: earlier.exists(path) for path in paths}
        proposals = with_existence(proposals, found)
    return proposals, list(warnings)


#: By role. Every chat stage of `battery.records.stages` has its entry.
CHATS: Final = {
    OVERSEER.role: Chat(_review_prompt, _read_review),
    SCRUM.role: Chat(_judgment_prompt, _read_judgment),
}
