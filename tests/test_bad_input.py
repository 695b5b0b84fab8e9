"""Bad input ends the command with one message and exit code 2, and the gateway hears nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import commands
from tests.support.calls import (
    TASK,
    TASKS,
    assert_one_message,
    command_here,
    run_here,
    run_words,
    write_asked,
)
from tests.support.misbehaving import Server, deserted_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Serve the whole module: nobody may call it."""
    with Server() as running:
        yield running
        assert running.connections == 0


def run_with(folder: Path, server: Server, data: bytes) -> subprocess.CompletedProcess[str]:
    (folder / "asked.json").write_bytes(data)
    return command_here(*run_words(folder, server.url), cwd=folder)


def twice() -> bytes:
    task = TASK.model_dump()
    phases = {"alpha_baseline": [], "beta_drift": [task, task], "gamma_impossible": []}
    return json.dumps({**TASKS, "phases": phases}).encode()


def nameless() -> bytes:
    task = TASK.model_dump(exclude={"operation"})
    phases = {"alpha_baseline": [], "beta_drift": [TASK.model_dump(), task], "gamma_impossible": []}
    return json.dumps({**TASKS, "phases": phases}).encode()


def empty() -> bytes:
    return json.dumps({**TASKS, "phases": dict.fromkeys(TASKS["phases"], ())}).encode()


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "broken": (b'{"phases": {', "is not JSON: unexpected end of data: line 1 column 13"),
    "not utf-8": (b'{"phases": "\xe9"}', "is not UTF-8: byte 12"),
    "a key short": (nameless(), "phases.beta_drift[1].operation: is missing"),
    "a task twice": (twice(), "phases.beta_drift[1] is the same task as phases.beta_drift[0]"),
    "no task": (empty(), "the three phases hold no task"),
    "too deep": (b"[" * 300 + b"]" * 300, "nested deeper than 200 levels"),
}


@pytest.mark.parametrize(("data", "words"), FILES.values(), ids=FILES)
def test_a_bad_tasks_file_is_refused_before_anything_is_sent(
    tmp_path: Path, server: Server, data: bytes, words: str
) -> None:
    done = run_with(tmp_path, server, data)
    assert_one_message(done, 2, str(tmp_path / "asked.json"), words, " next: ")
    assert not (tmp_path / "data" / "battery.json").exists()


def test_an_enormous_tasks_file_is_refused(tmp_path: Path, server: Server) -> None:
    with (tmp_path / "asked.json").open("wb") as file:
        file.truncate(2**31)
    done = command_here(*run_words(tmp_path, server.url), cwd=tmp_path)
    assert_one_message(done, 2, "asked.json is larger than the 64 MiB", "split it")


def test_a_tasks_file_that_is_not_there_is_named(tmp_path: Path, server: Server) -> None:
    done = command_here(*run_words(tmp_path, server.url), cwd=tmp_path)
    assert_one_message(done, 2, "asked.json: No such file", "--tasks")


def test_a_folder_is_no_tasks_file(tmp_path: Path, server: Server) -> None:
    (tmp_path / "asked.json").mkdir()
    done = command_here(*run_words(tmp_path, server.url), cwd=tmp_path)
    assert_one_message(done, 2, "asked.json: Is a directory", "--tasks")


def test_with_json_a_refusal_is_the_one_document(tmp_path: Path, server: Server) -> None:
    (tmp_path / "asked.json").write_bytes(b"{}")
    done = command_here(*run_words(tmp_path, server.url, "--json"), cwd=tmp_path)
    said = json.loads(done.stdout)
    assert (done.returncode, said["exit_code"], said["error"]["kind"]) == (2, 2, "TasksError")
    assert said["error"]["message"].endswith("asked.json: phases: is missing")


