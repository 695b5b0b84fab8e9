"""The command of `--prepare`: it empties the memories before a battery begins."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from typing import IO, Final

from battery.base.errors import EmptyingError
from battery.base.processes import GroupGuard, kill_group
from battery.base.text import printable
from battery.inputs.settings import Settings
from battery.records.events import Notice, Observer
from battery.records.models import ARM_NAMES
from battery.runner.prepare import Battery
from battery.store.battery_dir import BatteryDir
from battery.target import targets

#: Lines and bytes at the end of what a command printed that an error shows.
_LAST_LINES: Final = 5
_LAST_BYTES: Final = 2000
#: Characters of them.
_SHOWN: Final = 500


async def empty_memories(battery: Battery, tell: Observer) -> None:
    """Run the command of `--prepare` once per arm, unless iteration 1 has begun.

    Raises `EmptyingError`, with its last lines, where it fails.
    """
    # From then on a memory holds what was paid for.
    if not battery.folder.iteration(1).root.exists():
        await run_command(battery.settings, battery.folder, tell)


async def run_command(
    settings: Settings,
    folder: BatteryDir,
    tell: Observer,
    require: Callable[[], None] = lambda: None,
) -> None:
    """Run the command of `--prepare`, if there is one, once per arm; raise `EmptyingError`.

    `require` is asked before each time, and raises where nothing may be emptied any more.
    """
    command = settings.prepare
    if not command:
        return
    for arm, variables in targets.surroundings(settings, folder).items():
        require()
        began = Notice(f"preparing the {ARM_NAMES[arm]}: {command}")
        code, said = await _run(command, variables, partial(tell, began))
        if code:
            raise EmptyingError(
                f"--prepare failed for the {ARM_NAMES[arm]} with exit code {code}: {said}",
                hint="no task was sent yet; fix the command, or leave it out",
            )


async def _run(
    command: str, variables: Mapping[str, str], began: Callable[[], None]
) -> tuple[int, str]:
    """Run a command in a shell; return its exit code and its last lines.

    `began` is called once it runs, and ends with battery whatever happens.
    """
    # Not a pipe: what the command leaves running, such as a gateway, would hold that open.
    with tempfile.TemporaryFile() as output:
        # One that went on after battery was killed could empty what the next run has learned.
        guard = GroupGuard()
        try:
            process = _started(command, variables, output)
            guard.watch(process.pid)
            began()
            code = await _ended(process)
        finally:
            guard.dismiss()
        return code, _last_lines(output)


async def _ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for a command; end it with all that it started where the wait is cancelled."""
    try:
        return await asyncio.to_thread(process.wait)
    except asyncio.CancelledError:
        kill_group(process.pid)
        raise


def _started(
    command: str, variables: Mapping[str, str], output: IO[bytes]
) -> subprocess.Popen[bytes]:
    # Not asyncio's way: a signal that meets the start of a process leaves that behind.
    return subprocess.Popen(  # noqa: S602 - the command that the user wrote
        command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env={**os.environ, **variables},
        start_new_session=True,
    )


def _last_lines(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _LAST_BYTES))
    lines = output.read().decode("utf-8", "replace").splitlines()[-_LAST_LINES:]
    return printable(" | ".join(filter(None, map(str.strip, lines))))[-_SHOWN:] or "no output"
