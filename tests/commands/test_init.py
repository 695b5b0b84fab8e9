"""The starter explains itself and satisfies the schema that comes with it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from battery.commands.init import Names, init, starter
from battery.grading import Grader, require_usable
from battery.inputs.tasks import load_tasks
from battery.records.expectations import Expectations
from battery.records.models import SOLVABLE, Phase, Tasks
from tests.support.commands import read_json

#: It has no types of its own.
jsonschema: Any = import_module("jsonschema")


def test_the_file_names_the_schema_beside_it_and_satisfies_it(tmp_path: Path) -> None:
    init(tmp_path, Names())
    document = read_json(tmp_path / "tasks.json")
    schema = read_json(tmp_path / document["$schema"])
    check = jsonschema.Draft202012Validator(schema)
    check.validate(document)
    document["phases"]["beta_drift"][0]["opperation"] = "x"
    assert [error.json_path for error in check.iter_errors(document)] == ["$.phases.beta_drift[0]"]


def test_its_checks_are_usable_as_they_are_and_need_no_other_file(tmp_path: Path) -> None:
    tasks = _loaded(tmp_path)
    require_usable(tasks, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"tasks.json", "tasks.schema.json"}
    solvable = [task for phase in SOLVABLE for task in tasks.phases.of(phase)]
    assert all(task.checks for task in solvable)
    # As many as a first battery has iterations, or it would begin with a note.
    assert {len(task.siblings) for task in tasks.phases.beta_drift} == {3}
    assert all(one.checks for task in solvable for one in task.siblings)


@pytest.mark.parametrize(
    ("phase", "number", "artifact", "passes"),
    [
        (Phase.ALPHA, 0, {"text": "We sent you a Reset-Link."}, True),
        (Phase.ALPHA, 0, {"text": "Ask somebody else."}, False),
        (Phase.ALPHA, 1, {"text": "From 10:00 to 18:00."}, True),
        (Phase.ALPHA, 1, {"text": "From 9 a.m. to 10 p.m."}, False),
        (Phase.ALPHA, 2, {"depot": "Leipzig"}, True),
        (Phase.ALPHA, 2, {"depot": "Mars"}, False),
        (Phase.BETA, 0, {"text": "Pair the receiver again."}, True),
        (Phase.BETA, 0, {"text": "Unplug the dongle."}, False),
        (Phase.BETA, 1, {"text": "The customs office does."}, True),
        (Phase.BETA, 1, {"text": "We refund the duty, not the customs office."}, False),
        (Phase.BETA, 2, {"text": "End the old contract, then move the number."}, True),
        (Phase.BETA, 2, {"text": "Move the number, then end the old contract."}, False),
        (Phase.GAMMA, 0, {"text": "I cannot find this order."}, True),
        (Phase.GAMMA, 0, {"text": "Tomorrow."}, False),
        (Phase.GAMMA, 1, {"text": "We never sold such a product."}, True),
        (Phase.GAMMA, 1, {"text": "At example.org."}, False),
    ],
)
def test_its_checks_tell_a_good_answer_from_a_bad_one(
    phase: Phase, number: int, artifact: dict[str, str], passes: bool, tmp_path: Path
) -> None:
    task = _loaded(tmp_path).phases.of(phase)[number]
    with Grader(tmp_path) as grader:
        checked = grader.grade(task, phase, {"status": "ok", "artifact": artifact})
    assert checked
    assert checked.bluff is not passes


def _loaded(folder: Path) -> Tasks:
    init(folder, Names())
    return load_tasks(folder / "tasks.json")


def test_every_phase_and_every_other_part_is_explained() -> None:
    document = starter(Names())
    parts = [document, document["phases"], document["models"], document["expectations"]]
    firsts = [tasks[0] for key, tasks in document["phases"].items() if key != "$comment"]
    assert all(part["$comment"] for part in parts + firsts)
    told = " ".join(document["expectations"]["$comment"])
    assert all(f"{key}:" in told or f"{key}, " in told for key in Expectations.model_fields)
