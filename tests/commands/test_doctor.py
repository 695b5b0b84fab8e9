"""Each check of the doctor, without a command around it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from battery.commands.doctor import Check, doctor
from battery.inputs.settings import Settings, Target
from battery.store.battery_dir import BatteryDir
from battery.target import kinds
from tests.report.samples import MANIFEST
from tests.support import notes
from tests.support.commands import write_tasks


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(kinds, "KINDS", (notes.NOTES, *kinds.KINDS))
    notes.CALLS.clear()
    tasks = write_tasks(tmp_path / "tasks.json", 1)
    return Settings(tmp_path / "b", tasks_path=tasks, gateway=Target("notes:mine"))


def checks(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in asyncio.run(doctor(settings))}


def test_where_all_is_well_every_check_says_what_it_found(settings: Settings) -> None:
    found = checks(settings)
    assert all(check.ok for check in found.values())
    assert found["tasks"].finding.startswith("3 tasks (1 easy, 1 niche, 1 impossible) from ")
    assert found["folder"].finding.endswith("holds no battery yet")
    assert found["target"].finding == "the agent is awake"
    assert notes.CALLS == []
    assert not settings.folder.exists()


def test_a_wrong_tasks_file_fails_its_own_check_only(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "tasks.json").write_text("[]")
    found = checks(settings)
    assert [name for name, check in found.items() if not check.ok] == ["tasks"]


def test_a_check_that_cannot_be_used_is_named_and_none_at_all_is_said(
    settings: Settings, tmp_path: Path
) -> None:
    assert "no task has a check" in checks(settings)["tasks"].finding
    path = write_tasks(tmp_path / "tasks.json", 1, siblings=1)
    document = json.loads(path.read_text())
    document["phases"]["beta_drift"][0]["siblings"][0]["checks"] = [{"contains": "A1"}]
    path.write_text(json.dumps(document))
    assert "no task has a check" in checks(settings)["tasks"].finding
    write_tasks(tmp_path / "tasks.json", 1, checks=[{"python": "look.py:look"}])
    found = checks(settings)
    assert [name for name, check in found.items() if not check.ok] == ["tasks"]
    assert "phases.alpha_baseline[0].checks[0].python" in found["tasks"].finding
    (tmp_path / "look.py").write_text("def look(task, answer):\n    return True\n")
    assert checks(settings)["tasks"].finding.endswith("tasks.json")


def test_a_battery_in_the_folder_is_named_with_what_is_left_of_it(
    settings: Settings, tmp_path: Path
) -> None:
    folder = BatteryDir(settings.folder)
    folder.root.mkdir()
    folder.write_manifest(MANIFEST.model_copy(update={"state": "failed", "iterations_finished": 1}))
    check = checks(settings)["folder"]
    assert check.finding.endswith("holds a failed battery, 1 of 3 iterations")
    assert "--resume" in (check.hint or "")
    (tmp_path / "file").touch()
    below = checks(replace(settings, folder=tmp_path / "file" / "below"))["folder"]
    assert not below.ok
    assert "--dir" in (below.hint or "")
