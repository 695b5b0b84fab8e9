"""The summary for GitHub Actions: a step summary, annotations and outputs; pure.

The runner reads commands out of everything that a step prints, so whatever others wrote is
escaped or printed where commands are off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from battery.base.text import brief
from battery.records.campaign import CampaignEvidence, CampaignSummary
from battery.records.findings import Evidence
from battery.records.summary import Summary
from battery.records.word import Level
from battery.report.markdown.runs import markdown as markdown_of_runs
from battery.report.markdown.summary import markdown

#: What is told: of one battery, or of the runs of a campaign.
Judged = Summary | CampaignSummary

#: GitHub refuses a step's summary above 1,024 kB; in which kB, it does not say.
MAX_BYTES: Final = 1_000_000
#: GitHub shows so many annotations of a level in a step and drops the rest.
MAX_ANNOTATIONS: Final = 10
_CUT: Final = "\n\n*Cut here: GitHub takes no more. The whole text is in `summary.md`.*\n"
_SHOWN: Final = 1000


class Annotation(NamedTuple):
    """What the page of a workflow run shows above its jobs."""

    level: Level
    title: str
    message: str


def step_summary(summary: Judged, room: int = MAX_BYTES) -> bytes:
    """Write the Markdown, cut after a line where it is longer than `room` bytes.

    Empty where the room is too small for anything but the note about the cut.
    """
    if isinstance(summary, Summary):
        text = markdown(summary).encode()
    else:
        text = markdown_of_runs(summary).encode()
    if len(text) <= room:
        return text
    # After a line: a table cut inside a row, or a character cut in half, would be garbled.
    end = text.rfind(b"\n", 0, max(0, room - len(_CUT)))
    return text[:end] + _CUT.encode() if end > 0 else b""


def attention(summary: Judged) -> Iterator[Annotation]:
    """Yield what deserves attention: verdict, gates, warnings; most serious first."""
    kind = "battery" if isinstance(summary, Summary) else "battery campaign"
    battery = f"{kind} {summary.name}" if summary.name else kind
    warnings = (Annotation("warning", battery, text) for text in summary.warnings)
    annotations = [
        *_stopped(summary, battery),
        *_judged(summary.evidence, battery),
        *warnings,
    ]
    levels: tuple[Level, ...] = ("error", "warning", "notice")
    for level in levels:
        yield from islice((one for one in annotations if one.level == level), MAX_ANNOTATIONS)


def command(annotation: Annotation) -> str:
    r"""Write an annotation as a workflow command on one line; its text cannot start another."""
    title, message = (brief(text, _SHOWN) for text in (annotation.title, annotation.message))
    title = _escaped(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{annotation.level} title={title}::{_escaped(message)}"


def without_commands(lines: Iterable[str], token: str) -> Iterator[str]:
    """Put lines of any content between marks that turn commands off and on again.

    The token must be one that nobody could have foreseen.
    """
    yield f"::stop-commands::{token}"
    yield from lines
    yield f"::{token}::"


def outputs(summary: Judged) -> str:
    """Write the outputs of the step: `verdict`, and `effect`, the cost of learn over frozen.

    The effect is that on a typical task, of a campaign the mean over its runs.

    Both are there in any case, and empty where there is none.
    """
    evidence = summary.evidence
    word = evidence.verdict if evidence else None
    # A pipeline that reads the number alone must not take it for what learning did.
    ratio = _ratio(evidence) if evidence and evidence.trusted else None
    effect = "" if ratio is None else round(ratio, 4)
    # Nothing of this is foreign text, which could add outputs of its own with a line end.
    return f"verdict={word or ''}\neffect={effect}\n"


def _ratio(evidence: Evidence | CampaignEvidence) -> float | None:
    if isinstance(evidence, CampaignEvidence):
        # Before all planned runs are finished a number would be an early look.
        return evidence.question("cost").effect if evidence.verdict else None
    group = evidence.group("all")
    return group.ratio if group else None


def _stopped(summary: Judged, battery: str) -> Iterator[Annotation]:
    if text := summary.unfinished:
        # Whatever the verdict on what is there: an outage is no result.
        state = summary.state if isinstance(summary, Summary) else "unfinished"
        yield Annotation("error", f"{battery}: {state}", text)


def _judged(evidence: Evidence | CampaignEvidence | None, battery: str) -> Iterator[Annotation]:
    if evidence is None:
        return
    word = evidence.verdict
    if word:
        yield Annotation(word.about.level, f"{battery}: {word}", evidence.sentence)
    for gate in evidence.gates if isinstance(evidence, Evidence) else ():
        if level := gate.status.about.level:
            title = f"{battery}: gate {gate.title}, {gate.status}"
            yield Annotation(level, title, gate.text)
    for text in evidence.cautions:
        yield Annotation("notice", f"{battery}: worth knowing", text)


def _escaped(text: str) -> str:
    # The percent sign first, or the others' escapes would be escaped again.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
