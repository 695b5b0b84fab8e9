"""What a watch makes of a folder that changes between two looks."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from battery.base.errors import ArtifactError, BatteryError
from battery.records.events import Event, IterationFinished, Notice, Observer, TaskFinished
from battery.records.models import Summary
from battery.store.battery_dir import BatteryDir
from battery.store.files import is_held
from battery.watch.watch import watch
from tests.support.commands import read_json
from tests.support.stopped import note_of, unfinished


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
    assert summary == Summary.model_validate(read_json(finished / "summary.json"))


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
    assert [text[: len(said[0])] for text in notices(events)] == said if said else True
    assert len(notices(events)) == len(said)
    calls = [event.replayed for event in events if isinstance(event, TaskFinished)]
    assert calls == [True] * 8 + [False] * 8


def test_a_battery_that_vanishes_ends_a_watch_that_does_not_wait(folder: Path) -> None:
    unfinished(folder, "running", note_of(os.getpid()))

    def deleted() -> None:
        (folder / ".lock").write_text("{}")
        (folder / "battery.json").unlink()

    with pytest.raises(BatteryError, match="was moved or deleted") as caught:
        watched(folder, deleted, wait=False)
    assert caught.value.exit_code == 1


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
