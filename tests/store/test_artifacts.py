"""The table of files describes whatever a battery leaves behind, and nothing twice."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import battery
from battery.store.artifacts import ANSWERS, ARTIFACTS, ITERATION, REPORT, RUN_SETS, described
from tests.browser.folders import write_battery
from tests.support.commands import battery as run
from tests.support.commands import environment
from tests.support.recipes import code_of, copy_program, edit, recipe

PACKAGE = Path(battery.__file__).parent
WRITE_AND_FIND = """
from pathlib import Path
from battery.store.artifacts import NOTES
NOTES.write(Path("battery/iter_2"), ["look"])
print(NOTES.find(Path("battery/iter_2")), NOTES.find(Path("battery/iter_1")))
"""


def test_a_name_belongs_to_one_file() -> None:
    names = [artifact.name for artifact in ARTIFACTS]
    assert len(set(names)) == len(names)


def test_a_name_is_typed_once() -> None:
    # The tasks file of a user has that name wherever it is; a comparison shows a name as a value.
    elsewhere = {"store/artifacts.py", "records/stages.py", "inputs/tasks.py"}
    elsewhere |= {"comparison/fairness.py"}
    names = {artifact.name for artifact in ARTIFACTS}
    typed = {
        (str(path), node.value)
        for path in PACKAGE.rglob("*.py")
        if str(path.relative_to(PACKAGE)) not in elsewhere and "embedded" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.rpartition("/")[2] in names
    }
    # Templates of the page are looked up under names of their own.
    assert {pair for pair in typed if "report/html" not in pair[0]} == set()


def test_folders_are_counted_from_one_and_read_back() -> None:
    assert ITERATION.name(12) == "iter_12"
    assert ITERATION.number("iter_12") == 12
    others = ("iter_0", "iter_02", "iter_x", "repeat_1", "iter_1x")
    assert [ITERATION.number(name) for name in others] == [None] * 5


def test_a_file_that_may_be_in_several_folders_has_a_pattern_for_all() -> None:
    assert (REPORT.pattern, ANSWERS["overseer"].pattern) == (
        "report.html",
        "iter_N/overseer_review.md",
    )
    assert RUN_SETS.pattern == "iter_N/**/runs.json"
    assert RUN_SETS.places[-1] == "iter_N/control/repeat_R/runs.json"


@pytest.mark.parametrize(
    ("path", "about"),
    [
        ("report.html", REPORT.about),
        ("iter_2/control/repeat_3/runs.json", RUN_SETS.about),
        ("iter_2/overseer_review.md", "The overseer's review, as it came."),
        (
            "iter_2/overseer_review.11.md",
            "The overseer's review, as it came, before it was redone.",
        ),
        (
            "gateway/learn/distilled_20260102T030405Z.jsonl",
            "Memory of the embedded gateway: the lessons of one distillation.",
        ),
        ("iter_2/overseer_review.x.md", ""),
        ("iter_2/runs.2.json", ""),
        ("notes.txt", ""),
    ],
)
def test_a_path_is_described_by_its_name(path: str, about: str) -> None:
    assert described(path) == about


def test_a_file_that_is_added_as_contributing_says_is_known_everywhere(tmp_path: Path) -> None:
    source = copy_program(tmp_path / "src")
    (record,) = code_of(recipe("Add a file"))
    edit(
        source / "store" / "artifacts.py",
        ("#: Each answer, then", f"{record}#: Each answer, then"),
        ("    *_OF_CHATS,\n", "    *_OF_CHATS,\n    NOTES,\n"),
    )
    write_battery(tmp_path / "battery", iterations=2)
    program = environment({"PYTHONPATH": str(tmp_path / "src")})
    done = subprocess.run(
        [sys.executable, "-c", WRITE_AND_FIND],
        cwd=tmp_path,
        env=program,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "['look'] None\n"
    summary = run("summarize", "battery", "--format", "md", cwd=tmp_path, env=program).stdout
    assert "- `iter_2/notes.json`: what the coach noted" in summary
    assert "iter_1/notes.json" not in summary
    listed = run("schema", cwd=tmp_path, env=program).stdout
    assert "iter_N/notes.json" in listed
    schema = json.loads(run("schema", "notes", cwd=tmp_path, env=program).stdout)
    assert (schema["type"], schema["items"]) == ("array", {"type": "string"})
