"""What may run is decided from folder and options alone, and nothing is written for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from battery.base.errors import FolderError, MismatchError
from battery.inputs.settings import Settings, make_target
from battery.records.events import Event, Notice
from battery.records.manifest import Manifest
from battery.runner import prepare
from battery.store.battery_dir import BatteryDir
from tests.support.commands import write_tasks
from tests.support.runs import run


@pytest.fixture
def folder(tmp_path: Path) -> BatteryDir:
    return BatteryDir(tmp_path / "battery")


@pytest.fixture
def settings(folder: BatteryDir, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of `battery run` without options, but for the folder."""
    # Where a tasks.json is, it would be taken for the user's own.
    monkeypatch.chdir(folder.root.parent)
    return Settings(folder=folder.root)


def left(folder: BatteryDir, settings: Settings, **changes: object) -> Manifest:
    """Leave a battery of two iterations in the folder, finished unless told otherwise."""
    battery = prepare.new(folder, settings)
    folder.root.mkdir()
    folder.write_tasks(battery.tasks)
    for number in (1, 2):
        folder.iteration(number).root.mkdir()
        folder.iteration(number).write_runs([run()])
    done = {
        "iterations_wanted": 2,
        "planned_iterations": 2,
        "iterations_finished": 2,
        "state": "finished",
    }
    manifest = battery.manifest.model_copy(update={**done, **changes})
    folder.write_manifest(manifest)
    return manifest


def ignore(event: Event) -> None:
    """Take no notice."""


def test_a_new_battery_draws_a_seed_and_writes_nothing(
    folder: BatteryDir, settings: Settings
) -> None:
    battery = prepare.new(folder, settings)
    options = battery.manifest.options
    assert (options.tasks, options.limit, options.repeats, options.concurrency) == (
        "packaged",
        None,
        1,
        1,
    )
    assert options.seed is not None
    assert prepare.new(folder, settings).manifest.options.seed != options.seed
    assert prepare.new(folder, replace(settings, seed=5)).manifest.options.seed == 5
    assert not folder.root.exists()


def test_a_finished_battery_may_be_moved_and_an_unfinished_one_not(
    folder: BatteryDir, settings: Settings
) -> None:
    assert prepare.finished_there(folder) is None
    manifest = left(folder, settings)
    opened = prepare.finished_there(folder)
    assert opened is not None
    assert opened.provenance == manifest
    folder.write_manifest(manifest.model_copy(update={"state": "failed"}))
    with pytest.raises(FolderError, match="is not finished"):
        prepare.finished_there(folder)


def test_a_folder_of_the_original_script_may_be_moved_and_tasks_of_the_user_not(
    folder: BatteryDir, settings: Settings
) -> None:
    folder.iteration(1).root.mkdir(parents=True)
    opened = prepare.finished_there(folder)
    assert opened is not None
    assert opened.provenance.state is None
    folder.iteration(1).root.rmdir()
    folder.write_tasks(prepare.new(folder, settings).tasks)
    with pytest.raises(FolderError, match="that no battery wrote"):
        prepare.finished_there(folder)


def test_a_resume_keeps_what_the_battery_had_and_says_how_far_it_is(
    folder: BatteryDir, settings: Settings
) -> None:
    manifest = left(folder, replace(settings, repeats=3, concurrency=2))
    events: list[Event] = []
    battery = prepare.resumed(folder, replace(settings, iterations=4), events.append)
    assert battery.manifest.options == manifest.options
    assert (battery.manifest.iterations_wanted, battery.manifest.state) == (4, "running")
    assert events[-1] == Notice("2 of 4 iterations are already finished")


def test_the_plan_is_made_once_and_no_later_number_of_iterations_moves_it(
    folder: BatteryDir, settings: Settings
) -> None:
    assert prepare.new(folder, replace(settings, iterations=7)).manifest.planned_iterations == 7
    left(folder, settings)
    assert prepare.iterated(folder, settings, ignore).manifest.planned_iterations == 2
    events: list[Event] = []
    battery = prepare.resumed(folder, replace(settings, iterations=5), events.append)
    assert (battery.manifest.planned_iterations, battery.manifest.iterations_wanted) == (2, 5)
    told = [event.text for event in events if isinstance(event, Notice)]
    assert told[0].startswith("the verdict stays planned after iteration 2, not 5")
    # Told when the number changes, not again at every resume.
    folder.write_manifest(battery.manifest)
    events.clear()
    prepare.resumed(folder, settings, events.append)
    assert events == [Notice("2 of 5 iterations are already finished")]


