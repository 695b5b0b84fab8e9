"""The summary for GitHub Actions: a step summary, annotations and outputs; pure.

The runner reads commands out of everything that a step prints, so whatever others wrote is
escaped or printed where commands are off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from battery.base.text import brief
from battery.records.findings import Evidence
from battery.records.summary import Summary
from battery.records.word import Level
from battery.report.markdown.summary import markdown

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


def step_summary(summary: Summary, room: int = MAX_BYTES) -> bytes:
    """Write the Markdown, cut after a line where it is longer than `room` bytes.

    Empty where the room is too small for anything but the note about the cut.
    """
    text = markdown(summary).encode()
    if len(text) <= room:
        return text
    # After a line: a table cut inside a row, or a character cut in half, would be garbled.
    end = text.rfind(b"\n", 0, max(0, room - len(_CUT)))
    return text[:end] + _CUT.encode() if end > 0 else b""


def attention(summary: Summary) -> Iterator[Annotation]:
    """Yield what deserves attention: verdict, gates, warnings; most serious first."""
    battery = f"battery {summary.name}" if summary.name else "battery"
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


def outputs(summary: Summary) -> str:
    """Write the outputs of the step: `verdict`, and `effect`, the cost of learn over frozen.

    Both are there in any case, and empty where there is none.
    """
    evidence = summary.evidence
    word = evidence.verdict if evidence else None
    # A pipeline that reads the number alone must not take it for what learning did.
    group = evidence.group("all") if evidence and evidence.trusted else None
    effect = "" if group is None or group.ratio is None else round(group.ratio, 4)
    # Nothing of this is foreign text, which could add outputs of its own with a line end.
    return f"verdict={word or ''}\neffect={effect}\n"


def _stopped(summary: Summary, battery: str) -> Iterator[Annotation]:
    if text := summary.unfinished:
        # Whatever the verdict on what is there: an outage is no result.
        yield Annotation("error", f"{battery}: {summary.state}", text)


def _judged(evidence: Evidence | None, battery: str) -> Iterator[Annotation]:
    if evidence is None:
        return
    word = evidence.verdict
    if word:
        yield Annotation(word.about.level, f"{battery}: {word}", evidence.sentence)
    for gate in evidence.gates:
        if level := gate.status.about.level:
            title = f"{battery}: gate {gate.title}, {gate.status}"
            yield Annotation(level, title, gate.text)
    for text in evidence.cautions:
        yield Annotation("notice", f"{battery}: worth knowing", text)


def _escaped(text: str) -> str:
    # The percent sign first, or the others' escapes would be escaped again.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
