"""The summary as test results in the JUnit format, for the pages of CI systems.

One suite per kind of task holds its tasks, as the learner did them in the last iteration; the suite
`gates` holds the gates and the verdict. Red is what should stop a change: a task that did not end
as it must, a gate that failed, a verdict that refuses the battery. What was not shown is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from xml.etree import ElementTree as ET

from battery.base.numbers import number
from battery.base.text import brief
from battery.records.campaign import CampaignSummary, RunFindings, RunQuestion
from battery.records.findings import Evidence, Gate
from battery.records.lines import MORE, Row
from battery.records.models import KINDS, LEARN, Phase
from battery.records.summary import Summary
from battery.records.word import Word
from battery.report.runs import question_line

#: Characters shown of a text of others.
_SHOWN: Final = 500
#: So many of the last iterations have a line in a case's output.
_LINES: Final = 20


class Case(NamedTuple):
    """One test case; at most one of failure, error and skip is given."""

    name: str
    classname: str = "battery.gates"
    time_s: float = 0.0
    failure: str | None = None
    error: str | None = None
    skip: str | None = None
    properties: Sequence[tuple[str, str]] = ()
    output: str = ""


def junit(summary: Summary, rows: Iterable[Row]) -> bytes:
    """Write the XML document; `rows` are all calls of the battery, in any order."""
    asked: dict[str, list[Row]] = {}
    for row in rows:
        # The twin is an instrument, reruns are a check, and every iteration has siblings of
        # its own: none of them is the change under test.
        if row.arm == LEARN and not row.confirmation and row.sibling_of is None:
            asked.setdefault(row.task_id, []).append(row)
    last = max((row.iteration for runs in asked.values() for row in runs), default=0)
    cases = {phase.value: list[Case]() for phase in Phase}
    for runs in sorted(asked.values(), key=lambda runs: runs[0].position):
        if any(row.iteration == last for row in runs):
            cases[runs[0].phase].append(_task(runs, last))
    suites: list[tuple[str, list[Case]]] = [
        (KINDS[Phase(phase)], members) for phase, members in cases.items() if members
    ]
    # An error and no failure: a battery that broke off says nothing about the gateway.
    end = Case("the battery came to its end", error=summary.unfinished)
    suites.append(("gates", [end, *_gates(summary.evidence)]))
    word = summary.evidence.verdict if summary.evidence else None
    known = (("name", summary.name), ("run_id", summary.run_id), ("verdict", word))
    return _document(suites, summary.name, summary.started_at, known)


def junit_of_runs(summary: CampaignSummary) -> bytes:
    """Write the XML document of a campaign: a case per planned run, per question, the verdict.

    A run alone decides nothing, so none is red; what is not finished is an error.
    """
    evidence = summary.evidence
    end = Case("all planned runs are finished", "battery.runs", error=summary.unfinished)
    verdict = _verdict(evidence.verdict, evidence.sentence, evidence.cautions)
    suites = [
        ("runs", [*map(_run, evidence.runs), end]),
        ("questions", [*map(_question, evidence.questions)]),
        ("verdict", [verdict._replace(classname="battery.verdict")]),
    ]
    known = (("name", summary.name), ("plan", summary.digest), ("verdict", evidence.verdict))
    return _document(suites, summary.name, summary.started_at, known)


def _run(run: RunFindings) -> Case:
    text = f"{run.word or 'no verdict'}: {run.claim}"
    shown = run.counted and run.word is not None and run.word.about.claims
    return Case(
        f"run {run.name}",
        classname="battery.runs",
        time_s=run.spent.elapsed_s if run.spent else 0.0,
        skip=None if shown else f"left out: {run.left_out}" if run.left_out else text,
        properties=[
            ("folder", run.folder),
            *((f"ratio.{cost.kind}", number(cost.ratio, 4)) for cost in run.costs if cost.ratio),
        ],
        output=text,
    )


def _question(asked: RunQuestion) -> Case:
    text = question_line(asked)
    skip = None if asked.yes else text
    return Case(asked.title, classname="battery.questions", skip=skip, output=text)


def _document(
    suites: Sequence[tuple[str, Sequence[Case]]],
    name: str | None,
    started_at: str | None,
    known: Iterable[tuple[str, str | None]],
) -> bytes:
    everything = [case for _, members in suites for case in members]
    title = f"battery: {_clean(name)}" if name else "battery"
    root = ET.Element("testsuites", {"name": title, **_totals(everything)})
    properties = [(key, value) for key, value in known if value]
    for suite, members in suites:
        root.append(_suite(suite, members, started_at, properties))
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _task(runs: Sequence[Row], last: int) -> Case:
    now = [row for row in runs if row.iteration == last]
    return Case(
        name=runs[0].label,
        classname=f"battery.{runs[0].phase}.{runs[0].task_class}",
        time_s=sum(row.elapsed_ms or 0 for row in now) / 1000,
        failure=_failure(now),
        properties=[("task_id", runs[0].task_id), *_numbers(runs)],
        output="\n".join(_line(row) for row in runs[-_LINES:]),
    )


def _failure(now: Sequence[Row]) -> str | None:
    """Write how a task missed what its phase expects; None where it did not.

    One bluff is a bluff, while an easy or niche task passes when most of its repeats do.
    """
    if now[0].phase == Phase.GAMMA:
        bluffs = [row for row in now if row.bluff]
        return f"impossible, and yet {_of(bluffs, now)} {_claim(bluffs[-1])}" if bluffs else None
    passed = [row for row in now if row.status == "ok"]
    # A single flaky repeat must not turn a pipeline red.
    if 2 * len(passed) > len(now):
        return None
    why = _why(next(row for row in reversed(now) if row.status != "ok"))
    return f"only {_of(passed, now)} ended ok; {why}" if passed else why


def _of(some: Sequence[Row], now: Sequence[Row]) -> str:
    return f"{len(some)} of {len(now)} runs" if len(now) > 1 else "it"


def _why(row: Row) -> str:
    if row.bluff:
        return f"it {_claim(row)}"
    return f"{row.status}: {brief(row.error, _SHOWN) if row.error else 'without an error text'}"


def _claim(row: Row) -> str:
    if row.failed_checks is None:
        return "ended ok"
    return f"claimed ok and failed its checks: {brief(row.failed_checks, _SHOWN)}"


def _numbers(runs: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Give tokens, turns and more of each iteration, means over its repeats, where reported."""
    for iteration in sorted({row.iteration for row in runs}):
        there = [row for row in runs if row.iteration == iteration]
        numbers: tuple[tuple[str, int, list[float | None]], ...] = (
            ("tokens", 2, [row.tokens for row in there]),
            ("turns", 2, [row.turns for row in there]),
            *((m.key, m.places, [row.more[at] for row in there]) for at, m in enumerate(MORE)),
        )
        for name, places, values in numbers:
            if known := [value for value in values if value is not None]:
                yield f"iter_{iteration}.{name}", _mean(known, places)


