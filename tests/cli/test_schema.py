"""`battery schema`: the list, and one schema."""

from __future__ import annotations

import json
from pathlib import Path

from battery.base.text import cells
from battery.store import schemas
from tests.support.calls import command_here
from tests.support.screens import on_terminal


def test_the_command_lists_the_files_and_prints_a_schema(tmp_path: Path) -> None:
    listed = command_here("schema", cwd=tmp_path).stdout.splitlines()
    assert [line.split("  ")[0] for line in listed] == list(schemas.SCHEMAS)
    assert all(
        each.path in line for line, each in zip(listed, schemas.SCHEMAS.values(), strict=True)
    )
    screen = on_terminal("schema", cwd=tmp_path, rows=60).lines
    assert all(cells(line) <= 80 for line in screen)
    shown = " ".join(" ".join(screen).split())
    assert all(each.about in shown for each in schemas.SCHEMAS.values())
    printed = command_here("schema", "tasks", cwd=tmp_path).stdout
    assert json.loads(printed) == schemas.schema("tasks")
    assert command_here("schema", "nope", cwd=tmp_path).returncode == 2
