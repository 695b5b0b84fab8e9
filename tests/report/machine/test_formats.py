"""Whoever adds an output format as CONTRIBUTING says can choose, read about and write it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.browser.folders import write_battery
from tests.support.commands import battery, environment
from tests.support.recipes import ROOT, code_of, copy_program, insert, recipe


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a battery and a program that has one more format."""
    root = tmp_path_factory.mktemp("format")
    source = copy_program(root / "src")
    (record,) = code_of(recipe("Add an output format"))
    row = textwrap.indent(record.rstrip(), "    ")
    table = source / "report" / "machine" / "__init__.py"
    insert(table, (r"^TABLE\b[^(]*\((?:\n .*)*\n()\)", f"{row},\n"))
    write_battery(root / "battery")
    return root


def test_its_record_has_the_layout_that_the_linter_asks_for(trial: Path) -> None:
    table = trial / "src" / "battery" / "report" / "machine" / "__init__.py"
    options = ["--no-cache", "--config", str(ROOT / "pyproject.toml"), str(table)]
    for check in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *check, *options]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def summarize(trial: Path, *words: object) -> subprocess.CompletedProcess[str]:
    path = {"PYTHONPATH": str(trial / "src")}
    return battery("summarize", "battery", *words, cwd=trial, env=path)


def test_it_is_offered_and_explained(trial: Path) -> None:
    done = summarize(trial, "--help")
    assert done.returncode == 0, done.stderr
    offered = done.stdout
    assert "|github|verdict" in offered
    assert "(the verdict in a sentence)" in " ".join(offered.split())
    assert "verdict" in summarize(trial, "--format", "nope").stderr


def test_it_is_written_to_the_output_or_to_a_file(trial: Path) -> None:
    printed = summarize(trial, "--format", "verdict")
    assert printed.returncode == 0, printed.stderr
    assert len(printed.stdout.splitlines()) == 1
    kept = summarize(trial, "--format", "verdict", "--output", "new/verdict.txt")
    assert kept.stdout == ""
    assert (trial / "new" / "verdict.txt").read_text("utf-8") == printed.stdout


def test_it_is_in_the_reference(trial: Path) -> None:
    shutil.copytree(ROOT / "docs", trial / "docs")
    shutil.copy(ROOT / "README.md", trial)
    subprocess.run(
        [sys.executable, "-m", "docs.reference"],
        cwd=trial,
        env=environment({"PYTHONPATH": str(trial / "src")}),
        check=True,
    )
    page = (trial / "docs" / "reference" / "formats.md").read_text("utf-8")
    assert "| `verdict` | The verdict in a sentence. |" in page