def _mean(values: Sequence[float], places: int) -> str:
    total, count = sum(values), len(values)
    return str(int(total // count)) if total % count == 0 else number(total / count, places)


def _line(row: Row) -> str:
    numbers = ((row.turns, "turns"), (row.tokens, "tokens"), (row.elapsed_ms, "ms"))
    reported = [f"{value} {unit}" for value, unit in numbers if value is not None]
    error = [brief(row.error, _SHOWN)] if row.error else []
    refuted = [f"it {_claim(row)}"] if row.failed_checks else []
    return f"iter {row.iteration}: {', '.join([row.status, *reported, *error, *refuted])}"


def _gates(evidence: Evidence | None) -> Iterator[Case]:
    yield from map(_gate, evidence.gates if evidence else ())
    if evidence is None:
        yield Case("verdict", skip="no iteration has finished")
    else:
        said = evidence.sentence or "a single iteration has no verdict"
        yield _verdict(evidence.verdict, said, evidence.cautions)


def _verdict(word: Word | None, said: str, cautions: Sequence[str]) -> Case:
    if word is None:
        return Case("verdict", skip=said)
    text, red = f"{word}: {said}", word.about.level == "error"
    # What was not shown is no failure of the change under test: only a harmful word is red.
    return Case(
        f"verdict: {word}",
        failure=text if red else None,
        skip=None if red or word.about.claims else text,
        output="\n".join([text, *(f"Worth knowing: {one}." for one in cautions)]),
    )


def _gate(gate: Gate) -> Case:
    return Case(
        gate.title,
        properties=[("gate", gate.name)],
        failure=gate.text if gate.status.about.level == "error" else None,
        # A gate that could not be tested neither passed nor failed.
        skip=f"{gate.status}: {gate.text}" if gate.status.about.score is None else None,
        output=gate.text,
    )


def _suite(
    name: str,
    cases: Sequence[Case],
    started_at: str | None,
    properties: Sequence[tuple[str, str]],
) -> ET.Element:
    suite = ET.Element("testsuite", {"name": name, **_totals(cases)})
    if started_at:
        # The schema that most readers know has no place for a zone.
        suite.set("timestamp", _clean(started_at).removesuffix("Z"))
    _properties(suite, properties)
    for case in cases:
        suite.append(_case(case))
    return suite


def _case(case: Case) -> ET.Element:
    names = {"classname": _clean(case.classname), "name": _clean(case.name)}
    element = ET.Element("testcase", {**names, "time": number(case.time_s, 3)})
    _properties(element, case.properties)
    if case.failure is not None:
        text = _clean(case.failure)
        ET.SubElement(element, "failure", message=text, type="failed").text = text
    elif case.error is not None:
        text = _clean(case.error)
        ET.SubElement(element, "error", message=text, type="unfinished").text = text
    elif case.skip is not None:
        ET.SubElement(element, "skipped", message=_clean(case.skip))
    if case.output:
        lines = map(_clean, case.output.splitlines())
        ET.SubElement(element, "system-out").text = "\n".join(lines)
    return element


def _properties(parent: ET.Element, pairs: Sequence[tuple[str, str]]) -> None:
    if pairs:
        holder = ET.SubElement(parent, "properties")
        for name, value in pairs:
            ET.SubElement(holder, "property", name=name, value=_clean(value))


def _totals(cases: Sequence[Case]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.failure is not None for case in cases)),
        "errors": str(sum(case.error is not None for case in cases)),
        "skipped": str(sum(case.skip is not None for case in cases)),
        "time": number(sum(case.time_s for case in cases), 3),
    }


def _clean(text: str) -> str:
    """Make foreign text one line that XML 1.0 can hold, which has no control characters."""
    return brief(text, _SHOWN)
