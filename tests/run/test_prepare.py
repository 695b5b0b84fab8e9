"""What battery it is that runs is decided from the folder, which stays as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import FolderError, MismatchError
from battery.inputs.settings import Settings, make_target
from battery.records.events import Event, Notice
from battery.records.models import LEARN
from battery.run import prepare
from battery.run.prepare import Battery
from battery.store.battery_dir import BatteryDir
from tests.support import runs
from tests.support.commands import write_tasks


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    target = make_target("http://127.0.0.1:9", {})
    tasks = write_tasks(tmp_path / "mine.json", 2)
    return Settings(tmp_path / "b", tasks, gateway=target, llm_team=target, iterations=2)


def begun(settings: Settings, finished: int = 1, state: str = "interrupted") -> BatteryDir:
    """Leave on disk what a battery of two iterations leaves that got so far."""
    folder = BatteryDir(settings.folder)
    battery = prepare.new(folder, settings)
    folder.root.mkdir()
    folder.write_tasks(battery.tasks)
    update = {"iterations_finished": finished, "state": state}
    folder.write_manifest(battery.manifest.model_copy(update=update))
    for number in range(1, finished + 1):
        folder.iteration(number).root.mkdir()
        folder.iteration(number).write_runs([runs.run()], LEARN)
        # Not read here: whether it fits the runs is for the summary to say.
        (folder.iteration(number).root / "metrics.json").write_text("{}")
    return folder


def resume(settings: Settings) -> tuple[Battery, list[str]]:
    told: list[Event] = []
    battery = prepare.resumed(BatteryDir(settings.folder), settings, told.append)
    return battery, [event.text for event in told if isinstance(event, Notice)]


def test_a_new_battery_draws_a_seed_and_touches_nothing(settings: Settings) -> None:
    folder = BatteryDir(settings.folder)
    batteries = [prepare.new(folder, settings) for _ in range(4)]
    seeds = {battery.manifest.options.seed for battery in batteries}
    assert len(seeds) > 1
    assert all(seed is not None and 0 <= seed < 2**32 for seed in seeds)
    assert prepare.new(folder, replace(settings, seed=7)).manifest.options.seed == 7
    assert not folder.root.exists()


def test_a_limit_takes_the_first_tasks_of_each_phase(settings: Settings) -> None:
    battery = prepare.new(BatteryDir(settings.folder), replace(settings, limit=1))
    labels = [task.label for task in battery.schedule().tasks]
    assert labels == ["alpha_baseline 0", "beta_drift 0", "gamma_impossible 0"]


def test_a_resume_takes_what_was_not_named_from_the_manifest(settings: Settings) -> None:
    begun(settings)
    bare = Settings(settings.folder)
    battery, notices = resume(bare)
    assert battery.settings.gateway == settings.gateway
    assert (battery.manifest.iterations_wanted, battery.manifest.state) == (2, "running")
    assert battery.manifest.notes == []
    assert notices[-1] == "1 of 2 iterations are already finished"


def test_what_changes_on_the_way_is_noted_in_the_manifest(settings: Settings) -> None:
    begun(settings)
    moved = make_target("http://127.0.0.1:10", {})
    battery, notices = resume(replace(settings, gateway=moved, llm_team=moved, concurrency=3))
    assert [note.partition(" was ")[0] for note in battery.manifest.notes] == [
        *("the gateway", "the llm_team"),
        "the concurrency",
    ]
    assert all("from iteration 2 on" in note for note in battery.manifest.notes)
    assert set(battery.manifest.notes) <= set(notices)
    assert battery.manifest.options.concurrency == 3


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": 5}, "--seed of this battery is"),
        ({"repeats": 2}, "--repeats of this battery is 1, not 2"),
        ({"limit": 1}, "--limit of this battery is none, not 1"),
    ],
)
def test_a_resume_refuses_what_would_make_cells_of_another_kind(
    changes: dict[str, Any], says: str, settings: Settings
) -> None:
    begun(replace(settings, seed=4))
    with pytest.raises(MismatchError, match=says):
        resume(replace(settings, **changes))


def test_a_resume_refuses_other_tasks_and_fewer_iterations_than_have_begun(
    settings: Settings,
) -> None:
    folder = begun(settings)
    folder.iteration(2).root.mkdir()
    with pytest.raises(MismatchError, match="iteration 2 has begun, and 1 are wanted"):
        resume(replace(settings, iterations=1))
    assert settings.tasks_path
    write_tasks(settings.tasks_path, 3)
    with pytest.raises(MismatchError, match=r"is not what this battery ran: .*'alpha_baseline 2'"):
        resume(settings)


def test_only_a_finished_battery_makes_room_and_only_for_what_is_not_the_user_s(
    settings: Settings,
) -> None:
    folder = BatteryDir(settings.folder)
    assert prepare.finished_there(folder) is None
    folder.root.mkdir()
    write_tasks(folder.root / "tasks.json", 1)
    with pytest.raises(FolderError, match="that no battery wrote"):
        prepare.finished_there(folder)


@pytest.mark.parametrize("state", ["running", "interrupted", "failed"])
def test_an_unfinished_battery_is_neither_replaced_nor_iterated(
    state: str, settings: Settings
) -> None:
    folder = begun(settings, state=state)
    with pytest.raises(FolderError, match="is not finished") as caught:
        prepare.finished_there(folder)
    assert "battery run --resume" in (caught.value.hint or "")
    with pytest.raises(FolderError, match="is not finished"):
        prepare.iterated(folder, settings, lambda _event: None)


def test_a_finished_battery_is_iterated_with_the_tasks_it_ran(settings: Settings) -> None:
    folder = begun(settings, 2, "finished")
    assert settings.tasks_path
    write_tasks(settings.tasks_path, 3)
    battery = prepare.iterated(folder, Settings(settings.folder), lambda _event: None)
    assert battery.manifest.iterations_wanted == 3
    assert len(battery.schedule().tasks) == 6
