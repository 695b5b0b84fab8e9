"""`battery export`: what it says for people and for machines, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.calls import command_here

pytestmark = pytest.mark.slow


def test_the_command_says_what_it_wrote_for_people_and_for_machines(
    finished: Path, tmp_path: Path
) -> None:
    shown = command_here("export", "inspect", finished, "-o", tmp_path, cwd=finished.parent)
    assert "24 samples of the twin" in shown.stdout
    assert shown.stdout.endswith(f"look at them with: inspect view --log-dir {tmp_path}\n")
    done = command_here(
        "export", "inspect", finished, "-o", tmp_path, "--json", cwd=finished.parent
    )
    document = json.loads(done.stdout)
    assert document["format"] == "inspect"
    assert [(file["arm"], file["samples"]) for file in document["files"]] == [
        ("learn", 24),
        ("frozen", 24),
    ]
    assert {Path(file["path"]) for file in document["files"]} == set(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["csvx"], "'inspect'"),
        (["inspect", "nowhere"], "there is no battery in"),
        (["inspect", "data", "--output", "data/battery.json"], "--output"),
    ],
)
def test_a_usage_error_is_refused(finished: Path, words: list[str], says: str) -> None:
    done = command_here("export", *words, cwd=finished.parent)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.splitlines()[-1].startswith(" next: ")
