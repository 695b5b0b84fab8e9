"""The package's own papers agree: version, packaged tasks."""

from __future__ import annotations

import ast
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


def test_no_message_sends_a_reader_to_a_file_that_an_installed_program_does_not_have() -> None:
    for path in sorted((ROOT / "src").rglob("*.py")):
        module = ast.parse(path.read_text("utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(module)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(module):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                is_said = id(node) not in docstrings
                assert not (is_said and re.search(r"\bdocs/|CONTRIBUTING", node.value)), path
