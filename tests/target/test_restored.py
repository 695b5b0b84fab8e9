"""One gateway in both arms: the twin finds the memory of the start, the learner its own."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from battery.embedded.server import GatewayOptions
from battery.embedded.server import serving as serving_embedded
from tests.support.calls import command_here
from tests.support.commands import environment, words
from tests.support.gateway import serving
from tests.support.server import Exchange, Server, http

pytestmark = pytest.mark.slow

TWIN = ("--control-gateway", "restore", "--seed", 7)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with serving_embedded(GatewayOptions(store=tmp_path / "store", frozen=False)) as address:
        yield address


def battery(folder: Path, url: str, *more: object, code: int = 0) -> str:
    folder.mkdir(exist_ok=True)
    named = ("--gateway", url, "--llm-team", url)
    done = command_here("run", *more, *named, "--quiet", cwd=folder)
    assert done.returncode == code, done.stderr
    return done.stderr


def journals(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("data/battery/iter_*/journal.jsonl"))]


def lines(folder: Path) -> int:
    return sum(journal.count(b"\n") for journal in journals(folder))


def calls(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for journal in journals(folder) for line in journal.splitlines()]


def told(folder: Path) -> list[tuple[str, str, int]]:
    """List who took how many tokens for what, in order."""
    return [
        (call["arm"], call["task_id"], call["result"]["artifact"]["usage"]["total_tokens"])
        for call in calls(folder)
        if "result" in call
    ]


def test_one_gateway_gives_the_numbers_of_two(tmp_path: Path, url: str) -> None:
    battery(tmp_path / "one", url, *TWIN, "-n", 2)
    done = command_here("run", "--seed", 7, "-n", 2, "--quiet", cwd=_made(tmp_path / "two"))
    assert done.returncode == 0
    assert told(tmp_path / "one") == told(tmp_path / "two")
    prints = {
        call["result"]["artifact"]["memory_fingerprint"]
        for call in calls(tmp_path / "one")
        if call.get("arm") == "frozen"
    }
    assert len(prints) == 1


def test_a_battery_that_is_killed_anywhere_goes_on_with_the_right_memory(
    tmp_path: Path, url: str
) -> None:
    """While the twin is asked, the gateway has forgotten what the learner knows."""
    with serving_embedded(GatewayOptions(store=tmp_path / "other", frozen=False)) as other:
        battery(tmp_path / "whole", other, *TWIN, "-n", 2)
    folder = _made(tmp_path / "killed")
    named = ("--gateway", url, "--llm-team", url)
    line = words("run", *TWIN, *named, "--quiet", "-n", 2)
    for seen in (5, 30, 31):
        with subprocess.Popen(line, cwd=folder, env=environment()) as process:
            while process.poll() is None and lines(folder) < seen:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
        line = words("run", "--resume", *named, "--quiet")
    battery(folder, url, "--resume")
    assert told(folder) == told(tmp_path / "whole")


def test_a_gateway_without_a_memory_to_put_back_is_told_before_the_first_task(
    tmp_path: Path,
) -> None:
    with serving() as gateway:
        said = battery(tmp_path / "here", gateway.url, *TWIN, code=1)
        assert "/v1/memory/fingerprint" in said
        assert "second deployment" in said
        assert not [path for path, _ in gateway.requests if path.endswith("respond")]


def test_a_gateway_that_only_says_that_it_forgot_is_found_out(tmp_path: Path) -> None:
    """Its fingerprint after the restore is not the one of the start."""
    asked: list[str] = []

    def script(exchange: Exchange) -> None:
        asked.append(exchange.request.target)
        answer: dict[str, Any] = {"fingerprint": f"after {len(asked)} requests"}
        if exchange.request.target.endswith("/v1/respond"):
            answer = {"status": "ok"}
        exchange.send(http(json.dumps(answer).encode()))

    with Server(script) as server:
        said = battery(tmp_path / "here", server.url, *TWIN, code=1)
    assert "says that it put its memory back" in said
    assert sum(path.endswith("/v1/respond") for path in asked) <= 1


def test_the_twin_of_an_embedded_gateway_is_no_restored_one(tmp_path: Path) -> None:
    done = command_here("run", *TWIN, cwd=_made(tmp_path / "here"))
    assert done.returncode == 2
    assert "brings a twin" in done.stderr


def test_a_resume_keeps_the_twin_that_the_battery_had(tmp_path: Path, url: str) -> None:
    battery(tmp_path / "here", url, *TWIN, "-n", 1)
    other = ("--control-gateway", "http://127.0.0.1:9")
    said = battery(tmp_path / "here", url, "--resume", "-n", 2, *other, code=2)
    assert "the twin of this battery is restore" in said
    battery(tmp_path / "here", url, "--resume", "-n", 2)


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
