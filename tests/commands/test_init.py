"""The starter explains itself and satisfies the schema that comes with it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from battery.commands.init import Names, init, starter
from battery.records.expectations import Expectations
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


def test_every_phase_and_every_other_part_is_explained() -> None:
    document = starter(Names())
    parts = [document, document["phases"], document["models"], document["expectations"]]
    firsts = [tasks[0] for key, tasks in document["phases"].items() if key != "$comment"]
    assert all(part["$comment"] for part in parts + firsts)
    told = " ".join(document["expectations"]["$comment"])
    assert all(f"{key}:" in told or f"{key}, " in told for key in Expectations.model_fields)
