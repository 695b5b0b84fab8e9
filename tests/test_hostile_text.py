"""Whatever others write, a terminal shows it and does not obey it, on every surface."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.calls import command_here
from tests.support.misbehaving import (
    RESPOND,
    Exchange,
    Server,
    closing,
    http,
    sending,
    sse,
    sse_head,
)
from tests.support.screens import at_terminal

pytestmark = pytest.mark.slow

#: Text direction, control sequences, line ends of all kinds, commands of runners.
HOSTILE = (
    "a\u202egnp\u2066b\x1b[31mred\x1b]0;t\x07\x9b31m\u2028sep\u2029par\x85nel\x00nul\x7fdel\u200bz"
    "\ufeff\n::error::no\r\n ##[group]y <b>&amp; | ` [x](y) " + "long " * 12 + "::stop-commands::x"
)
REVIEW = f"""## What worked

{HOSTILE}

## Proposed changes for iteration N+1

### 1. {HOSTILE}
- **Target file**: src/{HOSTILE}
- **Rationale**: {HOSTILE}
- **Expected impact**: total_tokens {HOSTILE}

**Verdict**: APPROVE
**Reason**: {HOSTILE}
"""


def respond(exchange: Exchange) -> None:
    answer = {"error": HOSTILE, HOSTILE: HOSTILE, "log": [{"kind": HOSTILE}, HOSTILE]}
    exchange.send(http(json.dumps({**RESPOND, **answer})))


def chat() -> bytes:
    choice = {"message": {"content": REVIEW}, "finish_reason": HOSTILE}
    return http(json.dumps({"choices": [choice], "model": HOSTILE}))


def tasks() -> str:
    phases = ("alpha_baseline", "beta_drift", "gamma_impossible")
    task = {"task_class": HOSTILE, "operation": HOSTILE, "spec": {HOSTILE: HOSTILE}}
    roles = ("executor_cloud", "reviewer_cloud", "overseer_cloud")
    models = dict.fromkeys(roles, HOSTILE)
    return json.dumps({"phases": {phase: [task] for phase in phases}, "models": models})


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    stream = sse({"role": HOSTILE, "text": HOSTILE}, {"role": "final", "text": HOSTILE})
    with Server(
        respond=respond, chat=sending(chat()), distill=closing(sse_head() + stream)
    ) as server:
        yield server


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Path:
    """Run a battery of two iterations into a folder with a hostile name of its own."""
    root = tmp_path_factory.mktemp("hostile")
    (root / "tasks.json").write_text(tasks())
    done = command_here("run", "-n", 2, *options(server, "da\u202eta\nx"), cwd=root)
    assert done.returncode == 0, done.stderr
    assert_harmless(done.stdout)
    assert_harmless(done.stderr)
    return root


def options(server: Server, folder: str) -> list[str]:
    """Name the tasks, a folder and the server."""
    where = ["--gateway", server.url, "--llm-team", server.url]
    return ["--tasks", "tasks.json", "--dir", folder, *where]


def assert_harmless(text: str) -> None:
    """Check that a terminal shows all of a text, and that no runner finds a command in it."""
    for line in text.split("\n"):
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


@pytest.mark.parametrize(
    "words",
    [
        "summarize DIR",
        "summarize DIR --format md",
        "summarize DIR --format junit",
        "report DIR",
        "compare DIR DIR",
        "compare DIR DIR --format md",
        "history .",
        "watch DIR --once",
        "export inspect DIR",
        "power --tasks tasks.json",
        "summarize missing\u202e\nfolder",
        "run --tasks missing\u202e\nfile --json",
        "schema no\u202e\nname",
    ],
)
def test_every_command_shows_it_harmless(here: Path, words: str) -> None:
    arguments = [word.replace("DIR", "da\u202eta\nx") for word in words.split(" ")]
    done = command_here(*arguments, cwd=here)
    assert_harmless(done.stdout)
    assert_harmless(done.stderr)
    assert len(done.stderr.splitlines()) <= 2 or done.returncode == 0


@pytest.mark.parametrize("words", ["review DIR --iteration 2", "doctor --dir DIR", "run --dry-run"])
def test_so_does_every_command_that_calls(here: Path, server: Server, words: str) -> None:
    folder = "da\u202eta\nx"
    arguments = [folder if word == "DIR" else word for word in words.split()]
    tasks, where = options(server, folder)[:2], options(server, folder)[4:]
    more = where[:2] if words.startswith("review") else tasks + where
    done = command_here(*arguments, *more, cwd=here)
    assert done.returncode == 0, done.stderr
    assert_harmless(done.stdout)
    assert_harmless(done.stderr)


def test_an_error_of_many_lines_takes_one(here: Path) -> None:
    with Server(respond=sending(http(HOSTILE * 3, status="500 Oops"))) as refusing:
        done = command_here("run", "-n", 1, *options(refusing, "refused"), "--debug", cwd=here)
        watched = command_here("watch", "refused", "--once", cwd=here)
    assert done.returncode == 1
    *stack, error, hint = done.stderr.rstrip("\n").split("\n")
    assert "Traceback (most recent call last):" in stack
    assert error.startswith("error: respond for ")
    assert hint.startswith(" next: ")
    assert_harmless(f"{error}\n{hint}")
    assert all(line.isprintable() for line in stack)
    assert_harmless(watched.stdout)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_document_for_programs_is_harmless_on_a_terminal_and_whole_in_a_pipe(
    here: Path, form: str
) -> None:
    words = ["summarize", "da\u202eta\nx", "--format", form]
    assert "\x9b31m" in command_here(*words, cwd=here).stdout
    with at_terminal(*words, cwd=here) as terminal:
        terminal.end()
        shown = terminal.text
    assert "\\u009b31m" in shown
    assert not {"\x9b", "\u202e", "\x1b", "\x00"} & set(shown)
