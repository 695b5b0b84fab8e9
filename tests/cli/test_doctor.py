"""`battery doctor`: a line per check, and nothing is taught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.arms import Pair
from tests.support.calls import command_here as battery
from tests.support.commands import write_tasks
from tests.support.gateway import Gateway

pytestmark = pytest.mark.slow


def test_doctor_says_one_line_each_and_teaches_nothing(gateway: Gateway, tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    done = battery(
        "doctor", "--gateway", gateway.url, "--llm-team", "http://127.0.0.1:9", cwd=tmp_path
    )
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", "tasks:"],
        ["ok", "folder:"],
        ["ok", "gateway:"],
        ["FAIL", "LLM"],
    ]
    assert "--llm-team" in lines[3]
    assert not gateway.requests
    assert not (tmp_path / "data").exists()


def test_doctor_is_content_with_a_fresh_machine(tmp_path: Path) -> None:
    done = battery("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok  ") == 4
    assert list(tmp_path.iterdir()) == []


def test_doctor_looks_at_the_control_gateway_and_teaches_nothing(pair: Pair, here: Path) -> None:
    done = battery("doctor", *pair.options(), cwd=here)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith(f"ok    control gateway: {pair.frozen.url}")
    assert pair.asked() == 0
    gone = battery(
        "doctor", *pair.options()[:4], "--control-gateway", "http://127.0.0.1:9", cwd=here
    )
    assert gone.returncode == 1
    assert "FAIL  control gateway" in gone.stdout
    assert "--control-gateway" in gone.stdout
    alone = battery("doctor", "--control-gateway", pair.frozen.url, cwd=here)
    assert alone.returncode == 2
