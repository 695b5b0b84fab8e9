"""Workers of a campaign on a simulated clock, disk and network, with faults at any moment.

The code of leases, cells, run and journal is the real one, and so are its files. Each worker has a
thread, of which one runs at a time: at every call, and at every operation on a file, the schedule
decides from a seed who runs next, and whether a worker is killed, suspended or finds the disk full.
Of a killed worker nothing reaches the disk any more. It takes a process of its own, as nothing else
must touch a file meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
import shutil
import sys
import threading
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from unittest import mock

from battery.base import loop
from battery.base.errors import BatteryError
from battery.campaign import lease as leases
from battery.campaign import plan as planning
from battery.campaign.cell import battery_of
from battery.campaign.lease import Lease, Note, Timing
from battery.campaign.plan import Campaign, Wanted, World
from battery.campaign.work import Worker, left
from battery.inputs.settings import Settings, make_settings
from battery.protocol import Json, idempotency
from battery.protocol.distill import Distilled
from battery.records.models import Models, Task
from battery.runner import distiller, iteration, prepare, reviewer
from battery.runner import run as runner
from battery.store import files
from battery.store.appending import AppendedFile
from battery.store.lock import Holder
from battery.target import kinds
from battery.target.system import ChatReply, DistillReply, Finding, Kind, Opening, RespondReply
from battery.target.system import Worker as Asked
from tests.support.commands import write_tasks

TARGET: Final = "simulated"
LEASE_S: Final = 60.0
#: Which host each worker is on: of one on another host nobody knows whether it lives.
HOSTS: Final = ("a", "a", "b")
#: At each step, the chance of each kind of fault while any are left.
_KILL, _SUSPEND, _FILL, _SET_CLOCK = 0.004, 0.006, 0.003, 0.003
#: At each step, the chance that another worker goes on.
_SWITCH: Final = 0.1
#: What makes or changes a file, and what looks for leases.
_WATCHED: Final = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.listdir"}
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Killed(BaseException):
    """Ends the thread of a worker that was killed."""


class ViolationError(AssertionError):
    """Something happened that must never happen."""


@dataclass
class Actor:
    """A worker, through all the processes that it is started as."""

    host: str
    pid: int
    #: Simulated seconds at which it goes on.
    wake: float = 0.0
    suspended: bool = False
    dead: bool = False
    ended: bool = False
    #: The name of its last call.
    asked: str = ""
    held: list[Lease] = field(default_factory=list)
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @contextlib.contextmanager
    def beating(self, *held: Lease) -> Iterator[None]:
        """Stand in for a heart: the schedule gives the signs of life."""
        self.held = list(held)
        try:
            yield
        finally:
            self.held = []


class Schedule:
    """One random schedule of workers and faults."""

    def __init__(self, campaign: Campaign, seed: int, faults: int, hosts: Sequence[str]) -> None:
        self.campaign = campaign
        self.root = str(campaign.folder)
        self.random = random.Random(seed)
        self.now = 0.0
        #: The clock that people set, in nanoseconds.
        self.wall = 10**18
        self.faults = faults
        self.counts: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        #: Calls whose answer is on record with whoever holds the run.
        self.settled: set[str] = set()
        #: By cell and epoch which process made its calls.
        self.callers: dict[tuple[str, int], int] = {}
        #: By process and cell, calls that it made after another had taken over.
        self.late: Counter[tuple[int, str]] = Counter()
        self.full_until = dict.fromkeys(hosts, 0.0)
        self.problem: BaseException | None = None
        self._pids = 100
        self.actors = [Actor(host, self.next_pid()) for host in hosts]
        self._of_thread: dict[int, Actor] = {}
        self._busy = False
        self._over = threading.Event()

    def next_pid(self) -> int:
        """Number one more process."""
        self._pids += 1
        return self._pids

    @property
    def me(self) -> Actor | None:
        """The worker whose thread this is."""
        return self._of_thread.get(threading.get_ident())

    def run(self) -> None:
        """Run it until all cells are done; raise what went wrong."""
        threads = [threading.Thread(target=self._body, args=(each,)) for each in self.actors]
        for thread in threads:
            thread.start()
        self.actors[0].turn.release()
        self._over.wait()
        for thread in threads:
            thread.join()
        if self.problem:
            raise self.problem

    def step(self, seconds: float = 0.0) -> None:
        """Let the schedule decide what happens here, to whoever comes here."""
        me = self.me
        if me is None or self._busy:
            return
        if me.dead:
            raise Killed
        me.wake = self.now + seconds
        if self.faults > 0:
            self._fault(me)
        if me.wake > self.now or self.random.random() < _SWITCH:
            self._switch(me)

    def _fault(self, me: Actor) -> None:
        drawn = self.random.random()
        for kind, chance in (
            ("killed", _KILL),
            ("suspended", _SUSPEND),
            ("disk full", _FILL),
            ("clock set", _SET_CLOCK),
        ):
            drawn -= chance
            if drawn < 0:
                self.faults -= 1
                self.counts[kind] += 1
                self._do(kind, me)
                return

    def _do(self, kind: str, me: Actor) -> None:
        match kind:
            case "killed":
                self.kill(me)
            case "suspended":
                me.suspended = True
                me.wake = self.now + self.random.uniform(0, 3 * LEASE_S)
            case "disk full":
                self.full_until[me.host] = self.now + self.random.uniform(0, LEASE_S)
            case _:
                self.wall -= self.random.randrange(10**12)

    def kill(self, me: Actor) -> None:
        """End the process of a worker."""
        me.dead, me.held = True, []
        raise Killed

    def is_full(self, me: Actor) -> bool:
        """Return whether the disk of a worker's host has no room."""
        return self.now < self.full_until[me.host]

    def beat(self, actor: Actor) -> None:
        """Have a process give its signs of life."""
        with self._outside():
            for lease in actor.held:
                lease.beat()

    def _switch(self, me: Actor) -> None:
        there = self._next()
        if there is None:
            self._over.set()
            return
        if there is not me:
            there.turn.release()
            me.turn.acquire()
        if me.suspended:
            me.suspended = False
            # What of a process wakes up first, nobody knows.
            if self.random.random() < 0.5:
                self.beat(me)

    def _next(self) -> Actor | None:
        alive = [each for each in self.actors if not each.ended]
        if not alive:
            return None
        self._pass_until(min(each.wake for each in alive))
        return self.random.choice([each for each in alive if each.wake <= self.now])

    def _pass_until(self, moment: float) -> None:
        beat_s = Timing(LEASE_S).beat_s
        while self.now < moment:
            self.now = min(moment, self.now + beat_s)
            self.wall += int(beat_s * 1e9)
            for actor in self.actors:
                if not actor.suspended:
                    self.beat(actor)

    def _body(self, me: Actor) -> None:
        self._of_thread[threading.get_ident()] = me
        me.turn.acquire()
        try:
            while self.problem is None and not self.is_done():
                with contextlib.suppress(Killed):
                    self._process(me)
                me.pid, me.held = self.next_pid(), []
                if not self.is_done():
                    # Whoever looks after them starts another, sooner or later.
                    me.dead = False
                    self.faults, faults = 0, self.faults
                    self.step(self.random.uniform(0, 2 * LEASE_S))
                    self.faults = faults
        except BaseException as error:
            self.problem = self.problem or error
        me.ended, me.suspended = True, False
        del self._of_thread[threading.get_ident()]
        there = self._next()
        if there is None:
            self._over.set()
        else:
            there.turn.release()

    def _process(self, me: Actor) -> None:
        """Be a worker, from its start to its end; what it raises, only a violation may leave."""
        timing = Timing(LEASE_S, lambda: self.now)
        try:
            worker = Worker(self.campaign, World({}, kinds.read), lambda _cell: _mute, timing)
            while not self.is_done() and not worker._errors:
                claim = worker._claim()
                if claim is None:
                    self.step(self.random.uniform(5, 40))
                else:
                    asyncio.run(worker._run(claim, me))  # type: ignore[arg-type]
                if me.dead:
                    raise Killed
            for error in worker._errors:
                self.counts[type(error).__name__] += 1
        except ViolationError:
            raise
        except BatteryError as error:
            self.counts[type(error).__name__] += 1
        except OSError as error:
            # The system's words reach the user as they are.
            self.counts[f"errno {errno.errorcode.get(error.errno or 0)}"] += 1
        except BaseExceptionGroup as group:
            # What is not the system's own is a killed worker's.
            if not me.dead and group.split(OSError)[1] is not None:
                raise
            self.counts["errno in a task"] += not me.dead

    def call(self) -> str:
        """Note a call that goes out, and let it take its time; return its name."""
        me = self.me
        assert me is not None
        name = me.asked = idempotency.headers()[idempotency.HEADER]
        # Between the look at the lease and the request anything may happen as well.
        self.step()
        lease = me.held[0]
        folder = lease.path.parent
        self.asked[name] += 1
        if self.callers.setdefault((str(folder), lease.epoch), me.pid) != me.pid:
            raise ViolationError(f"two processes made calls under {lease.path}")
        if self.latest(lease) > lease.epoch:
            # It stood still between the look at its lease and the request.
            self.late[me.pid, str(folder)] += 1
            if self.late[me.pid, str(folder)] > 1:
                raise ViolationError(f"more than one call was made after {lease.path} was lost")
        elif name in self.settled:
            raise ViolationError(f"{name} was asked again, though its answer is on record")
        self.step(self.random.choice([0.1, 1.0, 5.0, 100.0]))
        return name

    def recorded(self) -> None:
        """Note that an answer is on disk: where its writer still has the run, it is to stay."""
        me = self.me
        if me and me.held and self.latest(me.held[0]) == me.held[0].epoch:
            self.settled.add(me.asked)

    def latest(self, lease: Lease) -> int:
        """Return the latest epoch of a cell."""
        with self._outside():
            return leases.latest(lease.path.parent)

    def is_done(self) -> bool:
        """Return whether every run has come to its end."""
        with self._outside():
            return not left(self.campaign)

    @contextlib.contextmanager
    def _outside(self) -> Iterator[None]:
        """Look at files as nobody does who takes part."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def watched(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hear of everything that the program does with files."""
        me = self.me
        if me is None or self._busy or event not in _WATCHED:
            return
        path = str(arguments[0])
        if not path.startswith(self.root):
            return
        writes = event not in {"open", "os.listdir"} or bool(
            event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        )
        if not writes and "lease" not in path and event == "open":
            return
        self.step()
        if writes and event in {"open", "os.mkdir"} and self.is_full(me):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


