"""Real worker processes that are really killed, suspended and woken, at random moments.

A gateway counts every request by the name of its call, and puts a number of its own into each
answer, so that it can be told which of two answers to a call is on record.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from battery.campaign import plan as planning
from battery.campaign.cell import battery_of
from battery.campaign.plan import Campaign, Wanted, World
from battery.campaign.work import left
from battery.protocol.idempotency import HEADER
from battery.target.kinds import read
from tests.support.commands import write_tasks
from tests.support.server import Exchange, Server, http

LEASE_S: Final = 1.0
WORKERS: Final = 3
_PATIENCE_S: Final = 120.0
# Importing the program takes longer than a run of it here.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["battery.cli.campaign", "battery.cli.main", "battery.runner.run", "battery.campaign.dask"]
)


class Counting:
    """A chat endpoint that numbers its requests, by the names of the calls."""

    def __init__(self) -> None:
        self.asked: dict[str, list[int]] = {}
        self._number = 0
        self._lock = threading.Lock()

    def script(self, exchange: Exchange) -> None:
        """Answer one request after a moment."""
        if exchange.request.method == "GET":
            exchange.send(http("{}"))
            return
        name = exchange.request.headers[HEADER.lower()]
        with self._lock:
            self._number += 1
            number = self._number
            self.asked.setdefault(name, []).append(number)
        exchange.wait(0.15)
        tokens = 100 + sha256(name.partition("/")[2].encode()).digest()[0]
        answer = {
            "choices": [{"message": {"role": "assistant", "content": "done"}}],
            "usage": {"total_tokens": tokens, "number": number},
        }
        exchange.send(http(json.dumps(answer)))


def hunt(folder: Path, seed: int, *, faults: int | None = None) -> Counter[str]:
    """Run a campaign with random faults; return what happened. Raises `AssertionError`."""
    drawn = random.Random(seed)
    counts: Counter[str] = Counter(schedules=1)
    with served() as (endpoint, url):
        campaign = planned(folder, url)
        team = Team(campaign, drawn, counts)
        try:
            team.run(drawn.randint(3, 8) if faults is None else faults)
        finally:
            team.end()
    check(campaign, endpoint.asked, counts, counts["killed"] + counts["suspended"])
    return counts


def answers(campaign: Campaign) -> dict[str, tuple[str, int]]:
    """Read how each call on record ended, and what it took."""
    found = {}
    for cell in campaign.plan.cells:
        for path, line in _lines(campaign, cell.number):
            result = line["result"]
            key = f"{cell.number}/{path}/{line['call']}/{line['arm']}/{line['task_id']}"
            found[key] = (result["status"], result["artifact"]["usage"]["total_tokens"])
    return found


@contextmanager
def served() -> Iterator[tuple[Counting, str]]:
    """Serve such an endpoint; yield it with its URL."""
    endpoint = Counting()
    with Server(endpoint.script) as server:
        yield endpoint, server.url


def planned(folder: Path, url: str) -> Campaign:
    """Plan a campaign of two runs at such an endpoint."""
    folder.mkdir(parents=True)
    write_tasks(folder / "tasks.json", 1, siblings=2)
    options = {
        "tasks": folder / "tasks.json",
        "gateway": f"openai:{url}/v1",
        "reviewer": "rules",
        "iterations": 2,
        "seed": 1,
        "keep_going": True,
    }
    wanted = Wanted(folder / "c", 2, "cost", LEASE_S, options)
    return planning.make(wanted, World({}, read), lambda _event: None)


class Team:
    """The worker processes, and what is done to them."""

    def __init__(self, campaign: Campaign, drawn: random.Random, counts: Counter[str]) -> None:
        self._campaign = campaign
        self._drawn = drawn
        self._counts = counts
        self._workers: list[BaseProcess] = []
        #: By process, when it wakes up again.
        self._asleep: dict[BaseProcess, float] = {}

    def run(self, faults: int) -> None:
        """Let them run, and do so much to them, until all runs are done."""
        until = time.monotonic() + _PATIENCE_S
        while left(self._campaign):
            assert time.monotonic() < until, "the campaign comes to no end"
            self._bury()
            while len(self._workers) < WORKERS:
                self._workers.append(self._started())
            time.sleep(self._drawn.uniform(0.05, 0.5))
            self._wake(time.monotonic())
            awake = [each for each in self._workers if each not in self._asleep]
            # Not all at the start, when nobody has anything to lose.
            if faults and awake and self._drawn.random() < 0.3:
                faults -= 1
                self._harm(self._drawn.choice(awake))

    def end(self) -> None:
        """Wake all who sleep, and see how each of them ends."""
        self._wake(float("inf"))
        for worker in self._workers:
            worker.join(_PATIENCE_S)
            assert worker.exitcode is not None, "a worker does not end"
        self._bury()

    def _harm(self, worker: BaseProcess) -> None:
        assert worker.pid is not None
        with suppress(ProcessLookupError):
            if self._drawn.random() < 0.5:
                self._counts["killed"] += 1
                os.kill(worker.pid, signal.SIGKILL)
            else:
                self._counts["suspended"] += 1
                os.kill(worker.pid, signal.SIGSTOP)
                self._asleep[worker] = time.monotonic() + self._drawn.uniform(0, 3 * LEASE_S)

    def _wake(self, now: float) -> None:
        for worker, wakes in list(self._asleep.items()):
            if wakes <= now:
                del self._asleep[worker]
                with suppress(ProcessLookupError):
                    os.kill(worker.pid or 0, signal.SIGCONT)

    def _bury(self) -> None:
        for worker in [each for each in self._workers if each.exitcode is not None]:
            self._workers.remove(worker)
            self._asleep.pop(worker, None)
            code, said = worker.exitcode, Path(f"{self._campaign.folder}.log")
            assert code in {0, 5, -signal.SIGKILL}, f"exit code {code}: {said.read_text()}"
            self._counts["lost its run"] += worker.exitcode == 5

    def _started(self) -> BaseProcess:
        self._counts["processes"] += 1
        folder = str(self._campaign.folder)
        return started(_work, f"{folder}.log", folder)


def started(body: Callable[..., None], said: str, *words: Any) -> BaseProcess:
    """Start a process that has the program loaded; what it says goes into a file."""
    process = CONTEXT.Process(target=_quiet, args=(body, said, *words))
    process.start()
    return process


def _quiet(body: Callable[..., None], said: str, *words: Any) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for handle, opened in enumerate((null, null, log)):
        os.dup2(opened, handle)
    body(*words)


def _work(folder: str) -> None:
    """Be a worker: what `battery campaign worker` does, in a process that has it loaded."""
    import battery.__main__  # noqa: PLC0415 - it takes over signals

    sys.argv = ["battery", "campaign", "worker", folder, "--wait"]
    battery.__main__.start()


def check(
    campaign: Campaign, asked: dict[str, list[int]], counts: Counter[str], under_way: int
) -> None:
    """Hold what was asked against what is on record; add to the counts.

    `under_way` is how many calls may have been, when something was done to those who made them.
    """
    on_record: dict[str, int] = {}
    for cell in campaign.plan.cells:
        run_id = campaign.run_id(cell)
        for path, line in _lines(campaign, cell.number):
            parts = [line["arm"], line["task_id"], str(line["repeat"])]
            kind = [] if line["call"] == "respond" else [line["call"]]
            name = "/".join([run_id, path.removeprefix("iter_"), *kind, *parts])
            assert name not in on_record, f"{name} is on record twice"
            on_record[name] = line["result"]["artifact"]["usage"]["number"]
    assert set(on_record) == set(asked), "what was asked is not what is on record"
    again = {name: numbers for name, numbers in asked.items() if len(numbers) > 1}
    counts["calls"] += len(asked)
    counts["asked again"] += sum(len(numbers) - 1 for numbers in again.values())
    assert counts["asked again"] <= under_way, again
    # An answer on record that was asked for again: only by who stood still between the look at its
    # lease and the request.
    late = [name for name, numbers in again.items() if on_record[name] != numbers[-1]]
    counts["asked after it was lost"] += len(late)
    assert len(late) <= counts["suspended"], late


def _lines(campaign: Campaign, number: int) -> Iterator[tuple[str, Any]]:
    cell = battery_of(campaign.folder / "cells" / f"{number:03}")
    assert cell is not None
    for path in sorted(cell.glob("iter_*/journal.jsonl")):
        for text in path.read_text().splitlines():
            line = json.loads(text)
            if "result" in line:
                yield path.parent.name, line
