"""Read proposals and verdicts out of Markdown as models write it, which is loosely.

Nothing here insists on one form. An answer becomes lines that know their place in its structure.
The lines are cut into groups in every way the structure offers: by headings of one level, bold
lines, list items, table rows. The way that finds most wins.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from battery.records.models import Proposal, Verdict
from battery.review.inline import (
    IN_BOLD,
    VERDICT_LEAD,
    entitled,
    first_path,
    plain_text,
    verdict_in_title,
)
from battery.review.matching import Matching
from battery.review.prose import mentioned
from battery.review.scorecard import moved_metric
from battery.review.structure import (
    Form,
    Group,
    Line,
    all_readings,
    is_unticked,
    read_fields,
    to_markdown,
)
from battery.review.words import REACH, Word, decide, is_verdict

#: Proposals or verdicts that are read of one answer.
MOST: Final = 200
_CODE = re.compile(r"`[^`]+`")
_IS_FILE = re.compile(r"[/\\]|\.[A-Za-z0-9]{1,10}`")
# A word on all proposals together says nothing of the last of them.
_OVERALL = re.compile(r"\boverall\b|\bonly proposal|\ball (?:\w+ )?proposals|\d of (?:the )?\w+")
# Not the title of a proposal that only speaks of the last iteration.
_EARLIER = (
    r"(?:previous|earlier|prior) (?:proposals|verdicts|judge?ments|reviews)"
    r"|(?:proposals|verdicts|changes|review|judge?ment) (?:of|from|in) (?:the )?"
    r"(?:previous|earlier|prior|last) \w+"
)
# Ideas that are named and not proposed, and thoughts that are no more than that.
_ASIDE = re.compile(
    r"(?:(?:ideas?|changes|alternatives|options|proposals)(?: (?:i|we))? )?(?:also )?"
    r"(?:considered|dropped|discarded|ruled out|not proposed)(?:(?:,| and| but| or| \() ?.*)?"
    r"|(?:considered|rejected|discarded|dropped) (?:ideas|alternatives|options)"
    r"|thinking(?: process)?|(?:initial )?thoughts|thought process|scratchpad|draft"
)
_RESULTS = (
    r"what (?:worked|works|went well|failed|fails|went wrong|did ?n[o']t work)\b.*"
    r"|successes|failures|strengths|weaknesses"
)
# The prompt fixes these headings, and models reword them all the same.
_REVIEW = Form(
    asked=re.compile(
        r"(?:proposed|suggested|recommended) (?:changes|improvements|actions|fixes)\b.*"
        r"|(?:change )?proposals(?: for .*)?|recommendations(?: for .*)?"
        r"|changes for (?:the )?(?:next )?iteration.*"
    ),
    # These sections name files as well and would read as proposals.
    passed_over=re.compile(rf"{_RESULTS}|{_EARLIER}"),
    aside=_ASIDE,
    fields=frozenset({"target", "reason", "impact", "title"}),
    anchor="target",
)
JUDGMENT: Final = Form(
    asked=re.compile(r"(?:proposal |scrum )?(?:verdicts|judge?ments|decisions|reviews)(?: .*)?"),
    # This list repeats what was judged above; read as well, it would give each verdict twice.
    passed_over=re.compile(
        r"pr[- ]ready\b.*|ready (?:for|to) (?:pr|merge)\b.*|approved changes\b.*"
        rf"|{_EARLIER}"
    ),
    aside=_ASIDE,
    fields=frozenset({"verdict", "reason"}),
    anchor="verdict",
)


_QUOTED: Final = "is in a quotation"


class Judged(NamedTuple):
    """A verdict, and what makes it less certain than it looks."""

    verdict: Verdict
    doubt: str | None = None


def review_readings(text: str, *, everywhere: bool = False) -> list[list[Group]]:
    """Group the lines of a review in every way that may give its proposals.

    `everywhere` reads the sections on what worked and failed as well.
    """
    form = _REVIEW._replace(passed_over=re.compile(_EARLIER)) if everywhere else _REVIEW
    return list(all_readings(text, form))


def loose_proposals(readings: Sequence[Sequence[Group]]) -> list[Proposal]:
    """Read proposals: what names a target file, or at least two of target, rationale, impact."""
    return max((_proposals(groups, _complete) for groups in readings), key=len, default=[])


def prose_proposals(readings: Sequence[Sequence[Group]]) -> list[Proposal]:
    """Read the paragraphs of the proposals section that name a file: a weak sign of a proposal."""
    prose = (_proposals(groups, _prose) for groups in readings)
    return next(filter(None, prose), [])


def loose_verdicts(
    text: str, proposals: Sequence[Proposal], matching: Matching, *, below_ready: bool = False
) -> list[Judged]:
    """Read verdicts; one that matches no proposal has `proposal` null.

    `below_ready` reads the list of what is ready as well, but there only what is called a verdict.
    """
    form = JUDGMENT._replace(passed_over=re.compile(_EARLIER)) if below_ready else JUDGMENT
    readings = [
        _verdicts([one for one in groups if not below_ready or _is_labelled(one)], matching)
        for groups in all_readings(text, form)
    ]
    judged = _doubted(max(readings, key=_matched, default=[]), readings)
    if len(judged) != len(proposals) or any(one.verdict.title for one in judged):
        return judged
    # Nothing says which is which: then they are in the order of the proposals.
    return [
        Judged(_about(one.verdict, proposal), one.doubt)
        for one, proposal in zip(judged, proposals, strict=True)
    ]


def _doubted(judged: list[Judged], readings: Sequence[list[Judged]]) -> list[Judged]:
    """Doubt a word for which another reading, as good as this one, has another."""
    if len(judged) > 1 and all(one.doubt == _QUOTED for one in judged):
        # No quotation: every verdict is written this way.
        judged = [Judged(one.verdict) for one in judged]
    given: defaultdict[int, set[Word]] = defaultdict(set)
    for verdict, _ in chain.from_iterable(
        r for r in readings if _matched(r)[:2] == _matched(judged)[:2]
    ):
        if verdict.proposal:
            given[verdict.proposal].add(verdict.verdict)
    own = Counter(one.verdict.proposal for one in judged)
    return [
        one._replace(doubt=one.doubt or "is given elsewhere with another word")
        if len(given[one.verdict.proposal or 0]) > own[one.verdict.proposal]
        else one
        for one in judged
    ]


def _about(verdict: Verdict, proposal: Proposal) -> Verdict:
    return verdict.model_copy(update={"proposal": proposal.number, "title": proposal.title})


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
    fields, rest = read_fields(group, _REVIEW.fields)
    target, reason, impact = (fields.get(label, "") for label in ("target", "reason", "impact"))
    opener = group.opener.value if group.opener.label == "title" else group.opener.text
    # Other code in a title is a setting, a command, a task.
    in_title = (first_path(code) for code in _CODE.findall(opener) if _IS_FILE.search(code))
    path = first_path(target) if target else next(filter(None, in_title), None)
    if not (target and path) and sum(map(bool, (target or path, reason, impact))) < 2:
        return None
    title = entitled(opener)[1] or plain_text(fields.get("title", ""))
    if not title and rest and rest[0].kind == "bold":
        title = entitled(rest[0].text)[1]
    return make_proposal(number, title, path, fields)


def make_proposal(number: int, title: str, path: str | None, fields: Mapping[str, str]) -> Proposal:
    """Make a proposal of its fields as written; `target` may say more than `path`."""
    target, reason, impact = (fields.get(label, "") for label in ("target", "reason", "impact"))
    # Several files, or lines of one: the record has one path, but nothing said may get lost.
    if path and plain_text(target) not in {"", path}:
        reason += f"\n\nTarget file as written: {target}"
    return Proposal(
        number=number,
        title=title or path or f"Proposal {number}",
        target_file=path,
        rationale=reason.strip() or None,
        expected_impact=impact or None,
        metric=moved_metric(impact),
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


def _verdicts(groups: Sequence[Group], matching: Matching) -> list[Judged]:
    found: dict[object, Judged] = {}
    read = filter(None, (_verdict(group, matching) for group in groups))
    for judged in chain.from_iterable(_each(judged, matching) for judged in read):
        verdict = judged.verdict
        # One that matches no proposal repeats none.
        # The same word twice is one verdict; two words on one proposal are kept, and warned of.
        key = (verdict.proposal, verdict.verdict) if verdict.proposal else len(found)
        found.setdefault(key, judged)
        if len(found) > MOST:
            break
    return list(found.values())


def _each(judged: Judged, matching: Matching) -> list[Judged]:
    """Give a verdict on several proposals to each of them."""
    numbers = [] if judged.verdict.proposal else mentioned(judged.verdict.title)
    about = [{"proposal": n, "title": matching.title(n)} for n in numbers if matching.title(n)]
    verdict = judged.verdict
    return [judged._replace(verdict=verdict.model_copy(update=one)) for one in about] or [judged]


def _verdict(group: Group, matching: Matching) -> Judged | None:
    lines, doubt = _own_lines(group.lines)
    fields, rest = read_fields(group._replace(lines=lines), JUDGMENT.fields)
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
    verdict = Verdict(
        proposal=proposal,
        title=title or matching.title(proposal),
        verdict=word,
        reason=reason or said or None,
        details=to_markdown([*spoken, *rest]),
    )
    return Judged(verdict, doubt)


def _own_lines(lines: list[Line]) -> tuple[list[Line], str | None]:
    """Leave the labels only to the judge's last word: not to quotations, echoes, first thoughts."""
    written = [at for at, line in enumerate(lines) if line.label == "verdict"]
    own = [at for at in written if not lines[at].quoted]
    doubt = _QUOTED if written and not own else None
    # A bare word may be one vote of several.
    named = [at for at in own or written if lines[at].value != lines[at].text] or own or written
    if not named:
        return lines, None
    chosen = named[0]
    for at in named[1:]:
        line, word = lines[at], decide(lines[at].value)[0]
        before = decide(lines[chosen].value)[0]
        if any(between.kind == "rule" for between in lines[chosen:at]):
            break
        if before and word not in {None, before} and not _OVERALL.search(line.text.lower()):
            chosen, doubt = at, "is given twice with different words; the last one was read"
    reasons = [at for at, line in enumerate(lines) if line.label == "reason" and not line.quoted]
    after = [at for at in reasons if at > chosen]
    dropped = {*named, *(at for at in written if lines[at].quoted or at < chosen)} - {chosen}
    # What an echoed proposal gives as its rationale is not why the judge decided.
    dropped |= {at for at in reasons if at < chosen} if after else set()
    if not own:
        dropped -= set(written)
    return [
        line._replace(label=None) if at in dropped else line for at, line in enumerate(lines)
    ], doubt


def _matched(judged: Sequence[Judged]) -> tuple[int, int, int]:
    """Prefer the reading with most proposals judged, none twice, and then with most verdicts."""
    given = Counter(one.verdict.proposal for one in judged if one.verdict.proposal)
    return len(given), len(given) - given.total(), len(judged)


def _is_labelled(group: Group) -> bool:
    return any(line.label == JUDGMENT.anchor for line in group.lines)


def _leading(rest: list[Line]) -> tuple[Word | None, str]:
    for line in rest:
        head = line.text[:REACH]
        leads = VERDICT_LEAD.match(head)
        # Of several words to tick, an empty box says no.
        untaken = line.quoted or (is_unticked(head) and is_verdict(head))
        if not untaken and (leads or IN_BOLD.match(head)):
            rest.remove(line)
            word, said = decide(line.text)
            return word, said if leads else line.text
    return None, ""
