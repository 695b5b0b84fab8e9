"""What one look at a folder says: who works on it, how far it is, and why it stopped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from battery.base.errors import FolderError
from battery.store.battery_dir import BatteryDir
from battery.watch.status import Look, first_look, status_of, status_text, stop_of
from tests.support.stopped import GONE, note_of, unfinished


@pytest.mark.parametrize(
    ("state", "note", "working", "stopped"),
    [
        ("running", note_of(os.getpid()), True, False),
        ("running", note_of(GONE), False, True),
        ("running", note_of(7, "another-host"), None, False),
        # A run that ended by itself has said so, wherever it was.
        ("failed", note_of(7, "another-host"), False, True),
        ("interrupted", "", False, True),
    ],
    ids=["our own process", "gone", "on another host", "failed there", "interrupted"],
)
def test_a_look_knows_whether_somebody_works_on_it(
    state: str, note: str, working: bool | None, stopped: bool, folder: Path
) -> None:
    unfinished(folder, state, note)
    look = Look.at(BatteryDir(folder))
    assert (look.working, look.stopped, look.finished) == (working, stopped, False)


def test_a_finished_battery_has_not_stopped_and_has_no_stage(folder: Path) -> None:
    status = status_of(BatteryDir(folder))
    assert (status.look.finished, status.look.stopped) == (True, False)
    assert status.stage is None
    assert status.plan.on_disk == status.plan.calls
    assert status.document()["tasks_done"] is None


def test_of_an_iteration_under_way_it_says_the_stage_and_the_calls_so_far(folder: Path) -> None:
    unfinished(folder, "running", note_of(os.getpid()))
    battery = BatteryDir(folder)
    status = status_of(battery)
    document = status.document()
    assert (document["iteration"], document["stage"], document["tasks_done"]) == (2, "beta", 8)
    assert [metrics["iteration"] for metrics in document["metrics"]] == [1]
    *_, place, who = status_text(battery, status).splitlines()
    assert place == "2/2 beta  drift; 8 of 16 tasks of this iteration, 27 of 38 calls in total"
    assert who == f"process {os.getpid()} is working on it"


def test_why_a_battery_stopped_is_told_from_its_manifest_and_its_lock(folder: Path) -> None:
    battery = BatteryDir(folder)
    unfinished(folder, "running", note_of(GONE))
    assert f"process {GONE}, which ran it, is gone" in stop_of(battery, Look.at(battery)).why
    unfinished(folder, "failed")
    assert "failed; the terminal" in stop_of(battery, Look.at(battery)).why
    assert "--resume" in stop_of(battery, Look.at(battery)).next_step
    (folder / "battery.json").unlink()
    assert "was moved or deleted" in stop_of(battery, Look.at(battery)).why


def test_a_folder_without_a_manifest_or_tasks_is_refused_with_a_next_step(folder: Path) -> None:
    battery = BatteryDir(folder)
    (folder / "tasks.json").unlink()
    with pytest.raises(FolderError, match=r"no tasks\.json"):
        status_of(battery)
    (folder / "battery.json").unlink()
    with pytest.raises(FolderError, match=r"no battery\.json") as caught:
        first_look(battery)
    assert f"battery summarize {folder}" in (caught.value.hint or "")
