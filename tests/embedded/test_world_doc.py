"""`docs/reference/world.md` says what the code does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from battery.base.errors import ShapeError
from battery.embedded.catalog import CITIES, LADDERS, ROLES, TOWNS, TRADE_NAMES
from battery.embedded.forms import MAX_COUNT, MAX_RADIUS_MILES, STRIKES, Entry, Spec, read_spec
from battery.embedded.loop import MAX_TURNS
from battery.embedded.people import FIRST_DAY, LAST_DAY, WORKERS
from battery.embedded.server import GatewayOptions

DOC = (Path(__file__).parents[2] / "docs" / "reference" / "world.md").read_text()


def table(heading: str) -> list[list[str]]:
    """Read the rows of the first table below a heading, without its head."""
    lines = DOC.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def fenced(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOC, re.DOTALL)
    assert found
    return found[1]


def names(text: str) -> list[str]:
    return [] if text in {"", "none"} else text.split(", ")


def test_the_table_of_keys_is_the_spec() -> None:
    rows = table("The spec of a task")
    assert [row[0].strip("`") for row in rows] == list(Spec.model_fields)
    needed = [key for key, field in Spec.model_fields.items() if field.is_required()]
    assert [row[0].strip("`") for row in rows if row[1] == "yes"] == needed
    assert f"1 to {MAX_COUNT}" in rows[1][2]
    assert f"at most {MAX_RADIUS_MILES}" in rows[3][2]


def test_the_world_is_described_with_its_numbers() -> None:
    opening = DOC.split("## The spec")[0]
    assert f"seed {GatewayOptions(store=Path()).seed}" in opening
    assert f"{WORKERS} workers" in opening
    assert f"{len(ROLES)} roles, {len(CITIES)} cities" in opening
    assert f"from {FIRST_DAY} to {LAST_DAY}" in opening


def test_turns_and_the_overseers_threshold_are_the_loops() -> None:
    assert f"{MAX_TURNS} turns went by" in DOC
    assert STRIKES == 2
    assert "After two turns" in DOC


def test_the_error_shown_is_the_error_given() -> None:
    with pytest.raises(ShapeError) as caught:
        read_spec({"role": "Welder", "count": 0, "city": "Toledo, OH"})
    assert f"`{caught.value}`" in DOC


def test_the_example_is_a_task_of_the_shipped_battery() -> None:
    example = json.loads(fenced("json"))
    shipped = json.loads((Path(__file__).parents[2] / "src/battery/tasks.json").read_text())
    asked = [{key: task[key] for key in example} for task in shipped["phases"]["beta_drift"]]
    assert example in asked


def test_the_program_prints_what_the_page_shows() -> None:
    done = subprocess.run(
        [sys.executable, "-c", fenced("python")], capture_output=True, text=True, check=True
    )
    assert done.stdout == fenced("text")


def test_every_kind_of_log_entry_is_named() -> None:
    union, _ = get_args(Entry)
    kinds = {entry.model_fields["kind"].default for entry in get_args(union)} | {"blocked"}
    listed = DOC.split("`log` has an entry")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == kinds


def test_roles_trade_names_and_certificates_are_complete() -> None:
    rows = table("Roles")
    assert [row[0] for row in rows] == [role.name for role in ROLES]
    for row, role in zip(rows, ROLES, strict=True):
        assert names(row[1]) == [name for name, of in TRADE_NAMES.items() if of == role.name]
        assert names(row[2]) == [c for ladder in role.ladders for c in LADDERS[ladder]]
    for ladder in LADDERS.values():
        assert f"- {' < '.join(ladder)}\n" in DOC


def test_places_are_complete() -> None:
    places = DOC.split("## Places\n")[1].split(":\n\n")[1:]
    for text, expected in zip(places, (CITIES, TOWNS), strict=True):
        listed = " ".join(text.split("\n\n")[0].split()).rstrip(".")
        assert listed.split("; ") == list(expected)
