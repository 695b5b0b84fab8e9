"""`battery gateway`: serves until interrupted."""

from __future__ import annotations

import json
import signal
import urllib.request
from pathlib import Path

import pytest

from tests.support.calls import command_here as battery
from tests.support.commands import start

pytestmark = pytest.mark.slow


def test_gateway_serves_until_interrupted(tmp_path: Path) -> None:
    process = start("gateway", "--port", 0, "--store", tmp_path / "memory")
    assert process.stdout
    url = process.stdout.readline().strip()
    with urllib.request.urlopen(f"{url}/v1/health") as answer:
        assert json.load(answer)["status"] == "ok"
    done = battery("run", "-n", 2, "--gateway", url, "--llm-team", url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    taken = battery("gateway", "--port", url.rpartition(":")[2], cwd=tmp_path)
    assert taken.returncode == 2
    assert "port" in taken.stderr
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert (tmp_path / "memory" / "outcomes.jsonl").read_bytes().count(b"\n") == 2 * (8 + 8)


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("localhost", False)])
def test_an_address_that_others_can_reach_is_warned_of(
    tmp_path: Path, host: str, warned: bool
) -> None:
    process = start("gateway", "--host", host, "--port", 0, "--store", tmp_path / "memory")
    assert process.stdout
    url = process.stdout.readline().strip()
    with urllib.request.urlopen(f"{url}/v1/health") as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert ("warning: 0.0.0.0 can be reached from other machines" in errors) is warned
