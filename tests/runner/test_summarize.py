"""Metrics and summary follow from the runs on disk, whatever was there before."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from battery.base.errors import BatteryError, FolderError
from battery.records.summary import Metrics
from battery.runner.summarize import rehearse, summarize
from battery.store.artifacts import METRICS, SUMMARY
from battery.store.battery_dir import BatteryDir
from tests.report.samples import MANIFEST
from tests.support.runs import run


@pytest.fixture
def folder(tmp_path: Path) -> BatteryDir:
    """Return two iterations of both arms."""
    folder = BatteryDir(tmp_path / "battery")
    for number in (1, 2):
        folder.iteration(number).root.mkdir(parents=True)
        folder.iteration(number).write_runs([run()])
        folder.iteration(number).write_runs([run("failed")], "frozen")
    return folder


def written(folder: BatteryDir, place: str) -> Metrics:
    return METRICS.read(folder.root / place)


def test_the_metrics_of_each_arm_are_written_and_are_those_of_the_summary(
    folder: BatteryDir,
) -> None:
    summary = summarize(folder, lambda _: None)
    assert [written(folder, f"iter_{number}") for number in (1, 2)] == summary.iterations
    assert [written(folder, f"iter_{number}/control") for number in (1, 2)] == summary.control
    assert (summary.iterations[0].ok_tasks, summary.control[0].ok_tasks) == (1, 0)
    assert SUMMARY.read(folder.root) == summary


def test_metrics_that_fit_the_runs_already_are_left_alone(folder: BatteryDir) -> None:
    path = folder.root / "iter_1" / "metrics.json"
    summarize(folder, lambda _: None)
    before = path.stat()
    summarize(folder, lambda _: None)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_metrics_that_no_longer_fit_the_runs_are_replaced(folder: BatteryDir) -> None:
    before = summarize(folder, lambda _: None)
    (folder.root / "iter_1" / "metrics.json").write_text("not JSON")
    folder.iteration(2).write_runs([run("failed")])
    after = summarize(folder, lambda _: None)
    assert after.iterations[0] == before.iterations[0]
    assert (before.iterations[1].ok_tasks, after.iterations[1].ok_tasks) == (1, 0)


@pytest.mark.parametrize("finished", [None, 3])
def test_what_is_refused_leaves_the_folder_alone(folder: BatteryDir, finished: int | None) -> None:
    if finished:
        folder.write_manifest(MANIFEST.model_copy(update={"iterations_finished": finished}))
    else:
        for number in (1, 2):
            (folder.iteration(number).root / "runs.json").unlink()
    before = sorted(path for path in folder.root.rglob("*.*") if path.name != ".lock")
    with pytest.raises(FolderError, match="lacks iter_3" if finished else "no battery in"):
        summarize(folder, lambda _: None)
    assert sorted(path for path in folder.root.rglob("*.*") if path.name != ".lock") == before


def test_what_only_the_summary_of_the_original_script_said_is_in_ours_and_next_to_it(
    folder: BatteryDir,
) -> None:
    theirs = "**Run:** 2026-03-04T05:06:07Z\n**Models:** executor=e, reviewer=r, overseer=o\n"
    (folder.root / "summary.md").write_text(theirs, "utf-8")
    first = summarize(folder, lambda _: None)
    assert (folder.root / "summary.original.md").read_text("utf-8") == theirs
    ours = (folder.root / "summary.md").read_text("utf-8")
    assert "- Run time: 2026-03-04T05:06:07Z\n" in ours
    assert "- Models: executor `e`, reviewer `r`, overseer `o`\n" in ours
    assert summarize(folder, lambda _: None) == first
    assert (folder.root / "summary.original.md").read_text("utf-8") == theirs


def folder_at(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)


def cut(path: Path) -> None:
    path.write_text('[{"task"', "utf-8")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("summary.md", folder_at),
        ("summary.json", folder_at),
        ("report.html", folder_at),
        ("iter_1/runs.json", folder_at),
        ("iter_1/runs.json", cut),
        ("iter_1/proposals.json", cut),
        ("iter_1/overseer_review.md", folder_at),
        ("iter_2/metrics.json", folder_at),
        ("iter_2/proposals.json", folder_at),
        ("iter_2/scrum_findings.1.md", folder_at),
        ("iter_2/control/metrics.json", folder_at),
        ("iter_3", Path.touch),
    ],
)
def test_a_rehearsal_names_the_file_that_a_later_step_would_fail_on(
    folder: BatteryDir, name: str, damage: Callable[[Path], None]
) -> None:
    rehearse(folder, [2, 3])
    damage(folder.root / name)
    with pytest.raises(BatteryError, match=re.escape(name)) as caught:
        rehearse(folder, [2, 3])
    assert caught.value.hint


def test_a_rehearsal_leaves_nothing_behind_and_minds_only_names_of_artifacts(
    folder: BatteryDir,
) -> None:
    (folder.root / "notes.json").mkdir()
    (folder.root / "link").symlink_to("nowhere")
    before = sorted(folder.root.rglob("*"))
    rehearse(folder, [2, 3])
    assert sorted(folder.root.rglob("*")) == before