def test_a_process_of_its_own_says_the_same(tmp_path: Path, server: Server) -> None:
    (tmp_path / "asked.json").write_bytes(nameless())
    words = run_words(tmp_path, server.url)
    done, here = (run(*words, cwd=tmp_path) for run in (commands.battery, command_here))
    assert (done.returncode, done.stdout, done.stderr) == (2, here.stdout, here.stderr)


@pytest.mark.parametrize("folder", ["taken", "taken/below"])
def test_a_file_where_the_folder_should_be_is_named(
    tmp_path: Path, server: Server, folder: str
) -> None:
    (tmp_path / "taken").write_text("mine")
    done = run_here(tmp_path, server.url, "--dir", tmp_path / folder)
    assert_one_message(done, 2, f"cannot make the folder {tmp_path / folder}: ", "--dir PATH")
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize("below", ["", "below"], ids=["itself", "below"])
def test_a_folder_that_may_not_be_written_is_named(
    tmp_path: Path, server: Server, below: str
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    write_asked(tmp_path)
    done = as_ordinary_user(*run_words(tmp_path, server.url, "--dir", closed / below))
    assert_one_message(done, 2, str(closed / below), "Permission denied", "--dir PATH")


#: Root may write everywhere, until it gives up its capabilities: then permissions bind it, too.
AS_OWNER = """
import ctypes, sys
from battery.cli.main import main
none, version_3_of_this_process = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 2)(0x20080522, 0)
assert ctypes.CDLL(None).capset(version_3_of_this_process, none) == 0
main(sys.argv[1:])
"""


def as_ordinary_user(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody whom permissions bind."""
    if os.geteuid() != 0:
        return commands.battery(*arguments)
    return subprocess.run(
        [sys.executable, "-c", AS_OWNER, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=commands.environment(),
    )


WRONG_OPTIONS: dict[str, tuple[list[str], str]] = {
    "gateway": (["--gateway", "localhost:3100"], "'localhost:3100' is not a URL to call"),
    "gateway host": (["--gateway", "http://a..b"], "no host can have that name"),
    "team": (["--llm-team", "http://host:port"], "its port is not a number"),
    "header": (["--header", "X-Key"], "a header is not of the form 'Name: value'"),
    "iterations": (["-n", "0"], "--iterations"),
    "timeout": (["--respond-timeout", "soon"], "--respond-timeout"),
    "timeout of no number": (["--respond-timeout", "nan"], "--respond-timeout"),
    "meta": (["--meta-timeout", "0"], "--meta-timeout"),
    "unknown": (["--gatway", "x"], "--gatway"),
    "resume": (["--resume"], "there is no battery in"),
}


@pytest.mark.parametrize(("options", "words"), WRONG_OPTIONS.values(), ids=WRONG_OPTIONS)
def test_a_wrong_option_is_refused_with_its_name(
    tmp_path: Path, server: Server, options: list[str], words: str
) -> None:
    done = run_here(tmp_path, server.url, *options)
    assert_one_message(done, 2, words)


WRONG_ENVIRONMENT: dict[str, tuple[dict[str, str], str]] = {
    "token": ({"GATEWAY_TOKEN": "two\nlines"}, "the token"),
    "headers": ({"GATEWAY_HEADERS": "no colon"}, "'Name: value'"),
    "reserved": ({"LLM_TEAM_HEADERS": "Host: other"}, "the header host is set by battery"),
}


@pytest.mark.parametrize(("env", "words"), WRONG_ENVIRONMENT.values(), ids=WRONG_ENVIRONMENT)
def test_a_wrong_environment_is_refused(
    tmp_path: Path, server: Server, env: dict[str, str], words: str
) -> None:
    assert_one_message(run_here(tmp_path, server.url, env=env), 2, words)


def test_an_unfinished_battery_is_not_run_over(tmp_path: Path, server: Server) -> None:
    run_here(tmp_path, f"http://127.0.0.1:{deserted_port()}")
    done = run_here(tmp_path, server.url)
    assert_one_message(done, 2, "is not finished", "--resume")