def test_a_battery_of_an_earlier_version_gets_its_plan_once_it_is_extended(
    folder: BatteryDir, settings: Settings
) -> None:
    left(folder, settings, planned_iterations=None)
    assert prepare.iterated(folder, settings, ignore).manifest.planned_iterations == 2
    events: list[Event] = []
    battery = prepare.resumed(folder, replace(settings, iterations=4), events.append)
    assert battery.manifest.planned_iterations == 2
    told = [event.text for event in events if isinstance(event, Notice)]
    assert told[0].startswith("the verdict stays planned after iteration 2, not 4")
    assert told[1:] == ["2 of 4 iterations are already finished"]


def test_another_concurrency_is_noted_and_another_shape_refused(
    folder: BatteryDir, settings: Settings
) -> None:
    left(folder, settings)
    faster = replace(settings, iterations=3, concurrency=4)
    battery = prepare.resumed(folder, faster, ignore)
    assert battery.manifest.options.concurrency == 4
    (note,) = battery.manifest.notes
    assert note.startswith("the concurrency was 1 and is 4 from iteration 3 on")
    for other in (replace(settings, seed=1), replace(settings, repeats=2)):
        with pytest.raises(MismatchError, match="of this battery is"):
            prepare.resumed(folder, other, ignore)
    with pytest.raises(MismatchError, match="--limit of this battery is none, not 1"):
        prepare.resumed(folder, replace(settings, limit=1), ignore)


def test_nothing_goes_on_without_an_iteration_that_was_finished(
    folder: BatteryDir, settings: Settings
) -> None:
    left(folder, settings)
    (folder.iteration(1).root / "runs.json").unlink()
    with pytest.raises(FolderError, match=r"lacks iter_1/runs\.json"):
        prepare.iterated(folder, settings, ignore)


def test_only_a_finished_battery_gets_one_more_iteration(
    folder: BatteryDir, settings: Settings
) -> None:
    manifest = left(folder, settings)
    assert prepare.iterated(folder, settings, ignore).manifest.iterations_wanted == 3
    folder.write_manifest(manifest.model_copy(update={"state": "interrupted"}))
    with pytest.raises(FolderError, match="is not finished"):
        prepare.iterated(folder, settings, ignore)


def test_a_limit_takes_the_first_tasks_of_each_phase(
    folder: BatteryDir, settings: Settings
) -> None:
    own = write_tasks(folder.root.parent / "mine.json", 2)
    battery = prepare.new(folder, replace(settings, tasks_path=own, limit=1))
    labels = [task.label for task in battery.schedule.tasks]
    assert labels == ["alpha_baseline 0", "beta_drift 0", "gamma_impossible 0"]


def test_a_resume_refuses_fewer_iterations_than_have_begun_and_other_tasks(
    folder: BatteryDir, settings: Settings
) -> None:
    own = write_tasks(folder.root.parent / "mine.json", 2)
    left(folder, replace(settings, tasks_path=own), state="failed")
    with pytest.raises(MismatchError, match="iteration 2 has begun, and 1 are wanted"):
        prepare.resumed(folder, replace(settings, iterations=1), ignore)
    write_tasks(own, 3)
    with pytest.raises(MismatchError, match=r"not what this battery ran: .*'alpha_baseline 2'"):
        prepare.resumed(folder, settings, ignore)
    # One more iteration is of the tasks as they ran, whatever became of the user's file.
    manifest = folder.read_manifest()
    assert manifest
    folder.write_manifest(manifest.model_copy(update={"state": "finished"}))
    assert len(prepare.iterated(folder, settings, ignore).schedule.tasks) == 6


def test_a_target_that_moved_is_noted_and_one_not_named_is_the_manifest_s(
    folder: BatteryDir, settings: Settings
) -> None:
    target, moved = (make_target(f"http://127.0.0.1:{port}", {}) for port in (9, 10))
    left(folder, replace(settings, gateway=target, llm_team=target), state="failed")
    assert prepare.resumed(folder, settings, ignore).settings.gateway == target
    events: list[Event] = []
    battery = prepare.resumed(
        folder, replace(settings, gateway=moved, llm_team=moved, iterations=3), events.append
    )
    first, second = battery.manifest.notes
    assert first.startswith("the gateway was http://127.0.0.1:9 and is http://127.0.0.1:10 from")
    assert second.startswith("the llm_team was")
    assert Notice(first, warning=True) in events
