"""Clients of a live gateway and of the embedded one: one connection per worker and arm."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from battery.inputs.settings import Settings, Target
from battery.records.events import Notice
from battery.records.models import FROZEN, LEARN
from battery.target import targets
from battery.target.system import Finding, Worker
from tests.support.calls import ask
from tests.support.misbehaving import Server


def opened(settings: Settings, count: int, call: str) -> tuple[list[Any], list[str]]:
    """Make one call with each worker in each arm; return the replies and the notes."""
    events: list[Any] = []

    async def each(workers: Sequence[Worker]) -> list[Any]:
        systems = [system for worker in workers for system in worker.values()]
        if call == "probe":
            return [await system.probe(20) for system in systems]
        return [await ask(system, call) for system in systems]

    async def work() -> list[Any]:
        memory = settings.folder
        async with targets.opened(settings, lambda arm: memory / arm, events.append, count) as all_:
            assert [list(worker) for worker in all_] == [[LEARN, FROZEN]] * count
            return await each(all_)

    replies = asyncio.run(work())
    return replies, [event.text for event in events if isinstance(event, Notice)]


def test_a_live_gateway_and_its_control_get_a_connection_per_worker(tmp_path: Path) -> None:
    with Server() as learn, Server() as frozen:
        settings = Settings(tmp_path, gateway=Target(learn.url), control_gateway=Target(frozen.url))
        assert len(opened(settings, 3, "respond")[0]) == 6
    assert (learn.connections, frozen.connections) == (3, 3)
    assert learn.calls == frozen.calls == ["respond"] * 3


def test_the_embedded_gateway_says_that_nobody_named_another(tmp_path: Path) -> None:
    found, (note,) = opened(Settings(tmp_path), 1, "probe")
    assert found == [Finding(True, "the embedded one starts and answers")] * 2
    assert note.startswith("no --gateway: using the embedded gateway at http://127.0.0.1:")
    _, (note,) = opened(Settings(tmp_path, gateway=Target("embedded")), 1, "probe")
    assert note.startswith("using the embedded gateway at http://127.0.0.1:")


def test_a_live_run_imports_no_server() -> None:
    code = "import sys, battery.cli.run; print('uvicorn' in sys.modules, 'httpx' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False True\n"
