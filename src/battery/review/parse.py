"""Read proposals and verdicts out of the two answers of the large model.

The prompts ask for Markdown and, at its end, the same as a block of JSON. The block is read where
it is there; else the Markdown, other data, and last sentences. Where two of them can be read and
say different things, that is a warning, and so is what cannot be read; nothing is an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar

from battery.records.metric import named_metric
from battery.records.models import Proposal, Verdict
from battery.review.block import (
    PROPOSALS_KEY,
    VERDICTS_KEY,
    Fields,
    asked_block,
    has_key,
    other_records,
    tagged_records,
    untagged,
)
from battery.review.echo import Form
from battery.review.inline import entitled, first_path
from battery.review.loose import (
    JUDGMENT,
    MOST,
    Judged,
    loose_proposals,
    loose_verdicts,
    make_proposal,
    prose_proposals,
    review_readings,
)
from battery.review.matching import Matching
from battery.review.own import own_words
from battery.review.prompts import judgment_form, review_form
from battery.review.prose import spoken_verdicts
from battery.review.words import decide

_Read = TypeVar("_Read", Proposal, Judged)

#: The prompt asks for at least this many proposals.
WANTED_PROPOSALS: Final = 3
# An expected impact that says itself that it is on no metric.
_NO_METRIC: Final = re.compile(
    r"\W*(?:none|n/a|not (?:directly )?measurable|(?:no|not any|without)\b.{0,40}\bmetrics?)",
    re.IGNORECASE,
)
_REPEATED: Final = "the model repeated the prompt"
_REVIEW_NAME, _JUDGMENT_NAME = "review", "judgment"


def parse_proposals(markdown: str) -> tuple[list[Proposal], list[str]]:
    """Read the proposals of a review, in its order; the second list is warnings.

    A proposal is what names a target file, or at least two of target, rationale and impact.
    Only when there is none of that, paragraphs of the proposals section that name a file count,
    with the paragraph as rationale. Never raises.
    """
    text, warnings = own_words(markdown, _REVIEW_NAME)
    block = asked_block(text, PROPOSALS_KEY)
    proposals = _recorded_proposals(block.records) if block else []
    if block and proposals:
        warnings += _proposal_differences(proposals, loose_proposals(review_readings(block.rest)))
    else:
        warnings += _unreadable(text, PROPOSALS_KEY, _REVIEW_NAME)
        proposals = _other_proposals(text)
    proposals, echo = _filled_in(proposals, text)
    proposals, more = _most(proposals, _REVIEW_NAME, "proposals")
    told = echo if echo and not proposals else [*echo, *_proposal_warnings(proposals)]
    return proposals, [*warnings, *more, *told]


def parse_verdicts(markdown: str, proposals: Sequence[Proposal]) -> tuple[list[Verdict], list[str]]:
    """Read the verdicts of a judgment, in its order; the second list is warnings.

    A verdict is matched to a proposal by number, title or target file; one that matches none
    has `proposal` null. The list of PR-ready changes gives no verdicts. Never raises.
    """
    text, warnings = own_words(markdown, _JUDGMENT_NAME)
    matching = Matching(proposals)
    block = asked_block(text, VERDICTS_KEY)
    judged = _recorded_verdicts(block.records, matching) if block else []
    if block and judged:
        loose = loose_verdicts(block.rest, proposals, matching)
        judged, more = _with_details(judged, loose)
        warnings += more
    else:
        warnings += _unreadable(text, VERDICTS_KEY, _JUDGMENT_NAME)
        judged = _other_verdicts(text, proposals, matching)
    if not any(one.verdict.proposal for one in judged) and Form(judgment_form()).is_most_of(text):
        return [], [*warnings, f"{_REPEATED}: the judgment has no verdict of its own"]
    judged, more = _most(judged, _JUDGMENT_NAME, "verdicts")
    return [one.verdict for one in judged], [
        *warnings,
        *more,
        *_verdict_warnings(judged, proposals),
    ]


def _filled_in(proposals: list[Proposal], text: str) -> tuple[list[Proposal], list[str]]:
    """Leave out proposals that repeat the form that was to be filled in, and say so."""
    form = Form(review_form())
    kept = (
        one
        for one in proposals
        if not form.is_all((one.target_file, one.rationale, one.expected_impact))
    )
    own = [one.model_copy(update={"number": at}) for at, one in enumerate(kept, start=1)]
    if len(own) < len(proposals):
        count = len(proposals) - len(own)
        of = f"{count} of {len(proposals)} proposals"
        return own, [f"{_REPEATED}: {of} are the form that was to be filled in"]
    if not proposals and form.is_most_of(text):
        return own, [f"{_REPEATED}: the review has no proposal of its own"]
    return own, []


def _other_proposals(text: str) -> list[Proposal]:
    """Read proposals where the block that was asked for is not there."""
    readings = review_readings(untagged(text))
    return (
        _recorded_proposals(tagged_records(text))
        or loose_proposals(readings)
        or max(map(_recorded_proposals, other_records(text)), key=len, default=[])
        or _misplaced_proposals(text)
        or prose_proposals(readings)
    )


def _misplaced_proposals(text: str) -> list[Proposal]:
    """Read proposals under what failed, where the heading that was asked for is missing."""
    proposals = loose_proposals(review_readings(untagged(text), everywhere=True))
    # What only tells of a failure expects no impact.
    return proposals if all(one.expected_impact for one in proposals) else []


def _other_verdicts(text: str, proposals: Sequence[Proposal], matching: Matching) -> list[Judged]:
    judged = _recorded_verdicts(tagged_records(text), matching)
    judged = judged or loose_verdicts(untagged(text), proposals, matching)
    given = {one.verdict.proposal for one in judged} - {None}
    if not given:
        data = (_recorded_verdicts(records, matching) for records in other_records(text))
        judged = max(data, key=len, default=[]) or judged
        given = {one.verdict.proposal for one in judged} - {None}
    # Some models write the last heading first. A mere list of what is ready is no judgment.
    judged = judged or loose_verdicts(untagged(text), proposals, matching, below_ready=True)
    for number, (word, sentence) in spoken_verdicts(text, JUDGMENT).items():
        if matching.title(number) and number not in given:
            judged.append(Judged(_verdict(number, matching.title(number), word, sentence)))
    return judged


def _recorded_proposals(records: Sequence[Fields]) -> list[Proposal]:
    found: list[Proposal] = []
    for fields in records[: MOST + 1]:
        path = first_path(fields.get("target", ""))
        if not path and len(fields.keys() & {"title", "target", "reason", "impact"}) < 2:
            continue
        title = entitled(fields.get("title", ""))[1]
        proposal = make_proposal(len(found) + 1, title, path, fields)
        metric = named_metric(fields.get("metric", "")) or proposal.metric
        found.append(proposal.model_copy(update={"metric": metric}))
    return found


def _recorded_verdicts(records: Sequence[Fields], matching: Matching) -> list[Judged]:
    found: list[Judged] = []
    # Programs like to count from 0, and then a title is rare.
    first = min((int(f["number"]) for f in records if f.get("number", "").isdecimal()), default=1)
    for fields in records[: MOST + 1]:
        word, said = decide(fields.get("verdict", ""))
        if not word:
            continue
        number, title, _ = entitled(fields.get("title", ""))
        counted = entitled(fields.get("number", ""))[0]
        number = number if counted is None else counted + (first == 0)
        proposal = matching.find(number, title, fields.get("target", ""))
        reason = fields.get("reason") or said or None
        found.append(Judged(_verdict(proposal, title or matching.title(proposal), word, reason)))
    return found


def _verdict(proposal: int | None, title: str, word: str, reason: str | None) -> Verdict:
    return Verdict.model_validate(
        {"proposal": proposal, "title": title, "verdict": word, "reason": reason, "details": ""}
    )


def _with_details(judged: list[Judged], loose: list[Judged]) -> tuple[list[Judged], list[str]]:
    """Add what the text says to the verdicts of the block; warn where the two differ."""
    by_number = {one.verdict.proposal: one.verdict for one in reversed(loose)}
    found: list[Judged] = []
    warnings: list[str] = []
    for one in judged:
        verdict, text = one.verdict, by_number.pop(one.verdict.proposal, None)
        if text and verdict.proposal:
            reason = text.reason or verdict.reason
            verdict = verdict.model_copy(update={"details": text.details, "reason": reason})
            if text.verdict != verdict.verdict:
                warnings.append(
                    f"on proposal {verdict.proposal} ({verdict.title}) the text of the "
                    f"judgment says {text.verdict} and its JSON block {verdict.verdict}; the "
                    "block counts"
                )
        found.append(Judged(verdict))
    for text in (verdict for number, verdict in by_number.items() if number):
        warnings.append(
            f"the verdict on proposal {text.proposal} ({text.title}) is in the text of the "
            "judgment and not in its JSON block; it was read from the text"
        )
        found.append(Judged(text))
    return found, warnings


def _proposal_differences(block: Sequence[Proposal], text: Sequence[Proposal]) -> Iterator[str]:
    if not text:
        return
    if len(block) != len(text):
        yield (
            f"the text of the review has {len(text)} proposals and its JSON block "
            f"{len(block)}; the block counts"
        )
        return
    for one, other in zip(block, text, strict=True):
        if one.target_file != other.target_file:
            yield (
                f"proposal {one.number} ({one.title}) is for {other.target_file} in the text of "
                f"the review and for {one.target_file} in its JSON block; the block counts"
            )


def _unreadable(text: str, key: str, name: str) -> Iterator[str]:
    if f'"{key}"' in text and not has_key(text, key):
        yield f"the JSON block of the {name} is broken or cut; its text was read instead"


def with_existence(proposals: Sequence[Proposal], exists: Mapping[str, bool]) -> list[Proposal]:
    """Note for each proposal whether its target file exists; null where `exists` does not say."""
    return [
        proposal.model_copy(update={"target_exists": exists.get(proposal.target_file or "")})
        for proposal in proposals
    ]


def flag_missing(verdicts: Sequence[Verdict], proposals: Sequence[Proposal]) -> list[Verdict]:
    """Flag each APPROVE of a proposal whose target file is known not to exist."""
    missing: dict[int | None, str | None] = {
        p.number: p.target_file for p in proposals if p.target_exists is False
    }
    return [_flagged(v, missing) if v.verdict == "APPROVE" else v for v in verdicts]


def _flagged(verdict: Verdict, missing: Mapping[int | None, str | None]) -> Verdict:
    if verdict.proposal not in missing:
        return verdict
    # Flagged and not overruled: the judgment is shown as the model gave it.
    flag = f"approved, but {missing[verdict.proposal]} does not exist in the repository"
    return verdict.model_copy(update={"flags": [*verdict.flags, flag]})


def _most(records: list[_Read], name: str, what: str) -> tuple[list[_Read], list[str]]:
    """Keep no more records than are read of one answer, and warn where there were more."""
    if len(records) <= MOST:
        return records, []
    return records[:MOST], [f"the {name} has more than {MOST} {what}; the others were not read"]


def _proposal_warnings(proposals: Sequence[Proposal]) -> Iterator[str]:
    if not proposals:
        yield (
            "no proposal could be read from the review: looked for changes with a target "
            "file, a rationale and an expected impact; the text of the review is kept as it came"
        )
        return
    if len(proposals) < WANTED_PROPOSALS:
        yield (
            f"the review has {len(proposals)} of the at least {WANTED_PROPOSALS} "
            "proposals that were asked for"
        )
    for proposal in proposals:
        if proposal.target_file is None:
            yield f"proposal {proposal.number} ({proposal.title}) names no target file"
    # A label that is not known would else lose the impact in silence.
    without = [
        str(proposal.number)
        for proposal in proposals
        if not (proposal.metric or _NO_METRIC.match(proposal.expected_impact or ""))
    ]
    if without:
        yield f"no metric could be read from the expected impact of proposal {', '.join(without)}"


def _verdict_warnings(judged: Sequence[Judged], proposals: Sequence[Proposal]) -> Iterator[str]:
    if not judged:
        yield (
            "no verdict could be read from the judgment: looked for APPROVE, REVISE or "
            "REJECT next to each proposal; the text of the judgment is kept as it came"
        )
        return
    given = Counter(one.verdict.proposal for one in judged)
    for proposal in proposals:
        if not given[proposal.number]:
            yield f"proposal {proposal.number} ({proposal.title}) has no verdict"
        elif given[proposal.number] > 1:
            yield f"proposal {proposal.number} ({proposal.title}) has more than one verdict"
    for verdict, doubt in judged:
        if doubt and verdict.proposal:
            yield f"the verdict on proposal {verdict.proposal} ({verdict.title}) {doubt}"
        if proposals and verdict.proposal is None:
            yield f"the verdict on {verdict.title!r} matches no proposal of the review"
