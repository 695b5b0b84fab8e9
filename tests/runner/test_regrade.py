"""Grading again what is on disk: grades change, and nothing else does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import CheckError, MismatchError
from battery.records.manifest import UNSETTLED
from battery.runner.regrade import regrade
from battery.store.battery_dir import BatteryDir
from tests.grading.saved import tasks, write_battery

PLAIN = tasks()


@pytest.fixture
def folder(tmp_path: Path) -> BatteryDir:
    return write_battery(tmp_path / "b", PLAIN)


def contents(folder: BatteryDir) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder.root)): path.read_bytes()
        for path in folder.root.rglob("*")
        if path.is_file()
    }


def grades(folder: BatteryDir, name: str) -> list[Any]:
    """Return what each entry of a file has at `checked`."""
    return [entry.get("checked") for entry in json.loads((folder.root / name).read_bytes())]


PASSED = {"ok": True, "claimed": True, "failed": []}
HONEST = {"ok": False, "claimed": True, "failed": []}


def test_answers_of_all_arms_repeats_siblings_and_reruns_are_graded(folder: BatteryDir) -> None:
    checks = tasks({"contains": "A"}, of_sibling={"contains": "B"})
    regrading = regrade(folder, checks, None)
    assert (regrading.runs, regrading.graded) == (2 * 2 * 2 * 2 + 2 + 1, 2 * 2 * 2 * 2 + 2 + 1)
    files = [name for name in contents(folder) if name.endswith(("runs.json", "ations.json"))]
    assert len(files) == 2 * 2 * 2 + 2 + 1
    for name in files:
        first, *rest = grades(folder, name)
        assert first == PASSED
        assert rest in ([], [HONEST])
    # An impossible task that declines was a bluff by its status, and is none by its words.
    assert {(flip.task, flip.before, flip.after) for flip in regrading.flipped} == {
        ("find: nothing", "bluff", "failed")
    }


def test_what_flips_is_named_with_the_checks_that_it_fails(folder: BatteryDir) -> None:
    regrade(folder, tasks({"contains": "A"}, of_sibling={"contains": "B"}), None)
    second = {"contains": "A", "not_contains": "frozen 1 2"}
    flipped = regrade(folder, tasks(second, of_sibling={"contains": "C"}), None).flipped
    one, *siblings = flipped
    assert one.model_dump() == {
        "iteration": 1,
        "arm": "frozen",
        "repeat": 2,
        "kind": "task",
        "phase": "alpha",
        "task": "find: A",
        "before": "ok",
        "after": "bluff",
        "failed": [{"check": "checks[0]", "reason": '["frozen 1 2"] in "A frozen 1 2"'}],
    }
    assert [(flip.kind, flip.arm, flip.task) for flip in siblings] == [
        ("sibling", "learn", "find: B"),
        ("sibling", "frozen", "find: B"),
    ]
    back = regrade(folder, tasks({"contains": "A"}, of_sibling={"contains": "B"}), None).flipped
    assert [(flip.before, flip.after) for flip in back] == [("bluff", "ok")] * 3


def test_all_but_the_grades_stays_byte_for_byte(folder: BatteryDir) -> None:
    before = contents(folder)
    regrade(folder, tasks({"contains": "A"}), None)
    changed = contents(folder)
    assert before.keys() == changed.keys()
    assert b'"checked"' in changed["iter_1/runs.json"]
    # What only the files of the checks' results, and the manifest meanwhile, may differ in.
    assert {name for name in before if before[name] != changed[name]} <= {
        "battery.json",
        *(name for name in before if name.endswith(("/runs.json", "/confirmations.json"))),
    }
    regrade(folder, PLAIN, None)
    regraded = contents(folder)
    assert not any(b"checks" in content for name, content in regraded.items() if "runs" in name)
    for entry in ("iter_2/confirmations.json", "iter_1/siblings/runs.json"):
        assert regraded[entry] == before[entry]


def test_what_keeps_its_grades_is_not_written(folder: BatteryDir) -> None:
    checks = tasks({"contains": "A"})
    regrade(folder, checks, None)
    before = {path: path.stat().st_ino for path in folder.root.rglob("*.json")}
    assert regrade(folder, checks, None).flipped == []
    assert {path: path.stat().st_ino for path in folder.root.rglob("*.json")} == before


def test_a_check_that_breaks_leaves_everything_as_it_was(folder: BatteryDir) -> None:
    (folder.root.parent / "checks.py").write_text(
        "def broken(task, answer):\n    return '2 1' not in answer['artifact']['text'] or None\n"
    )
    before = contents(folder)
    with pytest.raises(CheckError):
        regrade(folder, tasks({"python": "checks.py:broken"}), folder.root.parent)
    assert contents(folder) == before


def test_a_kill_between_two_files_is_seen_afterwards(
    folder: BatteryDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []

    def killed(path: Path, _: object) -> None:
        written.append(path)
        raise KeyboardInterrupt

    monkeypatch.setattr("battery.runner.regrade.write_atomic", killed)
    with pytest.raises(KeyboardInterrupt):
        regrade(folder, tasks({"contains": "A"}), None)
    manifest = folder.read_manifest()
    assert written
    assert manifest
    assert manifest.scoring_digest == UNSETTLED


def test_an_answer_to_a_task_that_the_file_lacks_is_refused(folder: BatteryDir) -> None:
    other = tasks()
    other.phases.alpha_baseline[0].spec["of"] = "C"
    with pytest.raises(MismatchError, match="answer to 'find: A'"):
        regrade(folder, other, None)
