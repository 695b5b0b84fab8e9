"""`battery init` leaves a starter that works as it is, and never writes over anything."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from battery.inputs.tasks import load_tasks
from battery.records.expectations import Expectations
from battery.records.models import Phase
from tests.support.calls import command_here
from tests.support.commands import environment, read_json
from tests.support.pages import fenced, serving
from tests.support.screens import at_terminal

pytestmark = pytest.mark.slow

#: It has no types of its own.
jsonschema: Any = import_module("jsonschema")
FILES = ["tasks.json", "tasks.schema.json"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_starter_loads_as_it_is_and_the_doctor_finds_it(tmp_path: Path) -> None:
    done = command_here("init", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path) == FILES
    tasks = load_tasks(tmp_path / "tasks.json")
    assert [len(tasks.phases.of(phase)) for phase in Phase] == [3, 3, 2]
    assert tasks.expectations == Expectations()
    looked = command_here("doctor", cwd=tmp_path)
    assert looked.stdout.startswith("ok    tasks: 8 tasks (3 easy, 3 niche, 2 impossible) from ")


def test_it_says_what_to_edit_and_which_commands_come_next(tmp_path: Path) -> None:
    done = command_here("init", "my system", "--yes", cwd=tmp_path)
    assert names(tmp_path / "my system") == FILES
    for part in ("models", "phases", "expectations"):
        assert f"\n  {part} " in done.stdout
    commands = re.findall(r"^  battery (\w+) --tasks 'my system/tasks.json'", done.stdout, re.M)
    assert commands == ["doctor", "run", "doctor", "run", "power"]
    assert done.stderr == ""
    bare = command_here("init", cwd=tmp_path).stdout
    assert max(map(len, bare.splitlines())) <= 80


def typed(printed: str, folder: Path) -> None:
    """Type the commands that were printed, as they are."""
    script = "\n".join(line[2:] for line in printed.splitlines() if line.startswith("  battery"))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=folder,
        env=environment({"PATH": path}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_typed_next_leads_to_a_verdict(tmp_path: Path) -> None:
    printed = command_here("init", "own", "--yes", cwd=tmp_path).stdout
    lines = printed.replace("\\\n   ", "").splitlines()
    of_class = [line for line in lines if "python:agent.py:Agent" in line or "power" in line]
    (tmp_path / "agent.py").write_text(fenced("tutorial.md", "agent.py"))
    typed("\n".join(of_class), tmp_path)
    summary = tmp_path / "data" / "battery" / "summary.json"
    assert read_json(summary)["evidence"]["verdict"] == "LEARNED"

    tasks = tmp_path / "own" / "tasks.json"
    tasks.write_text(re.sub("your-.*-model", "any", tasks.read_text("utf-8")))
    (tmp_path / "gateway.py").write_text(fenced("how-to/own-gateway.md", "gateway.py"))
    with serving(tmp_path) as url, serving(tmp_path) as twin:
        of_gateway = "\n".join(line for line in lines if "localhost" in line)
        typed(
            of_gateway.replace("http://localhost:3100", url).replace("http://localhost:3200", twin),
            tmp_path,
        )
    assert read_json(summary)["evidence"]["verdict"] == "LEARNED"
    assert read_json(summary)["targets"]["control"] == twin


@pytest.mark.parametrize("there", FILES)
def test_what_is_there_is_named_and_kept_and_nothing_is_written(there: str, tmp_path: Path) -> None:
    (tmp_path / there).write_text("mine")
    done = command_here("init", "--yes", cwd=tmp_path)
    assert done.returncode == 2
    assert f"error: {there} would be overwritten" in done.stderr
    assert names(tmp_path) == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_a_link_that_leads_nowhere_is_somebodys_file_too(tmp_path: Path) -> None:
    (tmp_path / "tasks.schema.json").symlink_to("nowhere")
    assert command_here("init", cwd=tmp_path).returncode == 2
    assert names(tmp_path) == ["tasks.schema.json"]


def test_a_folder_that_cannot_be_made_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    done = command_here("init", "file/below", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot write a starter to file/below" in done.stderr
    assert " next: name a folder" in done.stderr


def answered(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "tasks.json").read_text())
    return document


def test_at_a_terminal_it_asks_and_an_empty_answer_takes_the_default(tmp_path: Path) -> None:
    with at_terminal("init", cwd=tmp_path) as terminal:
        for question, answer in [
            ("Kind of task,", "desk.solve"),
            ("Model that does the tasks", ""),
            ("Model that checks its work", 'r "2" ü'),
            ("Model that reviews", "your-executor-model"),
        ]:
            terminal.wait_for(question)
            terminal.type(f"{answer}\n")
        assert terminal.end() == 0
    document = answered(tmp_path)
    models = {key: name for key, name in document["models"].items() if key != "$comment"}
    assert list(models.values()) == ["your-executor-model", 'r "2" ü', "your-executor-model"]
    tasks = load_tasks(tmp_path / "tasks.json")
    assert {task.task_class for phase in Phase for task in tasks.phases.of(phase)} == {"desk.solve"}


def test_ctrl_c_at_a_question_writes_nothing(tmp_path: Path) -> None:
    with at_terminal("init", cwd=tmp_path) as terminal:
        terminal.wait_for("Kind of task,")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
        assert "error: interrupted; nothing was written" in terminal.screen.lines
    assert names(tmp_path) == []
