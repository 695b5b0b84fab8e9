"""The folder's files: written in the contract's form, read back, archived, older ones included."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from battery.base.errors import ArtifactError, FolderError
from battery.inputs.tasks import find_tasks
from battery.records.manifest import Manifest, Provenance
from battery.records.models import FROZEN, LEARN, Arm, Models, Tasks
from battery.store.battery_dir import BatteryDir
from tests.support.runs import TASK, run


def manifest(state: str = "finished", start: str = "2026-01-02T03:04:05Z") -> Manifest:
    return Manifest.model_validate(
        {
            "battery_version": "0",
            "run_id": "r",
            "started_at": start,
            "tasks_digest": "d",
            "models": Models(executor_cloud="e", reviewer_cloud="r", overseer_cloud="o"),
            "targets": {},
            "options": {},
            "iterations_wanted": 1,
            "state": state,
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> BatteryDir:
    (tmp_path / "iter_1").mkdir()
    return BatteryDir(tmp_path)


def test_a_manifest_survives_and_one_of_a_newer_format_is_refused(folder: BatteryDir) -> None:
    assert folder.read_manifest() is None
    folder.write_manifest(manifest())
    assert folder.read_manifest() == manifest()
    newer = {**manifest().model_dump(), "schema_version": 99, "colour": "red"}
    (folder.root / "battery.json").write_text(json.dumps(newer))
    with pytest.raises(ArtifactError, match=r"battery\.json has format 99"):
        folder.read_manifest()


def test_tasks_are_what_was_written_until_the_file_changes(tmp_path: Path) -> None:
    tasks, _ = find_tasks(None)
    folder = BatteryDir(tmp_path)
    assert folder.read_tasks() is None
    folder.write_tasks(tasks)
    assert folder.read_tasks() is tasks
    assert BatteryDir(tmp_path).read_tasks() == tasks
    folder.tasks_path.write_bytes(folder.tasks_path.read_bytes() + b"\n")
    read = folder.read_tasks()
    assert read == tasks
    assert folder.read_tasks() is read
    assert read is not tasks
    folder.tasks_path.unlink()
    assert folder.read_tasks() is None


def test_iterations_are_counted_by_number_and_complete_with_their_runs(tmp_path: Path) -> None:
    for name in ("iter_10", "iter_2", "iter_x", "iter_02", "other"):
        (tmp_path / name).mkdir()
    folder = BatteryDir(tmp_path)
    folder.iteration(10).write_runs([run()])
    assert folder.numbers() == [2, 10]
    assert [step.number for step in folder.complete()] == [10]
    assert BatteryDir(tmp_path / "nowhere").numbers() == []


def test_an_archive_takes_the_battery_and_leaves_what_is_not_its_own(folder: BatteryDir) -> None:
    folder.write_manifest(manifest())
    folder.write_tasks(tasks())
    (folder.root / "notes.txt").write_text("mine")
    target = folder.archive(manifest())
    assert target == folder.root / "archive" / "2026-01-02T03-04-05Z"
    assert {path.name for path in target.iterdir()} == {"battery.json", "tasks.json", "iter_1"}
    assert {path.name for path in folder.root.iterdir()} == {"archive", "notes.txt"}


def test_two_batteries_of_one_second_get_two_archives(folder: BatteryDir) -> None:
    for name in ("2026-01-02T03-04-05Z", "2026-01-02T03-04-05Z.2"):
        folder.write_manifest(manifest())
        assert folder.archive(manifest()).name == name


def test_an_archive_that_was_killed_half_way_goes_on_to_the_same_place(folder: BatteryDir) -> None:
    folder.write_manifest(manifest())
    folder.write_tasks(tasks())
    target = folder.root / "archive" / "2026-01-02T03-04-05Z"
    target.mkdir(parents=True)
    (folder.root / "iter_1").rename(target / "iter_1")
    assert folder.archive(manifest()) == target
    assert {path.name for path in target.iterdir()} == {"battery.json", "tasks.json", "iter_1"}


@pytest.mark.parametrize("with_manifest", [True, False])
@pytest.mark.parametrize("moved", range(1, 5))
def test_wherever_an_archive_was_killed_the_rest_goes_to_the_same_place(
    folder: BatteryDir, moved: int, *, with_manifest: bool
) -> None:
    for number in (1, 2, 3):
        step = folder.iteration(number)
        step.root.mkdir(exist_ok=True)
        step.write_runs([run()])
        os.utime(step.root / "runs.json", (number * 86_400, number * 86_400))
    provenance = Provenance()
    if with_manifest:
        folder.write_manifest(provenance := manifest())
    (folder.root / "summary.md").write_text("s")
    half = Path(shutil.copytree(folder.root, folder.root.with_name(f"{folder.root.name}-half")))
    target = folder.archive(provenance)
    # What an archive moves first is what a killed one had moved.
    names = ["summary.md", "iter_3", "iter_2", "iter_1"][:moved]
    left = BatteryDir(half)
    if not with_manifest and moved == 4:
        return
    place = half / target.relative_to(folder.root)
    place.mkdir(parents=True)
    for name in names:
        (half / name).rename(place / name)
    assert left.archive(provenance) == place
    assert {p.name for p in place.iterdir()} == {p.name for p in target.iterdir()}


def test_an_original_folder_is_archived_without_the_users_tasks(folder: BatteryDir) -> None:
    folder.iteration(1).write_runs([run()])
    folder.write_tasks(tasks())
    target = folder.archive(Provenance())
    assert {path.name for path in target.iterdir()} == {"iter_1"}
    assert folder.has_tasks()


def test_an_archive_that_cannot_be_made_is_wrong_use(folder: BatteryDir) -> None:
    (folder.root / "archive").write_text("in the way")
    with pytest.raises(FolderError, match="cannot move the finished battery"):
        folder.archive(manifest())


def tasks() -> Tasks:
    models = {"executor_cloud": "e", "reviewer_cloud": "r", "overseer_cloud": "o"}
    phases = {"alpha_baseline": [TASK], "beta_drift": [], "gamma_impossible": []}
    return Tasks.model_validate({"phases": phases, "models": models})


def test_the_report_is_listed_where_it_is_or_will_be_and_archived_with_the_rest(
    folder: BatteryDir,
) -> None:
    assert "report.html" not in folder.listing()
    assert folder.listing(report=True)[-3:] == ["report.html", "summary.md", "summary.json"]
    folder.report_path.write_text("page")
    assert "report.html" in folder.listing()
    folder.write_manifest(manifest())
    assert (folder.archive(manifest()) / "report.html").read_text() == "page"


def test_files_of_runs_are_named_as_they_lie_in_the_folder(folder: BatteryDir) -> None:
    step = folder.iteration(1)
    arms: tuple[Arm, ...] = (LEARN, FROZEN)
    for arm in arms:
        for repeat in (1, 2):
            step.write_runs([run()], arm, repeat)
            assert (folder.root / step.runs_name(arm, repeat)).exists()
    step.write_confirmations([run()])
    assert (folder.root / step.confirmations_name).exists()
