"""The folder's files: written in the contract's form, read back, archived, older ones included."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from battery.artifacts import BatteryDir
from battery.errors import ArtifactError, FolderError
from battery.models import Manifest, Models, Phase, RunResult, Tasks

TASK = {"task_class": "c", "operation": "o", "spec": {"ä": [1]}}


def run(status: str = "ok", **answer: Any) -> dict[str, Any]:
    result = {"status": status, "iterations": 2, "_elapsed_ms": 40, **answer}
    return {"task": TASK, "phase": "alpha", "result": result}


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


@pytest.mark.parametrize("count", [0, 1, 3])
def test_runs_written_one_at_a_time_look_like_one_indented_document(
    folder: BatteryDir, count: int
) -> None:
    runs = [run(deep={"text": "a\nb", "list": [[], {}, 2**70]}) for _ in range(count)]
    folder.iteration(1).write_runs(iter(runs))
    text = (folder.root / "iter_1" / "runs.json").read_text()
    assert json.loads(text) == runs
    assert text == json.dumps(runs, indent=2, ensure_ascii=False) + "\n"


def test_runs_are_read_back_as_numbers(folder: BatteryDir) -> None:
    answer = {"artifact": {"usage": {"total_tokens": 7}}, "log": [{"kind": "overseer_correction"}]}
    folder.iteration(1).write_runs([run("failed", error="no one", **answer)])
    (read,) = folder.iteration(1).read_runs()
    assert read.phase is Phase.ALPHA
    assert read.task.operation == "o"
    assert read.result == RunResult("failed", 2, 7, True, "no one", 40)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not JSON"),
        ("{}", "a list was expected"),
        ("[1]", r"\[0\]\.result: is missing"),
        (json.dumps([run(), run("great")]), r"\[1\]\.status"),
        (json.dumps([{**run(), "phase": "delta"}]), r"\[0\]\.phase: alpha, beta or gamma"),
        (json.dumps([{**run(), "task": {"spec": {}}}]), r"\[0\]\.task_class: is missing"),
    ],
)
def test_spoilt_runs_are_refused_with_file_and_place(
    folder: BatteryDir, content: str, says: str
) -> None:
    (folder.root / "iter_1" / "runs.json").write_text(content)
    with pytest.raises(ArtifactError, match=rf"iter_1/runs\.json.*{says}"):
        folder.iteration(1).read_runs()


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize(
    "write",
    [
        json.dumps,
        lambda runs: json.dumps(runs, indent=2),
        lambda runs: json.dumps(runs, indent=1),
        lambda runs: json.dumps(runs, indent=4),
        lambda runs: json.dumps(runs, indent=2).replace("\n", "\r\n"),
        lambda runs: "[\n" + ",\n".join(map(json.dumps, runs)) + "\n]\n",
    ],
)
def test_runs_are_read_in_whatever_layout_another_program_left_them(
    folder: BatteryDir, count: int, write: Callable[[list[Any]], str]
) -> None:
    runs = [run(text="},\n  {", turn=n) for n in range(count)]
    (folder.root / "iter_1" / "runs.json").write_text(write(runs), newline="")
    assert len(folder.iteration(1).read_runs()) == count


def test_a_run_that_is_torn_in_the_middle_is_named_by_its_number(folder: BatteryDir) -> None:
    text = json.dumps([run(), run(), run()], indent=2)
    (folder.root / "iter_1" / "runs.json").write_text(text.replace("  },\n  {", "  }\n  {", 1))
    with pytest.raises(ArtifactError, match=r"runs\.json.*not JSON"):
        folder.iteration(1).read_runs()


def test_a_missing_file_says_what_to_do(folder: BatteryDir) -> None:
    with pytest.raises(ArtifactError, match="No such file") as caught:
        folder.iteration(1).read_review()
    assert "battery run" in (caught.value.hint or "")


def test_the_distill_text_and_all_events_are_kept(folder: BatteryDir) -> None:
    folder.iteration(1).write_distill(
        "learned ü", [{"role": "final", "text": "learned ü"}, {"n": 1}]
    )
    assert (folder.root / "iter_1" / "distill_output.txt").read_text() == "learned ü"
    lines = (folder.root / "iter_1" / "distill_events.jsonl").read_bytes().splitlines()
    assert [orjson.loads(line) for line in lines] == [
        {"role": "final", "text": "learned ü"},
        {"n": 1},
    ]


def test_a_manifest_survives_and_one_of_a_newer_format_is_refused(folder: BatteryDir) -> None:
    assert folder.read_manifest() is None
    folder.write_manifest(manifest())
    assert folder.read_manifest() == manifest()
    newer = {**manifest().model_dump(), "schema_version": 99, "colour": "red"}
    (folder.root / "battery.json").write_text(json.dumps(newer))
    with pytest.raises(ArtifactError, match=r"battery\.json has format 99"):
        folder.read_manifest()


def test_older_reviews_are_kept_under_rising_numbers(folder: BatteryDir) -> None:
    step = folder.iteration(1)
    assert step.keep_older("overseer_review.md") is None
    for text in ("first", "second", "third"):
        step.keep_older("overseer_review.md")
        step.write_review(text)
    kept = {path.name: path.read_text() for path in step.root.glob("overseer_review*.md")}
    assert kept == {
        "overseer_review.md": "third",
        "overseer_review.1.md": "first",
        "overseer_review.2.md": "second",
    }
    assert [path.name for path in step.listing()] == [
        "overseer_review.md",
        "overseer_review.1.md",
        "overseer_review.2.md",
    ]


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
    found = manifest() if with_manifest else None
    if found:
        folder.write_manifest(found)
    (folder.root / "summary.md").write_text("s")
    half = Path(shutil.copytree(folder.root, folder.root.with_name(f"{folder.root.name}-half")))
    target = folder.archive(found)
    # What an archive moves first is what a killed one had moved.
    names = ["summary.md", "iter_3", "iter_2", "iter_1"][:moved]
    left = BatteryDir(half)
    if not with_manifest and moved == 4:
        return
    place = half / target.relative_to(folder.root)
    place.mkdir(parents=True)
    for name in names:
        (half / name).rename(place / name)
    assert left.archive(found) == place
    assert {p.name for p in place.iterdir()} == {p.name for p in target.iterdir()}


def test_an_original_folder_is_archived_without_the_users_tasks(folder: BatteryDir) -> None:
    folder.iteration(1).write_runs([run()])
    folder.write_tasks(tasks())
    target = folder.archive(None)
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