class _System:
    """A system that answers alike whenever it is asked the same."""

    def __init__(self, schedule: Callable[[], Schedule]) -> None:
        self._schedule = schedule
        self._name = ""

    def _called(self) -> int:
        name = self._name = self._schedule().call()
        # Of one run as of the next: what its answer is must not hang on its id.
        return sha256(name.encode()).digest()[0]

    async def respond(self, task: Task, models: Models, timeout_s: float) -> RespondReply:
        del task, models, timeout_s
        usage = {"usage": {"total_tokens": 100 + self._called()}}
        answer: Json = {"status": "ok", "iterations": 1, "artifact": usage, "log": []}
        return RespondReply.of(answer, 5)

    async def distill(self, on_event: Callable[[Json], None], timeout_s: float) -> DistillReply:
        del on_event, timeout_s
        events: list[Json] = [{"role": "final", "text": f"learned {self._called()}"}]
        return DistillReply(Distilled(events[0]["text"], "", False), events, 0, 5)

    async def chat(
        self, role: str, prompt: str, model: str, temperature: float, timeout_s: float
    ) -> ChatReply:
        del prompt, model, temperature, timeout_s
        text = f"## What worked\n- {role} {self._called()}\n"
        return ChatReply(text, {"choices": [{"message": {"content": text}}]}, 5)

    async def probe(self, timeout_s: float) -> Finding:
        del timeout_s
        return Finding(True, "it is there")


