"""`battery tasks import`: what it says, and that what it wrote can be run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.calls import command_here

pytestmark = pytest.mark.slow


def test_a_data_set_is_imported_and_run(tmp_path: Path) -> None:
    rows = [
        {"q": f"what is {n}?", "a": str(n), "lesson": str(n % 2), "kind": kind}
        for n, kind in enumerate(["easy", "easy", "niche", "niche", "niche"])
    ]
    (tmp_path / "my data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = command_here(
        *("tasks", "import", "my data.jsonl", "--prompt", "q", "--answer", "a"),
        *("--phase-by", "kind", "--siblings-by", "lesson", "--output", "my tasks.json"),
        *("--check", "contains", "--executor", "m", "--reviewer", "m", "--overseer", "m"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "wrote my tasks.json: 2 easy and 2 niche tasks, 1 sibling",
        "next: battery doctor --tasks 'my tasks.json'",
    ]
    assert "note: 5 answers can be found in the prompt" in done.stderr
    ran = command_here("run", "--tasks", "my tasks.json", "-n", 1, "--quiet", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr


def test_a_wrong_row_is_an_error_of_two_lines(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("question,answer\nwhy?,\n")
    done = command_here("tasks", "import", "data.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: data.csv, line 2: the answer is empty",
        " next: correct the row, or take it out",
    ]


@pytest.mark.parametrize("words", [["tasks"], ["tasks", "imprt"], ["tasks", "import"]])
def test_a_mistyped_command_is_a_usage_error(words: list[str], tmp_path: Path) -> None:
    done = command_here(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert " next: see `battery tasks" in done.stderr
