"""Run a campaign on this machine: workers as processes, each with several cells.

An engine places and never tries again: what a worker holds and how far it came is in the folder.
Another engine is another way to start `battery.campaign.work.Worker`, such as
`battery.campaign.dask`.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import shlex
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from threading import Thread
from typing import Any, Final

from battery.base.errors import (
    BatteryError,
    InterruptedRunError,
    LostLeaseError,
    PausedError,
    UsageError,
)
from battery.base.numbers import counted
from battery.campaign.plan import Campaign
from battery.campaign.spent import Caps, Ledger
from battery.campaign.work import left
from battery.records.events import Notice, Observer

#: Runs all cells that are left at a URL, so many at a time.
Elsewhere = Callable[[Campaign, str, int | None, Caps, Observer], Coroutine[Any, Any, None]]
_DASK: Final = re.compile(r"dask://[^/\s:@]+:[0-9]{1,5}|dask://\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}")


async def run_here(
    campaign: Campaign, jobs: int, caps: Caps, tell: Observer, forward: Callable[[str], None]
) -> None:
    """Run all cells that are left, `jobs` at a time; raise `BatteryError`.

    `caps` hold for all of them together: `PausedError` where they are reached. `forward` gets each
    line that a worker writes to standard error.
    A worker that was killed, or stood still for too long, is replaced as long as runs come to their
    end; after any other error all stop.
    """
    jobs = min(jobs, len(left(campaign)))
    ledger = Ledger(campaign, caps)
    if jobs:
        ledger.require()
    team = _Team(campaign, _shares(jobs, min(jobs, os.cpu_count() or 1)), caps, tell, forward)
    try:
        await team.run()
    finally:
        await team.stop()
    if left(campaign):
        # What all of them have spent is known only now.
        ledger.require()


def elsewhere(url: str) -> Elsewhere:
    """Return what runs a campaign at such a URL; raise `UsageError` where nothing does."""
    if not _DASK.fullmatch(url):
        raise UsageError(
            f"--on {url}: not the address of a Dask scheduler",
            hint="write it as dask://HOST:PORT; the port is mostly 8786",
        )
    try:
        module = importlib.import_module("battery.campaign.dask")
    except ImportError as error:
        raise UsageError(
            f"--on {url} needs Dask, which is not installed: {error}",
            hint="pip install 'compounding-battery[dask]'",
        ) from error
    run_on: Elsewhere = module.run_on
    return run_on


def stop_at_end_of_input() -> None:
    """Have this process stop, as at SIGTERM, once its standard input ends."""
    Thread(target=_await_end_of_input, name="input", daemon=True).start()


def _await_end_of_input() -> None:
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def _shares(jobs: int, processes: int) -> list[int]:
    """Share out how many cells each process runs at a time."""
    return [len(range(number, jobs, processes)) for number in range(processes)]


class _Team:
    """The workers of a campaign on this machine."""

    def __init__(
        self,
        campaign: Campaign,
        shares: Sequence[int],
        caps: Caps,
        tell: Observer,
        forward: Callable[[str], None],
    ) -> None:
        self._campaign = campaign
        self._caps = caps
        self._tell = tell
        self._forward = forward
        self._waiting = list(shares)
        self._at_work: dict[asyncio.Task[int], tuple[Process, int]] = {}
        self._error: BatteryError | None = None
        self._patience = Patience(campaign, 2 * len(shares))

    async def run(self) -> None:
        """Have the workers run all cells."""
        while self._waiting or self._at_work:
            while self._waiting:
                await self._start(self._waiting.pop())
            done, _ = await asyncio.wait(self._at_work, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                process, slots = self._at_work.pop(ended)
                self._look_at(process, slots, ended.result())
            if self._error:
                await self.stop()
                raise self._error

    async def stop(self) -> None:
        """Have all workers stop, and wait until they have: what they do is on disk."""
        for process, _ in self._at_work.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        if self._at_work:
            await asyncio.wait(self._at_work)
        self._at_work.clear()

    async def _start(self, slots: int) -> None:
        folder = str(self._campaign.folder)
        words = ("--slots", str(slots), "--wait", "--until-eof", *self._caps.words())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "battery", "campaign", "worker", folder, *words),
            # Nothing is ever written to it: it ends when this process does, however that happens.
            stdin=asyncio.subprocess.PIPE,
            # What it comes to is said once, for all of them.
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._at_work[asyncio.create_task(self._heard(process))] = process, slots

    async def _heard(self, process: Process) -> int:
        """Pass on what a worker says until it ends; return its exit code."""
        held_back: list[str] = []
        while process.stderr and (data := await process.stderr.readline()):
            line = data.decode(errors="replace").rstrip("\n")
            if held_back or line.startswith("error: "):
                held_back.append(line)
            else:
                self._forward(line)
        code = await process.wait()
        # That it paused, or was interrupted, is said once, for all of them.
        said = {PausedError.exit_code, InterruptedRunError.exit_code}
        for line in () if code in said else held_back:
            self._forward(line)
        return code

    def _look_at(self, process: Process, slots: int, code: int) -> None:
        remaining = len(left(self._campaign))
        # At the caps each ends by itself, when what it has under way is done.
        if code in {0, PausedError.exit_code} or not remaining:
            return
        was = f"worker {process.pid} {_ended(code)}"
        if code >= 0 and code != LostLeaseError.exit_code:
            self._error = StoppedError(was, code, self._campaign)
            return
        if self._patience.is_over() and code < 0:
            what = f"{was}, as were those before it, and no run comes to its end"
            self._error = StoppedError(what, 1, self._campaign)
            return
        self._waiting.append(slots)
        self._tell(Notice(f"{was}; its runs are taken over", warning=True))


class Patience:
    """Counts what is replaced while no run comes to its end.

    What kills one worker after the other would go on for ever, at a call each time.
    """

    def __init__(self, campaign: Campaign, most: int) -> None:
        self._campaign = campaign
        self._most = most
        #: How many cells were left when something was last replaced.
        self._left_before = len(left(campaign))
        self._replaced = 0

    def is_over(self) -> bool:
        """Count one more; return whether that is one too many."""
        remaining = len(left(self._campaign))
        self._replaced = 1 if remaining < self._left_before else self._replaced + 1
        self._left_before = remaining
        return self._replaced > self._most


class StoppedError(BatteryError):
    """Report what could not go on, with its exit code, and how far the campaign came."""

    def __init__(self, what: str, code: int, campaign: Campaign, on: str | None = None) -> None:
        again = f"battery campaign run {shlex.quote(str(campaign.folder))}"
        if on is not None:
            again += f" --on {on}"
        super().__init__(
            f"{what}; {counted(len(left(campaign)), 'run')} of {campaign.plan.runs} "
            "are not finished",
            hint=f"nothing that finished is lost; go on with: {again}",
        )
        self.exit_code = code


def _ended(code: int) -> str:
    if code == LostLeaseError.exit_code:
        return "stood still for too long"
    if code == InterruptedRunError.exit_code:
        return "was interrupted"
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}; it said why"
