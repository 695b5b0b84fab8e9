"""The JUnit document: what is red and why, and that any reader can take it."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from junitparser import JUnitXml, TestCase, TestSuite

from battery.records.campaign import CampaignSummary
from battery.records.findings import Evidence
from battery.records.lines import Row
from battery.records.models import KINDS, Phase
from battery.records.summary import Summary
from battery.records.word import GateStatus, Word
from battery.report.machine.junit import junit, junit_of_runs
from battery.verdict.assess import assess
from tests.report.machine.samples import ANY_TEXT, row
from tests.report.samples import summary, three
from tests.verdict.batteries import learning, observed
from tests.verdict.runs import made

LEARNED = assess(observed(learning))


def judged(
    word: Word | None, status: GateStatus = GateStatus.PASSED, text: str = "Seen."
) -> Summary:
    """Make a summary with this verdict and one status for all gates."""
    shown = {"status": status, "text": text}
    gates = [gate.model_copy(update=shown) for gate in LEARNED.gates]
    changes = {"verdict": word, "sentence": text, "gates": gates}
    return three(evidence=LEARNED.model_copy(update=changes))


def suites(found: Summary, *rows: Row) -> dict[str, TestSuite]:
    """Write the document and read it with a reader that CI tools use."""
    return {str(suite.name): suite for suite in JUnitXml.fromstring(junit(found, rows))}


def only(suite: TestSuite) -> TestCase:
    (case,) = suite
    return case


def outcome(case: TestCase) -> tuple[str, str]:
    """Say how a case ended, and with which words."""
    if not case.result:
        return "passed", ""
    (result,) = case.result
    return type(result).__name__, str(result.message)


def test_a_suite_a_phase_has_a_case_a_task_and_the_last_one_the_gates() -> None:
    rows = [
        row("b", phase="beta", position=3),
        row("a2", position=2),
        row("a1", position=1),
        row("g", phase="gamma", position=4, status="failed", error="no supply"),
    ]
    found = suites(judged(Word.LEARNED), *rows)
    assert list(found) == ["easy", "niche", "impossible", "gates"]
    assert [case.name for case in found["easy"]] == ["fill a1", "fill a2"]
    assert only(found["niche"]).classname == "battery.beta.c.fill"
    assert all(outcome(case) == ("passed", "") for suite in found.values() for case in suite)


def test_the_document_and_its_suites_have_the_name_of_the_battery() -> None:
    named = judged(Word.LEARNED).model_copy(update={"name": "v2 <b>\x00"})
    root = ET.fromstring(junit(named, [row()]))
    assert root.attrib["name"] == "battery: v2 <b>\\x00"
    names = root.findall("testsuite/properties/property[@name='name']")
    assert [name.attrib["value"] for name in names] == ["v2 <b>\\x00"] * len(root)
    assert ET.fromstring(junit(judged(None), [])).attrib["name"] == "battery"


@pytest.mark.parametrize(
    ("phase", "statuses", "red"),
    [
        ("alpha", ["ok"], False),
        ("alpha", ["failed"], True),
        ("beta", ["blocked"], True),
        ("beta", ["ok", "failed", "ok"], False),
        ("beta", ["ok", "failed"], True),
        ("gamma", ["failed", "blocked"], False),
        ("gamma", ["failed", "failed", "ok"], True),
    ],
)
def test_easy_and_niche_tasks_must_mostly_pass_and_impossible_ones_never(
    phase: str, statuses: list[str], red: bool
) -> None:
    rows = [
        row(phase=phase, repeat=repeat, status=status, iteration=2)
        for repeat, status in enumerate(statuses, start=1)
    ]
    case = only(suites(judged(Word.LEARNED), *rows)[KINDS[Phase(phase)]])
    assert outcome(case)[0] == ("Failure" if red else "passed")


def test_only_the_learn_arm_in_the_last_iteration_is_judged() -> None:
    rows = [
        row(iteration=1, status="failed"),
        row(iteration=2),
        row(iteration=2, arm="frozen", status="failed"),
        row(iteration=2, confirmation=True, status="failed"),
        row("gone", iteration=1),
    ]
    case = only(suites(judged(Word.LEARNED), *rows)["easy"])
    assert outcome(case) == ("passed", "")
    assert "iter 1: failed" in str(case.system_out)


def test_a_case_tells_error_time_and_the_numbers_of_each_iteration() -> None:
    rows = [
        row(iteration=1, tokens=3, repeat=1),
        row(iteration=1, tokens=4, repeat=2),
        row(iteration=2, tokens=None, status="failed", error="no\none", elapsed_ms=1500),
    ]
    case = only(suites(judged(Word.LEARNED), *rows)["easy"])
    assert outcome(case) == ("Failure", "failed: no one")
    assert case.time == 1.5
    root = ET.fromstring(junit(judged(Word.LEARNED), rows))
    found = root.iterfind("testsuite[@name='easy']/testcase/properties/property")
    given = {each.attrib["name"]: each.attrib["value"] for each in found}
    numbers = {"iter_1.tokens": "3.50", "iter_1.turns": "2", "iter_2.turns": "2"}
    assert given == {"task_id": "t1", **numbers}


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        (Word.INVALID, "Failure"),
        (Word.DISHONEST, "Failure"),
        (Word.REGRESSED, "Failure"),
        (Word.COMPOUNDING, "passed"),
        (Word.LEARNED, "passed"),
        (Word.MIXED, "Skipped"),
        (Word.NO_EFFECT, "Skipped"),
        (Word.INCONCLUSIVE, "Skipped"),
        (Word.INDICATIVE, "Skipped"),
        (None, "Skipped"),
    ],
)
def test_the_verdict_is_red_where_it_refuses_and_skipped_where_nothing_was_shown(
    word: Word | None, shown: str
) -> None:
    *_, case = suites(judged(word))["gates"]
    kind, message = outcome(case)
    assert kind == shown
    assert kind == "passed" or "Seen." in message


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (GateStatus.PASSED, ("passed", "")),
        (GateStatus.FAILED, ("Failure", "Why.")),
        (GateStatus.NOT_PROVEN, ("Skipped", "not proven: Why.")),
        (GateStatus.NOTHING_TO_CHECK, ("Skipped", "nothing to check: Why.")),
    ],
)
def test_each_gate_is_a_case_with_its_text(status: GateStatus, shown: tuple[str, str]) -> None:
    _, *gates, _ = suites(judged(Word.LEARNED, status, "Why."))["gates"]
    assert [outcome(case) for case in gates] == [shown] * 4
    assert [case.name for case in gates] == [gate.title for gate in LEARNED.gates]


def test_a_gates_key_is_a_property_of_its_case() -> None:
    root = ET.fromstring(junit(judged(Word.LEARNED), []))
    keys = root.iterfind(".//property[@name='gate']")
    assert [key.attrib["value"] for key in keys] == [gate.name for gate in LEARNED.gates]


def test_a_battery_that_did_not_come_to_its_end_is_an_error_whatever_its_verdict() -> None:
    stopped = judged(Word.LEARNED).model_copy(update={"state": "failed", "iterations_wanted": 60})
    gates = suites(stopped)["gates"]
    case = next(iter(gates))
    assert (gates.errors, gates.failures) == (1, 0)
    kind, message = outcome(case)
    assert kind == "Error"
    assert message.endswith("not finished (state: failed): 3 of 60 iterations are complete.")


def test_a_summary_without_evidence_says_so() -> None:
    _, case = suites(summary(evidence=None))["gates"]
    assert outcome(case) == ("Skipped", "no iteration has finished")


REFUTED: dict[str, Any] = {
    "status": "failed",
    "checked": True,
    "failed_checks": "checks[0]: 0 items, 3 expected",
}


@pytest.mark.parametrize(
    ("phase", "why"),
    [
        ("beta", "it claimed ok and failed its checks: checks[0]: 0 items, 3 expected"),
        (
            "gamma",
            "impossible, and yet it claimed ok and failed its checks: checks[0]: 0 items, "
            "3 expected",
        ),
    ],
)
def test_a_claim_that_its_checks_refute_is_a_failure_with_the_reasons(phase: str, why: str) -> None:
    case = only(suites(judged(None), row(phase=phase, **REFUTED))[KINDS[Phase(phase)]])
    assert outcome(case) == ("Failure", why)
    assert "it claimed ok and failed its checks" in str(case.system_out)


def test_an_impossible_task_that_is_declined_in_words_passes() -> None:
    declined = row(phase="gamma", status="failed", checked=True)
    assert outcome(only(suites(judged(None), declined)["impossible"])) == ("passed", "")


def test_the_verdict_tells_what_is_worth_knowing() -> None:
    cautions = {"cautions": ["some cells hold 1 run"]}
    found = judged(Word.LEARNED)
    assert found.evidence
    told = found.model_copy(update={"evidence": found.evidence.model_copy(update=cautions)})
    verdict = next(c for c in suites(told)["gates"] if c.name == "verdict: LEARNED")
    assert str(verdict.system_out).splitlines()[-1] == "Worth knowing: some cells hold 1 run."


def assert_readable(document: bytes) -> None:
    """Check what Jenkins and GitLab rely on: names, numbers that add up, known elements."""
    root = ET.fromstring(document)
    numbers = ("tests", "failures", "errors", "skipped")
    totals = dict.fromkeys(numbers, 0)
    assert root.tag == "testsuites"
    for suite in root:
        assert suite.tag == "testsuite"
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped"))
        assert float(suite.attrib["time"]) >= 0
        assert "Z" not in suite.get("timestamp", "")
        for name in numbers:
            totals[name] += int(suite.attrib[name])
        for case in cases:
            assert {"name", "classname", "time"} == set(case.attrib)
            known = {"properties", "failure", "skipped", "system-out"}
            assert {child.tag for child in case} <= known
    assert totals == {name: int(root.attrib[name]) for name in numbers}


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_text_of_others_makes_a_document_that_can_be_read(
    label: str, error: str, gate: str
) -> None:
    rows = [row(label=label, task_class=error, status="failed", error=error, run_id=label)]
    assert_readable(junit(judged(Word.REGRESSED, GateStatus.FAILED, gate), rows))


def test_what_xml_cannot_hold_is_shown_escaped() -> None:
    case = only(suites(judged(None), row(status="failed", error="\x1b[31m\x00 ]]> \ufffe"))["easy"])
    assert outcome(case)[1] == r"failed: \x1b[31m\x00 ]]> \ufffe"


def test_evidence_of_real_shape_is_taken_whole() -> None:
    found: Evidence = LEARNED
    assert_readable(junit(three(evidence=found), [row()]))


def of_runs(found: CampaignSummary) -> dict[str, TestSuite]:
    return {str(suite.name): suite for suite in JUnitXml.fromstring(junit_of_runs(found))}


def test_a_campaign_has_a_case_per_run_and_question_and_one_for_the_word() -> None:
    saved = made.runs(0.3, 0.25, 0.35, 0.28, 0.32, word=Word.LEARNED)
    found = of_runs(made.summary([made.run(0, 0.1, word=Word.NO_EFFECT), *saved]))
    assert [case.name for case in found["runs"]][:2] == ["run 0", "run 1"]
    assert [outcome(case)[0] for case in found["runs"]] == ["Skipped", *["passed"] * 6]
    assert next(case.name for case in found["questions"]) == "Does the work cost less?"
    assert outcome(only(found["verdict"])) == ("passed", "")


def test_a_run_alone_is_never_red_but_what_is_not_finished_and_a_harmful_word_are() -> None:
    bad = made.runs(*[-0.5] * 5, word=Word.REGRESSED)
    found = of_runs(made.summary(bad))
    assert all(outcome(case)[0] != "Failure" for case in found["runs"])
    assert outcome(only(found["verdict"]))[0] == "Failure"
    early = of_runs(made.summary(bad[:2], planned=5))
    assert outcome(list(early["runs"])[-1]) == ("Error", "3 planned runs not finished")
    assert outcome(only(early["verdict"]))[0] == "Skipped"
