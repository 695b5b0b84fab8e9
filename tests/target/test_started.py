"""Servers that battery starts from a line: how they begin, what they keep, and that they end."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import CallError, CallTimeoutError, MismatchError
from battery.inputs.settings import Settings
from battery.runner.run import run
from battery.target import kinds
from tests.support import served
from tests.target.test_openai import runs, write_tasks

pytestmark = pytest.mark.slow


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write_tasks(tmp_path)
    shutil.copy(served.__file__, tmp_path / "served.py")
    return tmp_path


def describe(here: Path, mode: str, more: str = "", tables: str = "") -> Path:
    path = here / "agent.toml"
    path.write_text(
        f"""
        [target]
        kind = "openai"
        start = "{sys.executable} {{here}}/served.py {{port}} {{memory}} {mode}"
        url = "http://127.0.0.1:{{port}}/v1"
        {more}
        [learn]
        each_session = "POST /session/{{session}}/close"
        until = {{ get = "/lines", contains = "{{session}}", every_s = 0.01 }}
        {tables}
        """
    )
    return path


def go(here: Path, **more: Any) -> None:
    base: dict[str, Any] = {"iterations": 2, "seed": 1, "summaries": False}
    base["gateway"] = kinds.read(str(here / "agent.toml"), {})
    settings = Settings(folder=here / "data", tasks_path=here / "tasks.json", **(base | more))
    asyncio.run(run(settings, lambda _event: None))


def journal(here: Path, number: int, arm: str) -> list[dict[str, Any]]:
    text = (here / f"data/iter_{number}/journal.jsonl").read_text()
    asked = [json.loads(line) for line in text.splitlines()]
    return [line["result"] for line in asked if line.get("arm") == arm and "result" in line]


def pids(here: Path) -> list[int]:
    path = here / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@pytest.mark.parametrize("mode", ["plain", "eager"])
def test_the_learn_arm_learns_and_its_twin_begins_each_call_anew(here: Path, mode: str) -> None:
    describe(here, mode)
    go(here)
    first, second = runs(here, 1), runs(here, 2)
    assert [run["artifact"]["usage"]["total_tokens"] for run in second] == [10] * 3
    frozen = [*journal(here, 1, "frozen"), *journal(here, 2, "frozen")]
    assert len({answer["artifact"]["memory_fingerprint"] for answer in frozen}) == 1
    if mode == "plain":
        assert {answer["artifact"]["text"] for answer in frozen} == {"0 lines"}
        assert [run["artifact"]["usage"]["total_tokens"] for run in first] == [100] * 3
    text = (here / "data/iter_1/distill_output.txt").read_text()
    assert text == "3 sessions closed and learned"
    # One start of the learner, one for each call of the other.
    assert len(pids(here)) == 1 + 6
    assert not [pid for pid in pids(here) if is_alive(pid)]


def test_a_server_is_asked_to_end_before_it_is_made_to(here: Path) -> None:
    describe(here, "plain")
    go(here, iterations=1)
    assert (here / "data/memory/learn/ended").read_text() == "in order"


@pytest.mark.parametrize(
    ("mode", "more", "kind", "words"),
    [
        ("dies", "", CallError, "has ended (exit code 1): no such option"),
        (
            "never-ready",
            'ready = "/lines"\nready_s = 0.5',
            CallTimeoutError,
            "was not ready within 0.5 s",
        ),
        ("dies-when-asked", "", CallError, "has ended (exit code 9): "),
    ],
)
def test_a_server_that_fails_is_quoted(
    here: Path, mode: str, more: str, kind: type[CallError], words: str
) -> None:
    describe(here, mode, more)
    with pytest.raises(kind) as caught:
        go(here)
    assert words in caught.value.message
    assert caught.value.hint
    assert mode != "dies-when-asked" or "out of memory" in caught.value.message
    assert not [pid for pid in pids(here) if is_alive(pid)]


def test_a_twin_that_may_stay_is_started_once(here: Path) -> None:
    describe(here, "plain", tables="[memory]\nrestart = false")
    go(here)
    assert len(pids(here)) == 2


def test_a_twin_that_has_written_does_not_stay(here: Path) -> None:
    describe(here, "eager", tables="[memory]\nrestart = false")
    go(here, iterations=1)
    assert len(pids(here)) == 1 + 3


def test_a_server_that_writes_all_the_time_is_measured_all_the_same(here: Path) -> None:
    describe(here, "restless")
    go(here, iterations=1, no_control=True)
    named = [answer["artifact"]["memory_fingerprint"] for answer in runs(here)]
    assert len(set(named)) == 3


def test_home_and_temporary_files_are_the_arm_s_own(here: Path) -> None:
    describe(here, "plain", 'environment = { WHERE = "{memory}" }')
    go(here, iterations=1)
    scratch = here / "data/memory/scratch" / (here / "data/memory/learn").resolve().name
    assert (scratch / "home").is_dir()
    assert (scratch / "tmp").is_dir()


def test_a_file_that_says_something_else_is_another_battery(here: Path) -> None:
    describe(here, "plain")
    go(here, iterations=1)
    # What comes to the same is the same.
    path = here / "agent.toml"
    path.write_text(f"# a remark\n{path.read_text()}")
    go(here, iterations=2, resume=True, seed=None)
    describe(here, "eager")
    with pytest.raises(MismatchError, match="no longer says what it said"):
        go(here, iterations=3, resume=True, seed=None)


def test_nothing_is_left_behind_where_battery_is_killed(here: Path) -> None:
    describe(here, "plain")
    words = [
        sys.executable,
        "-m",
        "battery",
        "run",
        "--target",
        "agent.toml",
        "--quiet",
        "-n",
        "99",
    ]
    with subprocess.Popen([*words, "-n", "99"], cwd=here, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while len(pids(here)) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    while any(map(is_alive, pids(here))) and time.monotonic() < until:
        time.sleep(0.02)
    assert len(pids(here)) >= 2
    assert not [pid for pid in pids(here) if is_alive(pid)]
