"""`battery campaign status`: how far the runs are, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from battery.store import schemas
from tests.support.calls import assert_one_message, command_here
from tests.support.campaigns import campaign, leave
from tests.support.screens import on_terminal

jsonschema = pytest.importorskip("jsonschema")
pytestmark = pytest.mark.slow


def test_the_record_is_what_its_schema_says_and_the_table_shows_the_same(tmp_path: Path) -> None:
    made = campaign(tmp_path, (0.3, 0.25), runs=4)
    leave(made, made.plan.cells[2], "failed", "the gateway is gone")
    done = command_here("campaign", "status", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads(done.stdout)
    jsonschema.validate(record, schemas.schema("campaign-status"))
    assert [run["state"] for run in record["runs"]] == ["finished"] * 2 + ["failed", "waiting"]
    shown = command_here("campaign", "status", cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "run 3 failed: the gateway is gone" in shown.stdout
    assert shown.stdout.endswith("go on with: battery campaign run campaign\n")


def test_it_writes_nothing_also_where_it_could(tmp_path: Path) -> None:
    made = campaign(tmp_path, (0.3,), runs=2)
    leave(made, made.plan.cells[1], None)
    before = {path: path.stat().st_mtime_ns for path in made.folder.rglob("*")}
    assert command_here("campaign", "status", cwd=tmp_path).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in made.folder.rglob("*")} == before


def test_forty_runs_are_on_one_screen(tmp_path: Path) -> None:
    made = campaign(tmp_path, (), runs=40)
    leave(made, made.plan.cells[38], "failed", "the gateway is gone")
    screen = on_terminal("campaign", "status", cwd=tmp_path)
    assert not screen.scrolled
    assert len(screen.lines) <= 23
    assert " 39  failed" in "\n".join(screen.lines)
    assert screen.lines[-1] == "go on with: battery campaign run campaign"
    full = command_here("campaign", "status", "--full", cwd=tmp_path)
    assert full.stdout.count("waiting") == 39


def test_without_a_campaign_it_says_what_to_name(tmp_path: Path) -> None:
    done = command_here("campaign", "status", cwd=tmp_path)
    assert_one_message(done, 2, "there is no campaign in campaign", "battery campaign plan")
