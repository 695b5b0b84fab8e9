"""The examples of the repository: each gives the verdict that its pages promise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from benchmarks.systems.tasks import tasks_file

from tests.support.calls import command_here
from tests.support.commands import read_json
from tests.support.model import says
from tests.support.pages import fenced, serving
from tests.support.server import Server

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


#: Stands in for the library, which is no dependency: it finds all that it holds.
MEM0 = """
from pathlib import Path
from types import SimpleNamespace


class Memory:
    def __init__(self, folder):
        self.file = folder / "texts"
        client = SimpleNamespace(close=lambda: None)
        self.vector_store = SimpleNamespace(client=client)
        folder.mkdir(exist_ok=True)

    @classmethod
    def from_config(cls, config):
        return cls(Path(config["vector_store"]["config"]["path"]))

    def search(self, query, filters, top_k):
        held = self.file.read_text().splitlines() if self.file.exists() else []
        return {"results": [{"memory": text} for text in held[:top_k]]}

    def add(self, text, user_id, infer):
        with self.file.open("a") as file:
            file.write(text + "\\n")
"""


def test_the_page_on_mem0_gives_a_twin_that_remembers_nothing(tmp_path: Path) -> None:
    page = (EXAMPLES.parent / "docs/how-to/measure-mem0.md").read_text()
    code = page.partition("```python mem0_agent.py\n")[2].partition("```")[0]
    (tmp_path / "mem0_agent.py").write_text(code)
    (tmp_path / "mem0.py").write_text(MEM0)
    (tmp_path / "tasks.json").write_text(json.dumps(tasks_file("m")))
    with Server(says(lambda body: body["messages"][0]["content"])) as model:
        variables = {
            "OPENAI_BASE_URL": f"{model.url}/v1",
            "OPENAI_API_KEY": "a-key-of-its-own",
            "EMBEDDINGS_URL": f"{model.url}/v1",
            "EMBEDDINGS_MODEL": "e",
        }
        words = ("run", "--target", "python:mem0_agent.py:Agent", "--feedback", "answer", "-n", 2)
        done = command_here(*words, "--quiet", cwd=tmp_path, env=variables)
    assert done.returncode == 0, done.stderr
    summary = read_json(tmp_path / "data/battery/summary.json")
    # The model says what it is told, so a task is done where its correction is recalled.
    assert [each["ok_tasks"] for each in summary["control"]] == [0, 0]
    assert [each["ok_tasks"] for each in summary["iterations"]] == [0, 3]


def test_the_gateway_of_fifty_lines_answers_all_calls_and_learns(tmp_path: Path) -> None:
    code = fenced("how-to/own-gateway.md", "gateway.py")
    assert len([line for line in code.splitlines() if line.strip()]) < 55
    (tmp_path / "gateway.py").write_text(code)
    with serving(tmp_path) as url, serving(tmp_path) as twin:
        live = ("--target", url, "--llm-team", url)
        looked = command_here("doctor", *live, "--control-gateway", twin, "--try", cwd=tmp_path)
        assert looked.returncode == 0, looked.stdout
    with serving(tmp_path) as url:
        words = ("run", "-n", 1, "--target", url, "--llm-team", url, "--dir", "one")
        done = command_here(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert command_here("init", "own", "--yes", cwd=tmp_path).returncode == 0
    tasks = tmp_path / "own" / "tasks.json"
    tasks.write_text(re.sub("your-.*-model", "any", tasks.read_text("utf-8")))
    with serving(tmp_path) as url, serving(tmp_path) as twin:
        both = ("run", "--target", url, "--llm-team", url, "--control-gateway", twin)
        options = ("--tasks", tasks, "--reviewer", "rules", "--seed", 1, "--quiet")
        done = command_here(*both, *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert read_json(tmp_path / "data/battery/summary.json")["evidence"]["verdict"] == "LEARNED"
