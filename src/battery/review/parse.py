"""Read proposals and verdicts out of the two Markdown answers of the large model.

Models write Markdown loosely, so nothing here insists on one form. An answer becomes lines that
know their place in its structure. The lines are cut into groups in every way the structure
offers: by headings of one level, bold lines, list items, table rows. The way that finds most
wins. What cannot be read is a warning, never an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from battery.records.models import Proposal, Verdict
from battery.review.inline import (
    IN_BOLD,
    REACH,
    VERDICT_LEAD,
    Word,
    decide,
    entitled,
    first_path,
    named_metric,
    plain_text,
    verdict_in_title,
)
from battery.review.matching import Matching
from battery.review.own import own_words
from battery.review.structure import Form, Group, Line, all_readings, read_fields, to_markdown

_Read = TypeVar("_Read", Proposal, Verdict)

#: The prompt asks for at least this many proposals.
WANTED_PROPOSALS: Final = 3
#: Proposals or verdicts that are read of one answer.
MOST: Final = 200
_CODE = re.compile(r"`[^`]+`")
# The prompt fixes these headings, and models reword them all the same.
_REVIEW = Form(
    asked=re.compile(
        r"(?:proposed|suggested|recommended) (?:changes|improvements|actions|fixes)\b.*"
        r"|(?:change )?proposals(?: for .*)?|recommendations(?: for .*)?"
        r"|changes for (?:the )?(?:next )?iteration.*"
    ),
    # These sections name files as well and would read as proposals.
    passed_over=re.compile(
        r"what (?:worked|works|went well|failed|fails|went wrong|did ?n[o']t work)\b.*"
        r"|successes|failures|strengths|weaknesses"
    ),
    fields=frozenset({"target", "reason", "impact", "title"}),
    anchor="target",
)
_JUDGMENT = Form(
    asked=re.compile(r"(?:proposal |scrum )?(?:verdicts|judge?ments|decisions|reviews)(?: .*)?"),
    # This list repeats what was judged above; read as well, it would give each verdict twice.
    passed_over=re.compile(
        r"pr[- ]ready\b.*|ready (?:for|to) (?:pr|merge)\b.*|approved changes\b.*"
    ),
    fields=frozenset({"verdict", "reason"}),
    anchor="verdict",
)


def parse_proposals(markdown: str) -> tuple[list[Proposal], list[str]]:
    """Read the proposals of an overseer review, in its order; the second list is warnings.

    A proposal is what names a target file, or at least two of target, rationale and impact.
    Only when there is none of that, paragraphs of the proposals section that name a file count,
    with the paragraph as rationale. Never raises.
    """
    text, warnings = own_words(markdown, "overseer review")
    readings = list(all_readings(text, _REVIEW))
    proposals = max((_proposals(groups, _complete) for groups in readings), key=len, default=[])
    if not proposals:
        # Last of all: that a paragraph mentions a file is a weak sign of a proposal.
        prose = (_proposals(groups, _prose) for groups in readings)
        proposals = next(filter(None, prose), [])
    proposals, more = _most(proposals, "overseer review", "proposals")
    return proposals, [*warnings, *more, *_proposal_warnings(proposals)]


def parse_verdicts(markdown: str, proposals: Sequence[Proposal]) -> tuple[list[Verdict], list[str]]:
    """Read the verdicts of a scrum judgment, in its order; the second list is warnings.

    A verdict is matched to a proposal by number, title or target file; one that matches none
    has `proposal` null. The list of PR-ready changes gives no verdicts. Never raises.
    """
    text, warnings = own_words(markdown, "scrum judgment")
    matching = Matching(proposals)
    readings = (_verdicts(groups, matching) for groups in all_readings(text, _JUDGMENT))
    verdicts = max(readings, key=_matched, default=[])
    if len(verdicts) == len(proposals) and not any(v.title for v in verdicts):
        # Nothing says which is which: then they are in the order of the proposals.
        verdicts = [
            verdict.model_copy(update={"proposal": proposal.number, "title": proposal.title})
            for verdict, proposal in zip(verdicts, proposals, strict=True)
        ]
    verdicts, more = _most(verdicts, "scrum judgment", "verdicts")
    return verdicts, [*warnings, *more, *_verdict_warnings(verdicts, proposals)]


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
            "no proposal could be read from the overseer review: looked for changes with a target "
            "file, a rationale and an expected impact; the text of the review is kept as it came"
        )
        return
    if len(proposals) < WANTED_PROPOSALS:
        yield (
            f"the overseer review has {len(proposals)} of the at least {WANTED_PROPOSALS} "
            "proposals that were asked for"
        )
    for proposal in proposals:
        if proposal.target_file is None:
            yield f"proposal {proposal.number} ({proposal.title}) names no target file"


def _verdict_warnings(verdicts: Sequence[Verdict], proposals: Sequence[Proposal]) -> Iterator[str]:
    if not verdicts:
        yield (
            "no verdict could be read from the scrum judgment: looked for APPROVE, REVISE or "
            "REJECT next to each proposal; the text of the judgment is kept as it came"
        )
        return
    given = Counter(verdict.proposal for verdict in verdicts)
    for proposal in proposals:
        if not given[proposal.number]:
            yield f"proposal {proposal.number} ({proposal.title}) has no verdict"
        elif given[proposal.number] > 1:
            yield f"proposal {proposal.number} ({proposal.title}) has more than one verdict"
    if proposals:
        for verdict in verdicts:
            if verdict.proposal is None:
                yield f"the verdict on {verdict.title!r} matches no proposal of the review"


def _proposals(
    groups: Sequence[Group], read: Callable[[int, Group], Proposal | None]
) -> list[Proposal]:
    found: list[Proposal] = []
    for group in groups:
        proposal = read(len(found) + 1, group)
        if proposal:
            found.append(proposal)
        if len(found) > MOST:
            break
    return found


def _complete(number: int, group: Group) -> Proposal | None:
    fields, _ = read_fields(group, _REVIEW.fields)
    target, reason, impact = (fields.get(label, "") for label in ("target", "reason", "impact"))
    opener = group.opener.value if group.opener.label == "title" else group.opener.text
    in_title = _CODE.search(opener)
    path = first_path(target or (in_title[0] if in_title else ""))
    if not (target and path) and sum(map(bool, (target, reason, impact))) < 2:
        return None
    # Several files, or lines of one: the record has one path, but nothing said may get lost.
    if path and plain_text(target) not in {"", path}:
        reason += f"\n\nTarget file as written: {target}"
    title = entitled(opener)[1] or plain_text(fields.get("title", ""))
    return Proposal(
        number=number,
        title=title or path or f"Proposal {number}",
        target_file=path,
        rationale=reason.strip() or None,
        expected_impact=impact or None,
        metric=named_metric(impact),
    )


def _prose(number: int, group: Group) -> Proposal | None:
    text = to_markdown([group.opener._replace(kind="text"), *group.lines])
    path = first_path(text)
    if not (group.asked and path):
        return None
    _, title, rest = entitled(group.opener.text)
    rationale = to_markdown([group.opener._replace(kind="text", text=rest), *group.lines])
    return Proposal(
        number=number,
        title=title or path,
        target_file=path,
        rationale=rationale or None,
        expected_impact=None,
        metric=None,
    )


def _verdicts(groups: Sequence[Group], matching: Matching) -> list[Verdict]:
    found: dict[object, Verdict] = {}
    for verdict in filter(None, (_verdict(group, matching) for group in groups)):
        # One that matches no proposal repeats none.
        # The same word twice is one verdict; two words on one proposal are kept, and warned of.
        key = (verdict.proposal, verdict.verdict) if verdict.proposal else len(found)
        found.setdefault(key, verdict)
        if len(found) > MOST:
            break
    return list(found.values())


def _verdict(group: Group, matching: Matching) -> Verdict | None:
    fields, rest = read_fields(group, _JUDGMENT.fields)
    word, said = decide(fields.get("verdict", ""))
    heading = group.opener.value if group.opener.label == "title" else group.opener.text
    in_title = verdict_in_title(heading)
    if in_title and not (word and re.search(r"\w", in_title.after)):
        heading = in_title.before
        word, said = (word, said) if word else (in_title.word, in_title.after)
    if not word:
        word, said = _leading(rest)
    number, title, more = entitled(heading, group.opener.number)
    targets = " ".join([heading, *(line.value for line in group.lines if line.label == "target")])
    proposal = matching.find(number, title, targets)
    # Models also sort proposals under headings such as Approved; a word of the group's own wins.
    if not word and proposal:
        word = decide(group.above)[0]
    if not word:
        return None
    reason = fields.get("reason", "")
    spoken = [Line("text", 0, text) for text in (more, said if reason else "") if text]
    return Verdict(
        proposal=proposal,
        title=title or matching.title(proposal),
        verdict=word,
        reason=reason or said or None,
        details=to_markdown([*spoken, *rest]),
    )


def _matched(verdicts: Sequence[Verdict]) -> tuple[int, int]:
    return len({verdict.proposal for verdict in verdicts} - {None}), len(verdicts)


def _leading(rest: list[Line]) -> tuple[Word | None, str]:
    for line in rest:
        head = line.text[:REACH]
        leads = VERDICT_LEAD.match(head)
        if leads or IN_BOLD.match(head):
            rest.remove(line)
            word, said = decide(line.text)
            return word, said if leads else line.text
    return None, ""
