"""Processes that battery starts: what they say, and that none outlives it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from battery.base.processes import EndedError, FloodError, Running
from tests.support.commands import environment, wait_for_the_end_of

#: Starts a process that starts another, says both numbers, and is killed.
KILLED = """
import asyncio, os, signal
from pathlib import Path
from battery.base.processes import Running

async def main():
    script = "sleep 600 & echo $$ $!; wait"
    running = await Running.start(
        ["sh", "-c", script], folder=Path("/"), environment=os.environ, most=100
    )
    print((await running.line()).decode(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def run(script: str, calls: Callable[[Running], Awaitable[Any]], most: int = 1000) -> Any:
    async def main() -> Any:
        running = await Running.start(
            ["sh", "-c", script], folder=Path("/"), environment=os.environ, most=most
        )
        try:
            return await calls(running)
        finally:
            await running.stop()

    return asyncio.run(main())


def test_lines_come_one_by_one_and_the_end_says_how_it_came() -> None:
    async def read(running: Running) -> Any:
        first, second = await running.line(), await running.line()
        with pytest.raises(EndedError, match="exit code 3"):
            await running.line()
        return first, second, running.last_words

    assert run("printf 'a\\nb\\nc'; echo why >&2; exit 3", read) == (b"a", b"b", ": why")


def test_what_it_left_running_does_not_hold_up_the_end_and_is_ended() -> None:
    async def read(running: Running) -> Any:
        said = await running.rest()
        return said, await running.exit_code()

    said, code = run("sleep 600 & echo $!", read)
    assert code == 0
    wait_for_the_end_of(said.decode().strip())


def test_a_process_need_not_read_what_it_is_given() -> None:
    async def read(running: Running) -> Any:
        running.write(b"x" * 1_000_000, last=True)
        return await running.rest()

    assert run("echo done", read) == b"done\n"


def test_output_beyond_the_limit_is_not_read() -> None:
    with pytest.raises(FloodError):
        run("yes", lambda running: running.rest())
    with pytest.raises(FloodError):
        run("yes | tr -d '\\n'", lambda running: running.line())


def test_lines_that_come_faster_than_they_are_read_are_not_too_many() -> None:
    async def read(running: Running) -> Any:
        await asyncio.sleep(0.1)
        return [await running.line() for _ in range(20_000)]

    assert run("yes | head -20000", read, most=30_000) == [b"y"] * 20_000


def test_a_program_that_cannot_be_started_leaves_nothing_behind() -> None:
    async def start() -> None:
        await Running.start(["/nowhere"], folder=Path("/"), environment={}, most=1)

    with pytest.raises(FileNotFoundError):
        asyncio.run(start())
    assert not children()


def test_one_that_starts_while_the_work_is_cancelled_is_ended() -> None:
    async def start() -> None:
        task = asyncio.create_task(
            Running.start(["sleep", "600"], folder=Path("/"), environment=os.environ, most=1)
        )
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(start())
    assert not children()


def test_when_battery_is_killed_the_whole_group_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode < 0
    for pid in done.stdout.split():
        wait_for_the_end_of(pid)


def children() -> list[str]:
    """Return the processes that this one has started and not waited for."""
    tasks = Path("/proc/self/task").iterdir()
    return [pid for task in tasks for pid in (task / "children").read_text().split()]
