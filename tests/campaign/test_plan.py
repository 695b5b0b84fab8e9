"""The plan of a campaign: frozen, whole or not at all, and refused where a run would be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import BatteryError, FolderError, MismatchError, TasksError, UsageError
from battery.campaign import plan as planning
from battery.campaign.plan import Campaign, Wanted, World
from battery.records.events import Event, Notice
from battery.target.kinds import read
from tests.support.commands import read_json, write_tasks


def made(folder: Path, *, runs: int = 5, tell: Any = lambda _event: None, **more: Any) -> Campaign:
    options = {"tasks": folder / "tasks.json", "seed": 7, **more}
    wanted = Wanted(folder / "c", runs, "cost", 60.0, options)
    return planning.make(wanted, World({}, read), tell)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write_tasks(tmp_path / "tasks.json", 3, siblings=3)
    return tmp_path


def test_a_plan_holds_runs_with_seeds_of_their_own_and_is_not_to_be_written(here: Path) -> None:
    campaign = made(here, iterations=2)
    plan = campaign.plan
    assert (plan.runs, plan.iterations, plan.primary) == (5, 2, "cost")
    assert [cell.number for cell in plan.cells] == [1, 2, 3, 4, 5]
    assert len({cell.seed for cell in plan.cells}) == 5
    assert (here / "c" / "campaign.json").stat().st_mode & 0o222 == 0
    assert planning.open_campaign(here / "c") == campaign


def test_the_same_seed_makes_the_same_runs(here: Path) -> None:
    (here / "again").mkdir()
    write_tasks(here / "again" / "tasks.json", 3, siblings=3)
    assert made(here).plan.cells == made(here / "again").plan.cells


def test_each_run_has_an_order_an_id_and_a_folder_of_its_own(here: Path) -> None:
    campaign = made(here)
    (target,) = campaign.plan.targets
    settings = [campaign.settings(cell, World({}, read), target) for cell in campaign.plan.cells]
    assert all(each.shuffled for each in settings)
    for name in ("seed", "run_id", "folder"):
        assert len({getattr(each, name) for each in settings}) == 5


def test_options_are_kept_as_given_and_secrets_come_from_the_environment(here: Path) -> None:
    campaign = made(here, runs=2, repeats=2, gateway="openai:http://localhost:1/v1", tag=["a"])
    assert campaign.plan.options == {"repeats": 2, "tag": ["a"]}
    (target,) = campaign.plan.targets
    assert target.options == {"gateway": "openai:http://localhost:1/v1"}
    world = World({"GATEWAY_TOKEN": "s3cret-token"}, read)
    settings = campaign.settings(campaign.plan.cells[0], world, target)
    assert settings.gateway is not None
    assert settings.gateway.headers["authorization"] == "Bearer s3cret-token"
    assert (settings.repeats, settings.labels["tags"]) == (2, ["a"])
    assert "s3cret" not in (here / "c" / "campaign.json").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"gateway": "http://u:passw0rd@localhost:1", "prepare": "true"}, "keeps no secrets"),
        ({"gateway": "http://localhost:1"}, "5 runs on one live gateway are not independent"),
        ({"gateway": "nonsense"}, "is not a URL to call"),
        ({"meter": "http://localhost:1"}, "--meter is for systems that battery starts"),
        ({"max_cost": 1.0}, "--max-cost needs a price"),
    ],
)
def test_what_could_not_be_run_is_refused_before_anything_is_written(
    here: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        made(here, **options)
    assert words in caught.value.message
    assert "passw0rd" not in caught.value.message
    assert [path.name for path in here.iterdir()] == ["tasks.json"]


def test_a_plan_is_made_once(here: Path) -> None:
    made(here)
    before = (here / "c" / "campaign.json").read_bytes()
    with pytest.raises(FolderError, match="a plan is made once"):
        made(here)
    assert (here / "c" / "campaign.json").read_bytes() == before


def test_a_folder_that_is_a_file_is_refused(here: Path) -> None:
    (here / "c").write_text("mine")
    with pytest.raises(FolderError, match="there is something in"):
        made(here)
    assert (here / "c").read_text() == "mine"


def test_fewer_than_five_runs_are_told_what_they_cannot_show(here: Path) -> None:
    events: list[Event] = []
    made(here, runs=4, tell=events.append)
    assert [event.text for event in events if isinstance(event, Notice)] == [
        "4 runs can show nothing about the system: the smallest p that they can have is 1/16; 5 "
        "are the least that can"
    ]


def test_a_single_iteration_is_told_to_show_nothing_about_learning(here: Path) -> None:
    events: list[Event] = []
    made(here, iterations=1, tell=events.append)
    (notice,) = events
    assert isinstance(notice, Notice)
    assert notice.warning
    assert "a single iteration show nothing about learning" in notice.text


def checked(here: Path, **check: Any) -> None:
    write_tasks(here / "tasks.json", 1, checks=[check])


def test_the_files_of_checks_are_copied_with_the_tasks(here: Path) -> None:
    (here / "own").mkdir()
    (here / "own" / "checks.py").write_text("def passes(answer):\n    return True\n")
    checked(here, python="own/checks.py:passes")
    campaign = made(here)
    assert (here / "c" / "tasks" / "own" / "checks.py").exists()
    (here / "own" / "checks.py").unlink()
    assert planning.open_campaign(here / "c").registration == campaign.registration


def test_a_check_whose_file_cannot_be_copied_with_it_is_refused(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "words.txt").write_text("yes")
    checked(here / "sub", command=["grep", "-f", "../words.txt"])
    with pytest.raises(UsageError, match=r"\.\./words.txt, which is not below the folder"):
        made(here / "sub")
    (here / "sub" / "helper.py").write_text("")
    (here / "sub" / "checks.py").write_text("import helper\ndef passes(answer):\n    return 1\n")
    checked(here / "sub", python="checks.py:passes")
    with pytest.raises(TasksError, match="helper"):
        made(here / "sub")
    assert not (here / "sub" / "c").exists()


def test_other_tasks_than_those_that_were_planned_are_refused(here: Path) -> None:
    made(here)
    write_tasks(here / "c" / "tasks" / "tasks.json", 2)
    with pytest.raises(MismatchError, match="is not what was planned"):
        planning.open_campaign(here / "c")


def test_other_checks_than_those_that_were_planned_are_told(here: Path) -> None:
    checked(here, contains="a")
    made(here)
    checked(here / "c" / "tasks", contains="b")
    events: list[Event] = []
    planning.open_campaign(here / "c", events.append)
    (event,) = events
    assert isinstance(event, Notice)
    assert "are not those that were planned" in event.text


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not JSON"), ("{}", "battery_version: is missing")],
)
def test_a_plan_that_cannot_be_read_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "campaign.json").write_text(text)
    with pytest.raises(BatteryError, match=words) as caught:
        planning.open_campaign(tmp_path)
    assert "battery campaign plan" in (caught.value.hint or "")


@pytest.mark.parametrize("text", [None, "{"])
def test_tasks_that_cannot_be_read_are_to_be_restored(here: Path, text: str | None) -> None:
    made(here)
    path = here / "c" / "tasks" / "tasks.json"
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(TasksError) as caught:
        planning.open_campaign(here / "c")
    # No option of `campaign run` or `campaign verdict` names others.
    assert "--tasks" not in (caught.value.hint or "")
    assert "restore the file" in (caught.value.hint or "")


def test_a_folder_without_a_plan_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FolderError) as caught:
        planning.open_campaign(tmp_path)
    assert caught.value.hint
    assert "battery campaign plan" in caught.value.hint
    with pytest.raises(FolderError, match="there is no such folder"):
        planning.open_campaign(tmp_path / "none")


def test_an_edited_plan_has_another_registration_and_other_runs(here: Path) -> None:
    campaign = made(here)
    path = here / "c" / "campaign.json"
    path.chmod(0o644)
    path.write_text(json.dumps({**read_json(path), "primary": "niche"}))
    edited = planning.open_campaign(here / "c")
    cell = campaign.plan.cells[0]
    assert edited.registration != campaign.registration
    assert edited.run_id(cell) != campaign.run_id(cell)
