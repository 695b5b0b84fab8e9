"""History reads what is on disk, believes what is current and hides nothing."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from battery.commands import history as stage
from battery.commands.compare import compare
from tests.support.commands import read_json
from tests.support.runs import original, run
from tests.support.samples import shipped


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one iteration of the battery as shipped."""
    return shipped(tmp_path_factory, 1)


def test_the_summary_on_disk_is_believed_while_it_is_current(
    finished: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(finished, tmp_path / "copy")
    (computed,) = stage.history(copy).batteries
    summary = read_json(copy / "summary.json")
    summary["iterations"][0]["total_tokens"] = 8
    (copy / "summary.json").write_text(json.dumps(summary), "utf-8")
    assert stage.history(copy).batteries[0].tokens == 1
    # Of another edition the verdict means something else.
    (copy / "summary.json").write_text(json.dumps(summary | {"schema_version": 1}), "utf-8")
    assert stage.history(copy).batteries == [computed]
    # One that counts other tasks than the folder has is none of it.
    summary["iterations"][0]["total_tasks"] = 0
    (copy / "summary.json").write_text(json.dumps(summary), "utf-8")
    assert stage.history(copy).batteries == [computed]
    # Newer runs make it stale; a broken one is no error either.
    os.utime(copy / "iter_1/runs.json")
    os.utime(copy / "summary.json", (1, 1))
    assert stage.history(copy).batteries == [computed]
    (copy / "summary.json").write_text("{", "utf-8")
    assert stage.history(copy).batteries == [computed]


def test_the_effect_is_that_of_the_tasks_that_decide(finished: Path, tmp_path: Path) -> None:
    """Where only niche tasks save, an interval of all tasks that reaches zero would contradict."""
    copy = shutil.copytree(finished, tmp_path / "copy")
    summary = read_json(copy / "summary.json")
    questions = [
        {"name": name, "p": p, "level": 0.02, "yes": p < 0.02, "note": None}
        for name, p in (("cost", 0.1), ("niche", 0.01), ("success", 1.0))
    ]
    counts = ("tasks", "learn_done", "learn_calls", "frozen_done", "frozen_calls")
    group = dict.fromkeys(counts, 3)
    niche = {"ratio": 0.5, "interval": {"low": 0.4, "high": 0.8, "level": 0.98}}
    questions = [each | {"title": "?", "test": "none"} for each in questions]
    groups = [
        group
        | {"learn": 1, "frozen": 2}
        | {"kind": "all", "ratio": 0.7, "interval": {"low": 0.3, "high": 1.0, "level": 0.94}},
        group | {"learn": 1, "frozen": 2, "kind": "niche"} | niche,
    ]
    summary["evidence"] |= {"verdict": "LEARNED", "questions": questions, "groups": groups}
    (copy / "summary.json").write_text(json.dumps(summary), "utf-8")
    (entry,) = stage.history(copy).batteries
    assert (entry.verdict, entry.effect) == ("LEARNED", 0.5)
    assert entry.interval is not None
    assert (entry.interval.low, entry.interval.high) == (0.4, 0.8)


def test_nothing_is_written(finished: Path) -> None:
    was = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    (finished / "summary.json").touch()
    was[finished / "summary.json"] = (finished / "summary.json").stat().st_mtime_ns
    stage.history(finished.parent)
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == was


@pytest.mark.parametrize("place", ["targets", "models"])
def test_batteries_of_another_system_are_another_set(
    finished: Path, tmp_path: Path, place: str
) -> None:
    for name in ("a", "b", "c"):
        shutil.copytree(finished, tmp_path / name)
    manifest = read_json(tmp_path / "b/battery.json")
    key = {"targets": "gateway", "models": "executor_cloud"}[place]
    manifest[place][key], manifest["note"] = "another", "what is new"
    (tmp_path / "b/battery.json").write_text(json.dumps(manifest), "utf-8")
    listed = stage.history(tmp_path)
    assert {entry.folder: entry.group for entry in listed.batteries} == {"a": 1, "b": 2, "c": 1}
    assert [entry.note for entry in listed.batteries if entry.note] == ["what is new"]
    first, second = listed.courses
    assert (first.batteries, second.batteries) == (2, 1)
    assert first.system != second.system
    assert "another" in (second.system or "")


def test_a_folder_whose_name_is_no_text_is_listed(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"n\xff")
    original(folder, 1000, start=10**9)
    found = stage.history(tmp_path)
    assert found.warnings == []
    assert found.batteries[0].folder == "n\\udcff"
    json.dumps(found.model_dump(mode="json"), ensure_ascii=False).encode()
    compared = compare(folder, folder)
    assert compared.before.folder.endswith("n\\udcff")


def test_0_tokens_are_listed_as_0_and_unreported_ones_are_not(tmp_path: Path) -> None:
    original(tmp_path / "free", 0, 1)
    runs = tmp_path / "silent/iter_1/runs.json"
    runs.parent.mkdir(parents=True)
    runs.write_text(json.dumps([run()]), "utf-8")
    entries = {entry.folder: entry.tokens for entry in stage.history(tmp_path).batteries}
    assert entries == {"free": 0, "silent": None}


def test_a_folder_whose_numbers_nobody_foresaw_hides_no_other(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished, tmp_path / "sound")
    shutil.copytree(finished, tmp_path / "worse")
    measured = stage.history(tmp_path).batteries
    # No file is known that does it: the failure is made.
    count = iter([0, 8])
    monkeypatch.setattr(stage, "_tokens", lambda *_: 1 / next(count))
    found = stage.history(tmp_path)
    assert len(measured) == 2
    assert [each.folder for each in found.batteries] == ["worse"]
    assert found.warnings == [
        "sound is skipped: it cannot be worked out (ZeroDivisionError: division by zero)"
    ]


def test_a_battery_that_has_just_begun_is_listed_without_numbers(
    finished: Path, tmp_path: Path
) -> None:
    begun = shutil.copytree(finished, tmp_path / "begun")
    shutil.rmtree(begun / "iter_1")
    (entry,) = stage.history(tmp_path).batteries
    assert (entry.iterations, entry.tokens, entry.verdict, entry.group) == (0, None, None, None)
