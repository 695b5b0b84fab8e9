"""The examples of the repository: each gives the verdict that its pages promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.calls import command_here
from tests.support.commands import read_json

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize(
    "target",
    [
        f"python:{EXAMPLES}/notes_agent.py:respond",
        f"exec:{EXAMPLES}/agents_md/agent.sh {{verb}}",
    ],
)
def test_an_agent_with_notes_is_found_to_have_learned(target: str, tmp_path: Path) -> None:
    tasks = EXAMPLES / "notes_tasks.json"
    words = ("run", "--target", target, "--tasks", tasks, "--seed", 1, "--quiet")
    done = command_here(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    summary = read_json(tmp_path / "data/battery/summary.json")
    assert summary["evidence"]["verdict"] == "LEARNED"
