"""`battery campaign`: plan several runs, and run them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.calls import command_here
from tests.support.commands import read_json, write_tasks

pytestmark = pytest.mark.slow


def test_a_plan_says_how_large_it_is_its_registration_and_how_to_run_it(tmp_path: Path) -> None:
    done = command_here("campaign", "plan", "--seed", 1, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    registration = sha256((tmp_path / "campaign" / "campaign.json").read_bytes()).hexdigest()
    assert done.stdout.splitlines() == [
        "5 runs of 3 iterations planned in campaign",
        f"registration {registration}",
        "run it with: battery campaign run campaign",
    ]


def test_the_tasks_file_is_an_argument_and_json_is_the_plan(tmp_path: Path) -> None:
    write_tasks(tmp_path / "own.json", 1)
    done = command_here(
        *("campaign", "plan", "own.json", "--runs", 6, "-n", 2, "-o", "out", "--json"),
        *("--max-tokens", 1000, "--primary", "niche"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan == read_json(tmp_path / "out" / "campaign.json")
    assert (plan["runs"], plan["iterations"], plan["max_tokens"]) == (6, 2, 1000)
    assert plan["primary"] == "niche"


def test_a_settings_file_describes_the_target_of_a_plan_too(tmp_path: Path) -> None:
    (tmp_path / "battery.toml").write_text("[run]\nrepeats = 2\n")
    assert command_here("campaign", "plan", cwd=tmp_path).returncode == 0
    plan = read_json(tmp_path / "campaign" / "campaign.json")
    assert plan["options"]["repeats"] == 2
