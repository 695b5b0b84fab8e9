"""`battery grade` as a function: which checks it takes, and what follows from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from battery.base.errors import FolderError, MismatchError, TasksError
from battery.commands.grade import grade
from battery.grading import scoring_digest
from battery.records.events import Event, Notice
from battery.records.manifest import Manifest
from battery.records.models import Tasks
from battery.store.battery_dir import BatteryDir
from tests.grading.saved import tasks, write_battery


def write(path: Path, document: Tasks) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document.document()))
    return path


def manifest(folder: BatteryDir) -> Manifest:
    found = folder.read_manifest()
    assert found is not None
    return found


def silent(_: Event) -> None:
    """Hear nothing."""


def test_another_file_becomes_the_one_that_the_battery_is_graded_by(tmp_path: Path) -> None:
    folder = write_battery(tmp_path / "b", tasks())
    checked = tasks({"python": "checks.py:learned"})
    path = write(tmp_path / "own" / "tasks.json", checked)
    (path.parent / "checks.py").write_text(
        "def learned(task, answer):\n    return 'learn' in answer['artifact']['text']\n"
    )
    regrading, summary = grade(folder, path, silent)
    # The tasks of the twin, and the rerun; of the impossible task, what declines.
    assert [flip.arm for flip in regrading.flipped if flip.phase == "alpha"] == [
        *["frozen", "frozen"],
        *["frozen", "frozen", "learn"],
    ]
    assert folder.read_tasks() == checked
    assert manifest(folder).scoring_digest == scoring_digest(checked, path.parent)
    assert manifest(folder).options.tasks == str(path)
    assert manifest(folder).tasks_folder == str(path.parent)
    assert json.loads((folder.root / "summary.json").read_bytes()) == summary.model_dump(
        mode="json"
    )
    assert json.loads((folder.root / "iter_1/control/metrics.json").read_bytes())["ok_tasks"] == 0
    assert json.loads((folder.root / "iter_1/metrics.json").read_bytes())["ok_tasks"] == 1
    # Without the option, the same checks from the same place.
    assert grade(folder, None, silent)[0].flipped == []


def test_the_copy_in_the_folder_may_be_edited(tmp_path: Path) -> None:
    folder = write_battery(tmp_path / "b", tasks({"contains": "A"}))
    grade(folder, None, silent)
    folder.write_tasks(tasks({"contains": "Z"}))
    flipped = grade(folder, None, silent)[0].flipped
    assert {(flip.before, flip.after) for flip in flipped} == {("ok", "bluff")}
    # Named, it is still the copy, and the files of its checks are not next to it.
    assert grade(folder, folder.tasks_path, silent)[0].flipped == []
    assert manifest(folder).tasks_folder is None


def test_an_edited_file_that_was_not_named_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "own.json", tasks({"contains": "A"}))
    folder = write_battery(tmp_path / "b", tasks({"contains": "A"}), tasks_file=path)
    notices: list[str] = []

    def tell(event: Event) -> None:
        if isinstance(event, Notice):
            notices.append(event.text)

    grade(folder, None, tell)
    assert notices == []
    write(path, tasks({"contains": "Z"}))
    assert not any(flip.phase == "alpha" for flip in grade(folder, None, tell)[0].flipped)
    assert f"to use the other one: --tasks {path}" in notices[0]


def test_a_file_that_asks_something_else_is_refused(tmp_path: Path) -> None:
    folder = write_battery(tmp_path / "b", tasks())
    other = tasks()
    other.phases.alpha_baseline[0].spec["of"] = "C"
    path = write(tmp_path / "own.json", other)
    with pytest.raises(MismatchError, match=r"easy task 'find: A' is gone"):
        grade(folder, path, silent)


def test_checks_that_cannot_be_used_are_refused_before_anything_is_graded(tmp_path: Path) -> None:
    folder = write_battery(tmp_path / "b", tasks())
    path = write(tmp_path / "own.json", tasks({"matches": "("}))
    with pytest.raises(TasksError, match=r"phases.alpha_baseline\[0\].checks\[0\].matches"):
        grade(folder, path, silent)
    assert folder.read_tasks() == tasks()


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    folder = write_battery(tmp_path / "b", tasks())
    (folder.root / "battery.json").unlink()
    with pytest.raises(FolderError, match=r"holds no battery.json"):
        grade(folder, None, silent)
