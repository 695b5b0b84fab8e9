"""`battery doctor --try`: a real call of each kind, and whether a reset really forgets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.calls import command_here
from tests.support.commands import write_tasks
from tests.support.gateway import serving
from tests.support.misbehaving import Server, http, sending

pytestmark = pytest.mark.slow

#: Remembers every sentence it is asked and everything it is told, in `PLACE`.
AGENT = """
from pathlib import Path

class Agent:
    def __init__(self, memory, model):
        self.notes = PLACE / "notes.txt"

    def ask(self, ask):
        known = self.notes.read_text() if self.notes.exists() else "nothing"
        self.notes.write_text(known + ask.messages[-1]["content"])
        return {"text": known, "usage": {"total_tokens": 40}, "turns": 1}

    def tell(self, outcome):
        with self.notes.open("a") as notes:
            notes.write(f"{outcome.passed} {outcome.correction}")

    def learn(self, outcomes):
        return [f"learned from {len(list(outcomes))}"]
"""
FORGETFUL = "def respond(task, memory):\n    return 'no idea'\n"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write_tasks(tmp_path / "tasks.json", 1)
    return tmp_path


def tried(here: Path, *words: object) -> tuple[int, dict[str, tuple[bool, str]]]:
    """Return the exit code, and by name what each call brought."""
    done = command_here("doctor", *words, "--try", "--json", cwd=here)
    assert done.stdout, done.stderr
    rows = json.loads(done.stdout)["tried"]
    return done.returncode, {row["name"]: (row["ok"], row["finding"]) for row in rows}


def agent(here: Path, place: str) -> str:
    (here / "agent.py").write_text(AGENT.replace("PLACE", place))
    return f"python:{here / 'agent.py'}:Agent"


def test_a_system_that_keeps_its_notes_in_its_folder_forgets_with_it(here: Path) -> None:
    code, calls = tried(here, "--target", agent(here, "Path(memory)"))
    assert code == 0, calls
    assert list(calls) == [
        *("ask", "tell", "learn", "ask again", "remembers", "ask after a reset", "reset", "chat"),
    ]
    assert calls["ask"][1].startswith("ok, 1 turn, 40 tokens, no cost, no overseer, memory ")
    assert "no error" in calls["ask"][1]
    assert calls["learn"][1].startswith("learned from 1")
    assert calls["remembers"] == (True, "repeats what it was told")
    forgets = "forgets what it was told; its fingerprint is that of the start"
    assert calls["reset"] == (True, forgets)
    assert "rules" in calls["chat"][1] or "model" in calls["chat"][1]
    # Only what the user wrote is there.
    assert sorted(path.name for path in here.iterdir() if path.name[0] != "_") == [
        "agent.py",
        "tasks.json",
    ]


def test_one_that_remembers_elsewhere_is_found_out(here: Path) -> None:
    (here / "elsewhere").mkdir()
    code, calls = tried(here, "--target", agent(here, f"Path({str(here / 'elsewhere')!r})"))
    assert code == 1
    ok, said = calls["reset"]
    assert not ok
    assert said == "it repeats what it was told although its memory was put back"


def test_a_function_that_remembers_and_counts_nothing_is_told_what_it_lacks(here: Path) -> None:
    (here / "agent.py").write_text(FORGETFUL)
    done = command_here(
        "doctor", "--target", f"python:{here / 'agent.py'}:respond", "--try", cwd=here
    )
    assert done.returncode == 0, done.stdout
    assert "note: trying the system with a scratch memory" in done.stderr
    assert "no tokens" in done.stdout
    assert "--meter counts" in done.stdout
    assert "ok    tell: it is not told how tasks ended" in done.stdout
    assert (
        "it remembered nothing, so there was nothing to forget; its fingerprint is that"
        in done.stdout
    )


def test_a_gateway_is_asked_once_each_and_that_is_said_first(here: Path) -> None:
    with serving() as gateway:
        words = ["--gateway", gateway.url, "--llm-team", gateway.url]
        done = command_here("doctor", *words, "--try", cwd=here)
        assert done.returncode == 0, done.stdout
        assert "it learns from them" in done.stderr
        asked = [gateway.name(path, body) for path, body in gateway.requests]
        assert asked == ["alpha_baseline 0", "distill", "overseer"]
        lines = done.stdout.partition("settings:")[0].splitlines()[4:]
        assert lines[0].startswith("ok    respond: ok, 2 turns, 116 tokens, no cost, no overseer")
        assert lines[1].startswith("ok    distill: learned (1 event, ")
        assert lines[2].startswith("ok    chat: ")


def test_the_first_call_that_fails_ends_the_try(here: Path) -> None:
    with Server(respond=sending(http("no", status="500 Broken"))) as server:
        code, calls = tried(here, "--gateway", server.url, "--llm-team", server.url)
        assert server.calls == ["respond"]
    assert code == 1
    ok, said = calls["try"]
    assert not ok
    assert "HTTP 500" in said


def test_nothing_is_tried_where_a_check_fails(here: Path) -> None:
    with serving() as gateway:
        words = ["--gateway", gateway.url, "--llm-team", "http://127.0.0.1:9"]
        code, calls = tried(here, *words)
        assert (code, calls) == (1, {"try": (False, "nothing was tried")})
        assert gateway.requests == []


def test_the_embedded_gateway_is_tried_without_leaving_a_trace(here: Path) -> None:
    (here / "tasks.json").unlink()
    code, calls = tried(here)
    assert code == 0, calls
    assert list(calls) == ["respond", "distill", "chat"]
    assert calls["respond"][1].startswith("ok, 2 turns, 658 tokens")
    assert list(here.iterdir()) == []
