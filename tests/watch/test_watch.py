"""What one look at a folder says, and what a watch makes of one that changes between two."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from battery.base.errors import ArtifactError, BatteryError, FolderError
from battery.records.events import Event, IterationFinished, Notice, Observer, TaskFinished
from battery.records.summary import Summary
from battery.store.battery_dir import BatteryDir
from battery.store.lock import is_held
from battery.watch.watch import (
    Look,
    first_look,
    iterations_of,
    standing,
    status_of,
    stop_of,
    summed_up,
    watch,
)
from tests.support.commands import read_json
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
    assert (document["iteration"], document["stage"], document["tasks_done"]) == (2, "alpha", 8)
    assert [metrics["iteration"] for metrics in document["metrics"]] == [1]
    first, under_way = iterations_of(status)
    assert first.startswith("1/2  1,502 tokens per task, twin 1,502 (0%); ")
    assert under_way == (
        "2/2  799 tokens per task so far, twin 1,001 (-20%); "
        "easy tasks, new ones: 8 of 32 tasks of this iteration, 43 of 70 calls in total"
    )
    assert list(standing(battery, status)) == [
        f"process {os.getpid()} is working on it",
        f"the numbers so far: battery summarize {folder}",
    ]


def test_why_a_battery_stopped_is_told_from_its_manifest_and_its_lock(folder: Path) -> None:
    battery = BatteryDir(folder)
    unfinished(folder, "running", note_of(GONE))
    assert f"process {GONE}, which ran it, is gone" in stop_of(battery, Look.at(battery)).message
    unfinished(folder, "failed")
    assert stop_of(battery, Look.at(battery)).message == f"the battery in {folder} failed"
    assert "--resume" in (stop_of(battery, Look.at(battery)).hint or "")
    manifest = battery.read_manifest()
    assert manifest
    why = {"stopped_by": "no answer", "unlike": True}
    battery.write_manifest(manifest.model_copy(update=why))
    stop = stop_of(battery, Look.at(battery))
    assert stop.message.endswith(" failed: no answer")
    assert (stop.hint or "").endswith(" --keep-going")


def test_a_finished_battery_that_no_command_could_sum_up_has_no_summary(folder: Path) -> None:
    battery = BatteryDir(folder)
    assert summed_up(battery).run_id
    with (folder / "iter_1" / "runs.json").open("a") as file:
        file.write("{broken")
    with pytest.raises(ArtifactError, match="not what a battery writes"):
        summed_up(battery)
    (folder / "battery.json").unlink()
    assert "was moved or deleted" in stop_of(battery, Look.at(battery)).message


def test_a_folder_without_a_manifest_or_tasks_is_refused_with_a_next_step(folder: Path) -> None:
    battery = BatteryDir(folder)
    (folder / "tasks.json").unlink()
    with pytest.raises(FolderError, match=r"no tasks\.json"):
        status_of(battery)
    (folder / "battery.json").unlink()
    with pytest.raises(FolderError, match=r"no battery\.json") as caught:
        first_look(battery)
    assert f"battery summarize {folder}" in (caught.value.hint or "")


def watched(
    folder: Path, *steps: Callable[[], None], wait: bool = True
) -> tuple[Summary, list[list[Event]]]:
    """Watch a folder that changes step by step; return what each display was told, too."""
    shown: list[list[Event]] = []
    coming = iter(steps)

    def pause() -> None:
        next(coming)()

    def show() -> AbstractContextManager[Observer]:
        shown.append([])
        return contextlib.nullcontext(shown[-1].append)

    summary = watch(BatteryDir(folder), show, wait=wait, pause=pause)
    return summary, shown


def notices(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


def test_when_another_battery_takes_the_place_of_a_stopped_one_it_follows_that(
    folder: Path, finished: Path, tmp_path: Path
) -> None:
    unfinished(folder, "interrupted")
    manifest = read_json(finished / "battery.json") | {"run_id": "another"}

    def moved() -> None:
        folder.rename(tmp_path / "archived")

    def begun() -> None:
        shutil.copytree(finished, folder)
        (folder / "battery.json").write_text(json.dumps(manifest))

    summary, (first, second) = watched(folder, moved, begun)
    assert any("was interrupted" in text for text in notices(first))
    assert notices(second) == ["another battery has begun in this folder; following that one"]
    done = [event.metrics.iteration for event in second if isinstance(event, IterationFinished)]
    assert done == [1, 2]
    of_first = Summary.model_validate(read_json(finished / "summary.json"))
    assert summary == of_first.model_copy(update={"run_id": "another"})


def test_a_battery_that_is_archived_while_it_is_read_is_no_error(
    folder: Path, finished: Path, tmp_path: Path
) -> None:
    """Its iterations go first, and `battery.json` goes last."""
    unfinished(folder, "running", note_of(os.getpid()))
    (folder / "iter_1").rename(tmp_path / "iter_1")

    def gone() -> None:
        (folder / "battery.json").unlink()

    def begun() -> None:
        shutil.copytree(finished, folder, dirs_exist_ok=True)
        manifest = read_json(finished / "battery.json") | {"run_id": "another"}
        (folder / "battery.json").write_text(json.dumps(manifest))

    _, shown = watched(folder, gone, begun, wait=False)
    assert "another battery has begun" in notices(shown[-1])[0]

    unfinished(folder, "running", note_of(os.getpid()))
    (folder / "iter_1" / "metrics.json").unlink()
    with pytest.raises(ArtifactError, match=r"iter_1/metrics\.json"):
        watched(folder, lambda: None, lambda: None)


@pytest.mark.parametrize(
    ("note", "said"), [(note_of(7, "another-host"), ["process 7 on another-host"]), ("", [])]
)
def test_where_nobody_can_tell_whether_the_run_lives_it_goes_on_watching(
    note: str, said: list[str], folder: Path, finished: Path
) -> None:
    """A run on another host is named; of a run of an earlier version nothing is said."""
    unfinished(folder, "running", note)

    def more() -> None:
        journal = (finished / "iter_2" / "journal.jsonl").read_bytes()
        (folder / "iter_2" / "journal.jsonl").write_bytes(journal)

    def ended() -> None:
        shutil.copytree(finished, folder, dirs_exist_ok=True)

    _, (events,) = watched(folder, lambda: None, more, ended, wait=False)
    *unsure, claims = notices(events)
    assert "calls are shown as the system reports them" in claims
    assert [text[: len(said[0])] for text in unsure] == said if said else not unsure
    calls = [event.replayed for event in events if isinstance(event, TaskFinished)]
    assert calls == [True] * 8 + [False] * 24


def test_a_battery_that_vanishes_ends_a_watch_that_does_not_wait(folder: Path) -> None:
    unfinished(folder, "running", note_of(os.getpid()))

    def deleted() -> None:
        (folder / ".lock").write_text("{}")
        (folder / "battery.json").unlink()

    with pytest.raises(BatteryError, match="was moved or deleted") as caught:
        watched(folder, deleted, wait=False)
    assert caught.value.exit_code == 1


def test_the_report_of_a_finished_run_is_waited_for_while_its_process_works(
    folder: Path, finished: Path
) -> None:
    def drawn() -> None:
        shutil.copy(finished / "report.html", folder)

    def ended() -> None:
        (folder / ".lock").write_text("{}")

    for then, listed in ((drawn, True), (ended, False)):
        (folder / "report.html").unlink()
        (folder / ".lock").write_text(note_of(os.getpid()))
        summary, _ = watched(folder, lambda: None, then, wait=False)
        assert ("report.html" in summary.artifacts) is listed


def test_a_new_battery_that_has_not_written_its_tasks_yet_is_waited_for(
    folder: Path, finished: Path
) -> None:
    unfinished(folder, "running", note_of(os.getpid()))
    assert is_held(folder)
    (folder / "tasks.json").unlink()

    def ended() -> None:
        shutil.copytree(finished, folder, dirs_exist_ok=True)

    _, (events,) = watched(folder, lambda: None, ended, wait=False)
    assert len([event for event in events if isinstance(event, IterationFinished)]) == 2