def _made(options: Mapping[str, Any], *world: Any) -> Settings:
    return replace(make_settings(options, *world), summaries=False)


def _noon() -> str:
    return "2026-01-01T12:00:00Z"


def _mute(_event: object) -> None:
    """Say nothing."""


class Simulator:
    """Puts the simulated clock, disk and network in their places, once per process."""

    def __init__(self) -> None:
        self.schedule: Schedule | None = None
        sys.addaudithook(self._heard)
        # What is dropped in the middle of anything is dropped without a word.
        sys.unraisablehook = lambda _unraisable: None

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.schedule is not None:
            self.schedule.watched(event, arguments)

    def _now(self) -> Schedule:
        assert self.schedule is not None
        return self.schedule

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Have the program use them in the block."""
        opened = self._opened
        kind = Kind(TARGET, lambda text: text == TARGET, opened)
        with contextlib.ExitStack() as stack:
            stack.enter_context(kinds.also(kind))
            for module in (iteration, distiller, reviewer, prepare, runner):
                stack.enter_context(mock.patch.object(module, "now", _noon))
            for target, name, stand_in in (
                (leases, "this_process", self._this_process),
                (leases, "is_alive", self._is_alive),
                (loop, "apart", _apart),
                (files, "RESERVE_BYTES", 64),
                (AppendedFile, "_write", self._written(AppendedFile._write)),
                (AppendedFile, "append", self._appended(AppendedFile.append)),
                (os, "utime", self._touched(os.utime)),
                (os, "fsync", self._synced),
                # What comes before the calls and after them is not what is tried here.
                (runner, "rehearse", lambda *_words: None),
                (runner, "summary_of", lambda *_words, **_options: None),
                (planning, "make_settings", _made),
            ):
                stack.enter_context(mock.patch.object(target, name, stand_in))
            yield

    @asynccontextmanager
    async def _opened(self, opening: Opening) -> AsyncIterator[Sequence[Asked]]:
        yield [{arm: _System(self._now) for arm in opening.arms}]

    def run(self, campaign: Campaign, seed: int, faults: int, hosts: Sequence[str]) -> Schedule:
        """Run one schedule; raise what went wrong."""
        self.schedule = schedule = Schedule(campaign, seed, faults, hosts)
        try:
            schedule.run()
        finally:
            self.schedule = None
        return schedule

    def _this_process(self) -> Holder:
        me = self._now().me
        assert me is not None
        return Holder(me.pid, me.host, None)

    def _is_alive(self, note: Note) -> bool | None:
        schedule = self._now()
        me = schedule.me
        if me is None or me.host != note.host:
            return None
        return any(each.pid == note.pid and not each.dead for each in schedule.actors)

    def _touched(self, utime: Callable[..., None]) -> Callable[..., None]:
        def touch(path: Any, *more: Any, **options: Any) -> None:
            if self.schedule and not more and not options:
                options = {"ns": (self.schedule.wall, self.schedule.wall)}
            utime(path, *more, **options)

        return touch

    def _synced(self, _handle: int) -> None:
        if self.schedule:
            self.schedule.step()

    def _written(self, write: Callable[..., None]) -> Callable[..., None]:
        """Fail a write on a full disk, and tear one where its writer is killed in the middle."""

        def torn(file: AppendedFile, line: bytes) -> None:
            schedule = self._now()
            me = schedule.me
            assert me is not None
            if me.dead:
                raise Killed
            part = line[: schedule.random.randrange(len(line))]
            reserve = file._path.parent.parent / ".reserve"
            if schedule.is_full(me) and reserve.exists():
                file._file.write(part)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if schedule.faults > 0 and schedule.random.random() < 5 * _KILL:
                schedule.faults -= 1
                schedule.counts["torn line"] += 1
                file._file.write(part)
                schedule.kill(me)
            write(file, line)

        return torn

    def _appended(self, append: Callable[..., int]) -> Callable[..., int]:
        def appended(file: AppendedFile, line: bytes, what: str) -> int:
            offset = append(file, line, what)
            self._now().recorded()
            return offset

        return appended


async def _apart(work: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Any:
    return await work(*args)


def template(folder: Path) -> Path:
    """Plan the campaign that every schedule runs, in a folder of its own; return that."""
    folder.mkdir(parents=True)
    write_tasks(folder / "tasks.json", 1, siblings=1)
    options = {
        "gateway": TARGET,
        "tasks": folder / "tasks.json",
        "iterations": 2,
        "seed": 1,
        "keep_going": True,
    }
    wanted = Wanted(folder / "c", 2, "cost", LEASE_S, options)
    planning.make(wanted, World({}, kinds.read), _mute)
    return folder / "c"


def contents(campaign: Campaign) -> dict[str, bytes]:
    """Read what the runs have on disk, of whichever epoch it is."""
    found = {}
    for cell in campaign.plan.cells:
        folder = battery_of(campaign.cell(cell))
        assert folder is not None
        for path in sorted(folder.glob("iter_*/**/*")):
            if path.is_file() and not path.name.startswith("."):
                found[f"{cell.number}/{path.relative_to(folder)}"] = path.read_bytes()
    return found


def _require_same(found: dict[str, bytes], expected: dict[str, bytes]) -> None:
    differing = [path for path in expected | found if expected.get(path) != found.get(path)]
    if differing:
        raise ViolationError(f"not as in an undisturbed campaign: {', '.join(differing)}")


def explore(folder: Path, seeds: Iterable[int]) -> Counter[str]:
    """Run a schedule per seed in a folder; return what happened in total.

    Raises `ViolationError`, which names the seed.
    """
    simulator, total = Simulator(), Counter[str]()
    with simulator.in_place():
        planned = template(folder / "planned")
        expected: dict[str, bytes] = {}
        for seed in (None, *seeds):
            copy = folder / "schedule"
            shutil.copytree(planned, copy)
            campaign = planning.open_campaign(copy)
            faults = 0 if seed is None else random.Random(seed).randint(1, 10)
            hosts = HOSTS[:1] if seed is None else HOSTS
            try:
                schedule = simulator.run(campaign, seed or 0, faults, hosts)
                expected = expected or contents(campaign)
                _require_same(contents(campaign), expected)
            except BaseException as error:
                error.add_note(f"in the schedule of seed {seed}, in {copy}")
                raise
            if seed is not None:
                total += schedule.counts
                total["schedules"] += 1
                total["calls"] += len(schedule.asked)
                total["asked again"] += schedule.asked.total() - len(schedule.asked)
                total["epochs"] += len(schedule.callers)
            shutil.rmtree(copy)
    return total
