"""The table of files describes whatever a battery leaves behind, and nothing twice."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import battery
from battery.base.errors import ArtifactError
from battery.store.artifacts import (
    ANSWERS,
    ARTIFACTS,
    ITERATION,
    MANIFEST,
    METRICS,
    PROPOSALS,
    REPORT,
    RUN_SETS,
    SUMMARY,
    VERDICTS,
    Artifact,
    described,
)
from tests.browser.folders import write_battery
from tests.support.commands import battery as run
from tests.support.commands import environment
from tests.support.recipes import code_of, copy_program, insert, recipe

PACKAGE = Path(battery.__file__).parent
WRITE_AND_FIND = """
from pathlib import Path
from battery.store.artifacts import NOTES
NOTES.write(Path("battery/iter_2"), ["look"])
print(NOTES.find(Path("battery/iter_2")), NOTES.find(Path("battery/iter_1")))
"""


# What a run does with the `Reading` of a chat stage.
WRITE_READING = """
from pathlib import Path
from battery.store.artifacts import NOTES, Note
from battery.store.battery_dir import BatteryDir
from battery.review.chats import Reading
reading = Reading("1 note", {Note: [Note(text="look")]})
BatteryDir(Path("battery")).iteration(2).write_records(reading.documents)
print(NOTES.find(Path("battery/iter_2")))
"""


@pytest.mark.parametrize("version", [None, 1, 3])
def test_a_summary_of_another_version_is_refused_before_its_keys_are_read(
    tmp_path: Path, version: int | None
) -> None:
    (tmp_path / SUMMARY.name).write_text(json.dumps({"schema_version": version}), "utf-8")
    with pytest.raises(ArtifactError, match=f"has format {version}; this battery reads 2") as error:
        SUMMARY.read(tmp_path)
    assert error.value.hint == "write it again with: battery summarize DIR"


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
        for text in [path.read_text("utf-8")]
        # To parse all modules would take a second.
        if any(name in text for name in names)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.rpartition("/")[2] in names
    }
    # Templates of the page are looked up under names of their own.
    assert {pair for pair in typed if "report/html" not in pair[0]} == set()


def test_folders_are_counted_from_one_and_read_back() -> None:
    assert ITERATION.name(12) == "iter_12"
    assert ITERATION.number("iter_12") == 12
    assert ITERATION.number("iter_9999") == 9999
    others = (
        "iter_0",
        "iter_02",
        "iter_x",
        "repeat_1",
        "iter_1x",
        "iter_20261126",
        f"iter_{10**20}",
    )
    assert [ITERATION.number(name) for name in others] == [None] * 7


def test_a_file_that_may_be_in_several_folders_has_a_pattern_for_all() -> None:
    assert (REPORT.pattern, ANSWERS["overseer"].pattern) == (
        "report.html",
        "iter_N/overseer_review.md",
    )
    assert RUN_SETS.pattern == "iter_N/**/runs.json"
    assert RUN_SETS.places[-1] == "iter_N/siblings/control/runs.json"


@pytest.mark.parametrize(
    ("path", "about"),
    [
        ("report.html", REPORT.about),
        ("iter_2/control/repeat_3/runs.json", RUN_SETS.about),
        ("iter_2/overseer_review.md", "The review, as it came."),
        (
            "iter_2/overseer_review.11.md",
            "The review, as it came, before it was redone.",
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


def add_file(source: Path, record: str) -> None:
    """Put a file called NOTES into the table of a copy of the program."""
    insert(
        source / "store" / "artifacts.py",
        (r"^()(?:#.*\n)*ARTIFACTS\b", record),
        (r"^ARTIFACTS\b[^(]*\((?:\n .*)*\n()\)", "    NOTES,\n"),
    )


def python(code: str, root: Path) -> str:
    """Run code with the copy of the program in a folder, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=environment({"PYTHONPATH": str(root / "src")}),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.recipe
def test_a_file_that_is_added_as_contributing_says_is_known_everywhere(tmp_path: Path) -> None:
    source = copy_program(tmp_path / "src")
    (record,) = code_of(recipe("Add a file"))
    add_file(source, record)
    write_battery(tmp_path / "battery", iterations=2)
    assert python(WRITE_AND_FIND, tmp_path) == "['look'] None\n"
    program = environment({"PYTHONPATH": str(tmp_path / "src")})
    summary = run("summarize", "battery", "--format", "md", cwd=tmp_path, env=program).stdout
    assert "- `iter_2/notes.json`: what the coach noted" in summary
    assert "iter_1/notes.json" not in summary
    listed = run("schema", cwd=tmp_path, env=program).stdout
    assert "iter_N/notes.json" in listed
    schema = json.loads(run("schema", "notes", cwd=tmp_path, env=program).stdout)
    assert (schema["type"], schema["items"]) == ("array", {"type": "string"})


@pytest.mark.recipe
def test_records_that_are_read_from_an_answer_get_into_the_file_that_lists_them(
    tmp_path: Path,
) -> None:
    source = copy_program(tmp_path / "src")
    (record,) = code_of(recipe("Add a file"))
    kind = "class Note(Record):\n    text: str\n\n\n"
    add_file(source, kind + record.replace("document(list[str])", "document(list[Note])"))
    write_battery(tmp_path / "battery", iterations=2)
    assert python(WRITE_READING, tmp_path) == "[Note(text='look')]\n"


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (METRICS, "battery summarize"),
        (SUMMARY, "battery summarize"),
        (PROPOSALS, "move it away"),
        (VERDICTS, "move it away"),
        (MANIFEST, "restore the file"),
    ],
)
@pytest.mark.parametrize("content", [b"", b'{"total_tokens": 1' + b"0" * 400 + b"}"])
def test_what_can_be_done_without_a_spoilt_file_is_said(
    tmp_path: Path, kind: Artifact[Any, Any], says: str, content: bytes
) -> None:
    (tmp_path / kind.name).write_bytes(content)
    with pytest.raises(ArtifactError, match=re.escape(kind.name)) as caught:
        kind.read(tmp_path)
    assert says in (caught.value.hint or "")
