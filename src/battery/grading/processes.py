"""Run checks in processes of their own, bounded in time and output, and leave none behind."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import Any, Final, Self, cast

from battery.base import interrupts
from battery.base.clock import awake
from battery.base.processes import ending, kill_group
from battery.base.text import brief
from battery.inputs.secrets import without_secrets
from battery.protocol import Json

#: Bytes of what a check prints that are kept, to quote from.
KEPT_BYTES: Final = 64 * 1024
#: Bytes that a check may print; one that prints more is out of hand.
MOST_PRINTED: Final = 16 * 1024 * 1024
#: Seconds that the file of a Python check may take to be imported, and a process to start.
LOAD_LIMIT_S: Final = 60.0

_STOPPED: Final = "grading was stopped"
_SCRIPT: Final = Path(__file__).with_name("worker.py")
_BLOCK: Final = 64 * 1024
#: How often to look whether a process has ended whose pipes others keep open.
_LOOK_S: Final = 0.05


class BrokenCheckError(Exception):
    """A check broke, or cannot be used: why. Not a fail: it says nothing of the answer."""


class Worker:
    """The one process in which Python checks, regular expressions and JSON Schemas run.

    Started when it is first needed. One request at a time; threads wait for each other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared: set[bytes] = set()
        self._closed = False

    def ask(self, request: Json, limit_s: float, prepare: Json | None = None) -> Any:
        """Return the value of the reply to a request; raise `BrokenCheckError`.

        `prepare` is a request that has to come first, once for each process: what a module takes
        to import says nothing of the time of a check.
        """
        with self._lock:
            if self._process is None:
                self._start()
            if prepare is not None and (key := to_json(prepare)) not in self._prepared:
                self._request(prepare, LOAD_LIMIT_S)
                self._prepared.add(key)
            return self._request(request, limit_s)

    def close(self) -> None:
        """End the process, whatever it is doing, and all that its checks have started."""
        # Without the lock: a thread that waits for a check holds it, and is to stop waiting.
        self._closed = True
        if process := self._process:
            kill_group(process.pid)
        with self._lock:
            self._stop()

    def _start(self) -> None:
        if self._closed:
            raise BrokenCheckError(_STOPPED)
        self._prepared.clear()
        # -P: the folder of the script is no place to import from. -B: nothing is written into the
        # folder of the checks.
        words = [sys.executable, "-P", "-B", "-X", "utf8", str(_SCRIPT)]
        self._process = _start(words, None)
        self._request({"do": "nothing"}, LOAD_LIMIT_S)

    def _request(self, request: Json, limit_s: float) -> Any:
        line = to_json(request | {"limit_s": limit_s}) + b"\n"
        if self._process is None:
            raise BrokenCheckError(_STOPPED)
        try:
            with _Exchange(self._process, line, limit_s) as exchange:
                reply = exchange.line()
        except BaseException:
            self._stop()
            raise
        if "broken" in reply:
            raise BrokenCheckError(reply["broken"])
        return reply["value"]

    def _stop(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            _end(process)


class Crew:
    """The workers of all graders of this process: each takes memory, and most only wait.

    There are as many as there are graders that have asked, and never more than processor cores, so
    that the checks of a lone grader run one after the other.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._members = 0
        self._idle: list[Worker] = []
        self._busy: list[Worker] = []

    def join(self) -> None:
        """Count one more grader."""
        with self._changed:
            self._members += 1
            if len(self._idle) + len(self._busy) < min(self._members, os.cpu_count() or 1):
                self._idle.append(Worker())
                self._changed.notify()

    def leave(self) -> None:
        """Count one grader less; end all workers, whatever they are doing, after the last."""
        with self._changed:
            self._members -= 1
            if self._members:
                return
            self._changed.notify_all()
            ended, self._idle, self._busy = [*self._idle, *self._busy], [], []
        for worker in ended:
            worker.close()

    def ask(self, request: Json, limit_s: float, prepare: Json | None = None) -> Any:
        """Have the first worker that is free answer, see `Worker.ask`."""
        with self._changed:
            self._changed.wait_for(lambda: self._idle or not self._members)
            if not self._idle:
                raise BrokenCheckError(_STOPPED)
            # The last one that was at work has the check loaded most likely.
            worker = self._idle.pop()
            self._busy.append(worker)
        try:
            return worker.ask(request, limit_s, prepare)
        finally:
            with self._changed:
                if worker in self._busy:
                    self._busy.remove(worker)
                    self._idle.append(worker)
                    self._changed.notify()


_CREW: Final = Crew()


class Member:
    """A grader's share in the crew; it joins with its first request."""

    def __init__(self, crew: Crew = _CREW) -> None:
        self._crew = crew
        self._lock = threading.Lock()
        self._joined = self._closed = False

    def ask(self, request: Json, limit_s: float, prepare: Json | None = None) -> Any:
        """Return the value of the reply to a request, see `Worker.ask`."""
        with self._lock:
            if self._closed:
                raise BrokenCheckError(_STOPPED)
            if not self._joined:
                self._crew.join()
                self._joined = True
        return self._crew.ask(request, limit_s, prepare)

    def close(self) -> None:
        """Leave the crew, once."""
        with self._lock:
            leaves, self._closed, self._joined = self._joined, True, False
        if leaves:
            self._crew.leave()


class Commands:
    """The commands that are running, so that they can be ended from another thread."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def run(
        self, words: Sequence[str], folder: Path | None, limit_s: float, document: Json
    ) -> tuple[int, str]:
        """Run a command with a document on standard input; return exit code and standard error.

        A negative code is the signal that killed it. Raises `BrokenCheckError`.
        """
        data = to_json(document) + b"\n"
        # A signal that broke into its start would leave it running, with nobody who knows of it.
        with interrupts.held_back():
            process = _start(words, folder)
            self._running.add(process)
        try:
            # Looked at only now: whoever closes meanwhile has either seen it, or said so before.
            if self._closed:
                raise BrokenCheckError(_STOPPED)
            with _Exchange(process, data, limit_s) as exchange:
                return exchange.exit_code(), exchange.printed
        finally:
            _end(process)
            self._running.discard(process)

    def close(self) -> None:
        """End all commands that are running."""
        self._closed = True
        for process in list(self._running):
            kill_group(process.pid)


def to_json(document: Json) -> bytes:
    """Write a document for a check; raise `BrokenCheckError` where no JSON can hold it."""
    try:
        # In ASCII: half a surrogate pair, and any other character, comes out as it went in.
        return json.dumps(document).encode("ascii")
    except (ValueError, RecursionError, TypeError) as error:
        raise BrokenCheckError(f"the answer cannot be handed on: {error}") from error


def _start(words: Sequence[str], folder: Path | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - the check that the user wrote
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=without_secrets(os.environ),
            bufsize=0,
            # A group of its own, which can be ended with all that a check starts.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise BrokenCheckError(f"{words[0]} cannot be started: {why}") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with its whole group, and close its pipes."""
    # Also where the process itself has ended: what it left running is in its group.
    kill_group(process.pid)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


class _Exchange:
    """What goes to a process and comes from it until a limit; waits for nothing else."""

    def __init__(self, process: subprocess.Popen[bytes], data: bytes, limit_s: float) -> None:
        self._process = process
        self._stdin, self._stdout, self._stderr = (
            cast("FileIO", pipe) for pipe in (process.stdin, process.stdout, process.stderr)
        )
        self._unsent = memoryview(data)
        self._limit_s = limit_s
        self._ends = awake() + limit_s
        self._out = bytearray()
        self._error = bytearray()
        self._printed = 0
        self._pipes = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        for pipe, event in (
            (self._stdin, selectors.EVENT_WRITE),
            (self._stdout, selectors.EVENT_READ),
            (self._stderr, selectors.EVENT_READ),
        ):
            os.set_blocking(pipe.fileno(), False)
            self._pipes.register(pipe, event)
        return self

    def __exit__(self, *error: object) -> None:
        self._pipes.close()

    @property
    def printed(self) -> str:
        """The beginning of what it printed to standard error."""
        return self._error.decode(errors="replace").strip()

    def line(self) -> Json:
        """Return the line that a worker answers with; raise `BrokenCheckError`."""
        while b"\n" not in self._out:
            if self._step():
                raise BrokenCheckError(self._ended())
        try:
            reply = json.loads(self._out)
        except ValueError:
            reply = None
        if not isinstance(reply, dict) or not {"value", "broken"} & reply.keys():
            raise BrokenCheckError("it wrote into the pipe by which its process answers")
        return reply

    def exit_code(self) -> int:
        """Return the exit code of a command once it has ended; raise `BrokenCheckError`."""
        while not self._step():
            if not self._unsent:
                self._stdin.close()
        return self._process.returncode

    def _step(self) -> bool:
        """Move what can be moved; return whether it has ended and nothing is left to read.

        A pipe that is still open says nothing: a process that it left running may hold it.
        """
        ended = self._process.poll() is not None
        left_s = self._ends - awake()
        if left_s <= 0 and not ended:
            raise BrokenCheckError(f"it took longer than {self._limit_s:g} s")
        wait_s = 0 if ended else min(left_s, _LOOK_S)
        if not self._pipes.get_map():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(wait_s)
            return ended
        ready = self._pipes.select(wait_s)
        for key, _ in ready:
            pipe = cast("FileIO", key.fileobj)
            if self._is_done(pipe):
                self._pipes.unregister(pipe)
        return ended and not ready

    def _is_done(self, pipe: FileIO) -> bool:
        """Move a block; return whether the pipe has had its last."""
        if pipe is self._stdin:
            try:
                self._unsent = self._unsent[pipe.write(self._unsent[:_BLOCK]) or 0 :]
            except BrokenPipeError:
                # A check need not read what it is given.
                self._unsent = self._unsent[:0]
            return not self._unsent
        block = pipe.read(_BLOCK)
        if block is None:
            return False
        if pipe is self._stderr:
            self._error += block[: KEPT_BYTES - len(self._error)]
        else:
            self._out += block[: KEPT_BYTES - len(self._out)]
        self._printed += len(block)
        if self._printed > MOST_PRINTED:
            raise BrokenCheckError(f"it printed more than {MOST_PRINTED // 2**20} MiB")
        return not block

    def _ended(self) -> str:
        """Say how a process ended that should have answered, with its last words."""
        last = self.printed.splitlines()[-1:]
        return f"its process ended ({ending(self._process.returncode)})" + "".join(
            f": {brief(line, 300)}" for line in last
        )
