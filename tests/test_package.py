"""The package's own papers agree: version, packaged tasks."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib import resources
from pathlib import Path

import battery
from battery.inputs.tasks import load_tasks, plan

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_version_stands_in_one_sense_everywhere() -> None:
    assert battery.__version__ == PROJECT["version"]


def test_the_repository_and_the_package_hold_the_same_three_three_two_tasks() -> None:
    packaged = resources.files("battery").joinpath("tasks.json").read_bytes()
    assert (ROOT / "tasks.json").read_bytes() == packaged
    checks = resources.files("battery").joinpath("desk_checks.py").read_bytes()
    # Next to the tasks file, where its checks are looked for.
    assert (ROOT / "desk_checks.py").read_bytes() == checks
    phases = [entry.phase for entry in plan(load_tasks(ROOT / "tasks.json"))]
    assert phases == ["alpha"] * 3 + ["beta"] * 3 + ["gamma"] * 2


def test_make_alone_lists_every_target_and_makes_nothing() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    targets = re.findall(r"^\.PHONY: (.+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[0]
    lines = re.findall(r"^  make (\w+) +(\S.*)", done.stdout, re.MULTILINE)
    assert [name for name, _ in lines] == targets.split()
    assert len(lines) == len(done.stdout.splitlines())
    assert max(map(len, done.stdout.splitlines())) <= 80
