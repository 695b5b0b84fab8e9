"""A campaign on a real Dask cluster, whose processes are really killed, suspended and woken.

The gateway is that of `tests.campaign.hunt`: it counts every request by the name of its call.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import distributed

from battery.base.errors import InterruptedRunError
from battery.campaign.plan import Campaign
from battery.campaign.work import left
from tests.campaign.hunt import LEASE_S, Counting, check, planned, served, started

FAULTS: Final = ("killed", "suspended", "scheduler killed", "interrupted")
WORKERS: Final = 2
#: What the command says of a worker that lost its run.
STALLED: Final = "its worker stood still for too long"
_PATIENCE_S: Final = 60.0


def hunt_on_dask(folder: Path, seed: int, faults: Sequence[str] | None = None) -> Counter[str]:
    """Run a campaign with these faults, or random ones; return what happened.

    Raises `AssertionError` where a call on record was lost or asked again.
    """
    drawn = random.Random(seed)
    faults = drawn.choices(FAULTS, k=drawn.randint(2, 5)) if faults is None else faults
    with served() as (endpoint, url):
        campaign = planned(folder, url)
        with cluster(folder) as there:
            command = _Command(campaign, there, endpoint)
            for fault in faults:
                command.suffer(fault, drawn.uniform(0, 0.3))
            command.finish()
    counts = Counter(faults)
    counts["schedules"] = 1
    check(campaign, endpoint.asked, counts, _under_way(counts, Path(f"{campaign.folder}.log")))
    return counts


def _under_way(counts: Counter[str], said: Path) -> int:
    """Return how many calls may have been under way when they were cut off."""
    all_at_once = counts["scheduler killed"] + counts["interrupted"]
    # On a busy machine more workers stall for a lease than are suspended.
    counts["lost its run"] = said.read_text().count(STALLED)
    stalled = max(counts["suspended"], counts["lost its run"])
    return counts["killed"] + stalled + WORKERS * all_at_once


class Cluster:
    """A scheduler and its workers, each a process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.workers: list[BaseProcess] = []
        self.scheduler = self._start(_schedule, self.port)
        for _ in range(WORKERS):
            self.add_worker()

    @property
    def url(self) -> str:
        return f"dask://127.0.0.1:{self.port}"

    def add_worker(self) -> None:
        self.workers.append(self._start(_work, self.port, str(self._folder)))

    def restart(self) -> None:
        """Start all of it again, as after an outage."""
        self.end()
        self.workers.clear()
        self.scheduler = self._start(_schedule, self.port)
        for _ in range(WORKERS):
            self.add_worker()

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.join()

    def _start(self, body: Callable[..., None], *words: Any) -> BaseProcess:
        return started(body, f"{self._folder}/cluster.log", *words)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Have a cluster of two workers, each with one thread."""
    there = Cluster(folder)
    try:
        yield there
    finally:
        there.end()


class _Command:
    """`battery campaign run --on`, run again whenever it had to end."""

    def __init__(self, campaign: Campaign, there: Cluster, endpoint: Counting) -> None:
        self._campaign = campaign
        self._there = there
        self._endpoint = endpoint
        self._process = self._start()

    def suffer(self, fault: str, pause_s: float) -> None:
        """Wait until calls are made, and do this to the cluster."""
        self._await_calls()
        time.sleep(pause_s)
        match fault:
            case "killed":
                worker = self._there.workers.pop(0)
                worker.kill()
                worker.join()
                self._there.add_worker()
            case "suspended":
                worker = self._there.workers[0]
                # There is room for its run.
                self._there.add_worker()
                os.kill(worker.pid or 0, signal.SIGSTOP)
                time.sleep(2.5 * LEASE_S)
                os.kill(worker.pid or 0, signal.SIGCONT)
            case "scheduler killed":
                self._there.scheduler.kill()
                self._end(1)
                self._there.restart()
                self._process = self._start()
            case "interrupted":
                os.kill(self._process.pid or 0, signal.SIGINT)
                self._end(InterruptedRunError.exit_code)
                self._process = self._start()

    def finish(self) -> None:
        """Let it come to its end."""
        self._process.join(_PATIENCE_S)
        assert self._process.exitcode == 0, self._said()
        assert not left(self._campaign)

    def _start(self) -> BaseProcess:
        words = (str(self._campaign.folder), "--on", self._there.url)
        return started(_run, f"{self._campaign.folder}.log", *words)

    def _end(self, code: int) -> None:
        self._process.join(_PATIENCE_S)
        # It may have come to its end a moment before.
        assert self._process.exitcode in {code, 0}, self._said()
        asked = sum(map(len, self._endpoint.asked.values()))
        time.sleep(0.5)
        # Nobody goes on where the command has ended.
        assert sum(map(len, self._endpoint.asked.values())) == asked

    def _await_calls(self) -> None:
        before = len(self._endpoint.asked)
        until = time.monotonic() + _PATIENCE_S
        while len(self._endpoint.asked) < before + 3 and left(self._campaign):
            assert time.monotonic() < until, f"no call is made\n{self._said()}"
            time.sleep(0.05)

    def _said(self) -> str:
        return Path(f"{self._campaign.folder}.log").read_text()


def _run(*words: str) -> None:
    import battery.__main__  # noqa: PLC0415 - it takes over signals

    sys.argv = ["battery", "campaign", "run", *words]
    battery.__main__.start()


def _schedule(port: int) -> None:
    async def serve() -> None:
        make: Any = distributed.Scheduler
        async with make(host="127.0.0.1", port=port, dashboard=False) as scheduler:
            await scheduler.finished()

    asyncio.run(serve())


def _work(port: int, folder: str) -> None:
    async def serve() -> None:
        make: Any = distributed.Worker
        address, own = f"tcp://127.0.0.1:{port}", f"{folder}/worker"
        async with make(address, nthreads=1, local_directory=own, dashboard=False) as worker:
            await worker.finished()

    asyncio.run(serve())
