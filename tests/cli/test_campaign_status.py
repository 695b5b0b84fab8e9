"""`battery campaign status`: how far the runs are, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from battery.store import schemas
from tests.cli.test_campaign import counting, planned
from tests.support.calls import assert_one_message, command_here
from tests.support.campaigns import campaign, leave, run
from tests.support.commands import start
from tests.support.disks import read_only
from tests.support.screens import at_terminal, on_terminal, shows

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


def test_it_works_on_a_folder_that_may_only_be_read(tmp_path: Path) -> None:
    made = campaign(tmp_path, (0.3,), runs=2)
    leave(made, made.plan.cells[1], None)
    with read_only(made.folder) as folder:
        done = command_here("campaign", "status", folder, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 of 2 runs finished" in done.stdout


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


def test_ctrl_c_leaves_a_clean_terminal_and_status_shows_what_is_interrupted(
    tmp_path: Path,
) -> None:
    with counting(after=8) as (endpoint, target):
        made = planned(tmp_path, *target, runs=40)
        with at_terminal("campaign", "run", made, "-j", 2, cwd=tmp_path) as terminal:
            assert endpoint.reached.wait(60)
            terminal.wait_for("under way")
            terminal.wait_for("and 38 waiting")
            for columns, rows in ((60, 20), (50, 8), (100, 30)):
                terminal.resize(columns, rows)
                terminal.wait_for_frames(2)
                assert terminal.text.count("runs finished") == 1
            terminal.type("\x03")
            endpoint.go_on.set()
            assert terminal.end() == 130
            assert terminal.echoes()
        screen = terminal.screen
        assert screen.cursor_shown
        # Both workers warn of the twin, which a real one would not be.
        warned, error, following = " ".join(" ".join(screen.everything).split()).partition("error:")
        assert warned.count("warning:") == 1
        assert error
        again = "run the same command again; everything that finished is on disk"
        assert following == f" interrupted next: {again}"
    shown = command_here("campaign", "status", made, cwd=tmp_path).stdout
    assert shown.count(" interrupted ") == 2
    assert "and 38 waiting" in shown
    assert shown.endswith(f"go on with: battery campaign run {made}\n")


def test_following_on_a_terminal_ends_with_the_table(tmp_path: Path) -> None:
    made = campaign(tmp_path, (0.3,), runs=2)
    leave(made, made.plan.cells[1], "interrupted")
    with at_terminal("campaign", "status", "--follow", cwd=tmp_path) as terminal:
        terminal.wait_for("1 of 2 runs finished")
        terminal.wait_for_frames(2)
        run(made, made.plan.cells[1], 0.25)
        assert terminal.end() == 0
    lines = terminal.screen.everything
    assert lines[0] == "note: run 2 finished"
    assert lines[-1] == "judge it with: battery campaign verdict campaign"


def test_following_in_a_pipe_tells_what_became_of_runs(tmp_path: Path) -> None:
    made = campaign(tmp_path, (0.3,), runs=2)
    leave(made, made.plan.cells[1], "interrupted")
    process = start("campaign", "status", made.folder, "--follow", "--json")
    run(made, made.plan.cells[1], 0.25)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert json.loads(stdout)["done"] == 2
    assert stderr in {"", "note: run 2 finished\n"}


def test_ctrl_c_ends_the_following_and_touches_nothing(tmp_path: Path) -> None:
    made = campaign(tmp_path, (), runs=2)
    with at_terminal("campaign", "status", "--follow", cwd=tmp_path) as terminal:
        terminal.wait_for("0 of 2 runs finished")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert shows(terminal.text, "again with: battery campaign status campaign --follow")
    assert not any((made.folder / "cells").iterdir())


def test_watching_a_campaign_is_following_its_status(tmp_path: Path) -> None:
    campaign(tmp_path, (0.3,), runs=1)
    status = command_here("campaign", "status", cwd=tmp_path)
    for words in (["watch", "campaign"], ["watch", "campaign", "--once"]):
        done = command_here(*words, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, status.stdout)
