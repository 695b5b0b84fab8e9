"""Tasks are asked once each, as many at a time as there are workers, and an error ends it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import BatteryError, CallError
from battery.inputs.settings import Target
from battery.inputs.tasks import PlannedTask, load_tasks, plan
from battery.run.iteration import ask_all
from battery.target.http import Client, open_clients
from tests.support.commands import environment, write_tasks
from tests.support.gateway import Gateway, serving


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with serving() as served:
        yield served


@pytest.fixture
def planned(tmp_path: Path) -> list[PlannedTask]:
    return plan(load_tasks(write_tasks(tmp_path / "tasks.json", 3)))


def ask(gateway: Gateway, planned: list[PlannedTask], workers: int, tmp_path: Path) -> list[str]:
    """Ask all tasks and return the labels in the order of finishing."""
    models = load_tasks(tmp_path / "tasks.json").models
    finished: list[str] = []

    async def one(client: Client, entry: PlannedTask) -> None:
        await client.respond(entry.task, models, 10)
        finished.append(entry.label)

    async def everything() -> None:
        async with open_clients(Target(gateway.url), workers) as clients:
            await ask_all([[entry] for entry in planned], clients, one)

    try:
        asyncio.run(everything())
    except CallError as error:
        finished.append(type(error).__name__)
    return finished


def test_one_client_asks_strictly_in_order(
    gateway: Gateway, planned: list[PlannedTask], tmp_path: Path
) -> None:
    assert ask(gateway, planned, 1, tmp_path) == [entry.label for entry in planned]
    assert list(gateway.count()) == [entry.label for entry in planned]


@pytest.mark.parametrize("workers", [2, 5, 20])
def test_several_clients_ask_each_task_exactly_once(
    workers: int, gateway: Gateway, planned: list[PlannedTask], tmp_path: Path
) -> None:
    assert sorted(ask(gateway, planned, workers, tmp_path)) == [entry.label for entry in planned]
    assert set(gateway.count().values()) == {1}


def test_a_unit_is_one_workers_own_and_an_error_ends_it() -> None:
    done: list[str] = []

    async def one(worker: str, call: str) -> None:
        done.append(worker + call)
        await asyncio.sleep(0)
        if call == "c":
            raise BatteryError("broken")

    async def everything() -> None:
        await ask_all(["ab", "cd", "ef"], ["1", "2"], one)

    with pytest.raises(BatteryError, match="broken"):
        asyncio.run(everything())
    assert done == ["1a", "2c", "1b"], "d would follow an error, and so would ef"


def test_as_many_calls_are_under_way_as_there_are_clients(
    gateway: Gateway, planned: list[PlannedTask], tmp_path: Path
) -> None:
    together = threading.Barrier(3, timeout=20)

    def meet(_path: str, _body: dict[str, Any]) -> None:
        together.wait()

    gateway.before = meet
    ask(gateway, planned, 3, tmp_path)
    assert not together.broken


def test_after_an_error_no_further_call_goes_out_but_those_under_way_finish(
    gateway: Gateway, planned: list[PlannedTask], tmp_path: Path
) -> None:
    failed = threading.Event()

    def break_first(_path: str, body: dict[str, Any]) -> None:
        if body["operation"] == planned[0].label:
            failed.set()
            raise ConnectionError
        # The other answer comes only when the first has failed for good.
        assert failed.wait(20)
        threading.Event().wait(0.2)

    gateway.before = break_first
    assert ask(gateway, planned, 2, tmp_path) == [planned[1].label, "BrokenAnswerError"]
    assert len(gateway.requests) == 2


def test_the_first_call_loads_nothing_that_would_add_to_its_elapsed_time(
    gateway: Gateway, tmp_path: Path
) -> None:
    """An import inside the first call would make every later iteration look faster."""
    write_tasks(tmp_path / "tasks.json", 1)
    code = f"""
import asyncio, pathlib, sys
from battery.target.http import open_clients
from battery.inputs.settings import Target
from battery.inputs.tasks import load_tasks
tasks = load_tasks(pathlib.Path("tasks.json"))
async def first():
    async with open_clients(Target({gateway.url!r}), 1) as clients:
        before = set(sys.modules)
        await clients[0].respond(tasks.phases.alpha_baseline[0], tasks.models, 10)
        print(*sorted(set(sys.modules) - before))
asyncio.run(first())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment(),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == []
    assert len(gateway.requests) == 1
