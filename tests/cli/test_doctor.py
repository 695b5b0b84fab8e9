"""`battery doctor`: a line per check, and nothing is taught."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.arms import Pair
from tests.support.calls import command_here as battery
from tests.support.commands import write_tasks
from tests.support.gateway import Gateway

pytestmark = pytest.mark.slow


def test_doctor_says_one_line_each_and_teaches_nothing(gateway: Gateway, tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    done = battery(
        "doctor", "--gateway", gateway.url, "--llm-team", "http://127.0.0.1:9", cwd=tmp_path
    )
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[4] == "settings:"
    assert [line.split()[:2] for line in lines[:4]] == [
        ["ok", "tasks:"],
        ["ok", "folder:"],
        ["ok", "target:"],
        ["FAIL", "learning"],
    ]
    assert "--llm-team" in lines[3]
    assert not gateway.requests
    assert not (tmp_path / "data").exists()


def test_doctor_is_content_with_a_fresh_machine(tmp_path: Path) -> None:
    done = battery("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok  ") == 4
    assert list(tmp_path.iterdir()) == []


def test_doctor_looks_at_the_control_gateway_and_teaches_nothing(pair: Pair, here: Path) -> None:
    done = battery("doctor", *pair.options(), cwd=here)
    assert done.returncode == 0, done.stdout
    assert f"\nok    twin: {pair.frozen.url}" in done.stdout
    assert pair.asked() == 0
    gone = battery(
        "doctor", *pair.options()[:4], "--control-gateway", "http://127.0.0.1:9", cwd=here
    )
    assert gone.returncode == 1
    assert "FAIL  twin" in gone.stdout
    assert "--control-gateway" in gone.stdout
    alone = battery("doctor", "--control-gateway", pair.frozen.url, cwd=here)
    assert alone.returncode == 2


def test_doctor_prints_each_setting_with_where_it_came_from_and_no_secret(here: Path) -> None:
    (here / "battery.toml").write_text('[run]\niterations = 5\nlimit = 2\ndir = "of-the-file"\n')
    env = {
        "GATEWAY_TOKEN": "hunter22-a",
        "CONTROL_GATEWAY_HEADERS": "X-Key: hunter22-b",
        "LLM_TEAM_URL": "http://me:hunter22-c@127.0.0.1:9",
        "BATTERY_DIR": "of-the-environment",
    }
    words = ("doctor", "--tasks", "tasks.json", "-H", "X-Team: hunter22-d")
    done = battery(*words, cwd=here, env=env)
    settings = done.stdout.partition("settings:\n")[2].splitlines()
    wanted = {
        "config: battery.toml (found in the working folder)",
        "iterations: 5 (battery.toml)",
        "limit: 2 (battery.toml)",
        "dir: of-the-environment (environment variable BATTERY_DIR)",
        "tasks: tasks.json (command line)",
        "target: the embedded gateway (default)",
        "llm-team: http://127.0.0.1:9 (environment variable LLM_TEAM_URL)",
        "header: X-Team: *** (command line)",
        "respond-timeout: 600 (default)",
        "keep-going: off (default)",
        "GATEWAY_TOKEN: *** (environment variable GATEWAY_TOKEN)",
        "CONTROL_GATEWAY_HEADERS: *** (environment variable CONTROL_GATEWAY_HEADERS)",
    }
    assert wanted <= {line.strip() for line in settings}
    document = json.loads(battery(*words, "--json", cwd=here, env=env).stdout)
    assert [check["name"] for check in document["checks"]][:2] == ["tasks", "folder"]
    told = [f"{row['name']}: {row['value']} ({row['source']})" for row in document["settings"]]
    assert told == [line.strip() for line in settings]
    assert "hunter22" not in done.stdout + done.stderr + json.dumps(document)


def test_doctor_names_the_file_that_was_asked_for(here: Path) -> None:
    (here / "other.toml").write_text("[run]\nrepeats = 4\n")
    done = battery("doctor", "--config", "other.toml", cwd=here)
    assert "  config: other.toml (command line)\n" in done.stdout
    assert "  repeats: 4 (other.toml)\n" in done.stdout
