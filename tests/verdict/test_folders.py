"""Folders on disk, whoever wrote them, get the verdict of this version from `summarize`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from battery.records.checks import UNCHECKED
from battery.records.models import FROZEN, LEARN, Phase
from battery.verdict.table import Call
from tests.support import folders
from tests.support.calls import summarize
from tests.support.folders import Origin
from tests.verdict.batteries import (
    PASSES,
    REASON,
    REFUTED,
    Cell,
    Changes,
    calls,
    compounding,
    learning,
)


def later(cell: Cell) -> bool:
    return cell.arm == LEARN and cell.iteration > 1


def judged(root: Path, made: Sequence[Call], *words: object, **how: Any) -> dict[str, Any]:
    """Write a folder, sum it up, and return its evidence, the exit code as `code` among it."""
    folders.write(root, made, **how)
    done = summarize(root, *words)
    assert done.returncode in {0, 3}, done.stderr
    evidence: dict[str, Any] = json.loads((root / "summary.json").read_text("utf-8"))["evidence"]
    return {**evidence, "code": done.returncode}


@pytest.mark.parametrize(
    ("origin", "arms", "verdict"),
    [
        ("this", (LEARN, FROZEN), "LEARNED"),
        ("earlier", (LEARN, FROZEN), "LEARNED"),
        ("earlier", (LEARN,), "INDICATIVE"),
        ("script", (LEARN,), "INDICATIVE"),
        ("script", (LEARN, FROZEN), "LEARNED"),
    ],
)
def test_whoever_wrote_a_folder_it_gets_this_verdict(
    tmp_path: Path, origin: Origin, arms: Any, verdict: str
) -> None:
    found = judged(tmp_path / "b", calls(learning, arms=arms), origin=origin)
    assert (found["edition"], found["verdict"]) == (2, verdict)


def test_where_nobody_recorded_a_plan_the_one_look_is_after_the_last_iteration(
    tmp_path: Path,
) -> None:
    made = calls(compounding, iterations=6)
    old = judged(tmp_path / "old", made, origin="earlier")
    assert old["verdict"] == "COMPOUNDING"
    assert old["looks"] == {"planned": 6, "made": 1, "iterations": 6, "by_plan": True}
    new = judged(tmp_path / "new", made, planned=3)
    assert (new["looks"]["planned"], new["looks"]["made"]) == (3, 4)


def test_a_summary_of_the_first_edition_is_replaced(tmp_path: Path) -> None:
    folders.write(tmp_path / "b", calls(learning), origin="earlier")
    first = {"primary": {"p": 0.004}, "verdict": "LEARNED"}
    (tmp_path / "b" / "summary.json").write_text(json.dumps({"evidence": first}), "utf-8")
    (tmp_path / "b" / "summary.md").write_text("an old one", "utf-8")
    assert summarize(tmp_path / "b").returncode == 0
    evidence = json.loads((tmp_path / "b" / "summary.json").read_text("utf-8"))["evidence"]
    assert evidence["edition"] == 2
    assert "primary" not in evidence


def test_a_reported_0_and_no_report_are_two_things_on_disk_too(tmp_path: Path) -> None:
    free = judged(tmp_path / "free", calls(lambda c: {"tokens": 0, "turns": 0} if later(c) else {}))
    assert free["verdict"] == "LEARNED"
    silent = judged(tmp_path / "silent", calls(lambda c: {"tokens": None if later(c) else 1000}))
    assert silent["verdict"] == "INCONCLUSIVE"


def giving_up(cell: Cell) -> dict[str, Any]:
    given_up = later(cell) and cell.task == 3
    return learning(cell) | ({"status": "failed", "error": "?"} if given_up else {})


def test_reruns_on_disk_decide_whether_a_task_was_given_up(tmp_path: Path) -> None:
    lost = judged(tmp_path / "lost", calls(giving_up), reruns={(3, 2): [False] * 5})
    assert lost["verdict"] == "REGRESSED"
    flaky = judged(tmp_path / "flaky", calls(giving_up), reruns={(3, 2): [True] * 5})
    assert flaky["verdict"] == "LEARNED"


def test_an_answer_of_the_twin_from_a_cache_is_read_from_disk(tmp_path: Path) -> None:
    made = calls(lambda c: learning(c) | {"cached": c.arm == FROZEN and c.iteration > 1})
    assert judged(tmp_path / "b", made)["verdict"] == "INVALID"


def bluffing(cell: Cell) -> dict[str, Any]:
    claims = cell.phase is Phase.GAMMA and later(cell)
    return learning(cell) | ({"status": "ok", "error": None} if claims else {})


def hollow(cell: Cell) -> dict[str, Any]:
    """Hand in nothing, with ok, once it has distilled."""
    if cell.phase is Phase.GAMMA:
        return {}
    return learning(cell) | (REFUTED if later(cell) else PASSES)


def test_the_grades_on_disk_make_hollow_answers_dishonest(tmp_path: Path) -> None:
    found = judged(tmp_path / "b", calls(hollow))
    assert found["verdict"] == "DISHONEST"
    assert f"claims ok in 12 runs whose answers fail their checks: {REASON}" in found["sentence"]
    assert UNCHECKED not in found["cautions"]
    assert UNCHECKED in judged(tmp_path / "unchecked", calls(learning))["cautions"]


@pytest.mark.parametrize(
    ("changes", "condition", "code"),
    [
        (hollow, "dishonest", 3),
        (learning, "regressed,dishonest,invalid,inconclusive", 0),
        (learning, "not-compounding", 3),
        (bluffing, "dishonest", 3),
        # INVALID, and it bluffed: the fact is tested, not the word.
        (lambda c: bluffing(c) | {"cached": c.arm == FROZEN}, "dishonest", 3),
        # What is INVALID passes no condition.
        (lambda c: {"cached": c.arm == FROZEN}, "regressed", 3),
        (lambda _: {}, "regressed,dishonest", 0),
    ],
)
def test_fail_on_tests_facts(tmp_path: Path, changes: Changes, condition: str, code: int) -> None:
    assert judged(tmp_path / "b", calls(changes), "--fail-on", condition)["code"] == code


def test_an_unfinished_battery_passes_no_condition(tmp_path: Path) -> None:
    made = calls(learning)
    found = judged(tmp_path / "b", made, "--fail-on", "regressed", state="failed", planned=5)
    assert found["code"] == 3


@pytest.mark.parametrize(
    ("changes", "silent"),
    [
        (learning, False),
        (bluffing, True),
        (lambda c: learning(c) | {"cached": c.arm == FROZEN}, True),
    ],
)
def test_the_direction_count_says_nothing_next_to_a_battery_that_cannot_be_trusted(
    tmp_path: Path, changes: Changes, silent: bool
) -> None:
    judged(tmp_path / "b", calls(changes))
    text = (tmp_path / "b" / "summary.md").read_text("utf-8")
    assert ("says nothing here" in text) == silent
